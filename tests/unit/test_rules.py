"""Small pure rules: bandwidth, pauses, retention, printable names, lines of a list."""

from __future__ import annotations

import pytest

from pipeline.leftovers import temporaries
from pipeline.listing import Listed, read_line
from pipeline.model import printable
from pipeline.retention import Past, superfluous
from pipeline.retrying import MOST_SECONDS, pause
from pipeline.rsync import share
from pipeline.summary import duration, size


@pytest.mark.parametrize(
    ("limit", "processes", "each"), [(0, 4, None), (100, 4, 25), (10, 4, 2), (3, 4, 1), (1, 100, 1)]
)
def test_bandwidth_is_divided_and_never_becomes_unlimited(limit: int, processes: int, each: int | None) -> None:
    assert share(limit, processes) == each


def test_pauses_grow_up_to_a_minute() -> None:
    pauses = [pause(attempt, 1.0) for attempt in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == MOST_SECONDS
    assert pause(3, 0.0) == pause(3, 1.0) / 2


def test_old_runs_go_but_never_the_last_exact_one_nor_an_unfinished_one() -> None:
    runs = [
        Past("a-1", "a", 1.0, True),
        Past("a-2", "a", 2.0, False),
        Past("a-3", "a", 3.0, False),
        Past("a-4", "a", None, False),
        Past("b-1", "b", 1.0, True),
    ]
    assert superfluous(runs, 1) == ["a-2"]
    assert superfluous(runs, 0) == ["a-2", "a-3"]
    assert superfluous(runs, 9) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"plain", "plain"),
        (b"\xc3\xa9", "é"),
        (b"a\nb", "a\\x0ab"),
        (b"\x1b[31m", "\\x1b[31m"),
        (b"\xff", "\\xff"),
        (b"\xe2\x80\xae", "\\xe2\\x80\\xae"),
    ],
)
def test_names_are_neutralised(path: bytes, text: str) -> None:
    assert printable(path) == text


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b"-rw-r--r--           7 2026/11/23 15:34:36  lead", Listed(b" lead", False, 7)),
        (b"drwxr-xr-x         280 2026/11/23 15:34:36 .", Listed(b".", True, 280)),
        (b"lrwxrwxrwx           6 2026/11/23 15:34:36 li -> nk", Listed(b"li -> nk", False, 6)),
        (b"-rw-r--r-- 123,456,789,012 2026/11/23 15:34:36 big", Listed(b"big", False, 123456789012)),
        (b"-rw-r--r--           7 2026/11/23 15:34:36 a\\#012b", Listed(b"a\nb", False, 7)),
        (b"receiving file list ... done", None),
        (b"", None),
    ],
)
def test_lines_of_a_list(line: bytes, entry: Listed | None) -> None:
    assert read_line(line) == entry


def test_figures_for_people() -> None:
    assert [size(count) for count in (0, 999, 1000, 2_500_000, 3e15)] == ["0 B", "999 B", "1.0 kB", "2.5 MB", "3.0 PB"]
    assert [duration(seconds) for seconds in (4.21, 185, 7800)] == ["4.2 s", "3 min 05 s", "2 h 10 min"]


LONG = b"x" * 255


@pytest.mark.parametrize(
    ("names", "found", "leftover"),
    [
        ([b"big"], b".big.Xy12Zz", True),
        ([b".dot"], b".dot.Xy12Zz", True),
        ([LONG], b"." + LONG[:246] + b".Xy12Zz", True),
        ([b"\xc3\xa9" * 127], b".Xy12Zz", True),
        ([b"other"], b".big.Xy12Zz", False),
        ([b"bi"], b".big.Xy12Zz", False),
        ([b"big"], b".Xy12Zz", False),
        ([b"big"], b".big.Xy12Z-", False),
        ([b"big"], b"big.Xy12Zz", False),
    ],
)
def test_a_temporary_file_belongs_to_the_name_that_rsync_writes(
    names: list[bytes], found: bytes, leftover: bool
) -> None:
    assert list(temporaries([found], names)) == ([found] if leftover else [])


def test_any_temporary_file_counts_where_names_are_not_known() -> None:
    assert list(temporaries([b".big.Xy12Zz", b".gitignore", b"big"], None)) == [b".big.Xy12Zz"]

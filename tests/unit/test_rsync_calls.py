"""rsync's command lines, as text."""

from __future__ import annotations

import pytest

from pipeline import rsync
from pipeline.calls import Call
from pipeline.location import parse_destination, parse_source, split
from pipeline.model import Kind, Transfer, Unit
from pipeline.options import parse
from pipeline.rsync import Pace


def transfer(source: str, destination: str, options: str = "") -> tuple[Transfer, object]:
    words = tuple(word.encode() for word in options.split())
    found = parse_source(source.encode(), b"/cwd")
    root, start = split(found)
    return Transfer(found, parse_destination(destination.encode(), b"/cwd"), words, root, start), parse(words)


def text(call: Call) -> str:
    return " ".join(word.decode() for word in call.arguments) + (f" < {call.stdin!r}" if call.stdin else "")


def tree(*paths: str) -> list[Unit]:
    return [Unit(Kind.TREE, (path.encode(),), 1, 1, 1.0) for path in paths]


LISTED = b"./a\0./b/c\0"
LISTED_IN_MODULE = b"s/./a\0s/./b/c\0"
LIST = "-r --from0 --files-from=- --"
COUNTED = "--stats --info=progress2 --no-human-readable"


@pytest.mark.parametrize(
    ("source", "destination", "options", "expected"),
    [
        ("/s/", "/d", "", f"-aR --no-implied-dirs {COUNTED} -- /s/./a /s/./b/c /d/"),
        ("/s", "/d/", "-H --delete", f"-aR --no-implied-dirs -H --force {COUNTED} -- /./a /./b/c /d/"),
        (
            "/s/",
            "h:d",
            "-v -e ssh",
            f"-aR --no-implied-dirs -e ssh --no-inc-recursive {COUNTED} -- /s/./a /s/./b/c h:d/",
        ),
        ("h:s/", "/d", "", f"-aR --no-implied-dirs --no-inc-recursive {COUNTED} {LIST} h:s/ /d/ < {LISTED!r}"),
        (
            "h::m/s/",
            "/d",
            "",
            f"-aR --no-implied-dirs --no-inc-recursive {COUNTED} {LIST} h::m/ /d/ < {LISTED_IN_MODULE!r}",
        ),
    ],
)
def test_copying(source: str, destination: str, options: str, expected: str) -> None:
    found, parsed = transfer(source, destination, options)
    calls = list(rsync.copying(found, parsed, tree("a", "b/c"), Pace()))  # type: ignore[arg-type]
    assert [text(call) for call in calls] == [expected]


def test_the_root_is_settled_without_its_contents() -> None:
    found, parsed = transfer("/s/", "/d", "--delete --link-dest=x -c")
    calls = [text(call) for call in rsync.settling(found, parsed, [b"", b"a", b"a/b"])]  # type: ignore[arg-type]
    assert calls == ["-aR --no-implied-dirs --filter=+ /a --filter=- /* --force --no-r -d -- /s/./ /s/./a /s/./a/b /d/"]


def test_the_root_is_settled_by_a_call_of_its_own_where_names_are_odd() -> None:
    found, parsed = transfer("/s/", "/d")
    calls = [text(call) for call in rsync.settling(found, parsed, [b"", b"a*"])]  # type: ignore[arg-type]
    assert calls == [
        "-aR --no-implied-dirs --filter=- /* --no-r -d -- /s/./ /d/",
        "-aR --no-implied-dirs --no-r -d -- /s/./a* /d/",
    ]


def test_deletion_copies_nothing_and_keeps_filters() -> None:
    found, parsed = transfer("/s/", "/d", "--delete-excluded --exclude=x --max-delete=5 -b")
    calls = [text(call) for call in rsync.deleting(found, parsed, [b"a"], [b""])]  # type: ignore[arg-type]
    assert all("--delete --existing --ignore-existing" in call for call in calls)
    assert all("--delete-excluded --exclude=x -b" in call for call in calls)
    assert not any("--max-delete" in call for call in calls)
    assert calls[0].endswith("-r -- /s/./a/ /d/")
    assert calls[1].endswith("--no-r -d -- /s/./ /d/")


def test_arguments_that_do_not_fit_one_call_are_split() -> None:
    found, parsed = transfer("/s/", "/d")
    units = tree(*("x" * 200 + str(number) for number in range(20_000)))
    calls = list(rsync.copying(found, parsed, units, Pace()))  # type: ignore[arg-type]
    assert len(calls) > 1
    assert sum(len(call.arguments) for call in calls) > 20_000
    assert max(sum(len(word) + 9 for word in call.arguments) for call in calls) < 1_100_000


def test_a_whole_tree_is_the_plain_call() -> None:
    found, parsed = transfer("/s", "/d", "--delete -v")
    assert text(rsync.whole(found, parsed, Pace(7))) == f"-a --delete {COUNTED} --bwlimit=7 -- /s /d"  # type: ignore[arg-type]

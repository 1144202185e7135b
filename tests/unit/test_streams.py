"""Output streams: what is kept of them, and where lines end."""

from __future__ import annotations

import pytest

from pipeline.streams import Stream


def lines_of(*pieces: bytes) -> list[bytes]:
    lines: list[bytes] = []
    stream = Stream(lines.append)
    for piece in pieces:
        stream.take(piece)
    stream.finish()
    return lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((b"a\nb\n",), [b"a", b"b"]),
        ((b"a", b"b\nc", b"d\n"), [b"ab", b"cd"]),
        ((b"  1%\r  2%\r", b"\r\n"), [b"  1%", b"  2%", b"", b""]),
        ((b"\n\n",), [b"", b""]),
        ((b"no end",), [b"no end"]),
        ((b"a\n", b"no", b" end"), [b"a", b"no end"]),
        ((), []),
    ],
)
def test_lines_come_whole_however_the_stream_is_cut(pieces: tuple[bytes, ...], lines: list[bytes]) -> None:
    assert lines_of(*pieces) == lines


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 19, 20])
@pytest.mark.parametrize("piece", [1, 3, 100])
def test_up_to_twice_the_limit_everything_is_kept(size: int, piece: int) -> None:
    data = bytes(range(65, 65 + size))
    stream = Stream(limit=10)
    for start in range(0, size, piece):
        stream.take(data[start : start + piece])
    assert stream.kept == data


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_of_more_whole_lines_from_both_ends_are_kept(piece: int) -> None:
    data = b"".join(b"line %03d\n" % number for number in range(100))
    stream = Stream(limit=45)
    for start in range(0, len(data), piece):
        stream.take(data[start : start + piece])
    kept = [int(line.removeprefix(b"line ")) for line in stream.kept.splitlines()]
    assert kept == [0, 1, 2, 3, 4, 96, 97, 98, 99]

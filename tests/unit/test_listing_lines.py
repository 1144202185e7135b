"""rsync's list of a source: its lines, its arguments, and the nodes that it is folded into."""

from __future__ import annotations

import pytest

from pipeline.listing import Listed, ListFolder, arguments, read_line
from pipeline.model import Ends, Location
from pipeline.options import parse
from pipeline.tree import Node

LOCAL = Location(Ends.LOCAL, b"/src/")


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        (b"-rw-r--r--           5 2026/11/23 16:06:03 plain", Listed(b"plain", False, 5)),
        (b"drwxr-xr-x          60 2026/11/23 16:06:03 a b/c", Listed(b"a b/c", True, 60)),
        (b"drwxr-xr-x         460 2026/11/23 16:06:03 .", Listed(b".", True, 460)),
        (b"drwxrwxrwt             40 2026/11/23 16:06:03 sticky", Listed(b"sticky", True, 40)),
        (b"-rw-r--r--   3,000,000 2026/11/23 16:06:03 commas", Listed(b"commas", False, 3_000_000)),
        (b"-rw-r--r-- 10995116277760 2026/11/23 16:06:03 wide", Listed(b"wide", False, 10_995_116_277_760)),
        (b"lrwxrwxrwx           1 2026/11/23 16:06:03 a -> b", Listed(b"a -> b", False, 1)),
        (b"crw-r--r--           0 2026/11/23 16:06:03 dev", Listed(b"dev", False, 0)),
        (b"-rw-r--r--           0 2026/11/23 16:06:03  lead", Listed(b" lead", False, 0)),
        (b"-rw-r--r--           0 2026/11/23 16:06:03 \\#134#012", Listed(b"\\#012", False, 0)),
        (b"-rw-r--r--           0 2026/11/23 16:06:03 n\\#012l\\#377", Listed(b"n\nl\xff", False, 0)),
        (b"-rw-r--r--           0 2026/11/23 16:06:03 back\\slash", Listed(b"back\\slash", False, 0)),
        (b"-rw-r--r--           0 11476/08/15 05:20:0 future", Listed(b"future", False, 0)),
        (b"-rw-r--r--           0 -1199/02/15 14:13:2 past", Listed(b"past", False, 0)),
        (b"-rw-r--r--           0   -2/12/17 14:13:20 years ago", Listed(b"years ago", False, 0)),
    ],
)
def test_a_line_is_read_whatever_its_name_size_and_year(line: bytes, listed: Listed) -> None:
    assert read_line(line) == listed


@pytest.mark.parametrize(
    "line", [b"", b"receiving file list ... done", b"total size is 5  speedup is 0.1", b"data  the share"]
)
def test_other_words_are_no_entries(line: bytes) -> None:
    assert read_line(line) is None


def test_only_what_selects_or_connects_is_asked_for() -> None:
    options = parse([b"-vP", b"--exclude=a b", b"--delete", b"-z", b"-e", b"ssh -p 2", b"-L", b"--bwlimit=5"])
    words = arguments(options, LOCAL)
    assert [word for word in words if not word.startswith((b"-r", b"--list", b"--no-"))] == [
        b"--exclude=a b",
        b"-e",
        b"ssh -p 2",
        b"-L",
        b"--",
        b"/src/",
    ]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (Location(Ends.DAEMON, b"module", b"host"), b"host::module/"),
        (Location(Ends.DAEMON, b"module", b"host", url=True), b"rsync://host/module/"),
        (Location(Ends.DAEMON, b"module/d", b"host"), b"host::module/d"),
        (Location(Ends.SSH, b"d", b"me@host"), b"me@host:d"),
    ],
)
def test_a_bare_module_is_listed_rather_than_named(source: Location, word: bytes) -> None:
    assert arguments(parse([]), source)[-1] == word


def fold(*paths: bytes, start: bytes = b"", floor: float = 0.0) -> list[Node]:
    """Fold paths as rsync orders them; one with a slash at its end is a directory, every other has 10 bytes."""
    nodes: list[Node] = []
    folder = ListFolder(start, floor, nodes.append)
    for path in paths:
        folder.add(Listed(path.rstrip(b"/"), path.endswith(b"/"), 10))
    folder.close()
    return nodes


def test_nodes_come_children_first_and_the_top_last() -> None:
    nodes = fold(b"./", b"z", b"a/", b"a/f", b"a/x/", b"a/x/g", b"b/")
    assert [node.path for node in nodes] == [b"a/x", b"a", b"b", b""]
    assert [entry.name for entry in nodes[-1].entries] == [b"z"]
    assert nodes[-1].heavy == [b"a", b"b"]


def test_counts_are_of_the_whole_subtree() -> None:
    top = fold(b"./", b"z", b"a/", b"a/f", b"a/x/", b"a/x/g", b"b/", floor=1e9)[-1]
    assert (top.files, top.directories, top.size, top.collapsed) == (3, 4, 30, True)


def test_a_neighbour_whose_name_begins_alike_is_no_child() -> None:
    nodes = {node.path: node for node in fold(b"./", b"a-b/", b"a-b/h", b"a.b/", b"a.b/i", b"a/", b"a/f")}
    assert {path: node.files for path, node in nodes.items()} == {b"a-b": 1, b"a.b": 1, b"a": 1, b"": 3}
    assert nodes[b""].heavy == [b"a-b", b"a.b", b"a"]


def test_a_source_without_a_slash_is_the_top_under_its_name() -> None:
    nodes = fold(b"src/", b"src/f", b"src/d/", b"src/d/g", start=b"src")
    assert [node.path for node in nodes] == [b"src/d", b"src"]
    assert [entry.name for entry in nodes[-1].entries] == [b"f"]


def test_an_empty_list_is_an_empty_top() -> None:
    (top,) = fold()
    assert (top.path, top.files, top.directories) == (b"", 0, 1)

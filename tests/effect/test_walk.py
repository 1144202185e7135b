"""The walk lists what is there, in one thread and in several, and follows no link."""

from __future__ import annotations

import os

import pytest

from pipeline.tree import Folder, Node
from pipeline.walk import Scanner, shares, upper, walk
from tests.harness import tree
from tests.harness.command import Shop


def counted(root: bytes) -> tuple[int, int, int]:
    files = directories = size = 0
    for folder, _, names in os.walk(root):
        directories += 1
        links = [name for name in os.listdir(folder) if os.path.islink(os.path.join(folder, name))]
        found = set(names) | set(links)
        files += len(found)
        size += sum(os.lstat(os.path.join(folder, name)).st_size for name in found)
    return files, directories, size


@pytest.mark.parametrize("threads", [1, 8])
def test_everything_is_counted_once(shop: Shop, threads: int) -> None:
    tree.many(shop.at("src"), 8, 500)
    tree.odd_names(shop.at("src/odd"))
    nodes: list[Node] = []
    folder = Folder(10.0, nodes.append)
    for scan in walk(Scanner(shop.at("src")).scan, [b""], threads):
        folder.add(scan.listing())
    assert [(node.files, node.directories, node.size) for node in nodes] == [counted(shop.at("src"))]


def test_the_upper_walk_and_its_shares_cover_the_tree(shop: Shop) -> None:
    tree.many(shop.at("src"), 9, 500)
    scan = Scanner(shop.at("src")).scan
    scans, frontier = upper(scan, b"", entries=10, frontier=4, most=400)
    assert frontier
    parts = shares(frontier, 3)
    assert sorted(path for part in parts for path in part) == sorted(frontier)
    nodes: list[Node] = []
    folder = Folder(10.0, nodes.append)
    for seen in [*scans, *walk(scan, frontier)]:
        folder.add(seen.listing())
    assert (nodes[0].files, nodes[0].directories, nodes[0].size) == counted(shop.at("src"))


def test_what_vanished_or_is_closed_is_empty(shop: Shop) -> None:
    scan = Scanner(shop.at("nowhere")).scan(b"x")
    assert (scan.statuses, scan.directories) == ([], [])


def test_hard_links_are_counted_by_inode(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": {b"x": b"1"}, b"b": {}})
    os.link(shop.at("src/a/x"), shop.at("src/a/y"))
    os.link(shop.at("src/a/x"), shop.at("src/b/z"))
    links = Scanner(shop.at("src"), links=True).scan(b"a").listing().links
    assert [(link.seen, link.total) for link in links] == [(2, 3)]

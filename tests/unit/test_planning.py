"""Plans as text: what is cut, what stays together, how batches are filled."""

from __future__ import annotations

import pytest

from pipeline.cost import REMOTE, Grain
from pipeline.model import Kind, Unit
from pipeline.planning import Plan, clustered, cut, pack, plan, targets
from pipeline.tree import Entry, Folder, Links, Listing, Node

FINE = Grain(floor=0.0, small=0.0, batch=0.0)


def folded(listings: list[Listing], floor: float = 0.0) -> dict[bytes, Node]:
    nodes: dict[bytes, Node] = {}
    folder = Folder(floor, lambda node: nodes.__setitem__(node.path, node))
    for listing in listings:
        folder.add(listing)
    return nodes


def listing(path: str, files: int = 0, directories: str = "", size: int = 0) -> Listing:
    entries = [Entry(f"f{number}".encode(), size) for number in range(files)]
    return Listing(path.encode(), entries, [name.encode() for name in directories.split()], [], [])


def text(units: list[Unit] | tuple[Unit, ...]) -> str:
    return " ".join(sorted(f"{unit.kind.value}:{b','.join(unit.paths).decode()}" for unit in units))


WIDE = [listing("", 2, "a b"), listing("a", 100), listing("b", 1, "c"), listing("b/c", 100)]


def test_a_light_tree_is_one_batch_with_the_whole_tree() -> None:
    nodes = folded(WIDE)
    grain = Grain(floor=0.0, small=10.0, batch=1.0)
    assert plan(nodes[b""], nodes, slots=16, parallel=4, grain=grain) == Plan(
        ((Unit(Kind.TREE, (b"",), 203, 0, nodes[b""].seconds),),), ()
    )


def test_a_single_slot_is_one_batch_with_the_whole_tree() -> None:
    nodes = folded(WIDE)
    assert plan(nodes[b""], nodes, slots=1, parallel=4, grain=FINE).shared == ()


def test_cutting_takes_subtrees_whole_while_they_are_light_enough() -> None:
    nodes = folded(WIDE)
    pieces = cut(nodes[b""], nodes, nodes[b"a"].seconds)
    assert text([unit for unit, _ in pieces.units]) == "entries:b/f0 entries:f0,f1 tree:a tree:b/c"
    assert pieces.shared == [b"", b"b"]


def test_a_flat_directory_is_cut_into_pieces_of_entries() -> None:
    nodes = folded([listing("", 100)])
    pieces = cut(nodes[b""], nodes, nodes[b""].seconds / 4)
    assert 4 <= len(pieces.units) <= 5
    assert sum(unit.files for unit, _ in pieces.units) == 100
    assert pieces.shared == [b""]


def test_a_collapsed_subtree_is_never_cut() -> None:
    nodes = folded(WIDE, floor=nodes_seconds(WIDE, b"b"))
    pieces = cut(nodes[b""], nodes, 0.0)
    assert text([unit for unit, _ in pieces.units]) == "entries:f0 entries:f1 tree:a tree:b"


def nodes_seconds(listings: list[Listing], path: bytes) -> float:
    return folded(listings)[path].seconds + 1e-9


def test_a_parent_is_shared_before_its_children() -> None:
    deep = [listing("", 0, "a"), listing("a", 0, "b"), listing("a/b", 0, "c"), listing("a/b/c", 50)]
    nodes = folded(deep)
    assert cut(nodes[b""], nodes, 0.0).shared == [b"", b"a", b"a/b", b"a/b/c"]


def test_names_of_an_inode_share_a_batch_across_subtrees() -> None:
    link = Links(7, 1, 2)
    listings = [
        listing("", 0, "a b c"),
        Listing(b"a", [Entry(b"x", 1, 7)], [], [], [link]),
        Listing(b"b", [Entry(b"y", 1, 7)], [], [], [link]),
        listing("c", 1),
    ]
    nodes = folded(listings)
    result = plan(nodes[b""], nodes, slots=16, parallel=4, grain=FINE)
    homes = [number for number, batch in enumerate(result.batches) for unit in batch if unit.paths[0][:1] in b"ab"]
    assert len(set(homes)) == 1
    assert len(result.batches) > 1


def test_an_inode_with_all_its_names_in_one_subtree_ties_nothing() -> None:
    listings = [
        listing("", 0, "a b"),
        Listing(b"a", [Entry(b"x", 1, 7), Entry(b"y", 1, 7)], [], [], [Links(7, 2, 2)]),
        listing("b", 3),
    ]
    nodes = folded(listings)
    assert nodes[b"a"].links == []
    assert nodes[b""].links == []


def test_clusters_join_through_others() -> None:
    units = [
        (Unit(Kind.TREE, (bytes([97 + number]),), 1, 0, 1.0), inodes)
        for number, inodes in enumerate([(1,), (1, 2), (2,), (), (3,)])
    ]
    assert [len(group) for group in clustered(units)] == [3, 1, 1]


@pytest.mark.parametrize("total", [0.0, 0.7, 5.0, 60.0, 3600.0])
@pytest.mark.parametrize("slots", [1, 4, 16, 64])
def test_targets_hold_everything_and_fall_in_size(total: float, slots: int) -> None:
    sizes = targets(total, slots=slots, parallel=4, grain=Grain(0.05, 0.5, 1.0))
    assert 1 <= len(sizes) <= slots
    assert sum(sizes) == pytest.approx(total)
    assert sizes == sorted(sizes, reverse=True)


def test_packing_balances_and_starts_with_the_heaviest() -> None:
    groups = [[Unit(Kind.TREE, (b"%d" % number,), 1, 0, float(number))] for number in range(1, 9)]
    batches = pack(groups, [9.0] * 4)
    assert [sum(unit.seconds for unit in batch) for batch in batches] == [9.0, 9.0, 9.0, 9.0]
    assert not [batch for batch in pack(groups[:2], [9.0] * 4) if not batch]


def test_mount_points_travel_as_entries_of_their_own() -> None:
    nodes = folded([Listing(b"", [Entry(b"f", 0)], [b"a"], [b"proc"], []), listing("a", 5)])
    assert "directories:proc" in text([unit for unit, _ in cut(nodes[b""], nodes, 0.0).units])


def test_over_a_wire_bytes_make_batches_where_seconds_would_not() -> None:
    listings = [Listing(b"", [Entry(b"%d" % number, 256 << 20) for number in range(4)], [], [], [])]
    nodes = folded(listings)
    planned = plan(nodes[b""], nodes, slots=32, parallel=4, grain=REMOTE)
    assert [[unit.files for unit in batch] for batch in planned.batches] == [[1]] * 4

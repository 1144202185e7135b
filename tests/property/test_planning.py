"""Whatever the tree: every entry travels in exactly one unit, and what must stay together does."""

from __future__ import annotations

import zlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipeline.changes import compare, seen_first, units_of
from pipeline.cost import Grain
from pipeline.model import Kind, Unit
from pipeline.planning import plan
from pipeline.tree import Entry, Folder, Links, Listing, Node, Scan, join, parent_of

shapes = st.recursive(
    st.tuples(st.lists(st.integers(0, 10**9), max_size=6), st.just({})),
    lambda inner: st.tuples(
        st.lists(st.integers(0, 10**9), max_size=6),
        st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), inner, max_size=3),
    ),
    max_leaves=20,
)


def listings(shape: tuple[list[int], dict[bytes, object]], path: bytes = b"", linked: int = 0) -> list[Listing]:
    """Return the listings of a shape, parents first; every `linked`-th size is an inode of two names."""
    sizes, inner = shape
    inodes = [size % 7 + 1 if linked and size % linked == 0 else 0 for size in sizes]
    entries = [
        Entry(b"f%d" % number, size, inode) for number, (size, inode) in enumerate(zip(sizes, inodes, strict=True))
    ]
    links = [Links(inode, count, 1000) for inode, count in Counter(inode for inode in inodes if inode).items()]
    found = [Listing(path, entries, list(inner), [], links)]
    for name, below in inner.items():
        found += listings(below, join(path, name), linked)  # type: ignore[arg-type]
    return found


def entries_of(units: list[Unit], tree: list[Listing]) -> Counter[bytes]:
    """Count how often each entry of the tree travels."""
    paths: Counter[bytes] = Counter()
    for unit in units:
        for path in unit.paths:
            if unit.kind is Kind.ENTRIES:
                paths[path] += 1
                continue
            for listing in tree:
                if listing.path == path or not path or listing.path.startswith(path + b"/"):
                    paths.update(join(listing.path, entry.name) for entry in listing.entries)
    return paths


@given(
    shape=shapes,
    slots=st.integers(1, 30),
    parallel=st.integers(1, 8),
    floor=st.sampled_from([0.0, 0.5]),
    linked=st.sampled_from([0, 3]),
)
def test_every_entry_travels_once(
    shape: tuple[list[int], dict[bytes, object]], slots: int, parallel: int, floor: float, linked: int
) -> None:
    tree = listings(shape, linked=linked)
    nodes: dict[bytes, Node] = {}
    folder = Folder(floor, lambda node: nodes.__setitem__(node.path, node))
    for listing in tree:
        folder.add(listing)
    result = plan(nodes[b""], nodes, slots=slots, parallel=parallel, grain=Grain(floor, 0.0, 0.0))
    units = [unit for batch in result.batches for unit in batch]
    assert len(result.batches) <= slots
    assert set(entries_of(units, tree).values()) <= {1}
    assert len(entries_of(units, tree)) == sum(len(listing.entries) for listing in tree)
    if linked:
        homes: dict[int, set[int]] = {}
        inodes = {join(listing.path, entry.name): entry.inode for listing in tree for entry in listing.entries}
        for number, batch in enumerate(result.batches):
            for path in entries_of(list(batch), tree):
                homes.setdefault(inodes[path], set()).add(number)
        assert all(len(batches) == 1 for inode, batches in homes.items() if inode)


@given(before=shapes, after=shapes)
def test_an_incremental_plan_holds_everything_that_is_new_or_changed(
    before: tuple[list[int], dict[bytes, object]], after: tuple[list[int], dict[bytes, object]]
) -> None:
    old = {listing.path: seen_first(signable(listing), TRUSTED).signed for listing in listings(before)}
    known = {join(listing.path, entry.name): entry.size for listing in listings(before) for entry in listing.entries}
    tree = listings(after)
    seen = list(compare(map(signable, tree), old.get, TRUSTED))
    changes = [(one.path, one.change) for one in seen if one.change is not None]
    found = units_of(changes, 1e9, delete=True)
    travelling = entries_of([unit for unit, _ in found.units], tree)
    sizes = {join(listing.path, entry.name): entry.size for listing in tree for entry in listing.entries}
    fresh = {listing.path for listing in tree} - set(old)
    wanted = [path for path, size in sizes.items() if known.get(path) != size or parent_of(path) in fresh]
    assert travelling == Counter(wanted)
    gone = {parent_of(path) for path in set(known) - set(sizes)} & {listing.path for listing in tree}
    assert gone <= set(found.levels)
    assert {parent_of(path) for path in wanted} - fresh <= set(found.shared)


TRUSTED = 1_000


def signable(listing: Listing) -> Scan:
    """Return a scan in which an entry's size is all of its status, and names are all of a directory's own."""
    names = zlib.crc32(b"/".join(sorted(entry.name for entry in listing.entries)))
    return Scan(
        listing.path,
        statuses=[(entry.name, (entry.size, 0, 0)) for entry in listing.entries],
        directories=listing.directories,
        below=[(name, 0) for name in listing.directories],
        own=(names, 0, 0),
    )

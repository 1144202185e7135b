"""Incremental planning: compare the source with the index, and plan what changed. Pure.

A directory whose signature is the same is not touched. Of a changed one the changed entries travel, a new one
travels as a tree. Names of a hard-linked inode that changed come along from wherever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pipeline import signatures
from pipeline.cost import seconds
from pipeline.model import Kind, Unit
from pipeline.planning import Changed, pieces
from pipeline.records import Change, Seen
from pipeline.signatures import Signed
from pipeline.tree import Entry, Scan, parent_of

Look = Callable[[bytes], Signed | None]


def compare(scans: Iterable[Scan], look: Look, trusted_before: int) -> Iterator[Seen]:
    """Compare directories with the last run's; parents come before their subdirectories.

    A new subtree is one change at its top, which comes after everything in it. What changed at or after
    `trusted_before` (ns) is not signed, and so travels again in the next run.
    """
    tops: dict[bytes, bytes] = {}
    new: dict[bytes, Change] = {}
    for scan in scans:
        before = look(scan.path)
        if before is None:
            top = tops.get(parent_of(scan.path), scan.path)
            tops[scan.path] = top
            new[top] = _grown(new.get(top), scan)
            yield seen_first(scan, trusted_before)
        elif before.whole and before.whole == signatures.whole(scan):
            linked = scan.linked()
            yield Seen(scan.path, None, Change(linked=linked) if linked else None)
        else:
            entries = signatures.of_entries(scan)
            signed = signatures.sign(scan, trusted_before, entries)
            yield Seen(scan.path, signed, _change(scan, entries, before, signed))
    for top, change in new.items():
        yield Seen(top, None, change)


def seen_first(scan: Scan, trusted_before: int) -> Seen:
    """Sign a directory where there is no last run to compare it with."""
    return Seen(scan.path, signatures.sign(scan, trusted_before, signatures.of_entries(scan)))


def _grown(change: Change | None, scan: Scan) -> Change:
    """Add one more directory to a new subtree."""
    before = change or Change()
    return Change(
        new=True,
        links=before.links + list(scan.links),
        files=before.files + scan.files,
        directories=before.directories + 1,
        size=before.size + scan.size,
    )


def _change(scan: Scan, signed: list[bytes], before: Signed, now: Signed) -> Change:
    """Return what has changed in a directory that the last run saw; `signed` has its entries' signatures."""
    known = signatures.kept(before)
    level = not (now.own and now.own == before.own)
    changed: list[Entry] = []
    linked: list[Entry] = []
    for (name, status), signature in zip(scan.statuses, signed, strict=True):
        if signature not in known:
            changed.append(scan.entry(name, status))
        elif name in scan.inodes:
            linked.append(scan.entry(name, status))
    return Change(level=level, entries=changed, linked=linked, mounts=scan.mounts if level else [])


def units_of(changes: list[tuple[bytes, Change]], limit: float, *, delete: bool) -> Changed:
    """Return units with their inodes, and the directories that they touch, parents first.

    Of entries that did not change only the names of inodes come along that changed elsewhere. A new subtree below
    another one (each share reports its own) belongs to that. Without `delete` no level is of interest.
    """
    fresh = {path for path, change in changes if change.new}
    touched = {entry.inode for _, change in changes for entry in change.entries}
    touched.update(inode for _, change in changes for inode in change.links)
    trees: dict[bytes, tuple[Unit, tuple[int, ...]]] = {}
    units: list[tuple[Unit, tuple[int, ...]]] = []
    found = Changed([], [], [])
    for path, change in changes:
        if change.new:
            top = _top(path, fresh)
            trees[top] = _with(trees.get(top), top, change)
            continue
        entries = [*change.entries, *(entry for entry in change.linked if entry.inode in touched)]
        units += pieces(path, entries, change.mounts, limit)
        if change.level or entries:
            found.shared.append(path)
        if change.level and delete:
            found.levels.append(path)
    found.units.extend([*trees.values(), *units])
    for paths in (found.shared, found.levels):
        paths.sort(key=lambda path: path.split(b"/") if path else [])
    return found


def estimate(change: Change) -> float:
    """Return about how many seconds a change takes, in the cost model's terms."""
    if change.new:
        return seconds(change.files, change.directories, change.size)
    return seconds(len(change.entries), 0, sum(entry.size for entry in change.entries))


def _top(path: bytes, fresh: set[bytes]) -> bytes:
    """Return the highest of the new subtrees that hold `path`."""
    top = path
    while path:
        path = parent_of(path)
        if path in fresh:
            top = path
    return top


def _with(tree: tuple[Unit, tuple[int, ...]] | None, top: bytes, change: Change) -> tuple[Unit, tuple[int, ...]]:
    """Add a part of a new subtree to its unit."""
    unit, inodes = tree or (Unit(Kind.TREE, (top,), 0, 0, 0.0), ())
    cost = unit.seconds + seconds(change.files, change.directories, change.size)
    grown = Unit(Kind.TREE, (top,), unit.files + change.files, unit.size + change.size, cost)
    return grown, (*inodes, *change.links)

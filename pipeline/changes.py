"""Incremental planning: walk the source only, and plan what changed since the last finished run.

A directory whose signature is the same is not touched. A changed one is gone through entry by entry, a new one
travels as a tree. Names of a hard-linked inode that changed come along from wherever they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from pipeline import durable, index
from pipeline.context import Run
from pipeline.cost import seconds
from pipeline.index import Baseline, Meta, Row
from pipeline.model import Kind, Unit
from pipeline.planning import Cut, pieces
from pipeline.records import Change, Seen
from pipeline.tree import Listing, parent_of
from pipeline.workdir import identity, index_path

Look = Callable[[bytes], bytes | None]


def index_of(run: Run) -> bytes:
    """Return the path of the index of this run's destination."""
    destination = run.record.destination
    key = destination.argument() if destination.remote else os.path.realpath(destination.path)
    return index_path(os.path.dirname(run.directory.path), key)


def baseline(run: Run) -> Baseline | None:
    """Return the last run's index, if there is one of the same transfer and no full plan is due."""
    path = index_of(run)
    if not run.record.incremental or not os.path.isfile(path):
        return None
    found = Baseline(path)
    meta = found.meta()
    due = run.record.full_every and meta is not None and meta.since_full + 1 >= run.record.full_every
    if meta is None or meta.version != index.VERSION or meta.transfer != identity(run.transfer) or due:
        found.close()
        return None
    return found


def compare(listings: Iterable[Listing], look: Look) -> Iterator[Seen]:
    """Compare directories with the last run's; parents come before their subdirectories.

    A new subtree is one change at its top, which comes after everything in it.
    """
    tops: dict[bytes, bytes] = {}
    new: dict[bytes, Change] = {}
    for listing in listings:
        before = look(listing.path)
        if before is None:
            top = tops.get(parent_of(listing.path), listing.path)
            tops[listing.path] = top
            new[top] = _grown(new.get(top), listing)
            yield Seen(listing.path, listing.signature)
        else:
            changed = not listing.signature or before != listing.signature
            yield Seen(listing.path, listing.signature, _change(listing, changed))
    for top, change in new.items():
        yield Seen(top, b"", change)


def _grown(change: Change | None, listing: Listing) -> Change:
    """Add one more directory to a new subtree."""
    size = sum(entry.size for entry in listing.entries)
    links = [link.inode for link in listing.links]
    if change is None:
        return Change(True, True, [], [], links, len(listing.entries), 1, size)
    return Change(
        True, True, [], [], change.links + links,
        change.files + len(listing.entries), change.directories + 1, change.size + size,
    )  # fmt: skip


def _change(listing: Listing, changed: bool) -> Change | None:
    """Return the change of a directory that the last run saw; None where there is none and no link matters."""
    if not changed and not listing.links:
        return None
    linked = [entry for entry in listing.entries if entry.inode]
    links = [link.inode for link in listing.links]
    return Change(False, changed, listing.entries if changed else linked, listing.mounts if changed else [], links)


def units_of(changes: list[tuple[bytes, Change]], limit: float) -> Cut:
    """Return units with their inodes, and the changed directories, parents first.

    Of directories that did not change only the names of inodes come along that changed elsewhere. A new subtree
    below another one (each share reports its own) belongs to that.
    """
    fresh = {path for path, change in changes if change.new}
    touched = {inode for _, change in changes if change.changed for inode in change.links}
    trees: dict[bytes, tuple[Unit, tuple[int, ...]]] = {}
    units: list[tuple[Unit, tuple[int, ...]]] = []
    shared: list[bytes] = []
    for path, change in changes:
        if change.new:
            top = _top(path, fresh)
            trees[top] = _with(trees.get(top), top, change)
            continue
        entries = change.entries if change.changed else [entry for entry in change.entries if entry.inode in touched]
        units += pieces(path, entries, change.mounts, limit)
        shared += [path] if change.changed or entries else []
    shared.sort(key=lambda path: path.split(b"/") if path else [])
    return Cut([*trees.values(), *units], shared)


def estimate(change: Change) -> float:
    """Return about how many seconds a change takes, in the cost model's terms."""
    if change.new:
        return seconds(change.files, change.directories, change.size)
    return seconds(len(change.entries), 0, sum(entry.size for entry in change.entries)) if change.changed else 0.0


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


def read(run: Run) -> Iterator[Seen]:
    """Yield everything that this run's walk saw."""
    for number, share in enumerate(run.walked.shares):
        if share:
            yield from durable.read_records(run.directory.seen(number), Seen)
    yield from durable.read_records(run.directory.upper_seen, Seen)


def write_index(run: Run) -> None:
    """Leave the index for the next run; only after a run that copied everything."""
    if not run.record.incremental or not run.walked.signed:
        return
    before = Baseline(index_of(run)) if run.plan.incremental else None
    since_full = 0
    if before is not None:
        meta = before.meta()
        since_full = meta.since_full + 1 if meta else 0
        before.close()
    rows = (Row(seen.path, seen.signature) for seen in read(run) if seen.change is None or not seen.change.new)
    index.write(index_of(run), rows, Meta(index.VERSION, identity(run.transfer), since_full))

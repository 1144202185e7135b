"""The index at work: when a run may start from it, and what it leaves for the next.

An index says that the destination has all that the source had when it was signed. That ends as soon as any other
run touches the destination, and holds again when a run has come to a good end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing

import msgspec

from pipeline import boot, durable, index
from pipeline.context import Run
from pipeline.errors import StateError
from pipeline.index import Baseline, Meta, Row
from pipeline.records import Seen
from pipeline.signatures import Signed
from pipeline.surroundings import inside
from pipeline.tree import parent_of
from pipeline.workdir import destination_key, identity, index_path

_UNKNOWN = Signed(b"", b"", b"")
"""Of a directory in which everything travels again."""


class Touched(msgspec.Struct, frozen=True):
    """`<index>.touched`: this run has begun to change the destination, and has not come to a good end yet."""

    run_id: str


def index_of(run: Run) -> bytes:
    """Return the path of the index of this run's destination."""
    return index_path(os.path.dirname(run.directory.path), destination_key(run.record.destination))


def _mark_of(path: bytes) -> bytes:
    return path + b".touched"


def sweep(run: Run) -> None:
    """Remove what killed writers of this destination's files left."""
    folder, name = os.path.split(index_of(run))
    durable.sweep(folder, name)
    index.abandon(os.path.join(folder, name))


def touch(run: Run) -> None:
    """Note, before the destination changes, that what earlier runs left no longer tells what is there."""
    if not run.plan.weights:
        return
    own = index_of(run)
    for path in {*_nested(run), *([own] if run.walked.signed or os.path.lexists(own) else [])}:
        durable.save(_mark_of(path), Touched(run.record.run_id))


def _nested(run: Run) -> Iterator[bytes]:
    """Yield the indexes of other destinations that hold this one, or lie in it."""
    folder, own = os.path.split(index_of(run))
    here = destination_key(run.record.destination)
    for name in os.listdir(folder):
        if b"." not in name and name != own:
            with closing(Baseline(os.path.join(folder, name))) as found:
                meta = found.meta()
            if meta and (inside(here, meta.destination) or inside(meta.destination, here)):
                yield os.path.join(folder, name)


def baseline(run: Run) -> Baseline | None:
    """Return the last run's index, if it is one of the same transfer, holds still, and no full plan is due.

    Access times change behind a signature's back, so that `-U` always means a full plan.
    """
    path = index_of(run)
    if run.options.has("atimes"):
        return None
    if not run.record.incremental or not os.path.isfile(path) or not _holds(run, path):
        return None
    if not run.record.destination.remote and not run.holds_something:
        return None
    found = Baseline(path)
    meta = found.meta()
    if meta is None or not _fits(run, meta):
        found.close()
        return None
    return found


def _fits(run: Run, meta: Meta) -> bool:
    """Say whether an index is of this transfer, nothing of it can have been lost with the power, and it may serve."""
    due = run.record.full_every and meta.since_full + 1 >= run.record.full_every
    same = meta.version == index.VERSION and meta.transfer == identity(run.transfer)
    kept = boot.trusted(meta.boot, flushed=run.record.destination.remote, now=boot.boot_id())
    return same and kept and not due


def _holds(run: Run, path: bytes) -> bool:
    """Say whether no other run has touched the destination since the index was written."""
    try:
        mark = durable.load(_mark_of(path), Touched)
    except StateError:
        return False
    return mark is None or mark.run_id == run.record.run_id


def read(run: Run) -> Iterator[Seen]:
    """Yield everything that this run's walk saw."""
    for number, share in enumerate(run.walked.shares):
        if share:
            yield from durable.read_records(run.directory.seen(number), Seen)
    yield from durable.read_records(run.directory.upper_seen, Seen)


def leave(run: Run, lost: Iterable[bytes]) -> None:
    """Leave the index for the next run, which will look again at the `lost` paths (as rsync named them).

    Where one of them cannot be placed, or no directory was signed, there is none.
    """
    if not run.walked.signed:
        return
    path = index_of(run)
    again = [_below(run, one) for one in lost]
    if None in again:
        return
    doubtful = _Doubtful(one for one in again if one is not None)
    if run.plan.weights or run.record.full_every or not run.plan.incremental:
        index.write(path, doubtful.sifted(_rows(run)), _meta(run, path), path if run.plan.incremental else None)
    durable.discard(_mark_of(path))


def _rows(run: Run) -> Iterator[Row]:
    return (Row(seen.path, seen.signed) for seen in read(run) if seen.change is None or not seen.change.new)


def _meta(run: Run, path: bytes) -> Meta:
    since_full = 0
    if run.plan.incremental:
        with closing(Baseline(path)) as found:
            before = found.meta()
            since_full = before.since_full + 1 if before else 0
    key = destination_key(run.record.destination)
    return Meta(index.VERSION, identity(run.transfer), since_full, boot.boot_id(), key)


def _below(run: Run, path: bytes) -> bytes | None:
    """Return a path that rsync named, from either end, relative to the transfer's root; None where it is elsewhere."""
    for end in (run.record.root, run.record.destination):
        folder = end.path.rstrip(b"/") + b"/"
        if not end.remote and path.startswith(folder):
            return path[len(folder) :].removeprefix(b"./")
    return None


class _Doubtful:
    """Paths of which nothing is known for sure, and the directories that hold them."""

    def __init__(self, paths: Iterable[bytes]) -> None:
        self._paths = frozenset(paths)
        self._parents = frozenset(map(parent_of, self._paths))

    def sifted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Leave out what is doubtful, and of the directories that hold it all that they are known to hold."""
        for row in rows:
            if row.path in self._parents:
                yield Row(row.path, _UNKNOWN)
            elif not self._paths or not self._covers(row.path):
                yield row

    def _covers(self, path: bytes) -> bool:
        while path and path not in self._paths:
            path = parent_of(path)
        return path in self._paths

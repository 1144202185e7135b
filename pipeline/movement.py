"""cp moves, rsync judges: what is new between local ends is moved by cp before rsync looks at it.

Only a head start: whatever cp did not do, or did wrong, the rsync after it does right (RSYNC.md, "cp moves").
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from pipeline import orphans
from pipeline.calls import fitting
from pipeline.context import Run
from pipeline.model import FailedPath, Kind, Statistics, Unit
from pipeline.process import run as run_process
from pipeline.progress import Beacon
from pipeline.rsync import paths
from pipeline.stall import written

LEAST_SECONDS = 0.01
"""Entries of a folder that weigh less than this in the cost model do not repay the start of a cp (3 ms, 2026-11).

On a network file system one file does: cp needs 20 ms for it where rsync needs 50.
"""
_COPY = (b"cp", b"-R", b"-P", b"--preserve=timestamps,ownership", b"--reflink=auto")


@dataclass(frozen=True, slots=True)
class Moved:
    """What the units hold that cp was given, whether it moved all of them, and what that cost."""

    planned: Statistics
    whole: bool
    cpu_seconds: float

    def count(self, run: Run, seen: Statistics, failed: Iterable[FailedPath]) -> Statistics:
        """Return what to add to what rsync has `seen`: what cp copied, less what could not be copied.

        rsync counts a file that it could not open as transferred; where cp failed, rsync has seen what it left.
        """
        lost = [size for path in {found.path for found in failed} if (size := _size(run, path)) is not None]
        files, size = self.planned.transferred, self.planned.transferred_size
        if not self.whole:
            files, size = max(0, files - seen.transferred), max(0, size - seen.transferred_size)
        return Statistics(
            transferred=max(-seen.transferred, files - len(lost)),
            transferred_size=max(-seen.transferred_size, size - sum(lost)),
        )


def _size(run: Run, path: bytes) -> int | None:
    """Return the size of a local source's file; None for anything else, or what cannot be seen."""
    if run.record.root.remote:
        return None
    try:
        status = os.lstat(os.path.join(run.record.root.path, path))
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def move_new(run: Run, units: Sequence[Unit], log: bytes, beacon: Beacon) -> Moved:
    """Move those units of which the destination has nothing, if no option selects, changes or links files."""
    below = run.record.destination.path
    if not run.local or not run.options.plain or run.pace.bwlimit or _default_acl(below):
        return Moved(Statistics(), True, 0.0)
    least = 0.0 if run.waiting else LEAST_SECONDS
    there = _listed(below) if run.waiting else _looked_up(below)
    new = [unit for unit in _worth_it(units, least) if not any(map(there, unit.paths))]
    whole, cpu_seconds, before_this = True, 0.0, 0

    def show(pid: int) -> None:
        beacon.update(0, before_this + written(pid))

    environ = orphans.marked(dict(os.environb), run.directory.path)
    before = os.umask(0)
    try:
        for command in (*_trees(new, os.path.abspath(below)), *_entries(new, os.path.abspath(below))):
            ended = run_process(command, cwd=run.record.root.path, environ=environ, log=log, on_turn=show)
            before_this = beacon.size
            whole, cpu_seconds = whole and ended.code == 0, cpu_seconds + ended.cpu_seconds
    finally:
        os.umask(before)
    planned = Statistics(transferred=sum(unit.files for unit in new), transferred_size=sum(unit.size for unit in new))
    return Moved(planned, whole, cpu_seconds)


def _worth_it(units: Sequence[Unit], least: float) -> Iterator[Unit]:
    """Yield subtrees, and entries of folders in which there is enough to move; never the root itself."""
    weights: defaultdict[bytes, float] = defaultdict(float)
    for unit in units:
        if unit.kind is Kind.ENTRIES:
            weights[os.path.dirname(unit.paths[0])] += unit.seconds
    for unit in units:
        if (unit.kind is Kind.TREE and unit.paths[0]) or (
            unit.kind is Kind.ENTRIES and weights[os.path.dirname(unit.paths[0])] >= least
        ):
            yield unit


def _looked_up(below: bytes) -> Callable[[bytes], bool]:
    return lambda path: os.path.lexists(os.path.join(below, path))


def _listed(below: bytes) -> Callable[[bytes], bool]:
    """Return what says whether a path exists, and asks once for each folder, since every call waits."""
    names = cache(lambda folder: frozenset(_names(os.path.join(below, folder))))
    return lambda path: os.path.basename(path) in names(os.path.dirname(path))


def _names(folder: bytes) -> list[bytes]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _trees(new: Sequence[Unit], below: bytes) -> Iterator[tuple[bytes, ...]]:
    """Yield commands that copy whole subtrees to their places."""
    for part in fitting([b"./" + path for path in paths(new, Kind.TREE)]):
        yield (*_COPY, b"--parents", b"-t", below, b"--", *part)


def _entries(new: Sequence[Unit], below: bytes) -> Iterator[tuple[bytes, ...]]:
    """Yield commands that copy entries, folder by folder, into folders that are there."""
    folders: dict[bytes, list[bytes]] = {}
    for unit in new:
        if unit.kind is Kind.ENTRIES:
            folders.setdefault(os.path.dirname(unit.paths[0]), []).extend(b"./" + path for path in unit.paths)
    for folder, names in folders.items():
        if _is_directory(os.path.join(below, folder)):
            for part in fitting(names):
                yield (*_COPY, b"-t", os.path.join(below, folder), b"--", *part)


def _is_directory(path: bytes) -> bool:
    """Say whether there is a folder, rather than a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _default_acl(path: bytes) -> bool:
    """Say whether new files below `path` would inherit an ACL, which rsync treats in its own way."""
    try:
        return b"system.posix_acl_default" in {os.fsencode(name) for name in os.listxattr(path)}
    except OSError:
        return False

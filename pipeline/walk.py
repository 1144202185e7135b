"""Walk a local source with scandir: listings of directories, several threads at once where the disk waits.

Never follows a link. A directory that vanished or cannot be read is empty here: rsync says so when it meets it.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from pipeline.tree import Links, Scan, join

LATENCY_THREADS = 32
"""Threads that hide the wait of a network file system, one in each directory: FUSE lets no more into one (2026-11)."""

_INODE_MASK = (1 << 63) - 1
_DEVICE_FACTOR = 0x9E3779B97F4A7C15
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LASTING = ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns")
"""What tells a change of an entry; its inode's every change shows in the last one (ns)."""
_status = attrgetter(*_LASTING)
_status_and_inode = attrgetter("st_ino", *_LASTING)

Pairs = list[tuple[bytes, os.stat_result]]


@dataclass(frozen=True, slots=True)
class Scanner:
    """Lists one directory at a time below `root`.

    `links`: collect hard-linked inodes (`-H`). `device`: the only file system to enter (`-x`), None for all.
    `network`: every call waits for another host, and inode numbers may be other ones after each mount.
    """

    root: bytes
    links: bool = False
    device: int | None = None
    network: bool = False

    def scan(self, path: bytes) -> Scan:
        """List the directory `path` (relative to the root); one that vanished or cannot be read is empty."""
        full = os.path.join(self.root, path) if path else self.root
        try:
            handle = os.open(full, _OPEN | os.O_NOFOLLOW if path else _OPEN)
            try:
                return self._sorted(path, os.fstat(handle), _present(os.listdir(full), handle))
            finally:
                os.close(handle)
        except OSError:
            return Scan(path)

    def _sorted(self, path: bytes, own: os.stat_result, pairs: Pairs) -> Scan:
        take = _status if self.network else _status_and_inode
        scan = Scan(path, own=take(own))
        if any(status.st_mode & stat.S_IFDIR for _, status in pairs):
            pairs = self._without_folders(pairs, scan)
        scan.statuses = sorted([(name, take(status)) for name, status in pairs])
        for name, status in pairs if self.links else ():
            if status.st_nlink > 1:
                scan.inodes[name] = _linked(status, scan.links)
        return scan

    def _without_folders(self, pairs: Pairs, scan: Scan) -> Pairs:
        """Note the directories among the entries, and return the others."""
        for name, status in sorted(pair for pair in pairs if stat.S_ISDIR(pair[1].st_mode)):
            outside = self.device is not None and status.st_dev != self.device
            (scan.mounts if outside else scan.directories).append(name)
            scan.below.append((name, 0 if self.network else status.st_ino))
        return [pair for pair in pairs if not stat.S_ISDIR(pair[1].st_mode)]


def _present(names: list[bytes], handle: int) -> Pairs:
    """Return the status of each name in the open directory; one that vanished meanwhile is left out.

    `os.stat` at a handle looks up one name instead of a path, and lets other threads run while it waits, as
    `DirEntry.stat` does not (CPython 3.11).
    """
    look = partial(os.stat, dir_fd=handle, follow_symlinks=False)
    try:
        return list(zip(names, map(look, names)))  # noqa: B905
    except FileNotFoundError:
        return list(_looked_at(names, look))


def _looked_at(names: list[bytes], look: Callable[[bytes], os.stat_result]) -> Iterator[tuple[bytes, os.stat_result]]:
    for name in names:
        with suppress(FileNotFoundError):
            yield name, look(name)


def _linked(status: os.stat_result, links: dict[int, Links]) -> int:
    """Count one name of a hard-linked inode, and return a number for the inode."""
    inode = (status.st_dev * _DEVICE_FACTOR + status.st_ino) & _INODE_MASK or 1
    before = links.get(inode)
    links[inode] = Links(inode, before.seen + 1 if before else 1, status.st_nlink)
    return inode


def walk(scan: Callable[[bytes], Scan], starts: Iterable[bytes], threads: int = 1) -> Iterator[Scan]:
    """Yield the scan of every directory below the starts, each after its parent's.

    One thread walks depth first. Several keep that many listings under way, in whatever order they arrive.
    """
    if threads > 1:
        yield from _walk_threads(scan, list(starts), threads)
        return
    pending = list(starts)
    while pending:
        found = scan(pending.pop())
        pending += [join(found.path, name) for name in found.directories]
        yield found


def _walk_threads(scan: Callable[[bytes], Scan], pending: list[bytes], threads: int) -> Iterator[Scan]:
    orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Scan | Exception] = queue.SimpleQueue()

    def serve() -> None:
        while (path := orders.get()) is not None:
            try:
                answers.put(scan(path))
            except Exception as error:
                answers.put(error)

    workers = [threading.Thread(target=serve, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    under_way = 0
    try:
        while pending or under_way:
            while pending and under_way < 2 * threads:
                orders.put(pending.pop())
                under_way += 1
            answer = answers.get()
            under_way -= 1
            if isinstance(answer, Exception):
                raise answer
            pending += [join(answer.path, name) for name in answer.directories]
            yield answer
    finally:
        for _ in workers:
            orders.put(None)


def upper(
    scan: Callable[[bytes], Scan],
    start: bytes,
    *,
    entries: int,
    frontier: int,
    most: int,
    known: Container[bytes] = (),
) -> tuple[list[Scan], list[bytes]]:
    """Walk breadth first until `entries` entries were seen and `frontier` directories wait, or `most` entries.

    Directories that are `known` are not entered. Return what was seen, parents first, and the directories that wait
    to be walked (none: the walk is complete).
    """
    scans: list[Scan] = []
    waiting = deque([start])
    seen = 0
    while waiting and not ((seen >= entries and len(waiting) >= frontier) or seen >= most):
        found = scan(waiting.popleft())
        scans.append(found)
        seen += found.files + len(found.directories)
        below = (join(found.path, name) for name in found.directories)
        waiting.extend(path for path in below if path not in known)
    return scans, list(waiting)


def shares(frontier: list[bytes], groups: int) -> list[list[bytes]]:
    """Deal the frontier into shares of about equal count, neighbours apart, since neighbours are alike in weight."""
    return [frontier[number::groups] for number in range(groups)]

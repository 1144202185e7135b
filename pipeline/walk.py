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
from dataclasses import dataclass

from pipeline import signatures
from pipeline.tree import Entry, Facts, Links, Listing, join

LATENCY_THREADS = 32
"""Threads that hide the wait of a network file system, one in each directory: FUSE lets no more into one (2026-11)."""

_INODE_MASK = (1 << 63) - 1
_DEVICE_FACTOR = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Scanner:
    """Lists one directory at a time below `root`.

    `links`: collect hard-linked inodes (`-H`). `device`: the only file system to enter (`-x`), None for all.
    `signatures`: collect what signatures are made of. `network`: every call
    waits for another host, and inode numbers may be other ones after each mount.
    """

    root: bytes
    links: bool = False
    device: int | None = None
    signatures: bool = False
    network: bool = False

    def scan(self, path: bytes) -> Listing:
        """List the directory `path` (relative to the root)."""
        full = os.path.join(self.root, path) if path else self.root
        facts_of = signatures.status if self.network else signatures.status_and_inode
        listing = Listing(path, [], [], [], [])
        below: list[tuple[bytes, int, int]] = []
        facts: list[tuple[bytes, tuple[int, ...]]] = []
        links: dict[int, Links] = {}
        try:
            with os.scandir(full) as entries:
                for entry, status in self._present(entries):
                    name = entry.name
                    if stat.S_ISDIR(status.st_mode):
                        outside = self.device is not None and status.st_dev != self.device
                        (listing.mounts if outside else listing.directories).append(name)
                        below.append((name, 0, 0) if self.network else (name, status.st_ino, status.st_dev))
                        continue
                    inode = _linked(status, links) if self.links and status.st_nlink > 1 else 0
                    listing.entries.append(Entry(name, status.st_size, inode))
                    if self.signatures:
                        facts.append((name, facts_of(status)))
            own = os.lstat(full) if self.signatures else None
        except OSError:
            return Listing(path, [], [], [], [])
        listing.links.extend(links.values())
        if own is not None:
            listing.facts = Facts(sorted(below), facts_of(own), facts)
        return listing

    def _present(self, entries: Iterable[os.DirEntry[bytes]]) -> Iterator[tuple[os.DirEntry[bytes], os.stat_result]]:
        """Yield the entries that can still be stated; one that vanished since scandir is skipped.

        `DirEntry.stat` is quicker, but lets no other thread run while it waits (CPython 3.11).
        """
        for entry in entries:
            try:
                yield entry, os.lstat(entry.path) if self.network else entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def _linked(status: os.stat_result, links: dict[int, Links]) -> int:
    """Count one name of a hard-linked inode, and return a number for the inode."""
    inode = (status.st_dev * _DEVICE_FACTOR + status.st_ino) & _INODE_MASK or 1
    before = links.get(inode)
    links[inode] = Links(inode, before.seen + 1 if before else 1, status.st_nlink)
    return inode


def walk(scan: Callable[[bytes], Listing], starts: Iterable[bytes], threads: int = 1) -> Iterator[Listing]:
    """Yield the listing of every directory below the starts, each after its parent's.

    One thread walks depth first. Several keep that many listings under way, in whatever order they arrive.
    """
    if threads > 1:
        yield from _walk_threads(scan, list(starts), threads)
        return
    pending = list(starts)
    while pending:
        listing = scan(pending.pop())
        pending += [join(listing.path, name) for name in listing.directories]
        yield listing


def _walk_threads(scan: Callable[[bytes], Listing], pending: list[bytes], threads: int) -> Iterator[Listing]:
    orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    answers: queue.SimpleQueue[Listing | Exception] = queue.SimpleQueue()

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
    scan: Callable[[bytes], Listing],
    start: bytes,
    *,
    entries: int,
    frontier: int,
    most: int,
    known: Container[bytes] = (),
) -> tuple[list[Listing], list[bytes]]:
    """Walk breadth first until `entries` entries were seen and `frontier` directories wait, or `most` entries.

    Directories that are `known` are not entered. Return the listings, parents first, and the directories that wait
    to be walked (none: the walk is complete).
    """
    listings: list[Listing] = []
    waiting = deque([start])
    seen = 0
    while waiting and not ((seen >= entries and len(waiting) >= frontier) or seen >= most):
        listing = scan(waiting.popleft())
        listings.append(listing)
        seen += len(listing.entries) + len(listing.directories)
        below = (join(listing.path, name) for name in listing.directories)
        waiting.extend(path for path in below if path not in known)
    return listings, list(waiting)


def shares(frontier: list[bytes], groups: int) -> list[list[bytes]]:
    """Deal the frontier into shares of about equal count, neighbours apart, since neighbours are alike in weight."""
    return [frontier[number::groups] for number in range(groups)]

"""A source tree as weights: listings of directories folded into nodes while they arrive.

Pure. Subtrees lighter than the floor collapse into one record as soon as they are complete, so that memory follows
the directories in flight and the heavy ones, never the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from pipeline.cost import seconds


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """One entry of a directory that is not a directory itself; `inode` is 0 unless its links matter."""

    name: bytes
    size: int
    inode: int = 0


class Links(msgspec.Struct, array_like=True, frozen=True):
    """Names of one hard-linked inode below a node: how many were seen and how many the inode has."""

    inode: int
    seen: int
    total: int


class Listing(msgspec.Struct, array_like=True):
    """What one directory holds: entries, names of subdirectories, and of mount points that `-x` does not enter.

    A directory that cannot be read is empty here; rsync says so when it meets it.
    """

    path: bytes
    entries: list[Entry]
    directories: list[bytes]
    mounts: list[bytes]
    links: list[Links]


Status = tuple[int, ...]
"""What tells that an entry has changed, taken from its status; see SIZE and CTIME for two places in it."""
SIZE, CTIME = -3, -1
UNREADABLE: Status = (1 << 63,)
"""Stands for the status of a directory that could not be read: a time (ns) that can never be trusted."""


@dataclass(slots=True)
class Scan:
    """One directory as the walk saw it, in columns, since most entries are never looked at one by one.

    `statuses` are the entries that are no directories, sorted by name; `below` are names and inodes of those that
    are, `own` the directory's own status. `inodes` has a number for each name of a hard-linked inode, with `-H`.
    """

    path: bytes
    statuses: list[tuple[bytes, Status]] = field(default_factory=list)
    directories: list[bytes] = field(default_factory=list)
    mounts: list[bytes] = field(default_factory=list)
    below: list[tuple[bytes, int]] = field(default_factory=list)
    own: Status = UNREADABLE
    inodes: dict[bytes, int] = field(default_factory=dict)
    links: dict[int, Links] = field(default_factory=dict)

    @property
    def files(self) -> int:
        return len(self.statuses)

    @property
    def size(self) -> int:
        return sum(status[SIZE] for _, status in self.statuses)

    def entry(self, name: bytes, status: Status) -> Entry:
        return Entry(name, status[SIZE], self.inodes.get(name, 0))

    def linked(self) -> list[Entry]:
        """Return the entries with hard links."""
        return (
            [self.entry(name, status) for name, status in self.statuses if name in self.inodes] if self.inodes else []
        )

    def listing(self) -> Listing:
        """Return the same as the planner has it."""
        entries = [self.entry(name, status) for name, status in self.statuses]
        return Listing(self.path, entries, self.directories, self.mounts, list(self.links.values()))


class Bundle(msgspec.Struct, array_like=True):
    """Light subtrees side by side in one directory, which travel together; one with open links is alone.

    `names` are theirs in that directory, the figures as in `Node` and of all together.
    """

    names: list[bytes]
    files: int
    directories: int
    size: int
    seconds: float
    links: list[Links]


class Node(msgspec.Struct, array_like=True):
    """A directory with all that is below it, as weights.

    `files`, `directories` (itself included), `size` (bytes) and `seconds` count the whole subtree; `links` are the
    inodes with names outside it. A collapsed node has nothing else. `light` are its collapsed children, `heavy` the
    names of the others, which are records of their own.
    """

    path: bytes
    files: int
    directories: int
    size: int
    seconds: float
    links: list[Links]
    entries: list[Entry] = []
    mounts: list[bytes] = []
    light: list[Bundle] = []
    heavy: list[bytes] = []
    collapsed: bool = True


def join(parent: bytes, name: bytes) -> bytes:
    """Join relative paths, where `b""` is the root."""
    return parent + b"/" + name if parent else name


def parent_of(path: bytes) -> bytes:
    """Return the directory that holds `path`; `b""` for a name at the root."""
    return path.rpartition(b"/")[0]


def name_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]


@dataclass(slots=True)
class _Open:
    """A directory some of whose subdirectories are still missing."""

    listing: Listing
    missing: int
    children: list[Node] = field(default_factory=list)


class Folder:
    """Fold listings into nodes; a parent's listing comes before its subdirectories' listings or nodes.

    `emit` receives every heavy node and every top (a directory whose parent was never added), children first.
    """

    def __init__(self, floor: float, emit: Callable[[Node], None]) -> None:
        self._floor = floor
        self._emit = emit
        self._open: dict[bytes, _Open] = {}

    def add(self, listing: Listing) -> None:
        """Take the listing of one directory."""
        if listing.directories:
            self._open[listing.path] = _Open(listing, len(listing.directories))
        else:
            self.receive(weigh(listing, [], self._floor))

    def receive(self, node: Node) -> None:
        """Take a complete subtree, and complete every ancestor that waited for it alone."""
        while True:
            parent = self._open.get(parent_of(node.path)) if node.path else None
            if parent is None:
                self._emit(node)
                return
            if not node.collapsed:
                self._emit(node)
            parent.children.append(node)
            parent.missing -= 1
            if parent.missing:
                return
            del self._open[parent.listing.path]
            node = weigh(parent.listing, parent.children, self._floor)


def weigh(listing: Listing, children: list[Node], floor: float) -> Node:
    """Make a directory's node from its listing and its complete children; lighter than `floor`, it collapses."""
    files = len(listing.entries) + sum(child.files for child in children)
    directories = 1 + len(listing.mounts) + sum(child.directories for child in children)
    size = sum(entry.size for entry in listing.entries) + sum(child.size for child in children)
    links = _open_links(listing, children)
    own = seconds(len(listing.entries), 1 + len(listing.mounts), size - sum(child.size for child in children))
    cost = own + sum(child.seconds for child in children)
    node = Node(listing.path, files, directories, size, cost, links)
    if node.seconds >= floor:
        node.collapsed = False
        node.entries = listing.entries
        node.mounts = listing.mounts
        node.light = list(_bundled((child for child in children if child.collapsed), floor))
        node.heavy = [name_of(child.path) for child in children if not child.collapsed]
    return node


def _bundled(children: Iterable[Node], floor: float) -> Iterator[Bundle]:
    """Yield collapsed children in bundles that weigh at most `floor` seconds."""
    bundle: Bundle | None = None
    for child in children:
        name = name_of(child.path)
        one = Bundle([name], child.files, child.directories, child.size, child.seconds, child.links)
        if child.links:
            yield one
        elif bundle is None:
            bundle = one
        elif bundle.seconds + child.seconds > floor:
            yield bundle
            bundle = one
        else:
            bundle.names.append(name)
            bundle.files += child.files
            bundle.directories += child.directories
            bundle.size += child.size
            bundle.seconds += child.seconds
    if bundle is not None:
        yield bundle


def _open_links(listing: Listing, children: list[Node]) -> list[Links]:
    """Add up the names of each inode and keep those that have further names elsewhere."""
    if not listing.links and not any(child.links for child in children):
        return []
    seen: dict[int, int] = {}
    total: dict[int, int] = {}
    for links in (listing.links, *(child.links for child in children)):
        for link in links:
            seen[link.inode] = seen.get(link.inode, 0) + link.seen
            total[link.inode] = link.total
    return [Links(inode, count, total[inode]) for inode, count in seen.items() if count < total[inode]]

"""List a source with rsync itself: a remote one, or one of which options decide what belongs to it.

The list comes depth first (`--no-inc-recursive`) and is folded into nodes as it comes. Pure but for `collect`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.calls import through
from pipeline.errors import SourceError
from pipeline.interpret import interpret, unescape
from pipeline.model import Ends, FailedPath, Location, Outcome
from pipeline.option_table import Role
from pipeline.options import Options
from pipeline.process import run
from pipeline.tree import Entry, Listing, Node, name_of, weigh

_LINE = re.compile(rb"([-dlpscb?])\S{9} +([\d,]+) .{19} (.+)", re.DOTALL)
"""Kind and mode, size, time, name. The time is 19 bytes whatever the year: rsync cuts `11476/08/15 05:20:00` short."""
_STRUCTURE = frozenset({"--copy-links", "--copy-dirlinks", "--one-file-system", "--from0"})


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list: path below the transfer's root, whether it is a directory, size in bytes."""

    path: bytes
    directory: bool
    size: int


def read_line(line: bytes) -> Listed | None:
    """Read one line; None for any that is no entry."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    kind, size, name = found.groups()
    return Listed(unescape(name) if b"\\#" in name else name, kind == b"d", int(size.replace(b",", b"")[:18]))


def arguments(options: Options, source: Location) -> tuple[bytes, ...]:
    """Return rsync's arguments for the list: what selects entries and what connects, nothing else.

    Without `-l` a link's line ends with its name.
    """
    words = [
        word
        for given in options.given
        if given.row is not None and (given.row.roles & (Role.FILTER | Role.TRANSPORT) or given.name in _STRUCTURE)
        for word in given.words
    ]
    # A daemon's message of the day comes on stdout, before the list.
    quiet = (b"--no-motd",) if source.ends is Ends.DAEMON else ()
    return (
        b"-r",
        b"--list-only",
        b"--no-human-readable",
        b"--no-inc-recursive",
        *quiet,
        *words,
        b"--",
        _plain(source),
    )


def empty(rsync: bytes, options: Options, source: Location, *, cwd: bytes, shell: bytes = b"") -> bool:
    """Say whether a source surely holds nothing that the options select, by a list of its top level."""
    level = (b"--no-r", b"-d", *arguments(options, source.with_path(source.path.rstrip(b"/") + b"/"))[1:])
    ended = run((rsync, *through(shell, level)), environ=os.environb, cwd=cwd)
    entries = list(filter(None, map(read_line, ended.stdout.splitlines())))
    return ended.code == 0 and [entry.path for entry in entries] in ([b"."], [])


def _plain(source: Location) -> bytes:
    """Return the source as it was given; a bare module lists the daemon's modules unless it ends in a slash."""
    if source.ends is Ends.DAEMON and b"/" not in source.path:
        return source.argument(source.path + b"/")
    return source.argument()


class Transient(SourceError):
    """The list ended early for a reason that may pass."""


@dataclass(slots=True)
class _Frame:
    """A directory of the list that is not complete yet."""

    listing: Listing
    children: list[Node] = field(default_factory=list)


class ListFolder:
    """Fold entries in depth-first order into nodes; `emit` receives heavy nodes and the top, children first."""

    def __init__(self, start: bytes, floor: float, emit: Callable[[Node], None]) -> None:
        self._start = start
        self._floor = floor
        self._emit = emit
        self._stack = [_Frame(Listing(start, [], [], [], []))]

    def add(self, entry: Listed) -> None:
        if entry.path in (b".", self._start):
            return
        while len(self._stack) > 1 and not entry.path.startswith(self._stack[-1].listing.path + b"/"):
            self._close_one()
        if entry.directory:
            self._stack.append(_Frame(Listing(entry.path, [], [], [], [])))
        else:
            self._stack[-1].listing.entries.append(Entry(name_of(entry.path), entry.size))

    def close(self) -> None:
        """Complete every directory that is still open."""
        while self._stack:
            self._close_one()

    def _close_one(self) -> None:
        frame = self._stack.pop()
        node = weigh(frame.listing, frame.children, self._floor)
        if self._stack:
            self._stack[-1].children.append(node)
        if not self._stack or not node.collapsed:
            self._emit(node)


def collect(
    rsync: bytes,
    options: Options,
    source: Location,
    start: bytes,
    floor: float,
    *,
    cwd: bytes,
    on_entry: Callable[[], None],
    shell: bytes = b"",
) -> tuple[list[Node], tuple[FailedPath, ...]]:
    """List the source; return its nodes, and what rsync could not list; SourceError where that is everything.

    `shell` is another remote shell than the options'; empty for theirs.
    """
    nodes: list[Node] = []
    folder = ListFolder(start, floor, nodes.append)
    seen = 0

    def take(line: bytes) -> None:
        nonlocal seen
        entry = read_line(line)
        if entry is not None:
            seen += 1
            folder.add(entry)
            on_entry()

    command = (rsync, *through(shell, arguments(options, source)))
    ended = run(command, environ=os.environb, cwd=cwd, on_line=take)
    verdict = interpret(ended.code, ended.stderr)
    if verdict.transient:
        raise Transient(
            f"source {source.display()} cannot be listed: {verdict.message}", "start the same command again"
        )
    if verdict.outcome is Outcome.FAILED or (ended.code and not seen):
        raise SourceError(
            f"source {source.display()} cannot be listed: {verdict.message}", "check host, path and access"
        )
    folder.close()
    return nodes, verdict.failed

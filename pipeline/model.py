"""The values that pass between modules: locations, transfers, units, batches, outcomes.

Frozen, without behaviour that reads a clock, a file or the environment. Paths are bytes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum


class Ends(Enum):
    """How a location is reached."""

    LOCAL = "local"
    SSH = "ssh"
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class Location:
    """One end of a transfer, as rsync understands it.

    `host` carries the user (`user@host`); for a daemon `url` tells `rsync://` from `host::`, and `path` begins
    with the module's name. `path` keeps its trailing slash, which means to rsync what it means here.
    """

    ends: Ends
    path: bytes
    host: bytes = b""
    url: bool = False

    @property
    def remote(self) -> bool:
        return self.ends is not Ends.LOCAL

    def with_path(self, path: bytes) -> Location:
        return Location(self.ends, path, self.host, self.url)

    def argument(self, path: bytes | None = None) -> bytes:
        """Return this end (or `path` on it) as rsync's command line writes it."""
        path = self.path if path is None else path
        match self.ends:
            case Ends.LOCAL:
                return path
            case Ends.SSH:
                return self.host + b":" + path
            case Ends.DAEMON if self.url:
                return b"rsync://" + self.host + b"/" + path
            case _:
                return self.host + b"::" + path

    def display(self) -> str:
        return printable(self.argument())


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is copied: source, destination and rsync options. Its digest is the identity of a run.

    `root` is the folder at the source below which every unit's path lies, `start` the one path below it that
    travels: `b""` for the contents of `root` (`SRC/`), or the last name of `SRC` (without a slash).
    """

    source: Location
    destination: Location
    options: tuple[bytes, ...]
    root: Location
    start: bytes


class Kind(Enum):
    """How a unit travels."""

    TREE = "tree"
    """A path with everything below it, by recursion; or light neighbours, each so."""
    ENTRIES = "entries"
    """Single entries that are no directories."""
    DIRECTORIES = "directories"
    """Directories without what is in them, such as mount points that `-x` does not enter."""
    LEVELS = "levels"
    """Directories with what is directly in them, where extras may be deleted as well."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest thing that a batch can hold.

    `paths` are relative to the transfer's root, without a leading `./` (`b""` is the root itself). `seconds` is the
    cost model's estimate; `files` and `size` (bytes) are what the walk counted.
    """

    kind: Kind
    paths: tuple[bytes, ...]
    files: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Units for one rsync process (or a few, where arguments do not fit one)."""

    number: int
    units: tuple[Unit, ...]

    @property
    def files(self) -> int:
        return sum(unit.files for unit in self.units)

    @property
    def size(self) -> int:
        return sum(unit.size for unit in self.units)

    @property
    def seconds(self) -> float:
        return sum(unit.seconds for unit in self.units)


class Outcome(Enum):
    """How a batch ended, from best to worst; `worst` of several is the run's."""

    COMPLETE = "complete"
    VANISHED = "vanished"
    PARTIAL = "partial"
    FAILED = "failed"

    @property
    def done(self) -> bool:
        """Whether a later start of the same run need not try again (RSYNC.md 16, DESIGN section 3)."""
        return self in (Outcome.COMPLETE, Outcome.VANISHED)


def worst(outcomes: list[Outcome]) -> Outcome:
    """Return the worst of the outcomes, `COMPLETE` for none."""
    order = list(Outcome)
    return max(outcomes, key=order.index, default=Outcome.COMPLETE)


@dataclass(frozen=True, slots=True)
class FailedPath:
    """A path that was not copied: as rsync printed it (unescaped), and the reason in its words."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """What rsync counted (its `--stats`); `size` and the like are bytes."""

    files: int = 0
    directories: int = 0
    transferred: int = 0
    deleted: int = 0
    linked: int = 0
    size: int = 0
    transferred_size: int = 0
    sent: int = 0
    received: int = 0

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(**{name: getattr(self, name) + getattr(other, name) for name in self.__slots__})


def printable(path: bytes) -> str:
    r"""Return a path for people: control characters and bytes that are not UTF-8 become `\xNN`.

    Terminal escape sequences in file names do nothing after this (issue 4).
    """
    text = os.fsdecode(path)
    return "".join(
        char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char)) for char in text
    )

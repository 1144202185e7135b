"""The work directory: which run has which folder, and where in it each file lies.

<work-dir>/<run-id>/
    run.json pace.json       what the run is; how hard this start pushes
    walk/ plan/              frontier, nodes of the shares, the merged plan
    batch/0007.units .json   what a batch holds; how it ended (the checkpoint)
    delete/ settle/ verify/  the same for the later stages
    log/ progress/           rsync's own words; small files that running tasks renew
    finished.json report.json report.html metrics.prom
<work-dir>/locks/            who holds which destination; sockets of shared connections
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline import durable
from pipeline.errors import StateError, UsageError
from pipeline.location import plain
from pipeline.model import Location, Transfer, printable
from pipeline.records import FinishRecord, RunRecord

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_FOLDERS = (b"walk", b"plan", b"batch", b"delete", b"settle", b"verify", b"log", b"progress")


@dataclass(frozen=True, slots=True)
class WorkDirectory:
    """The folder of one run."""

    path: bytes

    def create(self) -> None:
        """Make the folders, private to this user."""
        _private(self.path)
        for name in _FOLDERS:
            _private(self._in(name))

    def sweep(self) -> None:
        """Remove what killed writers left; only for the command that holds the run alone."""
        for folder in (self.path, *(self._in(name) for name in _FOLDERS)):
            durable.sweep(folder)
        for name in os.listdir(self.beacons) if os.path.isdir(self.beacons) else ():
            durable.discard(os.path.join(self.beacons, name))

    def _in(self, *parts: bytes) -> bytes:
        return os.path.join(self.path, *parts)

    @property
    def run(self) -> bytes:
        return self._in(b"run.json")

    @property
    def pace(self) -> bytes:
        return self._in(b"pace.json")

    @property
    def fatal(self) -> bytes:
        return self._in(b"fatal.json")

    @property
    def finished(self) -> bytes:
        return self._in(b"finished.json")

    @property
    def flushed(self) -> bytes:
        return self._in(b"flushed.json")

    @property
    def report(self) -> bytes:
        return self._in(b"report.json")

    @property
    def page(self) -> bytes:
        return self._in(b"report.html")

    @property
    def metrics(self) -> bytes:
        return self._in(b"metrics.prom")

    @property
    def frontier(self) -> bytes:
        return self._in(b"walk", b"frontier.json")

    @property
    def upper(self) -> bytes:
        return self._in(b"walk", b"upper")

    @property
    def upper_seen(self) -> bytes:
        return self._in(b"walk", b"seen")

    @property
    def nodes(self) -> bytes:
        return self._in(b"walk", b"nodes")

    def group(self, number: int) -> bytes:
        return self._in(b"plan", b"group-%04d.json" % number)

    def group_nodes(self, number: int) -> bytes:
        return self._in(b"plan", b"group-%04d.nodes" % number)

    def seen(self, number: int) -> bytes:
        return self._in(b"plan", b"group-%04d.seen" % number)

    @property
    def plan(self) -> bytes:
        return self._in(b"plan", b"plan.json")

    @property
    def weights(self) -> bytes:
        return self._in(b"plan", b"weights.json")

    @property
    def prepared(self) -> bytes:
        return self._in(b"settle", b"prepared.json")

    @property
    def settled(self) -> bytes:
        return self._in(b"settle", b"settled.json")

    @property
    def approval(self) -> bytes:
        return self._in(b"delete", b"approval.json")

    def units(self, number: int) -> bytes:
        return self._in(b"batch", b"%04d.units" % number)

    def outcome(self, number: int) -> bytes:
        return self._in(b"batch", b"%04d.json" % number)

    def deleted(self, number: int) -> bytes:
        return self._in(b"delete", b"%04d.json" % number)

    def verified(self, number: int) -> bytes:
        return self._in(b"verify", b"%04d.json" % number)

    def log(self, name: str) -> bytes:
        return self._in(b"log", os.fsencode(name) + b".log")

    def beacon(self, name: str) -> bytes:
        return self._in(b"progress", os.fsencode(name) + b".json")

    @property
    def socket(self) -> bytes:
        """A short path, since a socket's has 108 bytes at most."""
        root, run_id = os.path.split(self.path)
        return os.path.join(root, b"locks", hashlib.blake2b(run_id, digest_size=4).hexdigest().encode())

    @property
    def beacons(self) -> bytes:
        return self._in(b"progress")


def default_root(environ: Mapping[str, str]) -> bytes:
    """Return the user's state directory for parsync (XDG base directories)."""
    state = environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):
        return os.fsencode(os.path.join(state, "parsync"))
    home = environ.get("HOME", "")
    if not os.path.isabs(home):
        raise UsageError("HOME is not set, so there is no place for the run's state", "give one with --work-dir")
    return os.fsencode(os.path.join(home, ".local", "state", "parsync"))


def make_root(path: bytes) -> None:
    """Make the folder of all runs, private to this user."""
    _private(path)


def _private(path: bytes) -> None:
    """Make a folder of mode 0700; refuse one that is a link, or that others own or may write."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        status = os.lstat(path)
    except FileExistsError:
        raise StateError(f"{printable(path)} is not a directory", "remove it, or give another --work-dir") from None
    except OSError as error:
        hint = "give another --work-dir"
        raise StateError(f"state {printable(path)} cannot be made: {error.strerror}", hint) from None
    if not stat.S_ISDIR(status.st_mode):
        raise StateError(f"{printable(path)} is a link", "give the folder itself as --work-dir")
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise StateError(
            f"others may write {printable(path)}", "make it yours with mode 0700, or give another --work-dir"
        )


def destination_key(destination: Location) -> bytes:
    """Return what all spellings of a destination have in common, as far as this host can tell."""
    if destination.remote:
        return destination.argument(plain(destination.path))
    return os.path.realpath(destination.path)


def index_path(root: bytes, destination: bytes) -> bytes:
    """Return the index of a destination: one for each, since another transfer to it makes an older one untrue."""
    _private(os.path.join(root, b"index"))
    return os.path.join(root, b"index", hashlib.blake2b(destination, digest_size=16).hexdigest().encode())


def valid_id(text: str) -> str:
    """Return the ID; refuse what is no plain name, a path above all."""
    if not _ID.fullmatch(text):
        raise UsageError(f"--id {text!r} is not allowed", "use letters, digits, '.', '_' and '-', at most 100")
    if text in ("locks", "index"):
        raise UsageError(f"--id {text} is reserved", "choose another")
    return text


def identity(transfer: Transfer) -> str:
    """Return a readable name for a transfer: the end of its source and a digest of all that makes it."""
    parts = [transfer.source.argument(), transfer.destination.argument(), *transfer.options]
    digest = hashlib.blake2b(b"\0".join(parts), digest_size=5).hexdigest()
    name = re.sub(r"[^A-Za-z0-9]+", "-", os.fsdecode(transfer.source.path.rstrip(b"/"))[-30:]).strip("-")
    return f"{name or 'root'}-{digest}"


def choose_run(root: bytes, transfer: Transfer, explicit_id: str) -> str:
    """Return the ID of the run to open: the one named, the unfinished one of this transfer, or a new one.

    A finished run is followed by the next serial number (DESIGN section 2).
    """
    if explicit_id:
        return valid_id(explicit_id)
    name = identity(transfer)
    last = max(serials(root, name), default=0)
    if last and not _is_finished(WorkDirectory(os.path.join(root, os.fsencode(f"{name}-{last:04}")))):
        return f"{name}-{last:04}"
    return f"{name}-{last + 1:04}"


def serials(root: bytes, name: str) -> list[int]:
    """Return the serial numbers of a transfer's runs, in no order."""
    prefix = os.fsencode(name) + b"-"
    names = [entry[len(prefix) :] for entry in os.listdir(root) if entry.startswith(prefix)]
    return [int(serial) for serial in names if serial.isdigit() and len(serial) <= 9]


def _is_finished(directory: WorkDirectory) -> bool:
    """Say whether a run came to its end; one whose identity cannot be read is not gone on with."""
    try:
        if durable.load(directory.run, RunRecord) is None:
            return False
        return durable.load(directory.finished, FinishRecord) is not None
    except StateError:
        return True

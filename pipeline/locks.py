"""Locks: one run at a time per destination, whoever started it.

A lock is a file held with flock, which the kernel lets go when its holders are dead: the command, and the task
processes it forked. Where a file system has no flock, a file made exclusively names its holder instead.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from pipeline.boot import boot_id
from pipeline.errors import LockedError

_WITHOUT_FLOCK = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}

ORPHAN_SECONDS = 30.0
"""A killed command's processes end their rsync within about five seconds; more means that something else is wrong."""


class Holder(msgspec.Struct):
    """Who holds a lock; `born` is the process's start time, so that a reused pid is noticed."""

    host: str
    pid: int
    born: str
    boot: str
    since: float
    run_id: str


@dataclass(slots=True)
class Lock:
    """A held lock. `exclusive_file` is the file that stands for it where flock does not work."""

    handle: int
    exclusive_file: bytes = b""

    def tell(self, run_id: str) -> None:
        """Tell others for which run the lock is held."""
        handle = self.handle if self.handle >= 0 else os.open(self.exclusive_file, os.O_WRONLY | os.O_CLOEXEC)
        _write(handle, run_id)
        if handle != self.handle:
            os.close(handle)

    def release(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
        if self.exclusive_file:
            with suppress(FileNotFoundError):
                os.unlink(self.exclusive_file)
            self.exclusive_file = b""


def hold(root: bytes, key: bytes, *, what: str, run_id: str) -> Lock:
    """Take the lock for `key`, or raise LockedError with its holder. `what` names it for people."""
    folder = os.path.join(root, b"locks")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path = os.path.join(folder, hashlib.blake2b(key, digest_size=16).hexdigest().encode())
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _lock(handle, path)
    except BlockingIOError:
        busy = _busy(what, _read(path))
        os.close(handle)
        raise busy from None
    except OSError as error:
        os.close(handle)
        if error.errno not in _WITHOUT_FLOCK:
            raise
        return _hold_by_file(path + b".held", what, run_id)
    _write(handle, run_id)
    return Lock(handle)


def _write(handle: int, run_id: str) -> None:
    data = msgspec.json.encode(myself(run_id))
    os.pwrite(handle, data, 0)
    os.ftruncate(handle, len(data))


def _lock(handle: int, path: bytes) -> None:
    """Lock; where the holder was killed, wait for the processes it forked, which are on their way out."""
    deadline = time.monotonic() + ORPHAN_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = _read(path)
            if holder is None or not dead(holder) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _hold_by_file(path: bytes, what: str, run_id: str) -> Lock:
    """Make the lock's file exclusively; take over one whose holder is provably dead."""
    for _ in range(3):
        if _make(path, myself(run_id)):
            return Lock(-1, path)
        holder = _read(path)
        if holder is None or not dead(holder):
            raise _busy(what, holder)
        _take_away(path, holder)
    raise _busy(what, _read(path))


def _make(path: bytes, holder: Holder) -> bool:
    """Make the file with its holder in it, so that a kill never leaves one without; False where there is one."""
    aside = _aside(path)
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(holder))
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(aside)
    return True


def _take_away(path: bytes, holder: Holder) -> None:
    """Remove a dead holder's file; where another was quicker and holds the lock by now, put its file back."""
    aside = _aside(path)
    with suppress(FileNotFoundError):
        os.rename(path, aside)
        if _read(aside) != holder:
            with suppress(FileExistsError):
                os.link(aside, path)
        os.unlink(aside)


def _aside(path: bytes) -> bytes:
    """Return a name beside the lock's file that no other process has, on any host."""
    return path + b"." + uuid.uuid4().hex.encode()


def myself(run_id: str) -> Holder:
    return Holder(socket.gethostname(), os.getpid(), born(os.getpid()), boot_id(), time.time(), run_id)


def born(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def dead(holder: Holder) -> bool:
    """Say whether a holder is provably gone; of another host nothing can be proved."""
    if holder.host != socket.gethostname():
        return False
    return holder.boot != boot_id() or born(holder.pid) != holder.born


def _read(path: bytes) -> Holder | None:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            return msgspec.json.decode(file.read(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None


def _busy(what: str, holder: Holder | None) -> LockedError:
    if holder is None:
        return LockedError(f"destination {what} is held by another run", "wait for it to end")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
    name = f" {holder.run_id}" if holder.run_id else ""
    return LockedError(
        f"destination {what} is held by run{name} (host {holder.host}, pid {holder.pid}, since {since})",
        "wait for it to end, or stop it",
    )

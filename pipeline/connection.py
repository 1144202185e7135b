"""One ssh connection that a run's short calls share, opened while the source is still being walked.

A login takes some ten round trips. Batches that travel at once keep connections of their own: one connection is one
stream, encrypted on one core. Where ssh cannot share, or is not the remote shell, every call logs in by itself.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pipeline import orphans
from pipeline.context import Run
from pipeline.model import Ends
from pipeline.process import running
from pipeline.stall import alive

SESSIONS = 8
"""Calls that may share it at once; sshd's own limit (MaxSessions) is 10."""
WAIT_SECONDS = 30.0
"""A login that takes longer is not waited for."""
_LOOK_SECONDS = 0.01
_SOCKET_MOST = 90
"""Bytes of a socket's path: 108 with what ssh adds while it makes one."""
_OF_ITS_OWN = re.compile(rb"^-[A-Za-z0-9]*[SMO]|(?i:control(?:master|path|persist))")
"""Words of a remote shell that see to sharing by themselves."""
_SPLIT_LIKE_RSYNC = re.compile(rb"[\w@%+=:,./~\[\]-]+")
_MASTER = (
    b"BatchMode=yes",
    b"ControlMaster=yes",
    b"ControlPersist=no",
    b"ClearAllForwardings=yes",
    b"ServerAliveInterval=15",
)


@dataclass(frozen=True, slots=True)
class Connection:
    """The words of the remote shell, where the host is, and the socket at which ssh shares the connection."""

    words: tuple[bytes, ...]
    user: bytes
    host: bytes
    socket: bytes

    @property
    def opening(self) -> tuple[bytes, ...]:
        """The command that logs in and stays; it asks nobody for a password."""
        options = [word for option in (*_MASTER, self._path) for word in (b"-o", option)]
        user = (b"-l", self.user) if self.user else ()
        return (*self.words, *options, b"-N", *user, self.host)

    @property
    def shell(self) -> bytes:
        """The remote shell of a call that shares it, as rsync's `--rsh` has it."""
        return b" ".join((*self.words, b"-o", b"ControlMaster=no", b"-o", self._path))

    @property
    def _path(self) -> bytes:
        return b"ControlPath=" + self.socket.replace(b"%", b"%%")


def between(host: bytes, shell: bytes, socket: bytes) -> Connection | None:
    """Return the connection that calls could share by this remote shell; None where it is not plain ssh."""
    words = tuple(shell.split())
    if not words or os.path.basename(words[0]) != b"ssh" or len(socket) > _SOCKET_MOST:
        return None
    if not all(map(_SPLIT_LIKE_RSYNC.fullmatch, (*words, socket))) or any(map(_OF_ITS_OWN.search, words[1:])):
        return None
    user, _, name = host.rpartition(b"@")
    return Connection(words, user, name.strip(b"[]"), socket)


def _possible(run: Run) -> Connection | None:
    shell = run.options.value("rsh") or os.environb.get(b"RSYNC_RSH") or b"ssh"
    for end in (run.record.source, run.record.destination):
        if end.ends is Ends.SSH:
            return between(end.host, shell, run.directory.socket)
    return None


_shared: tuple[Connection, int] | None = None
"""The connection of this process and of the tasks that it forks, with the process that holds it."""


@contextmanager
def shared(run: Run) -> Iterator[None]:
    """Log in while the block runs, where that is possible."""
    global _shared
    found = _possible(run)
    if found is None:
        yield
        return
    _remove(found.socket)
    with running(found.opening, environ=orphans.marked(dict(os.environb), run.directory.path)) as pid:
        _shared = (found, pid)
        try:
            yield
        finally:
            _shared = None
    _remove(found.socket)


def shell() -> bytes:
    """Return the remote shell by which a call shares the connection, once it is there; empty where it shares none."""
    if _shared is None:
        return b""
    connection, pid = _shared
    until = time.monotonic() + WAIT_SECONDS
    while not os.path.lexists(connection.socket):
        if not alive(pid) or time.monotonic() > until:
            return b""
        time.sleep(_LOOK_SECONDS)
    return connection.shell


def _remove(socket: bytes) -> None:
    with suppress(OSError):
        os.unlink(socket)

"""Spread the starts of remote processes, since sshd drops logins that begin together (RSYNC.md 17)."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

LOGINS_AT_ONCE = 6
"""sshd's default MaxStartups drops at random from 10 unauthenticated connections on."""
WINDOW_SECONDS = 1.0


def permit(folder: bytes) -> None:
    """Wait until this process may log in: at most LOGINS_AT_ONCE in any window, over all processes of a run."""
    while (wait := claim(os.path.join(folder, b"logins"), time.time())) > 0:
        time.sleep(wait)


def claim(path: bytes, now: float) -> float:
    """Note a login at `now` (Unix time) and return 0, or return seconds until the next may be tried.

    Where the file cannot be locked or written, nobody waits: this spares sshd, and no copy depends on it.
    """
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            recent = [at for at in _times(os.pread(handle, 4096, 0)) if now - WINDOW_SECONDS < at <= now]
            if len(recent) >= LOGINS_AT_ONCE:
                return max(0.01, min(recent) + WINDOW_SECONDS - now)
            os.ftruncate(handle, 0)
            os.pwrite(handle, b" ".join(b"%.3f" % at for at in [*recent, now]), 0)
        finally:
            os.close(handle)
    return 0.0


def _times(text: bytes) -> list[float]:
    """Read what earlier logins noted; a write that was cut short by a crash counts as none."""
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        return []

"""Spread the starts of remote processes, since sshd drops logins that begin together (RSYNC.md 17)."""

from __future__ import annotations

import fcntl
import os
import time

LOGINS_AT_ONCE = 6
"""sshd's default MaxStartups drops at random from 10 unauthenticated connections on."""
WINDOW_SECONDS = 1.0


def permit(folder: bytes) -> None:
    """Wait until this process may log in: at most LOGINS_AT_ONCE in any window, over all processes of a run."""
    while (wait := _claim(os.path.join(folder, b"logins"), time.time())) > 0:
        time.sleep(wait)


def _claim(path: bytes, now: float) -> float:
    """Note a login and return 0, or return seconds until the next may be tried."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        recent = [at for at in map(float, os.pread(handle, 4096, 0).split()) if now - WINDOW_SECONDS < at <= now]
        if len(recent) >= LOGINS_AT_ONCE:
            return max(0.01, min(recent) + WINDOW_SECONDS - now)
        os.ftruncate(handle, 0)
        os.pwrite(handle, b" ".join(b"%.3f" % at for at in [*recent, now]), 0)
        return 0.0
    finally:
        os.close(handle)

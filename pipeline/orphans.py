"""What a killed start left running on this host: found by a mark in its environment, and ended.

Everything that a run starts dies with its parent, but a moment later; a resume must not write beside it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

MARK = b"PARSYNC_RUN"
TERM_SECONDS = 5.0
"""An rsync that got SIGTERM removes its temporary file in far less; then SIGKILL."""
_LOOK_SECONDS = 0.02


def marked(environ: dict[bytes, bytes], run: bytes) -> dict[bytes, bytes]:
    """Return an environment that names the run a process works for."""
    return {**environ, MARK: run}


def end(run: bytes) -> int:
    """End what still works for this run; return how many processes there were. Only for its one holder."""
    found = _working_for(run)
    deadline = time.monotonic() + TERM_SECONDS
    for pid in found:
        _signal(pid, signal.SIGTERM)
    left = found
    while left:
        time.sleep(_LOOK_SECONDS)
        left = _working_for(run)
        if time.monotonic() > deadline:
            for pid in left:
                _signal(pid, signal.SIGKILL)
    return len(found)


def _working_for(run: bytes) -> list[int]:
    wanted = MARK + b"=" + run
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(name))
    return found


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)

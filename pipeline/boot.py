"""Which life of this machine it is, and whether what was written reached the disk in it.

A batch that was recorded before the power went counts only if its data had been flushed by then (issue 4).
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Return the kernel's name for this boot; empty where it has none, and then every boot looks alike."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def trusted(recorded_in: str, *, flushed: bool, now: str) -> bool:
    """Say whether a record of boot `recorded_in` still proves that its data is on the disk in boot `now`."""
    return flushed or recorded_in == now


def flush(path: bytes) -> None:
    """Write the file system that holds `path` to its disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            os.sync()
    finally:
        os.close(handle)

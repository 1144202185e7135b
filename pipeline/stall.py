"""Notice that a group of processes stands still: neither moves bytes nor works.

Reads /proc and signals nobody; what counts as standing still is decided in `Watch`, which takes the clock as an
argument.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress

LOOK_SECONDS = 1.0
LATE_SECONDS = 10.0
"""A look that comes so late says that this process itself was stopped, and nothing about the others."""
LEAST_PROGRESS = 4096
"""Bytes a group must have moved to count as alive; keep-alives of rsync and ssh are less in many minutes."""
BYTES_PER_TICK = LEAST_PROGRESS // 10
"""A tenth of a second of CPU counts as alive too: a deletion of a million files moves no bytes."""


def activity(group: int) -> int:
    """Return a number that grows while the group reads, writes or computes."""
    return sum(_moved(pid) + ticks * BYTES_PER_TICK for pid, ticks in _members(group))


def alive(group: int) -> bool:
    """Say whether any process of the group still runs; one that is dead but not yet reaped does not."""
    return any(True for _ in _members(group))


def _members(group: int) -> Iterator[tuple[int, int]]:
    """Yield each running process of a process group, with the clock ticks of CPU that it has used."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
                if int(fields[2]) == group and fields[0] not in (b"Z", b"X"):
                    yield int(name), int(fields[11]) + int(fields[12])


def written(pid: int) -> int:
    """Return the bytes a process has written: by finished calls, or to the pages of a file, which shows sooner."""
    counts = _counts(pid)
    return max(counts.get(b"wchar", 0), counts.get(b"write_bytes", 0))


def _moved(pid: int) -> int:
    """Return the bytes a process has read and written, by whatever way."""
    counts = _counts(pid)
    return counts.get(b"rchar", 0) + counts.get(b"wchar", 0)


def _counts(pid: int) -> dict[bytes, int]:
    """Return what the kernel counts of a process's reading and writing; nothing where it does not let us see."""
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            return {name: int(count) for name, _, count in (line.partition(b":") for line in file)}
    except (OSError, ValueError):
        return {}


class Watch:
    """Says when a group has been next to idle for `seconds`; `now` is any clock that only moves forward."""

    def __init__(self, group: int, seconds: float, now: float, measure: Callable[[int], int] = activity) -> None:
        self._group = group
        self._seconds = seconds
        self._measure = measure
        self._done = 0
        self._since = self._looked = now

    def stalls(self, now: float) -> bool:
        """Look, if the last look is long enough ago; say whether the group stands still."""
        gap = now - self._looked
        if gap < LOOK_SECONDS:
            return False
        self._looked = now
        done = self._measure(self._group)
        if abs(done - self._done) >= LEAST_PROGRESS or gap >= LATE_SECONDS:
            self._done, self._since = done, now
        return now - self._since >= self._seconds

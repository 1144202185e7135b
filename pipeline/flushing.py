"""Flush marks: how far the destination's data is known to be on its disk.

A batch recorded in an earlier life of this machine counts only if a later flush covers it. Nothing is flushed at the
end of a run, as rsync and cp do not either; a finished run is looked at again after a reboot that came too soon.
"""

from __future__ import annotations

import time
from contextlib import suppress

from pipeline import boot, durable
from pipeline.context import Run
from pipeline.errors import StateError
from pipeline.records import FlushRecord

EVERY_SECONDS = 60.0
"""A long run repeats at most the batches of its last minute after a power cut."""


def now_and_then(run: Run) -> None:
    """Flush a local destination if the last time is long enough ago."""
    last = covered(run)
    if time.time() - max(last, run.walked.ended) >= EVERY_SECONDS:
        flush(run)


def flush(run: Run) -> None:
    """Flush a local destination and leave a mark; what is recorded from now on is not covered by it."""
    if not run.record.destination.remote:
        at = time.time()
        with suppress(OSError):
            boot.flush(run.record.destination.path)
            durable.save(run.directory.flushed, FlushRecord(at=at))


def covered(run: Run) -> float:
    """Return up to when (Unix time) records are covered by a flush; 0 for none."""
    try:
        record = durable.load(run.directory.flushed, FlushRecord)
    except StateError:
        return 0.0
    return record.at if record else 0.0


def trusted(run: Run, recorded_in: str, ended: float) -> bool:
    """Say whether what a record of boot `recorded_in` proves outlived this machine's last stop.

    A remote destination is not ours to judge.
    """
    flushed = run.record.destination.remote or ended <= covered(run)
    return boot.trusted(recorded_in, flushed=flushed, now=boot.boot_id())

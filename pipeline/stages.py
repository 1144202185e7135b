"""The stages that copy: prepare the destination, copy a batch, settle the shared directories.

Each returns the record of how it ended and leaves writing it to its task. An interrupted one is simply done again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from pipeline import alone, flushing, indexing, leftovers, movement, presence, rsync
from pipeline.calls import Call
from pipeline.context import Run
from pipeline.errors import DestinationError
from pipeline.execution import Tally, carry_out
from pipeline.model import Unit
from pipeline.progress import Beacon
from pipeline.records import BatchRecord
from pipeline.rsync import Pace


def pace_of(run: Run) -> Pace:
    """Return this process's share of the run's bandwidth, and of what may be deleted."""
    batches, limit = len(run.plan.weights), run.options.max_delete
    at_once = min(run.pace.parallel, batches)
    return Pace(rsync.share(run.pace.bwlimit, at_once), None if limit is None else limit // max(1, batches))


def prepare(run: Run, beacon: Beacon) -> BatchRecord:
    """Try source and destination once, and create the shared directories, before N processes fail N times."""
    presence.check_not_emptied(run)
    tally = Tally()
    indexing.touch(run)
    if not run.record.destination.remote:
        make_folder(run.record.destination.path, itself=bool(run.plan.shared))
    if run.plan.shared and not _ready(run):
        shared = [path for path in run.plan.shared if path or run.record.destination.remote or os.geteuid()]
        calls = rsync.preparing(run.transfer, run.options, shared, open_modes=needs_open_modes(run))
        carry_out(run, calls, tally, run.directory.log("PrepareDestination"), beacon)
    return tally.record(run, 0)


def needs_open_modes(run: Run) -> bool:
    """Say whether modes could refuse the destination's user; unknown for a remote one, so they are opened."""
    return run.record.destination.remote or os.geteuid() != 0


def _ready(run: Run) -> bool:
    """Say whether every shared directory is there and no mode can refuse us, after making the missing ones.

    Only where it cannot matter how they are made: root at a local destination, with options of no consequence.
    Their owners, modes and times come when they are settled.
    """
    if needs_open_modes(run) or not run.options.plain:
        return False
    below = run.record.destination.path
    for path in run.plan.shared:
        folder = os.path.join(below, path) if path else below
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not _is_real_directory(folder, root=not path):
                return False
        except OSError:
            return False
    return True


def _is_real_directory(path: bytes, *, root: bool) -> bool:
    """Say whether rsync would take `path` for the directory: the root may be a link, what is below may not."""
    status = os.stat(path) if root else os.lstat(path)
    return stat.S_ISDIR(status.st_mode)


def make_folder(path: bytes, *, itself: bool) -> None:
    """Create a local destination's missing parents, and the folder itself where several processes will share it."""
    folder = path if itself else os.path.dirname(path.rstrip(b"/")) or b"."
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        shown = os.fsdecode(folder)
        raise DestinationError(
            f"destination {shown} cannot be created: {error.strerror}", "choose another or make it"
        ) from None


def copy(run: Run, number: int, beacon: Beacon) -> BatchRecord:
    """Copy one batch, after what an attempt that was killed left behind is gone."""
    leftovers.remove(run, number)
    tally = Tally()
    log = run.directory.log(f"RsyncBatch-{number:04}")
    units = run.units(number)
    moved = movement.move_new(run, units, log, beacon)
    carry_out(run, _copying(run, units, tally), tally, log, beacon, shares=number == 0)
    tally.statistics += moved.count(run, tally.statistics, tally.failed)
    tally.cpu_seconds += moved.cpu_seconds
    if tally.attempts > 1:
        leftovers.remove(run, number)
    if tally.vanished:
        presence.check_source(run)
    flushing.now_and_then(run)
    return tally.record(run, number)


def _copying(run: Run, units: tuple[Unit, ...], tally: Tally) -> Iterator[Call]:
    """Yield the calls of one batch."""
    if run.plan.whole:
        return iter([rsync.whole(run.transfer, run.options, pace_of(run), run.plan.files or None)])
    if run.plan.alone:
        return alone.calls(run, units, pace_of(run), tally)
    return rsync.copying(run.transfer, run.options, units, pace_of(run))


def settle(run: Run, beacon: Beacon) -> BatchRecord:
    """Give the shared directories their final modes and times."""
    tally = Tally()
    if run.plan.shared:
        calls = rsync.settling(run.transfer, run.options, run.plan.shared)
        carry_out(run, calls, tally, run.directory.log("SettleDirectories"), beacon)
    return tally.record(run, 0)


def nothing(run: Run, number: int) -> BatchRecord:
    """Return the record of a slot with nothing to do."""
    return Tally().record(run, number)

"""Delete what the source no longer has: after all batches succeeded, or not at all.

The gates hold for the run as a whole, where rsync's own hold for one process (RSYNC.md 12, DESIGN section 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from pipeline import durable, presence, rsync
from pipeline.context import Run
from pipeline.execution import Tally, carry_out
from pipeline.model import Kind, Statistics, Unit
from pipeline.progress import Beacon
from pipeline.records import BatchRecord


@dataclass(frozen=True, slots=True)
class Targets:
    """Where one task deletes: below trees, and directly in single levels."""

    trees: list[bytes]
    levels: list[bytes]


def needed(run: Run) -> bool:
    """Say whether deletion is a stage of its own: a batch that is alone deletes by itself."""
    return run.options.delete and not run.plan.alone


def approve(run: Run, beacon: Beacon) -> BatchRecord:
    """Decide for the whole run whether anything may be deleted; what is withheld is said in the record.

    With `--max-delete` everything that would be deleted is counted first.
    """
    tally = Tally()
    presence.check_source(run)
    reason = _not_copied(run)
    limit = run.options.max_delete
    if not reason and limit is not None:
        everything = [targets(run, number) for number in range(len(run.plan.weights))]
        found = Targets([path for part in everything for path in part.trees], _levels(run))
        _carry_out(run, found, tally, "delete-count", beacon, dry_run=True)
        planned = tally.statistics.deleted + _gave_way(run)
        if planned > limit:
            reason = f"--max-delete={limit} refuses {planned} deletions"
    return msgspec.structs.replace(tally.record(run, 0), withheld=reason, statistics=Statistics())


def _gave_way(run: Run) -> int:
    """Count what the copies deleted already, since it was in a file's way."""
    records = (durable.load(run.directory.outcome(number), BatchRecord) for number in range(len(run.plan.weights)))
    return sum(record.statistics.deleted for record in records if record is not None)


def _not_copied(run: Run) -> str:
    """Name a batch that was not copied entirely; with `--ignore-errors` none counts."""
    if run.options.ignore_errors:
        return ""
    if run.walked.failed:
        return "some paths could not be listed"
    for number in range(len(run.plan.weights)):
        record = durable.load(run.directory.outcome(number), BatchRecord)
        if record is None or not record.outcome.done:
            return "some paths could not be copied"
    return ""


def approved(run: Run) -> bool:
    record = durable.load(run.directory.approval, BatchRecord)
    return needed(run) and record is not None and not record.withheld


def targets(run: Run, number: int) -> Targets:
    """Return what delete task `number` looks at: its batch's trees, and its share of the shared directories."""
    units = tuple(durable.read_records(run.directory.units(number), Unit))
    trees = rsync.paths(units, Kind.TREE)
    return Targets(trees, _levels(run)[number :: len(run.plan.weights)])


def _levels(run: Run) -> list[bytes]:
    """Return the shared directories in which something may have to go."""
    return run.plan.shared if run.plan.levels is None else run.plan.levels


def delete(run: Run, number: int, beacon: Beacon) -> BatchRecord:
    """Delete below one batch's trees, and in its share of the shared directories."""
    tally = Tally()
    if not run.record.source.remote:
        presence.check_source(run)
    _carry_out(run, targets(run, number), tally, f"DeleteExtras-{number:04}", beacon)
    return tally.record(run, number)


def _carry_out(run: Run, found: Targets, tally: Tally, log: str, beacon: Beacon, *, dry_run: bool = False) -> None:
    calls = rsync.deleting(run.transfer, run.options, found.trees, found.levels, dry_run=dry_run)
    carry_out(run, calls, tally, run.directory.log(log), beacon)

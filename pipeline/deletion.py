"""Delete what the source no longer has: after all batches succeeded, or not at all.

The gates hold for the run as a whole, where rsync's own hold for one process (RSYNC.md 12, DESIGN section 3).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import durable, rsync
from pipeline.context import Run
from pipeline.execution import Tally, carry_out
from pipeline.model import Kind, Unit
from pipeline.process import Ended
from pipeline.progress import Beacon
from pipeline.records import BatchRecord


@dataclass(frozen=True, slots=True)
class Targets:
    """Where one task deletes: below trees, and directly in single levels."""

    trees: list[bytes]
    levels: list[bytes]


def stage_needed(run: Run) -> bool:
    """Say whether deletion is a stage of its own: one plain rsync deletes by itself."""
    return run.options.delete and not run.plan.whole


def withheld(run: Run) -> str:
    """Return why nothing may be deleted, or nothing."""
    if run.options.ignore_errors:
        return ""
    for number in range(len(run.plan.weights)):
        record = durable.load(run.directory.outcome(number), BatchRecord)
        if record is None or not record.outcome.done:
            return f"batch {number} was not copied entirely"
    return ""


def targets(run: Run, number: int) -> Targets:
    """Return what delete task `number` looks at: its batch's trees, and its share of the shared directories."""
    units = tuple(durable.read_records(run.directory.units(number), Unit))
    trees = [unit.paths[0] for unit in units if unit.kind is Kind.TREE]
    return Targets(trees, list(run.plan.shared[number :: len(run.plan.weights)]))


def count(run: Run, number: int, beacon: Beacon) -> BatchRecord:
    """Count what delete task `number` would delete, for a `--max-delete` of the whole run."""
    return _delete(run, number, beacon, dry_run=True)


def delete(run: Run, number: int, beacon: Beacon) -> BatchRecord:
    """Delete below one batch's trees and shared levels, or say why not."""
    reason = withheld(run) or _over_limit(run)
    if reason:
        return with_reason(Tally().record(run, number), reason)
    return _delete(run, number, beacon, dry_run=False)


def with_reason(record: BatchRecord, reason: str) -> BatchRecord:
    import msgspec

    return msgspec.structs.replace(record, withheld=reason)


def _over_limit(run: Run) -> str:
    limit = run.options.max_delete
    if limit is None:
        return ""
    planned = 0
    for number in range(len(run.plan.weights)):
        record = durable.load(run.directory.counted(number), BatchRecord)
        planned += record.statistics.deleted if record else 0
    if planned <= limit:
        return ""
    return f"--max-delete={limit} refuses {planned} deletions; nothing was deleted"


def _delete(run: Run, number: int, beacon: Beacon, *, dry_run: bool) -> BatchRecord:
    tally = Tally()
    found = targets(run, number)
    calls = rsync.deleting(run.transfer, run.options, found.trees, found.levels, dry_run=dry_run)
    carry_out(run, calls, tally, run.directory.log(f"delete-{number:04}"), beacon)
    return tally.record(run, number)

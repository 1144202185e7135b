"""Go on with a run: forget what an earlier start could not complete, so that this one tries it again.

Only for the command that holds the run alone. What is forgotten goes from the end backwards, so that a crash in
between leaves nothing that is believed without what it rests on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from pipeline import durable, flushing, indexing, orphans, presence
from pipeline.context import Run
from pipeline.errors import StateError
from pipeline.model import Outcome, Unit
from pipeline.records import BatchRecord, BatchWeight, FinishRecord, GroupRecord, PlanRecord, Seen, WalkRecord
from pipeline.tree import Listing, Node


def finished(run: Run) -> FinishRecord | None:
    """Return how the run ended, if that needs no further start."""
    record = _read(run.directory.finished, FinishRecord)
    if record is None or not record.outcome.done or not flushing.trusted(run, record.boot, record.ended):
        return None
    return record


def reopen(run: Run) -> None:
    """Make the work directory fit to go on: end what is left running, forget what cannot be believed."""
    orphans.end(run.directory.path)
    run.directory.sweep()
    indexing.sweep(run)
    durable.discard(run.directory.finished)
    durable.discard(run.directory.fatal)
    plan = _read(run.directory.plan, PlanRecord)
    walked = _read(run.directory.frontier, WalkRecord)
    if walked is None or (plan is None and not _sound_walk(run, walked)):
        _discard([*_later(run), *_planned(run), run.directory.frontier])
    elif plan is None:
        _discard([*_later(run), run.directory.plan])
        _forget_damaged_groups(run)
    elif not _sound_units(run, plan):
        _discard([*_later(run), *_planned(run)])
    else:
        _forget_outcomes(run)


def _sound_walk(run: Run, walked: WalkRecord) -> bool:
    """Say whether everything that the walk left can be read."""
    directory = run.directory
    kinds = {directory.upper: Listing, directory.upper_seen: Seen, directory.nodes: Node}
    return walked.whole or all(_whole_stream(path, kind) for path, kind in kinds.items() if os.path.lexists(path))


def _sound_units(run: Run, plan: PlanRecord) -> bool:
    """Say whether what each batch holds can be read; a plain rsync needs no units."""
    return plan.whole or all(
        _planned_units(run.directory.units(number), weight) for number, weight in enumerate(plan.weights)
    )


def _planned_units(path: bytes, weight: BatchWeight) -> bool:
    """Say whether a file holds the units that the plan put into it."""
    try:
        units = list(durable.read_records(path, Unit))
    except StateError:
        return False
    return (len(units), sum(unit.size for unit in units)) == (weight.units, weight.size)


def _forget_damaged_groups(run: Run) -> None:
    """Forget shares whose record or nodes cannot be read."""
    walked = _read(run.directory.frontier, WalkRecord)
    for number, share in enumerate(walked.shares if walked else []):
        directory = run.directory
        kind, path = (
            (Seen, directory.seen(number)) if walked and walked.incremental else (Node, directory.group_nodes(number))
        )
        if _read(directory.group(number), GroupRecord) is None or (share and not _whole_stream(path, kind)):
            durable.discard(directory.group(number))


def _whole_stream(path: bytes, kind: type) -> bool:
    try:
        for _ in durable.read_records(path, kind):
            pass
    except StateError:
        return False
    return True


def _forget_outcomes(run: Run) -> None:
    """Forget batches that are not done for good, and the later stages unless all of them are."""
    forgotten = False
    for number in range(len(run.plan.weights)):
        forgotten |= not _keep(run.directory.outcome(number), partial(_proves, run, number))
    for path in _after_copies(run):
        _keep(path, lambda record: not forgotten and record.outcome is Outcome.COMPLETE and not record.withheld)


def _proves(run: Run, number: int, record: BatchRecord) -> bool:
    """Say whether a record proves that everything in its batch is at the destination now."""
    if record.number != number or record.outcome is not Outcome.COMPLETE:
        return False
    return flushing.trusted(run, record.boot, record.ended) and presence.still_there(run, _units(run, number))


def _units(run: Run, number: int) -> list[Unit]:
    return [] if run.plan.whole else list(durable.read_records(run.directory.units(number), Unit))


def _keep(path: bytes, holds: Callable[[BatchRecord], bool]) -> bool:
    """Keep the record at `path` if it holds, else discard it; say whether there is one now."""
    record = _read(path, BatchRecord)
    kept = record is not None and holds(record)
    if not kept:
        durable.discard(path)
    return kept


def _after_copies(run: Run) -> Iterator[bytes]:
    directory = run.directory
    yield from (directory.prepared, directory.approval, directory.settled)
    for number in range(run.record.batches):
        yield directory.deleted(number)
        yield directory.verified(number)


def _later(run: Run) -> list[bytes]:
    """Return the checkpoints that rest on the plan, last ones first."""
    return [*_after_copies(run), *(run.directory.outcome(number) for number in range(run.record.batches))]


def _planned(run: Run) -> list[bytes]:
    """Return the plan and the shares."""
    return [run.directory.plan, *(run.directory.group(number) for number in range(run.record.groups))]


def _discard(paths: list[bytes]) -> None:
    for path in paths:
        durable.discard(path)


def _read(path: bytes, kind: type[durable.T]) -> durable.T | None:
    """Read a checkpoint; None for one that is not there or cannot be believed."""
    try:
        return durable.load(path, kind)
    except StateError:
        return None

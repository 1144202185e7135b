"""How far a run is, read from its work directory: for the display, the summary and luigid's page."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipeline import durable
from pipeline.context import Run
from pipeline.errors import StateError
from pipeline.model import Outcome
from pipeline.progress import read_all
from pipeline.records import BatchRecord, GroupRecord, PlanRecord, WalkRecord
from pipeline.terminal import Snapshot, StageState


def snapshot(run: Run) -> Snapshot:
    """Return the state of the three stages that a person sees."""
    raise NotImplementedError


def batches_done(run: Run) -> tuple[int, int]:
    """Return how many batches are done, and how many the plan has (0 while there is no plan)."""
    plan = _load(run.directory.plan, PlanRecord)
    if plan is None:
        return 0, 0
    records = [_load(run.directory.outcome(number), BatchRecord) for number in range(len(plan.weights))]
    return sum(record is not None and record.outcome is not Outcome.FAILED for record in records), len(records)


def failures(run: Run) -> Iterator[BatchRecord]:
    """Yield the records of failed stages, in the order in which stages run."""
    directory = run.directory
    numbers = range(run.record.batches)
    paths = [directory.prepared, *(directory.outcome(number) for number in numbers), directory.approval]
    paths += [*(directory.deleted(number) for number in numbers), directory.settled]
    for path in paths:
        record = _load(path, BatchRecord)
        if record is not None and record.outcome is Outcome.FAILED:
            yield record


def _load(path: bytes, kind: type) -> object:
    try:
        return durable.load(path, kind)
    except StateError:
        return None

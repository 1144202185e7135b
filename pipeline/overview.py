"""How far a run is, read from its work directory: for the display, the summary and luigid's page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeVar

from pipeline import durable
from pipeline.context import Run
from pipeline.errors import StateError
from pipeline.model import Outcome
from pipeline.progress import Light, read_all
from pipeline.records import BatchRecord, GroupRecord, PlanRecord, WalkRecord
from pipeline.terminal import Snapshot, StageState, rate_words

Record = TypeVar("Record")


def snapshot(run: Run) -> Snapshot:
    """Return the state of the three stages that a person sees."""
    directory = run.directory
    lights = read_all(directory.beacons)
    walked = _load(directory.frontier, WalkRecord)
    plan = _load(directory.plan, PlanRecord)
    seen = sum(light.files for light in lights if light.stage in ("WalkSource", "PlanGroup"))
    walk = StageState(1.0 if walked else 0.0, 1.0, "done" if walked else f"{seen:,} files")
    if plan is None:
        return Snapshot(walk, _planning(run, seen), StageState())
    words = f"{plan.files:,} files in {len(plan.weights)} batches" if plan.files else "one rsync for all"
    return Snapshot(walk, StageState(1.0, 1.0, words), _syncing(run, plan, lights))


def _planning(run: Run, seen: int) -> StageState:
    numbers = range(run.record.groups)
    groups = [group for number in numbers if (group := _load(run.directory.group(number), GroupRecord))]
    files = seen + sum(group.files for group in groups)
    return StageState(len(groups), run.record.groups + 1, f"{files:,} files" if files else "")


def _syncing(run: Run, plan: PlanRecord, lights: list[Light]) -> StageState:
    """Add up finished batches and what the running ones show; name the one that runs longest."""
    files = bytes_done = done = 0
    for number, weight in enumerate(plan.weights):
        if os.path.exists(run.directory.outcome(number)):
            files, bytes_done, done = files + weight.files, bytes_done + weight.size, done + 1
    running = [light for light in lights if light.stage == "RsyncBatch"]
    files += sum(min(light.files, light.total_files or light.files) for light in running)
    bytes_done += sum(min(light.size, light.total_size or light.size) for light in running)
    started = min([plan.ended, *(light.started for light in running)])
    words = f"{done}/{len(plan.weights)} batches, " + rate_words(files, plan.files, bytes_done, plan.size, started)
    later = [light.stage for light in lights if light.stage in _LATER]
    if later:
        words = _LATER[later[0]]
    elif running:
        slowest = min(running, key=lambda light: light.started)
        words += f", batch {slowest.number} longest"
    total = plan.size or plan.files
    return StageState(bytes_done if plan.size else files, total, words)


_LATER = {
    "ApproveDeletion": "looking for extras",
    "DeleteExtras": "deleting extras",
    "SettleDirectories": "settling directories",
    "VerifyBatch": "comparing by checksum",
}


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


def _load(path: bytes, kind: type[Record]) -> Record | None:
    try:
        return durable.load(path, kind)
    except StateError:
        return None

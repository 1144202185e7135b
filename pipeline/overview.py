"""How far a run is, read from its work directory: for the display, the summary and luigid's page."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TypeVar

from pipeline import durable
from pipeline.context import Run
from pipeline.errors import StateError
from pipeline.model import Outcome
from pipeline.progress import Light, read_all
from pipeline.records import BatchRecord, GroupRecord, PlanRecord, WalkRecord
from pipeline.summary import counted, duration, size
from pipeline.terminal import Snapshot, StageState

Record = TypeVar("Record")


def snapshot(run: Run, notice: str = "") -> Snapshot:
    """Return the state of the three stages that a person sees."""
    directory = run.directory
    lights = read_all(directory.beacons)
    plan = _load(directory.plan, PlanRecord)
    if plan is None:
        return Snapshot(*_planning(run, lights), StageState(), notice)
    batches = counted(len(plan.weights), "batch", "batches")
    words = f"{counted(plan.files, 'file')} in {batches}" if plan.files else "one rsync for all"
    walk = StageState(1.0, 1.0, words=counted(plan.files, "file") if plan.files else "left to rsync")
    return Snapshot(walk, StageState(1.0, 1.0, words=words), _syncing(run, plan, lights), notice)


def _planning(run: Run, lights: list[Light]) -> tuple[StageState, StageState]:
    """Return how far the walk and the plan are; how much there is to walk, nobody knows."""
    walked = _load(run.directory.frontier, WalkRecord)
    groups = [_load(run.directory.group(number), GroupRecord) for number in range(run.record.groups)]
    files = sum(light.files for light in lights if light.stage in ("WalkSource", "PlanGroup"))
    files += sum(group.files for group in groups if group) + (walked.files if walked else 0)
    words = counted(files, "file") if files or lights else ""
    if walked and all(groups):
        return StageState(1.0, 1.0, words=words), StageState(words="cutting and packing")
    return StageState(files, unit="files", words=words), StageState()


def _syncing(run: Run, plan: PlanRecord, lights: list[Light]) -> StageState:
    """Add up finished batches and what the running ones show; name the one that runs longest."""
    files = bytes_done = done = 0
    for number, weight in enumerate(plan.weights):
        if os.path.exists(run.directory.outcome(number)):
            files, bytes_done, done = files + weight.files, bytes_done + weight.size, done + 1
    running = [light for light in lights if light.stage == "RsyncBatch"]
    files += sum(min(light.files, light.total_files or light.files) for light in running)
    bytes_done += sum(min(light.size, light.total_size or light.size) for light in running)
    counts = [f"{done:,}/{counted(len(plan.weights), 'batch', 'batches')}"]
    counts += [f"{files:,}/{plan.files:,} files", f"{size(bytes_done)}/{size(plan.size)}"] if plan.files else []
    if running:
        slowest = min(running, key=lambda light: light.started)
        counts.append(f"batch {slowest.number} slowest, {duration(time.time() - slowest.started)}")
    words = next((_LATER[light.stage] for light in lights if light.stage in _LATER), "")
    by_size = bool(plan.size or not plan.files)
    step, total, unit = (bytes_done, plan.size, "B") if by_size else (files, plan.files, "files")
    return StageState(step, total, unit, words or ("" if total else size(bytes_done)), ", ".join(counts))


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

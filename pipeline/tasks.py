"""The Luigi tasks: the static graph of one run. Each `run` is a few calls; what they do is in the modules below.

Order: WalkSource, PlanGroup(n), MergeTasks, PrepareDestination, RsyncBatch(k), ApproveDeletion, DeleteExtras(k),
SettleDirectories, VerifyBatch(k), Sync (DESIGN section 3).
"""

from __future__ import annotations

import luigi

from pipeline import deletion, fatal, finish, merging, settings, stages, verification, walking
from pipeline.model import Outcome
from pipeline.records import BatchRecord, FinishRecord, GroupRecord, PlanRecord, WalkRecord
from pipeline.stage import Checkpoint, Stage

settings.install()

Requirements = list[luigi.Task]

_PLANNING, _WALKING = 2_000_000, 3_000_000
"""Priorities above those of batches, which count down from a million in the order of the plan: largest first."""


class WalkSource(Stage):
    """Walk the upper part of the source until there are enough subtrees to share out."""

    priority = _WALKING

    def output(self) -> Checkpoint[WalkRecord]:
        return Checkpoint(self.context.directory.frontier, WalkRecord)

    def run(self) -> None:
        with self.beacon() as beacon:
            self.output().write(walking.walk_source(self.context, beacon))


class PlanGroup(Stage):
    """Walk one share of the source entirely."""

    number = luigi.IntParameter(description="which share, from 0")
    priority = _PLANNING

    def requires(self) -> Requirements:
        return [WalkSource(run_path=self.run_path)]

    def output(self) -> Checkpoint[GroupRecord]:
        return Checkpoint(self.context.directory.group(self.number), GroupRecord)

    @property
    def idle(self) -> bool:
        shares = self.context.walked.shares
        return self.number >= len(shares) or not shares[self.number]

    def spared(self) -> bool:
        return self.context.is_walked and self.idle

    def run(self) -> None:
        if self.idle:
            return
        with self.beacon() as beacon:
            self.output().write(walking.plan_group(self.context, self.number, beacon))


class MergeTasks(Stage):
    """Merge the shares into one plan and write what each batch holds."""

    priority = _PLANNING

    def requires(self) -> Requirements:
        groups = range(self.context.record.groups)
        return [PlanGroup(run_path=self.run_path, number=number) for number in groups]

    def output(self) -> Checkpoint[PlanRecord]:
        return Checkpoint(self.context.directory.plan, PlanRecord)

    def run(self) -> None:
        with self.beacon():
            self.output().write(merging.merge(self.context))


class Work(Stage):
    """A stage that runs rsync and leaves how it ended; one that failed is tried again by the next start."""

    def output(self) -> Checkpoint[BatchRecord]:
        raise NotImplementedError

    def complete(self) -> bool:
        if self.spared():
            return True
        record = self.output().read()
        return record is not None and record.outcome is not Outcome.FAILED

    def conclude(self, record: BatchRecord) -> None:
        """Write the record; raise when it failed, and keep the other tasks from failing in the same way."""
        self.output().write(record)
        if record.outcome is Outcome.FAILED:
            if record.fatal:
                fatal.leave_note(self.context, record.message, fatal.hint(self.context, record.message))
            raise fatal.BatchFailed(record.message, f"see {self.context.log_of(self.name)}")


class Slot(Work):
    """One of as many tasks as there may be batches; those that the plan leaves empty need no record."""

    number = luigi.IntParameter(description="which batch, from 0")

    @property
    def idle(self) -> bool:
        return bool(self.number >= len(self.context.plan.weights))

    def spared(self) -> bool:
        """A withheld deletion is no empty slot: it has a record that says so."""
        return self.context.is_planned and self.idle


class PrepareDestination(Work):
    """Try both ends once; create the directories that several batches share."""

    priority = _PLANNING

    def requires(self) -> Requirements:
        return [MergeTasks(run_path=self.run_path)]

    def output(self) -> Checkpoint[BatchRecord]:
        return Checkpoint(self.context.directory.prepared, BatchRecord)

    @property
    def brief(self) -> bool:
        return self.context.local and self.context.plan.alone

    def run(self) -> None:
        with self.beacon() as beacon:
            self.conclude(stages.prepare(self.context, beacon))


class RsyncBatch(Slot):
    """Copy one batch."""

    @property
    def priority(self) -> int:  # type: ignore[override]
        return 1_000_000 - int(self.number)

    def requires(self) -> Requirements:
        return [PrepareDestination(run_path=self.run_path)]

    def output(self) -> Checkpoint[BatchRecord]:
        return Checkpoint(self.context.directory.outcome(self.number), BatchRecord)

    def run(self) -> None:
        if self.idle:
            return
        weight = self.context.plan.weights[self.number]
        with self.beacon(weight.files, weight.size) as beacon:
            self.conclude(stages.copy(self.context, self.number, beacon))


def batches(task: Stage) -> Requirements:
    """Return all batches of a task's run."""
    return [RsyncBatch(run_path=task.run_path, number=number) for number in range(task.context.record.batches)]


class ApproveDeletion(Work):
    """Decide once, for the whole run, whether anything may be deleted."""

    def requires(self) -> Requirements:
        return batches(self)

    def output(self) -> Checkpoint[BatchRecord]:
        return Checkpoint(self.context.directory.approval, BatchRecord)

    @property
    def idle(self) -> bool:
        return not deletion.needed(self.context)

    def run(self) -> None:
        if self.idle:
            self.conclude(stages.nothing(self.context, 0))
            return
        with self.beacon() as beacon:
            self.conclude(deletion.approve(self.context, beacon))


class DeleteExtras(Slot):
    """Delete what the source does not have, below one batch's trees."""

    def requires(self) -> Requirements:
        return [ApproveDeletion(run_path=self.run_path)]

    def output(self) -> Checkpoint[BatchRecord]:
        return Checkpoint(self.context.directory.deleted(self.number), BatchRecord)

    @property
    def brief(self) -> bool:
        return self.idle or not deletion.approved(self.context)

    def run(self) -> None:
        if self.idle:
            return
        if self.brief:
            self.conclude(stages.nothing(self.context, self.number))
            return
        with self.beacon() as beacon:
            self.conclude(deletion.delete(self.context, self.number, beacon))


class SettleDirectories(Work):
    """Give the shared directories their final modes and times."""

    def requires(self) -> Requirements:
        if not self.context.options.delete:
            return batches(self)
        return [DeleteExtras(run_path=self.run_path, number=number) for number in range(self.context.record.batches)]

    def output(self) -> Checkpoint[BatchRecord]:
        return Checkpoint(self.context.directory.settled, BatchRecord)

    @property
    def idle(self) -> bool:
        return not self.context.plan.shared

    def run(self) -> None:
        if self.idle:
            self.conclude(stages.nothing(self.context, 0))
            return
        with self.beacon() as beacon:
            self.conclude(stages.settle(self.context, beacon))


class VerifyBatch(Slot):
    """Compare one batch by checksum and attributes."""

    def requires(self) -> Requirements:
        return [SettleDirectories(run_path=self.run_path)]

    def output(self) -> Checkpoint[BatchRecord]:
        return Checkpoint(self.context.directory.verified(self.number), BatchRecord)

    def run(self) -> None:
        if self.idle:
            return
        with self.beacon() as beacon:
            self.conclude(verification.verify(self.context, self.number, beacon))


class Finish(Stage):
    """Everything of one run; writes the report and how the run ended."""

    def requires(self) -> Requirements:
        if not self.context.record.verify:
            return [SettleDirectories(run_path=self.run_path)]
        return [VerifyBatch(run_path=self.run_path, number=number) for number in range(self.context.record.batches)]

    def output(self) -> Checkpoint[FinishRecord]:
        return Checkpoint(self.context.directory.finished, FinishRecord)

    @property
    def brief(self) -> bool:
        return True

    def run(self) -> None:
        with self.beacon():
            self.output().write(finish.finish(self.context))

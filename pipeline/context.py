"""One run as the stages see it: its work directory, what it is, and how hard it may push.

Read from the work directory by every task on its own, so that tasks carry nothing but the directory's path.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from pipeline import durable
from pipeline.errors import StateError
from pipeline.model import Kind, Transfer, Unit
from pipeline.mounts import waits
from pipeline.options import Options, parse
from pipeline.process import which_rsync
from pipeline.records import PaceRecord, PlanRecord, RunRecord, WalkRecord
from pipeline.workdir import WorkDirectory

Record = TypeVar("Record")


@dataclass(frozen=True)
class Run:
    """A run whose `run.json` exists. Everything here stays true while one command lives."""

    directory: WorkDirectory
    record: RunRecord
    pace: PaceRecord
    transfer: Transfer
    options: Options

    @cached_property
    def rsync(self) -> bytes:
        return which_rsync(os.environ)

    def log_of(self, name: str) -> str:
        return os.fsdecode(self.directory.log(name))

    @property
    def local(self) -> bool:
        """Whether both ends are paths of this host."""
        return not (self.record.source.remote or self.record.destination.remote)

    @cached_property
    def waiting(self) -> bool:
        """Whether an end is a network file system, where every call waits."""
        ends = [end for end in (self.record.root, self.record.destination) if not end.remote]
        return any(waits(end.path) for end in ends)

    @property
    def holds_something(self) -> bool:
        """Whether a local destination has anything yet of what will be copied; of a remote one nothing is known."""
        if self.record.destination.remote:
            return False
        try:
            with os.scandir(os.path.join(self.record.destination.path, self.record.start)) as entries:
                return next(entries, None) is not None
        except OSError:
            return False

    @property
    def is_walked(self) -> bool:
        """Whether the walk has left its record, and it can be read."""
        with suppress(StateError):
            return bool(self.walked)
        return False

    @property
    def is_planned(self) -> bool:
        """Whether there is a plan that can be read."""
        with suppress(StateError):
            return bool(self.plan)
        return False

    def units(self, number: int) -> tuple[Unit, ...]:
        """Return what a batch holds; a plain rsync holds the whole source."""
        if self.plan.whole:
            return (Unit(Kind.TREE, (self.record.start,), self.plan.files, self.plan.size, 0.0),)
        return tuple(durable.read_records(self.directory.units(number), Unit))

    @cached_property
    def walked(self) -> WalkRecord:
        return _needed(durable.load(self.directory.frontier, WalkRecord), self.directory.frontier)

    @cached_property
    def plan(self) -> PlanRecord:
        return _needed(durable.load(self.directory.plan, PlanRecord), self.directory.plan)


def _needed(record: Record | None, path: bytes) -> Record:
    if record is None:
        raise StateError(f"{os.fsdecode(path)} is missing", "start the same command again to make it anew")
    return record


@lru_cache(maxsize=8)
def load(path: str) -> Run:
    """Read the run whose work directory is `path`; once per process, since forked tasks inherit it."""
    directory = WorkDirectory(os.fsencode(path))
    record = _needed(durable.load(directory.run, RunRecord), directory.run)
    pace = _needed(durable.load(directory.pace, PaceRecord), directory.pace)
    return Run(directory, record, pace, transfer_of(record), parse(record.options))


def transfer_of(record: RunRecord) -> Transfer:
    return Transfer(record.source, record.destination, tuple(record.options), record.root, record.start)

"""The root of a run's graph: `Sync`, with the parameters of the command line.

`luigi --module pipeline Sync --src A --dest B --workers 4`, and `parsync A B`, build the same tasks.
"""

from __future__ import annotations

import logging
import os
from functools import cached_property
from typing import Any

import luigi

from pipeline import finish
from pipeline.opening import Opened, Request, open_run
from pipeline.records import FinishRecord
from pipeline.stage import Checkpoint
from pipeline.summary import nothing_to_do, summary
from pipeline.tasks import Finish, Requirements

logger = logging.getLogger("luigi-interface")
"""Luigi's own words; the command silences them, and says the same itself."""


class Sync(luigi.Task):
    """Copy a source to a destination: the root of a run, with the parameters of the command line."""

    src = luigi.Parameter(description="source, as rsync takes it")
    dest = luigi.Parameter(description="destination, as rsync takes it")
    rsync_args = luigi.ListParameter(default=(), description="options for rsync, as a JSON list")
    id = luigi.Parameter(default="", description="name of the run; the same name goes on with it")
    work_dir = luigi.Parameter(default="", description="where runs keep their state")
    groups = luigi.IntParameter(default=0, description="shares of the source to plan in parallel; 0: from --workers")
    batches = luigi.IntParameter(default=0, description="batches to copy, at most; 0: from --workers")
    incremental = luigi.BoolParameter(default=False, description="plan only what changed since the last run")
    full_every = luigi.IntParameter(default=0, description="every so many runs a full plan; 0: never forced")
    verify = luigi.BoolParameter(default=False, description="compare by checksum afterwards")
    bwlimit = luigi.IntParameter(default=0, significant=False, description="KB/s of all processes together")
    retries = luigi.IntParameter(default=3, significant=False, description="tries after a transient failure")
    stall_timeout = luigi.FloatParameter(default=0.0, significant=False, description="seconds without progress")
    keep_runs = luigi.IntParameter(default=30, significant=False, description="finished runs to keep")
    processes = luigi.IntParameter(default=0, significant=False, description="processes at once; 0: Luigi's --workers")

    brief = True
    """Nothing is left to do but to say how it ended; no process is worth its start."""

    @cached_property
    def opened(self) -> Opened:
        """The run, opened once: located, locked, its identity written."""
        opened = open_run(self._request())
        if opened.finished is not None:
            logger.info("%s", nothing_to_do(opened.run.record.run_id, opened.path).rstrip())
        return opened

    def _request(self) -> Request:
        parallel = self.processes or luigi.interface.core().workers
        return Request(
            source=os.fsencode(self.src),
            destination=os.fsencode(self.dest),
            options=tuple(map(os.fsencode, self.rsync_args)),
            run_id=self.id,
            work_dir=os.fsencode(self.work_dir),
            groups=self.groups,
            batches=self.batches,
            parallel=parallel,
            incremental=self.incremental,
            full_every=self.full_every,
            verify=self.verify,
            bwlimit=self.bwlimit,
            retries=self.retries,
            stall_timeout=self.stall_timeout,
            keep_runs=self.keep_runs,
        )

    def requires(self) -> Requirements:
        return [Finish(run_path=self.opened.path)]

    def output(self) -> Checkpoint[Any]:
        return Checkpoint(self.opened.run.directory.finished, FinishRecord)

    def complete(self) -> bool:
        """Say whether the run came to an end that needs no further start."""
        finished = self.output().read()
        return finished is not None and finished.outcome.done

    def run(self) -> None:
        """Say how the run ended, for those who started it by `luigi`; its end is written already."""
        finished, report = self.output().read(), finish.report_of(self.opened.run)
        if report is not None:
            logger.info("\n%s", summary(report, self.opened.path, report.ended - report.started))
        if finished is None or not finished.outcome.done:
            raise finish.Incomplete(finish.message(self.opened.run))

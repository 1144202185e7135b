"""The worker that can stop in order."""

from __future__ import annotations

import time
from pathlib import Path

import luigi
import pytest
from luigi.scheduler import Scheduler
from luigi.worker import ContextManagedTaskProcess

from pipeline.interrupts import stoppable
from pipeline.worker import Factory, ThriftyWorker


class Write(luigi.Task):
    """Writes a file, as work that a signal may end."""

    path = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        return luigi.LocalTarget(self.path)

    def run(self) -> None:
        with stoppable():
            time.sleep(2)
            Path(self.path).write_text("done")


class Told(ThriftyWorker):
    """Is told to stop at the instant at which it is about to start a task."""

    def _create_task_process(self, task: luigi.Task) -> ContextManagedTaskProcess:
        made = super()._create_task_process(task)
        self.stop_in_order()
        return made


class Telling(Factory):
    def create_worker(self, scheduler: Scheduler, worker_processes: int, assistant: bool = False) -> ThriftyWorker:
        self.worker = Told(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)
        return self.worker


class Lost(Told):
    """The first signals meet the task in the middle of its fork, and are forgotten."""

    lost = 2

    def _end_running(self) -> int:
        self.lost -= 1
        return super()._end_running() if self.lost < 0 else 0


class Losing(Factory):
    def create_worker(self, scheduler: Scheduler, worker_processes: int, assistant: bool = False) -> ThriftyWorker:
        self.worker = Lost(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)
        return self.worker


@pytest.mark.parametrize(("factory", "written"), [(Factory, True), (Telling, False), (Losing, False)])
def test_a_task_that_was_about_to_start_is_ended_too(factory: type[Factory], written: bool, tmp_path: Path) -> None:
    luigi.build([Write(path=str(tmp_path / "file"))], factory(), local_scheduler=True, workers=2, log_level="CRITICAL")
    assert (tmp_path / "file").exists() == written

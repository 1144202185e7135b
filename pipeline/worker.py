"""Luigi's worker and its task processes, as this pipeline needs them.

Task processes die with their parent, and end their rsync before they go; brief tasks need no process at all.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from http.client import HTTPException
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from luigi import Task
from luigi.interface import _WorkerSchedulerFactory
from luigi.rpc import RemoteScheduler, RPCError
from luigi.scheduler import Scheduler
from luigi.task_status import FAILED
from luigi.worker import ContextManagedTaskProcess, TaskProcess, Worker

from pipeline.errors import SchedulerError
from pipeline.interrupts import in_task, interrupted, orphaned


class TaskContext:
    """Set up a forked task process; named in Luigi's setting `task_process_context`."""

    def __init__(self, process: TaskProcess) -> None:
        self._process = process

    def __enter__(self) -> None:
        if self._process.use_multiprocessing:
            in_task()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the error to Luigi; where the command was killed, nobody waits for the result.

        It may have been killed while it held the queue's lock, and a process that waits for that would never end.
        """
        if self._process.use_multiprocessing and orphaned():
            self._process.result_queue.cancel_join_thread()


class ThriftyWorker(Worker):
    """A worker that runs brief tasks without a process of their own, can stop in order, and remembers a failure.

    `failure` is what the first task that failed had to say: the work directory may have been too full to note it.
    """

    failure = ""
    stopping = False

    def _add_task(self, *arguments: Any, **named: Any) -> None:
        if named.get("status") == FAILED and not self.failure:
            with suppress(ValueError, TypeError):
                self.failure = str(json.loads(named.get("expl") or '""'))
        super()._add_task(*arguments, **named)

    def _create_task_process(self, task: Task) -> ContextManagedTaskProcess:
        process: ContextManagedTaskProcess = super()._create_task_process(task)
        if getattr(task, "brief", False):
            process.use_multiprocessing = False
        return process

    def stop_in_order(self) -> int:
        """Ask for no more tasks, end the running ones; return how many there were."""
        self.stopping = True
        self._start_phasing_out()
        return self._end_running()

    def _run_task(self, task_id: str) -> None:
        """Start a task, unless the signal came after the scheduler had given it out."""
        if not self.stopping:
            super()._run_task(task_id)

    def _handle_next_task(self) -> None:
        """Wait for a task; when stopping, tell those that run once more, since one may have been about to start.

        Python forgets a signal that meets a process in the middle of its fork.
        """
        super()._handle_next_task()
        if self.stopping:
            self._end_running()

    def _end_running(self) -> int:
        running = [process for process in self._running_tasks.values() if process.use_multiprocessing]
        for pid in [process.pid for process in running if process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        return len(running)


class Factory(_WorkerSchedulerFactory):
    """Makes the worker and keeps it, so that a signal can reach it."""

    def __init__(self) -> None:
        self.worker: ThriftyWorker | None = None

    def stop(self) -> int:
        """Stop the worker in order; return how many tasks ran. Before there is one, raise Interrupted."""
        if self.worker is None:
            raise interrupted()
        return self.worker.stop_in_order()

    def create_worker(self, scheduler: Scheduler, worker_processes: int, assistant: bool = False) -> ThriftyWorker:
        self.worker = ThriftyWorker(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)
        return self.worker


def reach(url: str) -> None:
    """Raise SchedulerError unless a luigid answers; asked once, where a run asks for two minutes."""
    scheduler = RemoteScheduler(url)
    scheduler._rpc_retry_attempts = 1
    try:
        scheduler.is_paused()  # type: ignore[attr-defined]
    except (RPCError, HTTPException, OSError, ValueError, KeyError) as error:
        raise unreachable(url, error, "start one, or leave out --scheduler") from None
    finally:
        scheduler.close()


def unreachable(url: str, error: Exception, hint: str) -> SchedulerError:
    """Return the error for a luigid that does not answer, with the innermost reason."""
    reason: object = getattr(error, "sub_exception", None) or error
    reason = getattr(reason, "reason", reason)
    reason = getattr(reason, "strerror", None) or reason
    shown = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
    return SchedulerError(f"no luigid answers at {shown}: {reason}", hint)

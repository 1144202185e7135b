"""Luigi's worker and its task processes, as this pipeline needs them.

Task processes die with their parent, and end their rsync before they go; idle tasks need no process at all.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from http.client import HTTPException
from types import TracebackType
from urllib.parse import urlsplit

from luigi import Task
from luigi.interface import _WorkerSchedulerFactory
from luigi.rpc import RemoteScheduler, RPCError
from luigi.scheduler import Scheduler
from luigi.worker import ContextManagedTaskProcess, TaskProcess, Worker

from pipeline.errors import SchedulerError
from pipeline.interrupts import in_task, orphaned


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
    """A worker that runs idle tasks without a process of their own, and can stop in order."""

    _stopping = False

    def _create_task_process(self, task: Task) -> ContextManagedTaskProcess:
        process: ContextManagedTaskProcess = super()._create_task_process(task)
        if getattr(task, "idle", False):
            process.use_multiprocessing = False
        return process

    def stop_in_order(self) -> int:
        """Ask for no more tasks, end the running ones; return how many there were."""
        self._stopping = True
        self._start_phasing_out()
        return self._end_running()

    def _run_task(self, task_id: str) -> None:
        """Start a task; one that was about to start when the worker was told to stop is ended as well."""
        super()._run_task(task_id)
        if self._stopping:
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


def quiet() -> None:
    """Silence Luigi: the command has its own display, and tells a failure in one line."""
    for name in ("luigi", "luigi-interface", "luigi.scheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)

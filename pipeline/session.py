"""One start of the command: open the run, let Luigi work on it, say how it went.

Signals are handled here: the first asks for an orderly stop, the second stops at once (issue 4).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import luigi

from pipeline import durable, fatal, flushing, overview, tidy
from pipeline.command_line import Command
from pipeline.errors import ExitCode
from pipeline.interrupts import install
from pipeline.opening import Opened
from pipeline.records import FinishRecord
from pipeline.report import RunReport
from pipeline.summary import interrupted, nothing_to_do, summary
from pipeline.sync import Sync
from pipeline.terminal import display
from pipeline.worker import Factory, quiet


@dataclass(slots=True)
class Ending:
    """How a start of the command ended: text for stdout, one line for stderr, the exit code."""

    code: int
    text: str = ""
    error: str = ""
    interrupted: bool = False


def run(command: Command, complain: Callable[[str], None]) -> Ending:
    """Carry out one command line up to its summary."""
    command.request.check()
    root = Sync(**parameters(command))
    opened = root.opened
    try:
        if opened.finished is not None and opened.finished.outcome.done:
            return Ending(opened.finished.code, nothing_to_do(opened.run.record.run_id, opened.path))
        started = time.monotonic()
        stopped, failure = _build(root, opened, command, complain)
        if stopped:
            flushing.flush(opened.run)
        ending = _ending(opened, stopped, failure, time.monotonic() - started)
        tidy.tidy(opened.run)
        return ending
    finally:
        opened.close()


def parameters(command: Command) -> dict[str, object]:
    """Return the parameters of the root task that this command line means."""
    request = command.request
    return {
        "src": os.fsdecode(request.source),
        "dest": os.fsdecode(request.destination),
        "rsync_args": tuple(os.fsdecode(word) for word in request.options),
        "id": request.run_id,
        "work_dir": os.fsdecode(request.work_dir),
        "groups": request.groups,
        "batches": request.batches,
        "incremental": request.incremental,
        "full_every": request.full_every,
        "verify": request.verify,
        "bwlimit": request.bwlimit,
        "retries": request.retries,
        "stall_timeout": request.stall_timeout,
        "keep_runs": request.keep_runs,
        "processes": request.parallel,
    }


def _build(root: luigi.Task, opened: Opened, command: Command, complain: Callable[[str], None]) -> tuple[bool, str]:
    """Let Luigi carry out the run; return whether a signal stopped it, and what the first task that failed said."""
    quiet()
    factory = Factory()
    stopped = False

    def first() -> None:
        nonlocal stopped
        stopped = True
        running = factory.worker.stop_in_order() if factory.worker else 0
        complain(f"stopping: ending {running} running processes (once more to stop at once)")

    options: dict[str, object] = {"local_scheduler": True, "workers": command.request.parallel}
    if command.scheduler:
        options = {"scheduler_url": command.scheduler, "workers": command.request.parallel}
    with install(first), display(lambda: overview.snapshot(opened.run), enabled=command.progress):
        luigi.build([root], worker_scheduler_factory=factory, detailed_summary=True, log_level="CRITICAL", **options)
    return stopped, factory.worker.failure if factory.worker else ""


def _ending(opened: Opened, stopped: bool, failure: str, seconds: float) -> Ending:
    """Say how the run stands now, from its records alone."""
    directory = opened.run.directory
    finish = durable.load(directory.finished, FinishRecord)
    if finish is not None:
        report = durable.load(directory.report, RunReport)
        return Ending(finish.code, summary(report, opened.path, seconds) if report else "")
    done, planned = overview.batches_done(opened.run)
    if stopped:
        return Ending(int(ExitCode.INTERRUPTED), error=interrupted(done, planned), interrupted=True)
    return Ending(int(ExitCode.FAILED), error=_failure(opened, failure, done, planned))


def _failure(opened: Opened, failure: str, done: int, planned: int) -> str:
    """Return the reason of the first failure on record, with what to do."""
    note = fatal.note(opened.run)
    if note is not None:
        return f"{note.message} ({note.hint or 'start the same command again to go on'})"
    for record in overview.failures(opened.run):
        return f"{record.message} (start the same command again to go on, {done} of {planned} batches done)"
    if failure:
        return failure if failure.endswith(")") else f"{failure} (start the same command again to go on)"
    return f"the run did not end; its logs are in {opened.path}/log (start the same command again to go on)"

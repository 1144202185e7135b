"""One start of the command: open the run, let Luigi work on it, say how it went.

Signals are handled here: the first asks for an orderly stop, the second stops at once (issue 4).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import luigi
from luigi.rpc import RPCError

from pipeline import durable, fatal, flushing, overview, tidy
from pipeline.command_line import Command
from pipeline.errors import ExitCode
from pipeline.finish import report_of
from pipeline.interrupts import install
from pipeline.opening import Opened
from pipeline.records import FinishRecord
from pipeline.summary import counted, interrupted, nothing_to_do, summary
from pipeline.sync import Sync
from pipeline.terminal import display, has_bars
from pipeline.worker import Factory, quiet, reach, unreachable

SUBMISSIONS = 5
"""So often a run is handed to a central luigid that forgets it; each time it goes on where it stopped."""


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
    quiet()
    if command.scheduler:
        reach(command.scheduler)
    root = Sync(**parameters(command))
    opened = root.opened
    try:
        if opened.finished is not None and opened.finished.outcome.done:
            return Ending(opened.finished.code, nothing_to_do(opened.run.record.run_id, opened.path))
        started = time.monotonic()
        stopped = _build(root, opened, command, complain)
        if stopped:
            flushing.flush(opened.run)
        ending = _ending(opened, stopped, time.monotonic() - started)
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


def _build(root: luigi.Task, opened: Opened, command: Command, complain: Callable[[str], None]) -> bool:
    """Let Luigi carry out the run; return whether a signal stopped it."""
    factory = Factory()
    bars = has_bars(wanted=command.progress)
    stopped, notice = False, ""

    def first() -> None:
        nonlocal stopped, notice
        stopped = True
        running = factory.worker.stop_in_order() if factory.worker else 0
        text = f"stopping {counted(running, 'process', 'processes')} (once more to stop at once)"
        if bars:
            notice = text
        else:
            complain(text)

    options: dict[str, object] = {"workers": command.request.parallel, "log_level": "CRITICAL"}
    options |= {"scheduler_url": command.scheduler} if command.scheduler else {"local_scheduler": True}
    with install(first), display(lambda: overview.snapshot(opened.run, notice), bars=bars):
        try:
            for _ in range(SUBMISSIONS if command.scheduler else 1):
                luigi.build([root], worker_scheduler_factory=factory, **options)
                if stopped or not _forgotten(opened):
                    break
        except RPCError as error:
            raise unreachable(command.scheduler, error, "start it and the same command again to go on") from None
    return stopped


def _forgotten(opened: Opened) -> bool:
    """Say whether the run neither came to its end nor failed: so it is when luigid was started anew meanwhile."""
    if durable.load(opened.run.directory.finished, FinishRecord) is not None:
        return False
    return fatal.note(opened.run) is None and not any(overview.failures(opened.run))


def _ending(opened: Opened, stopped: bool, seconds: float) -> Ending:
    """Say how the run stands now, from its records alone."""
    directory = opened.run.directory
    finish = durable.load(directory.finished, FinishRecord)
    if finish is not None:
        report = report_of(opened.run)
        return Ending(finish.code, summary(report, opened.path, seconds) if report else "")
    done, planned = overview.batches_done(opened.run)
    if stopped:
        return Ending(int(ExitCode.INTERRUPTED), error=interrupted(done, planned), interrupted=True)
    return Ending(int(ExitCode.FAILED), error=_failure(opened, done, planned))


def _failure(opened: Opened, done: int, planned: int) -> str:
    """Return the reason of the first failure on record, with what to do."""
    note = fatal.note(opened.run)
    if note is not None:
        return f"{note.message} ({note.hint or 'start the same command again to go on'})"
    for record in overview.failures(opened.run):
        return f"{record.message} (start the same command again to go on, {done} of {planned} batches done)"
    return f"the run did not end; its logs are in {opened.path}/log (start the same command again to go on)"

"""One start of the command: open the run, let Luigi work on it, say how it went.

Luigi is imported late, while ssh logs in (`building.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline import connection, durable, fatal, flushing, overview, tidy
from pipeline.command_line import Command
from pipeline.errors import ExitCode
from pipeline.finish import report_of
from pipeline.interrupts import Stop, install
from pipeline.opening import Opened, open_run
from pipeline.records import FinishRecord
from pipeline.summary import interrupted, nothing_to_do, summary


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
    _quiet()
    if command.scheduler:
        _reach(command.scheduler)
    stop = Stop(complain)
    with install(stop):
        opened = open_run(command.request)
        try:
            return _carry_out(opened, command, stop)
        finally:
            opened.close()


def _carry_out(opened: Opened, command: Command, stop: Stop) -> Ending:
    if opened.finished is not None and opened.finished.outcome.done:
        return Ending(opened.finished.code, nothing_to_do(opened.run.record.run_id, opened.path))
    started = time.monotonic()
    with connection.shared(opened.run):
        failure = _build(opened, command, stop)
    if stop.asked:
        flushing.flush(opened.run)
    ending = _ending(opened, stop.asked, failure, time.monotonic() - started)
    tidy.tidy(opened.run)
    return ending


def _quiet() -> None:
    """Silence Luigi from its import on: the command has its own display, and tells a failure in one line."""
    for name in ("luigi", "luigi-interface", "luigi.scheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _reach(scheduler: str) -> None:
    from pipeline.worker import reach

    reach(scheduler)


def _build(opened: Opened, command: Command, stop: Stop) -> str:
    from pipeline.building import build

    return build(opened, command, stop)


def _ending(opened: Opened, stopped: bool, failure: str, seconds: float) -> Ending:
    """Say how the run stands now, from its records alone."""
    directory = opened.run.directory
    finish = durable.load(directory.finished, FinishRecord)
    if finish is not None:
        report = report_of(opened.run)
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

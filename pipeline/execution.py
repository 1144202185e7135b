"""Carry out rsync calls: one after the other, again where that helps, and add up how they ended.

A call that failed for good ends the rest only where every later call would fail alike.
"""

from __future__ import annotations

import os
import random
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline import boot, connection, orphans, ramp
from pipeline.calls import Call, through
from pipeline.context import Run
from pipeline.interpret import Verdict, interpret, progress, statistics
from pipeline.model import FailedPath, Outcome, Statistics, printable, worst
from pipeline.options import hide_secrets
from pipeline.process import Ended
from pipeline.process import run as run_process
from pipeline.progress import Beacon
from pipeline.records import BatchRecord
from pipeline.retrying import pause
from pipeline.rsync import LINKED

SHOWN_WORDS = 40
"""A command may have a megabyte of paths; the log shows its beginning."""


@dataclass(slots=True)
class Tally:
    """What the calls of one task have come to so far."""

    started: float = field(default_factory=time.time)
    outcomes: list[Outcome] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    failed: list[FailedPath] = field(default_factory=list)
    vanished: list[bytes] = field(default_factory=list)
    statistics: Statistics = field(default_factory=Statistics)
    message: str = ""
    attempts: int = 1
    rsyncs: int = 0
    linked: int = 0
    cpu_seconds: float = 0.0
    fatal: bool = False
    withheld: str = ""

    def add(self, ended: Ended, verdict: Verdict) -> None:
        """Take the last attempt of one call."""
        self.outcomes.append(verdict.outcome)
        self.codes.append(ended.code)
        self.failed += verdict.failed
        self.vanished += verdict.vanished
        self.statistics += statistics(ended.stdout)
        self.fatal = self.fatal or verdict.fatal
        if verdict.outcome is not Outcome.COMPLETE:
            self.message = verdict.message

    @property
    def done(self) -> bool:
        """Whether every call so far copied everything."""
        return worst(self.outcomes).done

    def record(self, run: Run, number: int) -> BatchRecord:
        return BatchRecord(
            number=number,
            outcome=worst(self.outcomes),
            code=max(self.codes, default=0),
            message=self.message,
            failed=self.failed,
            vanished=self.vanished,
            statistics=self.statistics + Statistics(linked=self.linked),
            attempts=self.attempts,
            rsyncs=self.rsyncs,
            cpu_seconds=self.cpu_seconds,
            started=self.started,
            ended=time.time(),
            boot=boot.boot_id(),
            session=run.pace.session,
            fatal=self.fatal,
            withheld=self.withheld,
        )


def carry_out(
    run: Run,
    calls: Iterable[Call],
    tally: Tally,
    log: bytes,
    beacon: Beacon,
    on_ended: Callable[[Ended], None] | None = None,
    shares: bool = True,
) -> None:
    """Run the calls in order; stop after one that failed (rather than copied in part).

    A call that `shares` goes by the run's one connection if there is one.
    """
    for call in calls:
        ended, verdict = _attempts(run, call, tally, log, beacon, shares and run.pace.parallel <= connection.SESSIONS)
        tally.add(ended, verdict)
        if on_ended:
            on_ended(ended)
        if verdict.outcome is Outcome.FAILED:
            return


def _attempts(run: Run, call: Call, tally: Tally, log: bytes, beacon: Beacon, shares: bool) -> tuple[Ended, Verdict]:
    """Run one call until it ends well, or for good, or `--retries` are used up; what is tried again shares nothing."""
    attempt = 0
    while True:
        shell = connection.shell() if shares and not attempt else b""
        ended = _once(run, call, shell, log, beacon, tally)
        tally.rsyncs += 1
        tally.cpu_seconds += ended.cpu_seconds
        verdict = interpret(ended.code, ended.stderr, stalled=ended.stalled, listed=not run.plan.whole)
        if not verdict.transient or attempt >= run.pace.retries:
            return ended, verdict
        attempt += 1
        tally.attempts = max(tally.attempts, attempt + 1)
        time.sleep(pause(attempt, random.random()))


def _once(run: Run, call: Call, shell: bytes, log: bytes, beacon: Beacon, tally: Tally) -> Ended:
    if not shell and not run.local:
        ramp.permit(run.directory.path)

    def follow(line: bytes) -> None:
        if line.startswith(LINKED):
            tally.linked += 1
        elif beacon.due and (seen := progress(line)):
            beacon.update(seen.files, seen.size)

    command = (run.rsync, *through(shell, call.arguments))
    _note(log, command)
    return run_process(
        command,
        cwd=run.record.cwd,
        stdin=call.stdin,
        environ=orphans.marked(dict(os.environb), run.directory.path),
        log=log,
        on_line=follow,
        stall_seconds=run.pace.stall_timeout or None,
    )


def _note(log: bytes, command: tuple[bytes, ...]) -> None:
    """Write the beginning of a command into a log, private from its first byte, without passwords, as text."""
    text = shlex.join(map(printable, hide_secrets(command[:SHOWN_WORDS])))
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, f"$ {text}\n".encode())
    finally:
        os.close(handle)

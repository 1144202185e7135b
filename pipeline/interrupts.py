"""Signals: the first asks the command to stop in order, the second stops it; task processes end their rsync.

SIGINT, SIGTERM and SIGHUP mean the same; under nohup SIGHUP stays ignored.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


@contextmanager
def install(on_first: Callable[[], None]) -> Iterator[None]:
    """Handle signals of the command while the block runs; the second one raises Interrupted wherever it is."""
    seen = 0
    owner = os.getpid()

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if os.getpid() != owner:
            # A child that was forked a moment ago has these handlers until `in_task`, and has started nothing yet.
            os._exit(128 + number)
        seen += 1
        if seen > 1:
            raise Interrupted("stopped at once", "start the same command again to go on")
        on_first()

    before = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_task() -> None:
    """Set up a forked task process: it dies with its parent, and SIGTERM ends its work (see `interruptible`).

    A terminal's ^C goes to the command alone, which passes it on as SIGTERM.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    if orphaned():
        os._exit(1)


def orphaned() -> bool:
    """Say whether the process that forked this task process is dead."""
    forked_by = multiprocessing.parent_process()
    return forked_by is not None and os.getppid() != forked_by.pid


class _Task:
    """What this task process is doing, and whether it has been told to end."""

    working = False
    told = False


def _end(_number: int, _frame: FrameType | None) -> None:
    """End the work, once; around it only remember, since Luigi's queue must not be left half way."""
    again, _Task.told = _Task.told, True
    if _Task.working and not again:
        raise _stopped()
    if not _Task.working and orphaned():
        os._exit(1)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM raise Interrupted while the block runs, or at its start if it came before."""
    _Task.working = True
    try:
        if _Task.told:
            raise _stopped()
        yield
    finally:
        _Task.working = False


def _stopped() -> Interrupted:
    return Interrupted("stopped", "start the same command again to go on")

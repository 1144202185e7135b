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


class _Stop:
    """Whether this task process was asked to stop, and whether it is where it can."""

    asked = False
    possible = False


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM raise Interrupted in the block.

    Outside a task process is beginning or ending: an exception there could leave a lock of Luigi's queue taken, and
    the process would wait for it for ever.
    """
    _Stop.possible = True
    try:
        if _Stop.asked:
            raise _interrupted()
        yield
    finally:
        _Stop.possible = False


def in_task() -> None:
    """Set up a forked task process: it dies with its parent, and SIGTERM ends what it started.

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


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _Stop.asked = True
    if _Stop.possible:
        raise _interrupted()


def _interrupted() -> Interrupted:
    return Interrupted("stopped", "start the same command again to go on")

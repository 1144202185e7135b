"""Signals: the first asks the command to stop in order, the second stops it; task processes end their rsync.

SIGINT, SIGTERM and SIGHUP mean the same; under nohup SIGHUP stays ignored.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import Interrupted
from pipeline.summary import counted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


class Stop:
    """What the first signal does: `end` what runs, and say so. Before anything runs, Interrupted is raised."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.asked = False
        self.tell = tell
        self.end: Callable[[], int] | None = None

    def __call__(self) -> None:
        self.asked = True
        if self.end is None:
            raise interrupted()
        self.tell(f"stopping {counted(self.end(), 'process', 'processes')} (once more to stop at once)")


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


def ignore() -> None:
    """Ignore further signals: the command ends already, with its own exit code."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class _Task:
    """Whether this task process was asked to stop, and whether it is where it can."""

    asked = False
    possible = False


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM raise Interrupted in the block.

    Outside a task process is beginning or ending: an exception there could leave a lock of Luigi's queue taken, and
    the process would wait for it for ever.
    """
    _Task.possible = True
    try:
        check()
        yield
    finally:
        _Task.possible = False


@contextmanager
def held() -> Iterator[None]:
    """Let no interruption into the block, but have it come after.

    Python would print and forget one that comes while hooks run at a fork, or from a destructor.
    """
    possible, _Task.possible = _Task.possible, False
    try:
        yield
    finally:
        _Task.possible = possible
    check()


def check() -> None:
    """Raise Interrupted where this task was asked to stop, in case that the exception itself was lost."""
    if _Task.asked and _Task.possible:
        raise interrupted()


def in_task() -> None:
    """Set up a forked task process: it dies with its parent, and SIGTERM ends what it started.

    A terminal's ^C goes to the command alone, which passes it on as SIGTERM.
    """
    gc.freeze()  # What the command left in memory is not gone through again for every listing.
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
    _Task.asked = True
    if not _Task.possible and orphaned():
        os._exit(1)
    check()


def interrupted() -> Interrupted:
    return Interrupted("interrupted", "start the same command again to go on")

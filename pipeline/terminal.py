"""What a person sees while a run goes on: three bars on a terminal, a log line now and then elsewhere.

Fed by a snapshot, taken by a thread of its own; rich is imported only where there is a terminal.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.summary import duration, size

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOOK_SECONDS = 0.25
LOG_SECONDS = 30.0

logger = logging.getLogger("parsync")


@dataclass(frozen=True, slots=True)
class StageState:
    """One stage: steps done of all (0: not known yet), and what it counts in words."""

    done: float = 0.0
    total: float = 0.0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The three stages as the original script had them."""

    walk: StageState
    plan: StageState
    sync: StageState


@contextmanager
def display(look: Callable[[], Snapshot], *, enabled: bool) -> Iterator[None]:
    """Show snapshots while the block runs: bars on a terminal, else log lines."""
    done = threading.Event()
    bars = enabled and sys.stderr.isatty()
    thread = threading.Thread(target=_bars if bars else _lines, args=(look, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _bars(look: Callable[[], Snapshot], done: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:5}"),
        BarColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bars = [progress.add_task(name, total=None, words="", start=False) for name in ("Walk", "Plan", "Sync")]
        while not done.wait(LOOK_SECONDS):
            snapshot = look()
            for bar, state in zip(bars, (snapshot.walk, snapshot.plan, snapshot.sync), strict=True):
                _show(progress, bar, state)


def _show(progress: Progress, bar: TaskID, state: StageState) -> None:
    task = progress.tasks[bar]
    if (state.done or state.words) and task.start_time is None:
        progress.start_task(bar)
    progress.update(bar, completed=state.done, total=state.total or None, words=state.words)
    if state.total and state.done >= state.total and task.stop_time is None:
        progress.stop_task(bar)


def _lines(look: Callable[[], Snapshot], done: threading.Event) -> None:
    while not done.wait(LOG_SECONDS):
        state = look()
        logger.info(
            "walk %s; plan %s; sync %s",
            state.walk.words or "-",
            state.plan.words or "-",
            state.sync.words or "-",
        )


def rate_words(files: int, total_files: int, bytes_done: int, total: int, started: float) -> str:
    """Return counts, rate and an estimate of the rest, for one line."""
    seconds = max(time.time() - started, 0.001)
    words = f"{files:,}/{total_files:,} files, {size(bytes_done)}/{size(total)}, {size(bytes_done / seconds)}/s"
    share = bytes_done / total if total else files / total_files if total_files else 0.0
    if 0.01 < share < 1:
        words += f", {duration(seconds * (1 - share) / share)} left"
    return words

"""What a person sees while a run goes on: three bars on a terminal, a log line now and then elsewhere.

Fed by a snapshot, taken by a thread of its own; `bars.py` is imported only where there is a terminal.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.summary import duration, size

LOOK_SECONDS = 0.25
LOG_SECONDS = 30.0

logger = logging.getLogger("parsync")


@dataclass(frozen=True, slots=True)
class StageState:
    """One stage: steps done of all (0: not known yet), what the steps are (`B` or files), and what it says."""

    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    words: str = ""
    detail: str = ""

    @property
    def begun(self) -> bool:
        return bool(self.done or self.words)

    @property
    def over(self) -> bool:
        return 0 < self.total <= self.done


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The three stages as the original script had them, and what the user should know now."""

    walk: StageState
    plan: StageState
    sync: StageState
    notice: str = ""

    @property
    def stages(self) -> tuple[StageState, StageState, StageState]:
        return self.walk, self.plan, self.sync


class Rates:
    """How fast a stage goes since it was first seen: what earlier starts had done does not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, float] | None = None

    def words(self, state: StageState) -> str:
        """Return share, rate, an estimate of the rest, and the stage's own words."""
        if not state.unit or state.over or not state.begun:
            return state.words
        now = self._clock()
        since, before = self._first = self._first or (now, state.done)
        share = f"{100 * state.done / state.total:.0f} %" if state.total else ""
        rate = (state.done - before) / (now - since) if now > since else 0.0
        rest = f"{duration((state.total - state.done) / rate)} left" if rate and state.total else ""
        speed = f"{size(rate)}/s" if state.unit == "B" else f"{rate:,.0f} {state.unit}/s"
        return ", ".join(filter(None, (share, state.words, speed if rate else "", rest)))


def has_bars(*, wanted: bool) -> bool:
    """Say whether bars are shown."""
    return wanted and sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def display(look: Callable[[], Snapshot], *, bars: bool) -> Iterator[None]:
    """Show snapshots while the block runs: bars on a terminal, else log lines."""
    done = threading.Event()
    thread = threading.Thread(target=_bars if bars else _lines, args=(look, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _bars(look: Callable[[], Snapshot], done: threading.Event) -> None:
    from rich.console import Console

    from pipeline.bars import show

    show(look, done, Console(stderr=True))


def _lines(look: Callable[[], Snapshot], done: threading.Event) -> None:
    rates = [(name, Rates()) for name in ("walk", "plan", "sync")]
    while not done.wait(LOG_SECONDS):
        said = []
        for (name, rate), state in zip(rates, look().stages, strict=True):
            words = ", ".join(filter(None, (rate.words(state), state.detail)))
            said.append(f"{name}: {words or '-'}")
        logger.info("; ".join(said))

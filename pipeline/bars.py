"""The bars of a terminal: a line for each of three stages, and one of counts below. Imported only where they are shown.

Nothing here wraps, not even when a ^C is echoed: where the terminal is narrow, words are cut at their end. It may
change its size at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from pipeline.terminal import LOOK_SECONDS, Rates, Snapshot, StageState

NARROWEST, WIDEST = 8, 40
"""Columns of a bar."""
BESIDE = 52
"""Columns that are left beside a bar before it shrinks: a name, a time, a share, a rate, the rest."""
_NAMES = ("Walk", "Plan", "Sync")


class _Words(ProgressColumn):
    """What a stage says of itself: the only column that gives way."""

    def render(self, task: Task) -> Text:
        return _line(str(task.fields["words"]))


class _Bars(Progress):
    """The stages, and below them what the last of them has counted, and what the user should know now."""

    below: tuple[str, ...] = ()
    room: int = 0

    def get_renderables(self) -> Iterable[RenderableType]:
        yield Constrain(self.make_tasks_table(self.tasks), self.room)
        yield from (Constrain(_line(f"     {text}", "dim"), self.room) for text in self.below if text)


def _line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def show(look: Callable[[], Snapshot], done: threading.Event, console: Console) -> None:
    """Draw what `look` returns until `done` is set, then leave nothing behind."""
    bar = BarColumn(table_column=Column(no_wrap=True))
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        bar,
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        _Words(table_column=Column()),
    )
    rates = {name: Rates() for name in _NAMES}
    # Children that are forked meanwhile have this process's streams: they must stay plain ones, without a lock.
    shown = _Bars(
        *columns, console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    )
    with shown as bars:
        for name in _NAMES:
            bars.add_task(name, total=None, words="", start=False)
        while not done.wait(LOOK_SECONDS):
            snapshot = look()
            bar.bar_width = max(NARROWEST, min(WIDEST, console.width - BESIDE))
            for task, state in zip(bars.tasks, snapshot.stages, strict=True):
                _update(bars, task, state, rates[task.description].words(state))
            bars.room = console.width - len("^C") - 1
            bars.below = (snapshot.sync.detail, snapshot.notice)
            bars.refresh()


def _update(bars: _Bars, task: Task, state: StageState, words: str) -> None:
    if state.begun and task.start_time is None:
        bars.start_task(task.id)
    bars.update(task.id, completed=state.done, total=state.total or None, words=words)
    if state.over and task.stop_time is None:
        bars.stop_task(task.id)

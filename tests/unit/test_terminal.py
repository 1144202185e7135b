"""What the display says, on a clock and a console of its own."""

from __future__ import annotations

import io
import re
import threading

import pytest
from rich.cells import cell_len
from rich.console import Console

from pipeline import bars
from pipeline.terminal import Rates, Snapshot, StageState

LONG = StageState(
    217e6,
    595e6,
    "B",
    detail="118/2,000 batches, 12,321,641/50,930,000 files, 217.8 MB/595.7 MB, batch 118 slowest, 2 h 08 min",
)
BUSY = Snapshot(StageState(1, 1, words="50,930,000 files"), StageState(1, 1, words="planned"), LONG, "stopping")


class Clock:
    def __init__(self, *times: float) -> None:
        self._times = list(times)

    def __call__(self) -> float:
        return self._times.pop(0)


def test_what_earlier_starts_had_done_does_not_count_as_speed() -> None:
    rates = Rates(Clock(100.0, 110.0))
    assert rates.words(StageState(500e6, 1e9, "B")) == "50 %"
    assert rates.words(StageState(600e6, 1e9, "B")) == "60 %, 10.0 MB/s, 40.0 s left"


def test_a_walk_has_a_rate_and_no_share() -> None:
    rates = Rates(Clock(100.0, 102.0))
    rates.words(StageState(0, 0, "files", "0 files"))
    assert rates.words(StageState(5000, 0, "files", "5,000 files")) == "5,000 files, 2,500 files/s"


def test_a_stage_that_is_over_says_what_it_came_to() -> None:
    assert Rates(Clock()).words(StageState(1, 1, "files", "7 files")) == "7 files"


@pytest.mark.parametrize("width", [30, 45, 60, 80, 200])
def test_no_line_is_as_wide_as_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "LOOK_SECONDS", 0.01)
    shown, done, looks = io.StringIO(), threading.Event(), iter(range(5))

    def look() -> Snapshot:
        if next(looks) == 4:
            done.set()
        return BUSY

    bars.show(look, done, Console(file=shown, width=width, force_terminal=True, color_system=None))
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue()))
    assert max(map(cell_len, lines)) < width - 2
    for name in ("Walk", "Plan", "Sync", "     118/2,000", "     stopping"):
        assert any(line.startswith(name) for line in lines), lines

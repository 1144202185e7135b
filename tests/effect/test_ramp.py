"""Starts of remote processes are spread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.ramp import LOGINS_AT_ONCE, WINDOW_SECONDS, claim, permit


def test_a_few_logins_start_at_once_and_the_next_waits_for_the_window(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "logins")
    assert [claim(path, 100.0) for _ in range(LOGINS_AT_ONCE)] == [0.0] * LOGINS_AT_ONCE
    wait = claim(path, 100.25)
    assert wait == pytest.approx(WINDOW_SECONDS - 0.25)
    assert claim(path, 100.25 + wait) == 0.0


def test_in_no_window_are_there_more(tmp_path: Path) -> None:
    path, now, starts = os.fsencode(tmp_path / "logins"), 50.0, []
    while len(starts) < 40:
        wait = claim(path, now)
        if not wait:
            starts.append(now)
        now += wait + 0.01
    for first, later in zip(starts, starts[LOGINS_AT_ONCE:], strict=False):
        assert later - first >= WINDOW_SECONDS - 0.002


@pytest.mark.parametrize("text", [b"", b"what is this", b"99.1 99.", b"\xff\x00", b"1e999 nan"])
def test_a_damaged_file_stops_nobody(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "logins").write_bytes(text)
    assert claim(os.fsencode(tmp_path / "logins"), 100.0) == 0.0


def test_a_clock_that_was_set_back_stops_nobody(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path / "logins")
    for _ in range(LOGINS_AT_ONCE):
        claim(path, 10_000.0)
    assert claim(path, 100.0) == 0.0


def test_where_nothing_can_be_noted_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "logins").symlink_to("elsewhere")
    assert claim(os.fsencode(tmp_path / "logins"), 100.0) == 0.0
    permit(os.fsencode(tmp_path / "gone"))

"""Pauses before a transient failure is tried again."""

from __future__ import annotations

import pytest

from pipeline.retrying import FIRST_SECONDS, MOST_SECONDS, pause


@pytest.mark.parametrize("random", [0.0, 0.3, 1.0])
def test_pauses_grow_up_to_a_minute(random: float) -> None:
    pauses = [pause(attempt, random) for attempt in range(1, 30)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= FIRST_SECONDS
    assert pauses[-1] <= MOST_SECONDS


def test_the_longest_pause_is_reached_and_kept_for_any_attempt() -> None:
    assert pause(20, 1.0) == pause(10**6, 1.0) == MOST_SECONDS


def test_processes_that_failed_together_come_again_apart() -> None:
    spread = {round(pause(5, number / 10), 3) for number in range(11)}
    assert len(spread) == 11
    assert max(spread) == 2 * min(spread)

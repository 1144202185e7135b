"""When a group of processes counts as standing still."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.stall import LATE_SECONDS, LEAST_PROGRESS, Watch


def first_stall(measure: Callable[[float], int], seconds: float, until: float, step: float = 1.0) -> float | None:
    """Return when a watch that looks every `step` seconds first says that the group stands still."""
    clock = 0.0
    watch = Watch(1, seconds, clock, lambda _group: measure(clock))
    while clock < until:
        clock += step
        if watch.stalls(clock):
            return clock
    return None


def test_a_group_that_does_nothing_stands_still_after_the_time() -> None:
    assert first_stall(lambda _clock: 0, seconds=30, until=100) == 30


def test_a_group_that_once_did_much_is_timed_from_then_on() -> None:
    assert first_stall(lambda clock: 10**9 if clock >= 20 else 0, seconds=30, until=100) == 50


def test_a_group_that_moves_bytes_now_and_then_goes_on() -> None:
    assert first_stall(lambda clock: int(clock // 29) * LEAST_PROGRESS, seconds=30, until=1000) is None


def test_keep_alives_are_no_progress() -> None:
    assert first_stall(lambda clock: int(clock * 10), seconds=300, until=1000) == 300


def test_the_end_of_a_member_is_progress() -> None:
    assert first_stall(lambda clock: 10**6 if clock < 25 else 10**5, seconds=30, until=50) is None


def test_a_process_that_was_stopped_itself_does_not_blame_the_group() -> None:
    clocks = iter([1.0, 2.0, 2.0 + LATE_SECONDS + 50, 3.0 + LATE_SECONDS + 50])
    watch = Watch(1, 30, 0.0, lambda _group: 0)
    assert not any(watch.stalls(clock) for clock in clocks)


def test_looks_are_rare_however_often_it_is_asked() -> None:
    looks: list[int] = []

    def measure(group: int) -> int:
        looks.append(group)
        return 0

    watch = Watch(7, 30, 0.0, measure)
    for number in range(1000):
        watch.stalls(number / 100)
    assert len(looks) < 10

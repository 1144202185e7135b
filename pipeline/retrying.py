"""How long to wait before a transient failure is tried again. Pure."""

from __future__ import annotations

FIRST_SECONDS = 1.0
MOST_SECONDS = 60.0


def pause(attempt: int, random: float) -> float:
    """Return seconds before attempt `attempt` (1 is the first repetition), with `random` from 0 to 1.

    Doubles each time, up to a minute, and is spread over the upper half, so that processes that failed together
    do not come again together.
    """
    ceiling = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempt - 1, 30))
    return ceiling * (0.5 + random / 2)

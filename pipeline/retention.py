"""Which old runs may go. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Past:
    """A run in the work directory: when it ended (None: it did not), and whether it was exact."""

    run_id: str
    transfer: str
    ended: float | None
    exact: bool


def superfluous(runs: Iterable[Past], keep: int) -> list[str]:
    """Return the IDs of runs to remove, oldest first: finished ones beyond the newest `keep` of each transfer.

    Never an unfinished one, and never the last exact one of a transfer.
    """
    by_transfer: dict[str, list[Past]] = {}
    for run in runs:
        if run.ended is not None:
            by_transfer.setdefault(run.transfer, []).append(run)
    removed: list[Past] = []
    for finished in by_transfer.values():
        finished.sort(key=lambda run: (run.ended or 0.0, run.run_id), reverse=True)
        kept = next((run for run in finished if run.exact), None)
        removed += [run for run in finished[keep:] if run is not kept]
    removed.sort(key=lambda run: (run.ended or 0.0, run.run_id))
    return [run.run_id for run in removed]

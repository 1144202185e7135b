"""What a run came to, as data: `report.json`. Pure."""

from __future__ import annotations

import msgspec


class FailedPathRecord(msgspec.Struct, frozen=True):
    """A path that was not copied, and why in rsync's words."""

    path: str
    reason: str


class BatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. `started` and `ended` are Unix times; `log` is a path."""

    number: int
    files: int
    size: int
    seconds: float
    cpu_seconds: float
    started: float
    ended: float
    outcome: str
    attempts: int
    rsyncs: int
    failed: int
    log: str


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run. Names are printable text; sizes are bytes, times Unix times.

    `reasons` say why the plan was one batch; `resumed` counts batches that earlier starts had done; `stages`
    are wall seconds by stage.
    """

    version: str
    run_id: str
    source: str
    destination: str
    options: list[str]
    outcome: str
    exit_code: int
    started: float
    ended: float
    files: int
    directories: int
    size: int
    transferred: int
    transferred_size: int
    created: int
    deleted: int
    linked: int
    parallel: int
    resumed: int
    vanished: list[str]
    failed: list[FailedPathRecord]
    batches: list[BatchReport]
    reasons: list[str]
    stages: dict[str, float]
    warnings: list[str]
    differences: list[str]
    incremental: bool = False

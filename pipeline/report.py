"""What a run came to, as data: `report.json`. Pure."""

from __future__ import annotations

import msgspec


class FailedPathRecord(msgspec.Struct, frozen=True):
    """A path that was not copied, and why in rsync's words."""

    path: str
    reason: str


class BatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. `files` and `size` are as planned; `earlier`: a start before the last one had done it."""

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
    transferred: int
    transferred_size: int
    failed: int
    earlier: bool
    log: str


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run. Names are printable text; sizes are bytes, times Unix times.

    Files are all that are no directories. `transferred` counts what batches recorded: what a batch had copied before
    it was interrupted is counted by nobody. `reasons` say why the plan was one batch, `warnings` what else the user
    should know; `stages` are wall seconds by stage; `differences` are what `--verify` found.
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
    deleted: int
    linked: int
    parallel: int
    vanished: list[str]
    failed: list[FailedPathRecord]
    batches: list[BatchReport]
    reasons: list[str]
    stages: dict[str, float]
    warnings: list[str]
    differences: list[str]
    incremental: bool = False

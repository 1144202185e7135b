"""What the stages leave in the work directory for each other: one struct per file (layout in ARCHITECTURE.md).

Pure data. Every record is a checkpoint: where it exists and can be read, its stage is done.
"""

from __future__ import annotations

import msgspec

from pipeline.model import FailedPath, Location, Outcome, Statistics
from pipeline.signatures import Signed
from pipeline.tree import Entry


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`: what the run is. A later start must ask for the same, or is refused with the option that differs.

    `cwd` is the folder in which relative paths in options have their meaning.
    """

    run_id: str
    version: str
    rsync: str
    source: Location
    destination: Location
    cwd: bytes
    root: Location
    start: bytes
    options: list[bytes]
    groups: int
    batches: int
    incremental: bool
    full_every: int
    verify: bool
    created: float


class PaceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`pace.json`: what each start may set anew. `bwlimit` is KB/s of the whole run, 0 for none."""

    session: str
    parallel: int
    bwlimit: int = 0
    retries: int = 3
    stall_timeout: float = 0.0
    keep_runs: int = 30


class WalkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`walk/frontier.json`: what the upper walk left in shares, beside the listings in `walk/upper`.

    Shares hold directories none of which is below another. `whole`: the plan is one plain rsync, for `reasons` (an
    option's meaning), and nothing was walked. `signed`: directories have signatures; `incremental`: they are
    compared with the last run's. `remembered`: `walk/nodes` has subtrees as an earlier run weighed them, which were
    not walked. `failed`: what rsync could not list, so that no batch will name it.
    """

    shares: list[list[bytes]] = []
    threads: int = 1
    failed: list[FailedPath] = []
    files: int = 0
    directories: int = 0
    size: int = 0
    signed: bool = False
    incremental: bool = False
    remembered: bool = False
    whole: bool = False
    reasons: list[str] = []
    ended: float = 0.0


class GroupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`plan/group-0007.json`: what one share holds, beside its nodes."""

    files: int = 0
    directories: int = 0
    size: int = 0
    ended: float = 0.0


class PlanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`plan/plan.json`: totals of the plan. Batch k holds `weights[k]`; slots from `len(weights)` on are empty.

    `alone`: there is one batch, which deletes and settles by itself, as a plain rsync does. `levels`: the shared
    directories in which names may have changed (None: all of them). `counted` is False where not everything was
    walked: files and size are as remembered, or 0 for unknown.
    """

    whole: bool
    weights: list[BatchWeight]
    shared: list[bytes]
    files: int = 0
    directories: int = 0
    size: int = 0
    levels: list[bytes] | None = None
    alone: bool = False
    counted: bool = True
    incremental: bool = False
    reasons: list[str] = []
    ended: float = 0.0


class BatchWeight(msgspec.Struct, frozen=True, array_like=True):
    """What a batch was planned to hold; `seconds` is the cost model's estimate."""

    units: int
    files: int
    size: int
    seconds: float


class BatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`batch/0007.json`, `delete/0007.json`, ...: how the calls of a task ended.

    `code` is the worst exit code of rsync; `started` and `ended` are Unix times; `boot` says in which life of this
    machine it was written, and `session` at which start of the run.
    """

    number: int
    outcome: Outcome
    code: int
    message: str = ""
    failed: list[FailedPath] = []
    vanished: list[bytes] = []
    statistics: Statistics = Statistics()
    attempts: int = 1
    rsyncs: int = 0
    cpu_seconds: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    boot: str = ""
    session: str = ""
    fatal: bool = False
    differences: list[bytes] = []
    withheld: str = ""
    """Why a deletion was not carried out; empty when it was."""


class StopRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`fatal.json`: an error that every other batch would meet as well; they do not start in this session."""

    session: str
    message: str
    hint: str = ""


class FinishRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`finished.json`: the run came to its end, with this exit code."""

    outcome: Outcome
    code: int
    ended: float
    boot: str = ""


class Change(msgspec.Struct, array_like=True, frozen=True):
    """A directory that is new or has changed since the last run, or whose hard links others need.

    A new one stands for its whole subtree as far as its share saw it (`links`: the inodes in it). Of one that the
    last run saw: `level` says whether names in it or its own attributes may have changed, `entries` are those that
    are new or changed, `linked` the others with hard links.
    """

    new: bool = False
    level: bool = False
    entries: list[Entry] = []
    linked: list[Entry] = []
    mounts: list[bytes] = []
    links: list[int] = []
    files: int = 0
    directories: int = 0
    size: int = 0


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """One directory of an incremental walk; `signed` is None where it is as the last run saw it."""

    path: bytes
    signed: Signed | None
    change: Change | None = None


class FlushRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`flushed.json`: everything recorded before `at` (Unix time) has been written to the destination's disk."""

    at: float


def exit_code(outcome: Outcome) -> int:
    """Return the exit code that a finished run with this worst outcome has (DESIGN section 7)."""
    return {Outcome.COMPLETE: 0, Outcome.VANISHED: 24, Outcome.PARTIAL: 23, Outcome.FAILED: 1}[outcome]

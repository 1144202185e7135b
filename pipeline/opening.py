"""Open a run: check what was asked, find or found its work directory, lock the destination, see what is done.

After this the run's `run.json` exists and says what it is; every task reads the rest from there.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass

from pipeline import __version__, context, durable, location, locks, reopening, surroundings, workdir
from pipeline.context import Run
from pipeline.errors import UsageError
from pipeline.model import Transfer
from pipeline.options import Options, hide_secrets, parse
from pipeline.process import version, which_rsync
from pipeline.records import FinishRecord, PaceRecord, RunRecord
from pipeline.workdir import WorkDirectory

BATCHES_PER_PROCESS = 8
"""Enough that a finished process finds another batch until the end, few enough that starts cost nothing."""
BATCHES_LEAST = 16
BATCHES_MOST = 2000
"""Luigi's scheduler needs 2 ms per request at 1,000 pending tasks and 20 ms at 5,000."""
GROUPS_LEAST = 4
"""Shares of the source; each is a forked task, and dealing the frontier out evens them well enough."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; zeros mean "choose"."""

    source: bytes
    destination: bytes
    options: tuple[bytes, ...]
    run_id: str = ""
    work_dir: bytes = b""
    groups: int = 0
    batches: int = 0
    parallel: int = 4
    incremental: bool = False
    full_every: int = 0
    verify: bool = False
    bwlimit: int = 0
    retries: int = 3
    stall_timeout: float = 0.0
    keep_runs: int = 30

    def check(self) -> None:
        """Refuse numbers that cannot be."""
        if self.parallel < 1:
            raise UsageError(f"--parallel must be 1 or more, not {self.parallel}", "leave it out for 4")
        if self.bwlimit < 0:
            raise UsageError(f"--bwlimit must be 0 or more, not {self.bwlimit}", "0 means no limit")
        for name in ("groups", "batches", "retries", "keep_runs", "full_every", "stall_timeout"):
            if getattr(self, name) < 0:
                raise UsageError(f"--{name.replace('_', '-')} must be 0 or more, not {getattr(self, name)}")
        if self.batches > BATCHES_MOST:
            raise UsageError(f"--batches must be at most {BATCHES_MOST}", "each batch may hold any number of files")


@dataclass(slots=True)
class Opened:
    """An open run: what it is, how an earlier start ended it for good, and the locks that this process holds."""

    run: Run
    finished: FinishRecord | None
    held: list[locks.Lock]

    @property
    def path(self) -> str:
        return os.fsdecode(self.run.directory.path)

    def close(self) -> None:
        for lock in self.held:
            lock.release()


def transfer_of(request: Request, cwd: bytes) -> tuple[Transfer, Options]:
    """Return what is to be copied, with absolute paths, checked at both ends."""
    options = parse(request.options)
    source = location.parse_source(request.source, cwd, relative=options.has("relative"))
    destination = location.parse_destination(request.destination, cwd)
    surroundings.check_ends(source, destination, options)
    surroundings.warn_empty(source, destination, options)
    root, start = location.split(source)
    return Transfer(source, destination, request.options, root, start), options


def open_run(request: Request) -> Opened:
    """Open the run that this request means: an unfinished one of the same transfer, or the one named, or a new one.

    Raises LockedError where another command holds the destination, UsageError where a named run is another one.
    """
    request.check()
    cwd = os.getcwdb()
    transfer, options = transfer_of(request, cwd)
    if options.dry_run:
        raise UsageError("a dry run leaves nothing behind, so it is no run", "use parsync -n")
    if request.verify and options.has("remove-source-files"):
        raise UsageError("--remove-source-files leaves --verify nothing to compare with", "give one of the two")
    rsync = which_rsync(os.environ)
    rsync_version = version(rsync)
    root = os.path.join(cwd, request.work_dir) if request.work_dir else workdir.default_root(os.environ)
    surroundings.check_state(root, transfer.source, transfer.destination, options)
    workdir.make_root(root)
    lock = locks.hold(
        root,
        workdir.destination_key(transfer.destination),
        what=transfer.destination.display(),
        run_id=request.run_id,
    )
    try:
        run_id = workdir.choose_run(root, transfer, request.run_id)
        lock.tell(run_id)
        directory = WorkDirectory(os.path.join(root, os.fsencode(run_id)))
        return _open(request, transfer, directory, run_id, rsync_version, lock)
    except BaseException:
        lock.release()
        raise


def _open(
    request: Request,
    transfer: Transfer,
    directory: WorkDirectory,
    run_id: str,
    rsync_version: str,
    lock: locks.Lock,
) -> Opened:
    found = durable.load(directory.run, RunRecord)
    record = found or _new_record(request, transfer, run_id, rsync_version)
    if found:
        _check_same(found, transfer, request)
    else:
        directory.create()
        durable.save(directory.run, record)
    durable.save(directory.pace, _pace(request))
    context.load.cache_clear()
    run = context.load(os.fsdecode(directory.path))
    finished = reopening.finished(run)
    if finished is None:
        reopening.reopen(run)
    return Opened(run, finished, [lock])


def _pace(request: Request) -> PaceRecord:
    return PaceRecord(
        session=uuid.uuid4().hex,
        parallel=request.parallel,
        bwlimit=request.bwlimit,
        retries=request.retries,
        stall_timeout=request.stall_timeout,
        keep_runs=request.keep_runs,
    )


def _new_record(request: Request, transfer: Transfer, run_id: str, rsync_version: str) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        version=__version__,
        rsync=rsync_version,
        source=transfer.source,
        destination=transfer.destination,
        cwd=os.getcwdb(),
        root=transfer.root,
        start=transfer.start,
        options=list(transfer.options),
        groups=request.groups or max(GROUPS_LEAST, request.parallel),
        batches=request.batches or min(BATCHES_MOST, max(BATCHES_LEAST, BATCHES_PER_PROCESS * request.parallel)),
        incremental=request.incremental,
        full_every=request.full_every,
        verify=request.verify,
        created=time.time(),
    )


def _check_same(record: RunRecord, transfer: Transfer, request: Request) -> None:
    """Refuse a run that was started for something else, naming the first thing that differs."""
    wanted: list[tuple[str, str | list[bytes], str | list[bytes]]] = [
        ("source", record.source.display(), transfer.source.display()),
        ("destination", record.destination.display(), transfer.destination.display()),
        ("rsync options", record.options, list(transfer.options)),
        ("--verify", str(record.verify), str(request.verify)),
        ("--incremental", str(record.incremental), str(request.incremental)),
        ("--groups", str(record.groups), str(request.groups or record.groups)),
        ("--batches", str(record.batches), str(request.batches or record.batches)),
    ]
    for name, before, now in wanted:
        if before != now:
            raise UsageError(
                f"run {record.run_id!r} was started with {name} {_shown(before)}, not {_shown(now)}",
                "give the same again, or choose another --id",
            )


def _shown(value: str | list[bytes]) -> str:
    """Return a value for people; options without passwords."""
    text = value if isinstance(value, str) else " ".join(map(os.fsdecode, hide_secrets(value)))
    return text or "none"

"""The planning stages: walk the source, weigh its shares, merge them into a plan.

Each writes its checkpoint last; what a killed one left is written over by the next start.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from pipeline import changes, connection, durable, indexing, weights
from pipeline.context import Run
from pipeline.cost import Grain, grain
from pipeline.errors import StateError
from pipeline.index import Baseline
from pipeline.listing import Transient, collect
from pipeline.location import expands
from pipeline.model import FailedPath
from pipeline.progress import Beacon
from pipeline.records import GroupRecord, Seen, WalkRecord
from pipeline.retrying import pause
from pipeline.signatures import RACY_NANOSECONDS
from pipeline.tree import Folder, Listing, Node, Scan
from pipeline.walk import LATENCY_THREADS, Scanner, shares, upper, walk

UPPER_ENTRIES = 20_000
"""The upper walk goes on to this many entries (0.1 s); a smaller source needs no task for its shares."""
UPPER_MOST = 400_000
"""The upper walk ends at this many entries, however few subtrees it found."""
SUBTREES_PER_GROUP = 16
"""So many subtrees for each share even out a tree that is not too skewed."""


def grain_of(run: Run) -> Grain:
    override = os.environ.get("PARSYNC_GRAIN")
    return grain(remote=not run.local, waiting=run.waiting, override=float(override) if override else None)


def walk_source(run: Run, beacon: Beacon) -> WalkRecord:
    """Walk the upper part of the source; a listed source is walked whole, by one rsync."""
    reasons = whole_reasons(run)
    if reasons is not None:
        return WalkRecord(whole=True, reasons=reasons, ended=time.time())
    if listed(run):
        nodes, failed = _list(run, beacon)
        durable.write_records(run.directory.nodes, nodes, Node)
        return WalkRecord(failed=list(failed), ended=time.time())
    return _walk_upper(run, beacon)


def _walk_upper(run: Run, beacon: Beacon) -> WalkRecord:
    """Walk the upper part of the source, down to the subtrees that an earlier run weighed."""
    before = indexing.baseline(run)
    known = weights.known(run)
    scans, left = upper(
        scanner(run).scan,
        run.record.start,
        entries=0 if run.waiting else UPPER_ENTRIES,
        frontier=1 if run.waiting else run.record.groups * SUBTREES_PER_GROUP,
        most=UPPER_MOST,
        known=known,
    )
    files = sum(scan.files for scan in scans)
    beacon.update(files, 0)
    if run.record.incremental:
        durable.write_records(run.directory.upper_seen, _seen(run, scans, before), Seen)
    if before is None:
        durable.write_records(run.directory.upper, (scan.listing() for scan in scans), Listing)
        durable.write_records(run.directory.nodes, known.values(), Node)
    return WalkRecord(
        shares=shares(left, run.record.groups),
        threads=LATENCY_THREADS if run.waiting else 1,
        signed=run.record.incremental,
        incremental=before is not None,
        remembered=bool(known),
        files=files,
        directories=len(scans),
        size=sum(scan.size for scan in scans),
        ended=time.time(),
    )


def _seen(run: Run, scans: Iterable[Scan], before: Baseline | None) -> Iterator[Seen]:
    """Compare directories with the last run's, or sign them where there is none."""
    limit = trusted_before(run)
    if before is not None:
        return changes.compare(scans, before.signed, limit)
    return (changes.seen_first(scan, limit) for scan in scans)


def _list(run: Run, beacon: Beacon) -> tuple[list[Node], tuple[FailedPath, ...]]:
    """List the source with rsync."""
    record, seen = run.record, 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if not seen % 1000:
            beacon.update(seen, 0)

    floor = grain_of(run).floor
    attempt = 0
    while True:
        try:
            shell = b"" if attempt else connection.shell()
            return collect(
                run.rsync,
                run.options,
                record.source,
                record.start,
                floor,
                cwd=record.cwd,
                shell=shell,
                on_entry=count,
            )
        except Transient:
            attempt += 1
            if attempt > run.pace.retries:
                raise
            time.sleep(pause(attempt, random.random()))


def whole_reasons(run: Run) -> list[str] | None:
    """Return why the plan is one plain rsync with the whole source; None when it need not be."""
    reasons = list(run.options.one_batch)
    if expands(run.record.source):
        reasons.append("wildcards in a remote SRC: what they stand for is known there")
    if run.options.hard_links and listed(run):
        reasons.append("--hard-links from a remote or filtered source: its list has no inodes")
    if run.options.delete and _backup_inside(run):
        reasons.append("--backup-dir inside the destination, with --delete: backups are extras themselves")
    if run.options.delete and run.options.has("keep-dirlinks"):
        reasons.append("--keep-dirlinks with --delete: what a link leads to may be an extra")
    if run.options.one_file_system and listed(run):
        reasons.append("--one-file-system from a remote or filtered source: its list does not show mount points")
    if not run.options.perms and not (run.local and os.geteuid() == 0):
        reasons.append("--no-perms: modes of shared directories could not be put back")
    if not reasons and run.record.batches > 1 and (run.record.source.remote or _is_directory(run)):
        return None
    return reasons


def _backup_inside(run: Run) -> bool:
    """Say whether backups go to a folder below the destination."""
    folder = run.options.value("backup-dir")
    if folder is None:
        return False
    resolve = os.path.normpath if run.record.destination.remote else os.path.realpath
    destination = resolve(run.record.destination.path or b".")
    path = resolve(os.path.join(destination, folder))
    return path.startswith(destination.rstrip(b"/") + b"/") or destination == b"."


def _is_directory(run: Run) -> bool:
    """Say whether what travels is a directory (a link without a slash is copied as a link)."""
    if not run.record.start:
        return True
    path = os.path.join(run.record.root.path, run.record.start)
    follows = run.options.copy_links or run.options.copy_dirlinks
    return os.path.isdir(path) and (follows or not os.path.islink(path))


def listed(run: Run) -> bool:
    """Say whether rsync itself must list the source: it is remote, or options decide what belongs to it."""
    options = run.options
    return run.record.source.remote or options.filtered or options.copy_links or options.copy_dirlinks


def scanner(run: Run) -> Scanner:
    """Return what lists this run's directories."""
    root = run.record.root.path
    device = os.stat(os.path.join(root, run.record.start)).st_dev if run.options.one_file_system else None
    return Scanner(root, run.options.hard_links, device, run.waiting)


def trusted_before(run: Run) -> int:
    """Return the time (ns) from which on changes may hide behind the same ctime."""
    return int(run.record.created * 1e9) - RACY_NANOSECONDS


def plan_group(run: Run, number: int, beacon: Beacon) -> GroupRecord:
    """Walk one share entirely, and write its nodes, or what changed in it."""
    record = run.walked
    files = directories = size = 0

    def counted() -> Iterator[Scan]:
        nonlocal files, directories, size
        for scan in walk(scanner(run).scan, record.shares[number], record.threads):
            files += scan.files
            directories += 1
            size += scan.size
            beacon.update(files, size)
            yield scan

    if record.incremental:
        _write_changes(run, number, counted())
    else:
        _write_nodes(run, number, counted())
    return GroupRecord(files=files, directories=directories, size=size, ended=time.time())


def _write_changes(run: Run, number: int, scans: Iterable[Scan]) -> None:
    before = indexing.baseline(run)
    if before is None:
        raise StateError("the index of the last run is gone", "start the same command with another --id")
    durable.write_records(run.directory.seen(number), _seen(run, scans, before), Seen)


def _write_nodes(run: Run, number: int, scans: Iterable[Scan]) -> None:
    """Write a share's nodes, and with `--incremental` the signatures for the next run."""
    directory = run.directory
    with ExitStack() as files:
        add_node = files.enter_context(durable.record_writer(directory.group_nodes(number), Node))
        add_seen = (
            files.enter_context(durable.record_writer(directory.seen(number), Seen)) if run.walked.signed else None
        )
        folder = Folder(grain_of(run).floor, add_node)
        limit = trusted_before(run)
        for scan in scans:
            if add_seen:
                add_seen(changes.seen_first(scan, limit))
            folder.add(scan.listing())

"""The planning stages: walk the source, weigh its shares, merge them into a plan.

Each writes its checkpoint last; what a killed one left is written over by the next start.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator

from pipeline import durable, planning
from pipeline.context import Run
from pipeline.cost import Grain, grain
from pipeline.listing import collect
from pipeline.model import Batch, Unit
from pipeline.progress import Beacon
from pipeline.records import BatchWeight, GroupRecord, PlanRecord, WalkRecord
from pipeline.tree import Folder, Node
from pipeline.walk import LATENCY_THREADS, Scanner, shares, upper, walk

UPPER_ENTRIES = 20_000
"""The upper walk goes on to this many entries (0.1 s); a smaller source needs no groups at all."""
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
        return WalkRecord(listings=[], shares=[], whole=True, reasons=reasons, ended=time.time())
    if listed(run):
        durable.write_records(run.directory.nodes, _list(run, beacon), Node)
        return WalkRecord(listings=[], shares=[], ended=time.time())
    threads = LATENCY_THREADS if run.waiting else 1
    scan = scanner(run).scan
    frontier = run.record.groups * SUBTREES_PER_GROUP
    listings, left = upper(scan, run.record.start, entries=UPPER_ENTRIES, frontier=frontier, most=UPPER_MOST)
    beacon.update(sum(len(listing.entries) for listing in listings), 0)
    return WalkRecord(listings=listings, shares=shares(left, run.record.groups), threads=threads, ended=time.time())


def _list(run: Run, beacon: Beacon) -> list[Node]:
    """List the source with rsync."""
    record, seen = run.record, 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if not seen % 1000:
            beacon.update(seen, 0)

    floor = grain_of(run).floor
    return collect(run.rsync, run.options, record.source, record.start, floor, cwd=record.cwd, on_entry=count)


def whole_reasons(run: Run) -> list[str] | None:
    """Return why the plan is one plain rsync with the whole source; None when it need not be."""
    reasons = list(run.options.one_batch)
    if run.options.hard_links and listed(run):
        reasons.append("--hard-links from a remote or filtered source: its list has no inodes")
    if not run.options.perms and not (run.local and os.geteuid() == 0):
        reasons.append("--no-perms: modes of shared directories could not be put back")
    if not reasons and run.record.batches > 1 and (run.record.source.remote or _is_directory(run)):
        return None
    return reasons


def _is_directory(run: Run) -> bool:
    """Say whether what travels is a directory (a link without a slash is copied as a link)."""
    if not run.record.start:
        return True
    path = os.path.join(run.record.root.path, run.record.start)
    follows = run.options.copy_links or run.options.copy_dirlinks
    return stat.S_ISDIR((os.stat if follows else os.lstat)(path).st_mode)


def listed(run: Run) -> bool:
    """Say whether rsync itself must list the source: it is remote, or options decide what belongs to it."""
    options = run.options
    return run.record.source.remote or options.filtered or options.copy_links or options.copy_dirlinks


def scanner(run: Run) -> Scanner:
    root = run.record.root.path
    device = os.stat(os.path.join(root, run.record.start)).st_dev if run.options.one_file_system else None
    return Scanner(root, links=run.options.hard_links, device=device)


def plan_group(run: Run, number: int, beacon: Beacon) -> GroupRecord:
    """Walk one share entirely and write its nodes."""
    record = run.walked
    nodes: list[Node] = []
    folder = Folder(grain_of(run).floor, nodes.append)
    files = directories = size = 0

    def weighed() -> Iterator[Node]:
        nonlocal files, directories, size
        for listing in walk(scanner(run).scan, record.shares[number], record.threads):
            files += len(listing.entries)
            directories += 1
            size += sum(entry.size for entry in listing.entries)
            beacon.update(files, size)
            folder.add(listing)
            yield from nodes
            nodes.clear()

    durable.write_records(run.directory.group_nodes(number), weighed(), Node)
    return GroupRecord(files=files, directories=directories, size=size, ended=time.time())


def merge(run: Run) -> PlanRecord:
    """Merge the shares into one tree, plan it, and write what each batch holds."""
    walked = run.walked
    if walked.whole:
        return _whole(walked.reasons)
    nodes = _collect(run)
    root = nodes[run.record.start]
    planned = planning.plan(root, nodes, slots=run.record.batches, parallel=run.pace.parallel, grain=grain_of(run))
    whole = not planned.shared
    batches = planning.numbered(planned.batches)
    for batch in batches:
        durable.write_records(run.directory.units(batch.number), batch.units, Unit)
    return PlanRecord(
        whole=whole,
        weights=[weight(batch) for batch in batches],
        shared=list(planned.shared),
        files=root.files,
        directories=root.directories,
        size=root.size,
        ended=time.time(),
    )


def weight(batch: Batch) -> BatchWeight:
    return BatchWeight(len(batch.units), batch.files, batch.size, batch.seconds)


def _whole(reasons: list[str]) -> PlanRecord:
    """Return the plan of a source that nobody counted: one plain rsync."""
    return PlanRecord(
        whole=True,
        weights=[BatchWeight(1, 0, 0, 1.0)],
        shared=[],
        counted=False,
        reasons=reasons,
        ended=time.time(),
    )


def _collect(run: Run) -> dict[bytes, Node]:
    """Return the top and all heavy nodes by path."""
    nodes: dict[bytes, Node] = {}

    def emit(node: Node) -> None:
        nodes[node.path] = node

    if listed(run):
        for node in durable.read_records(run.directory.nodes, Node):
            emit(node)
        return nodes
    folder = Folder(grain_of(run).floor, emit)
    for listing in run.walked.listings:
        folder.add(listing)
    for number, share in enumerate(run.walked.shares):
        tops = set(share)
        for node in durable.read_records(run.directory.group_nodes(number), Node) if share else ():
            (folder.receive if node.path in tops else emit)(node)
    return nodes

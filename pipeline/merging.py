"""The last planning stage: merge the shares into one tree, or into what changed, and write what each batch holds."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf

from pipeline import changes, durable, indexing, planning, weights
from pipeline.context import Run
from pipeline.cost import WARM
from pipeline.model import Batch, Unit
from pipeline.records import BatchWeight, GroupRecord, PlanRecord
from pipeline.tree import Folder, Listing, Node, join
from pipeline.walking import grain_of, listed


def merge(run: Run) -> PlanRecord:
    """Merge the shares into one tree, plan it, and write what each batch holds."""
    walked = run.walked
    if walked.whole:
        return _whole(walked.reasons)
    if walked.incremental:
        return _merge_changes(run)
    nodes = _collect(run)
    root = nodes[run.record.start]
    if not listed(run):
        weights.write(run, root, nodes)
    slots, parallel = run.record.batches, run.pace.parallel
    warm = WARM if not walked.remembered and run.holds_something else 1.0
    grain = replace(grain_of(run), small_size=inf) if walked.remembered else grain_of(run)
    planned = planning.plan(root, nodes, slots=slots, parallel=parallel, grain=grain, warm=warm)
    return _record(run, planned, root.files, root.directories, root.size)


def _merge_changes(run: Run) -> PlanRecord:
    """Plan what the shares found changed."""
    found = [(seen.path, seen.change) for seen in indexing.read(run) if seen.change is not None]
    groups = [durable.load(run.directory.group(number), GroupRecord) for number in range(run.record.groups)]
    files = sum(group.files for group in groups if group) + run.walked.files
    total = sum(changes.estimate(change) for _, change in found)
    planned = planning.plan_changes(
        lambda limit: changes.units_of(found, limit, delete=run.options.delete),
        total,
        slots=run.record.batches,
        parallel=run.pace.parallel,
        grain=grain_of(run),
        alone=run.options.max_delete is None,
    )
    directories = sum(group.directories for group in groups if group) + run.walked.directories
    size = sum(group.size for group in groups if group) + run.walked.size
    return _record(run, planned, files, directories, size)


def _record(run: Run, planned: planning.Plan, files: int, directories: int, size: int) -> PlanRecord:
    """Write what each batch holds, and return the plan's record."""
    batches = planning.numbered(planned.batches)
    for batch in batches:
        durable.write_records(run.directory.units(batch.number), batch.units, Unit)
    return PlanRecord(
        whole=not planned.shared and not run.walked.incremental,
        weights=[weight(batch) for batch in batches],
        shared=list(planned.shared),
        levels=None if planned.levels is None else list(planned.levels),
        alone=not planned.shared,
        files=files,
        directories=directories,
        size=size,
        counted=not run.walked.remembered,
        incremental=run.walked.incremental,
        ended=time.time(),
    )


def weight(batch: Batch) -> BatchWeight:
    return BatchWeight(len(batch.units), batch.files, batch.size, batch.seconds)


def _whole(reasons: list[str]) -> PlanRecord:
    """Return the plan of a source that nobody counted: one plain rsync."""
    return PlanRecord(
        whole=True,
        alone=True,
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
    known = {node.path: node for node in durable.read_records(run.directory.nodes, Node)}
    for listing in durable.read_records(run.directory.upper, Listing):
        folder.add(listing)
        for name in listing.directories if known else ():
            remembered = known.get(join(listing.path, name))
            if remembered is not None:
                folder.receive(remembered)
    for number, share in enumerate(run.walked.shares):
        tops = set(share)
        for node in durable.read_records(run.directory.group_nodes(number), Node) if share else ():
            (folder.receive if node.path in tops else emit)(node)
    return nodes

"""What the subtrees of a source weighed when a run last ended exact: the next full plan does not walk them again.

Only how a plan is cut and balanced rests on this, never what is copied: rsync looks at everything in a unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from pipeline import durable
from pipeline.context import Run
from pipeline.cost import looking
from pipeline.errors import StateError
from pipeline.indexing import index_of
from pipeline.tree import Bundle, Node, join
from pipeline.workdir import identity

SUBTREES = 128
"""A remembered subtree weighs at most this fraction of the whole, so that the next plan can be balanced."""
FLAT_SUBTREES = 16
"""The same for one that would cost as much to walk as to remember: most of it lies in its top directory."""
SUBTREES_MOST = 50_000
"""A source with more light subtrees than this is walked each time."""
TOLERATED = 0.1
"""A source that has grown or shrunk by this part is weighed anew."""


class Weight(msgspec.Struct, array_like=True, frozen=True):
    """One subtree."""

    path: bytes
    files: int
    directories: int
    size: int


class Weights(msgspec.Struct, frozen=True):
    """The subtrees of one transfer's source."""

    transfer: str
    subtrees: list[Weight]


def path_of(run: Run) -> bytes:
    return index_of(run) + b".weights"


def known(run: Run) -> dict[bytes, Node]:
    """Return the subtrees that an earlier run left exact at this destination, at the price of looking at them.

    None with `-H`, since links between subtrees show only in a walk.
    """
    if run.record.incremental or run.options.hard_links:
        return {}
    if not run.record.destination.remote and not run.holds_something:
        return {}
    try:
        found = durable.load(path_of(run), Weights)
    except StateError:
        return {}
    if found is None or found.transfer != identity(run.transfer):
        return {}
    return {weight.path: _node(weight) for weight in found.subtrees}


def _node(weight: Weight) -> Node:
    cost = looking(weight.files, weight.directories)
    return Node(weight.path, weight.files, weight.directories, weight.size, cost, [])


def write(run: Run, root: Node, nodes: Mapping[bytes, Node]) -> None:
    """Note what this run's subtrees weigh; `nodes` are the heavy ones by path."""
    subtrees: list[Weight] = []
    pending = [] if root.collapsed else [root]
    while pending and len(subtrees) <= SUBTREES_MOST:
        node = pending.pop()
        subtrees += [weight for bundle in node.light for weight in _spread(node.path, bundle)]
        for child in (nodes[join(node.path, name)] for name in node.heavy):
            if _stays_whole(child, root.seconds):
                subtrees.append(Weight(child.path, child.files, child.directories, child.size))
            else:
                pending.append(child)
    if subtrees and not pending:
        durable.save(run.directory.weights, Weights(identity(run.transfer), subtrees))


def _spread(path: bytes, bundle: Bundle) -> Iterator[Weight]:
    """Yield a bundle's subtrees, its weight dealt out among them."""
    count = len(bundle.names)
    for number, name in enumerate(bundle.names):
        shares = ((total + number) // count for total in (bundle.files, bundle.directories, bundle.size))
        yield Weight(join(path, name), *shares)


def _stays_whole(node: Node, total: float) -> bool:
    """Say whether a subtree is remembered as one, where the whole source weighs `total` seconds."""
    flat = 2 * len(node.entries) >= node.files
    return node.seconds <= total / (FLAT_SUBTREES if flat else SUBTREES)


def keep(run: Run, files: int) -> None:
    """Keep the weights of a run that ended exact for the next; `files` is how many rsync saw."""
    wrong = abs(files - run.plan.files) > TOLERATED * run.plan.files
    found = None if wrong or run.plan.incremental else durable.load(run.directory.weights, Weights)
    if found is not None:
        durable.save(path_of(run), found)
    elif not run.plan.incremental:
        durable.discard(path_of(run))

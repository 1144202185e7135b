"""The plan: cut the weighed tree into units, keep hard links together, pack units into batches.

Pure: a plan is data, decided without touching a file. What a unit is, DESIGN section 3 says.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.cost import Grain, seconds
from pipeline.model import Batch, Kind, Unit
from pipeline.tree import Bundle, Entry, Node, join

UNITS_PER_BATCH = 4
"""A unit weighs at most this fraction of the smallest batch, so that batches can be balanced."""
TAIL_ROUNDS = 3
"""Batches of the first round hold half of the work, of the next a quarter: no long tail remains."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Batches in the order they should start, and the directories that several of them touch, parents first.

    `levels` are the shared directories in which names may have changed; None stands for all.
    """

    batches: tuple[tuple[Unit, ...], ...]
    shared: tuple[bytes, ...]
    levels: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Units of what changed, with their inodes; `shared` directories are touched, in `levels` names may have gone."""

    units: list[tuple[Unit, tuple[int, ...]]]
    shared: list[bytes]
    levels: list[bytes]


@dataclass(frozen=True, slots=True)
class Cut:
    """Units of a tree, with the inodes that each has names of, and the directories that were cut."""

    units: list[tuple[Unit, tuple[int, ...]]]
    shared: list[bytes]


def targets(total: float, *, slots: int, parallel: int, grain: Grain) -> list[float]:
    """Return how many seconds each batch should hold, largest first; at most `slots` of them, at least one.

    Each round gives every process a batch and takes half of what is left, down to `grain.batch`.
    """
    count = max(1, min(slots, round(total / grain.batch) if grain.batch else slots))
    if count <= parallel:
        return [total / count] * count
    sizes: list[float] = []
    left = total
    for _ in range(TAIL_ROUNDS):
        size = left / (2 * parallel)
        if size < grain.batch or len(sizes) + 2 * parallel > count:
            break
        sizes += [size] * parallel
        left -= size * parallel
    rest = max(1, min(count - len(sizes), max(parallel, int(left / grain.batch) if grain.batch else count)))
    return sizes + [left / rest] * rest


def cut(root: Node, nodes: Mapping[bytes, Node], limit: float) -> Cut:
    """Cut top-down: a subtree is one unit while it weighs at most `limit` seconds, or is collapsed.

    `nodes` holds the heavy nodes by path. Shared directories come parents first.
    """
    units: list[tuple[Unit, tuple[int, ...]]] = []
    shared: list[bytes] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if node.collapsed or node.seconds <= limit:
            units.append(_tree(node))
            continue
        shared.append(node.path)
        units += pieces(node.path, node.entries, node.mounts, limit)
        pending += [nodes[join(node.path, name)] for name in reversed(node.heavy)]
        units += [_neighbours(node.path, bundle) for bundle in node.light]
    shared.sort(key=lambda path: path.split(b"/") if path else [])
    return Cut(units, shared)


def _tree(node: Node) -> tuple[Unit, tuple[int, ...]]:
    unit = Unit(Kind.TREE, (node.path,), node.files, node.size, node.seconds)
    return unit, tuple(link.inode for link in node.links)


def _neighbours(path: bytes, bundle: Bundle) -> tuple[Unit, tuple[int, ...]]:
    paths = tuple(join(path, name) for name in bundle.names)
    unit = Unit(Kind.TREE, paths, bundle.files, bundle.size, bundle.seconds)
    return unit, tuple(link.inode for link in bundle.links)


def pieces(
    path: bytes, entries: Iterable[Entry], mounts: Sequence[bytes], limit: float
) -> Iterator[tuple[Unit, tuple[int, ...]]]:
    """Yield a directory's own entries in units of at most `limit` seconds, names of linked inodes each by itself."""
    loose: list[Entry] = []
    weight = 0.0
    for entry in entries:
        if entry.inode:
            yield _piece(path, [entry]), (entry.inode,)
            continue
        cost = seconds(1, 0, entry.size)
        if loose and weight + cost > limit:
            yield _piece(path, loose), ()
            loose, weight = [], 0.0
        loose.append(entry)
        weight += cost
    if loose:
        yield _piece(path, loose), ()
    if mounts:
        paths = tuple(join(path, name) for name in mounts)
        yield Unit(Kind.DIRECTORIES, paths, 0, 0, seconds(0, len(paths), 0)), ()


def _piece(path: bytes, entries: list[Entry]) -> Unit:
    size = sum(entry.size for entry in entries)
    paths = tuple(join(path, entry.name) for entry in entries)
    return Unit(Kind.ENTRIES, paths, len(entries), size, seconds(len(entries), 0, size))


def clustered(units: Iterable[tuple[Unit, tuple[int, ...]]]) -> list[list[Unit]]:
    """Group units that share an inode, directly or through others; each group must stay in one batch."""
    leader: dict[int, int] = {}
    parents: list[int] = []
    everything: list[Unit] = []

    def find(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for number, (unit, inodes) in enumerate(units):
        everything.append(unit)
        parents.append(number)
        for inode in inodes:
            first = leader.setdefault(inode, number)
            parents[find(number)] = find(first)
    groups: dict[int, list[Unit]] = {}
    for number, unit in enumerate(everything):
        groups.setdefault(find(number), []).append(unit)
    return list(groups.values())


def pack(groups: list[list[Unit]], sizes: list[float]) -> tuple[tuple[Unit, ...], ...]:
    """Pack groups into batches of these sizes, neighbours together: processes in one directory wait for each other.

    First each heavy group goes where most room is left, then the others fill the room that remains, in the order of
    the plan. Batches come heaviest first; empty ones are left out. Within a batch units keep the order of the plan.
    """
    weights = [sum(unit.seconds for unit in group) for group in groups]
    heavy = min(sizes) / UNITS_PER_BATCH
    chosen: list[list[int]] = [[] for _ in sizes]
    room = _Room(sizes)
    for number in sorted(range(len(groups)), key=lambda number: -weights[number]):
        if weights[number] > heavy:
            chosen[room.widest(weights[number])].append(number)
    for number, weight in enumerate(weights):
        if weight <= heavy:
            chosen[room.next(weight)].append(number)
    batches = [tuple(unit for number in sorted(numbers) for unit in groups[number]) for numbers in chosen if numbers]
    return tuple(sorted(batches, key=lambda units: -sum(unit.seconds for unit in units)))


class _Room:
    """How much each batch can still take, in seconds."""

    def __init__(self, sizes: list[float]) -> None:
        self._left = list(sizes)
        self._heap = [(-size, number) for number, size in enumerate(sizes)]
        heapq.heapify(self._heap)
        self._filling = 0

    def widest(self, weight: float) -> int:
        """Take room where there is most of it; return in which batch."""
        while -self._heap[0][0] != self._left[self._heap[0][1]]:
            heapq.heapreplace(self._heap, (-self._left[self._heap[0][1]], self._heap[0][1]))
        return self._take(self._heap[0][1], weight)

    def next(self, weight: float) -> int:
        """Take room in the batch that is being filled, or the next one when that is full; return in which."""
        while self._filling < len(self._left) and self._left[self._filling] < weight / 2:
            self._filling += 1
        return self._take(self._filling, weight) if self._filling < len(self._left) else self.widest(weight)

    def _take(self, number: int, weight: float) -> int:
        self._left[number] -= weight
        return number


def plan(
    root: Node, nodes: Mapping[bytes, Node], *, slots: int, parallel: int, grain: Grain, warm: float = 1.0
) -> Plan:
    """Plan a whole tree: `slots` batches at most, `parallel` processes at once.

    `warm` is the part of a first copy that the destination is taken to need; it makes batches fewer.

    A tree lighter than `grain.small`, or a single slot, is one batch with the whole tree and nothing shared.
    """
    whole = Plan(((_tree(root)[0],),), ())
    if slots == 1 or (root.seconds < grain.small and root.size < grain.small_size):
        return whole
    grain = grain.for_size(root.size, root.seconds)
    sizes = [size / warm for size in targets(root.seconds * warm, slots=slots, parallel=parallel, grain=grain)]
    found = cut(root, nodes, _limit(sizes, grain))
    batches = pack(clustered(found.units), sizes)
    return Plan(batches, tuple(found.shared)) if len(batches) > 1 else whole


def _limit(sizes: list[float], grain: Grain) -> float:
    """Return the most that a unit may weigh, in seconds."""
    return max(grain.floor, min(sizes) / UNITS_PER_BATCH)


def plan_changes(
    found: Callable[[float], Changed], total: float, *, slots: int, parallel: int, grain: Grain, alone: bool
) -> Plan:
    """Plan what changed: `found` gives its units for a limit (seconds), which weigh `total` seconds together.

    `alone`: a single batch may settle and delete by itself, and then nothing is shared.
    """
    if slots == 1 or total < grain.small or not total:
        changed = found(max(total, grain.floor))
        if alone:
            return Plan(((*_alone(changed),),) if changed.shared or changed.units else (), ())
        batches = ((*(unit for unit, _ in changed.units),),) if changed.shared or changed.units else ()
        return Plan(batches, tuple(changed.shared), tuple(changed.levels))
    sizes = targets(total, slots=slots, parallel=parallel, grain=grain)
    changed = found(_limit(sizes, grain))
    return Plan(pack(clustered(changed.units), sizes), tuple(changed.shared), tuple(changed.levels))


def _alone(changed: Changed) -> Iterator[Unit]:
    """Yield what one process needs to copy, delete and settle all changes."""
    levels = set(changed.levels)
    yield from (unit for unit, _ in changed.units)
    settled = tuple(path for path in changed.shared if path not in levels)
    for kind, paths in ((Kind.DIRECTORIES, settled), (Kind.LEVELS, tuple(changed.levels))):
        if paths:
            yield Unit(kind, paths, 0, 0, seconds(0, len(paths), 0))


def numbered(units_of_batches: Iterable[tuple[Unit, ...]]) -> list[Batch]:
    """Number batches from 0 in the order given."""
    return [Batch(number, units) for number, units in enumerate(units_of_batches)]

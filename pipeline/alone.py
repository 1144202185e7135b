"""A batch that is alone: little has changed, and few rsyncs copy, delete and settle it, without stages of their own.

Extras go last. Where the destination is local they are found by name, and only they are looked at.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from pipeline import presence, rsync
from pipeline.calls import Call
from pipeline.context import Run
from pipeline.execution import Tally
from pipeline.model import Kind, Unit
from pipeline.process import tells_missing
from pipeline.rsync import Pace


def calls(run: Run, units: Sequence[Unit], pace: Pace, tally: Tally) -> Iterator[Call]:
    """Yield the calls of the batch; those that delete depend on how the ones before ended."""
    transfer, options = run.transfer, run.options
    # A file of a new subtree may be another name of an entry: one process has to see both.
    linked = options.hard_links and any(unit.kind is Kind.TREE for unit in units)
    at_first = {Kind.TREE, Kind.ENTRIES} if linked else {Kind.TREE}
    first = [unit for unit in units if unit.kind in at_first]
    rest = [unit for unit in units if unit.kind not in at_first]
    entries, settled, levels = (rsync.paths(rest, kind) for kind in (Kind.ENTRIES, Kind.DIRECTORIES, Kind.LEVELS))
    yield from rsync.copying(transfer, options, first, pace, deletion=_after(run, tally))
    if options.delete and not _found_by_name(run):
        with_contents = [path + b"/" if path else path for path in levels]
        names = [*with_contents, *settled, *entries]
        yield from rsync.single(transfer, options, names, pace, deletion=_after(run, tally))
        return
    yield from rsync.single(transfer, options, [*entries, *settled, *levels], pace)
    gone = extras(run, levels) if _after(run, tally) else []
    if gone:
        folders = {os.path.dirname(path) for path in gone}
        names = [*(path for path in levels if path in folders), *gone]
        yield from rsync.single(transfer, options, names, pace, deletion=(b"--delete-missing-args",))


def _after(run: Run, tally: Tally) -> tuple[bytes, ...]:
    """Return the option that deletes; none after something could not be copied, unless that is to be ignored."""
    if not run.options.delete:
        return ()
    if not (tally.done or run.options.ignore_errors):
        tally.withheld = "some paths could not be copied"
        return ()
    presence.check_source(run)
    return (b"--delete-after",)


def _found_by_name(run: Run) -> bool:
    """Say whether a look at the names tells what is an extra: no option may have a say, and both ends be seen."""
    return run.local and run.options.plain and tells_missing(run.record.rsync)


def extras(run: Run, levels: Sequence[bytes]) -> list[bytes]:
    """Return what single levels of a local destination hold and the source does not."""
    found = []
    for level in levels:
        here = _names(os.path.join(run.record.root.path, level))
        there = _names(os.path.join(run.record.destination.path, level))
        if here is not None and there is not None:
            found += [os.path.join(level, name) for name in sorted(there - here)]
    return found


def _names(folder: bytes) -> set[bytes] | None:
    """Return the names in a folder; None where there is none, or a link in its place."""
    try:
        return set(os.listdir(folder)) if stat.S_ISDIR(os.lstat(folder).st_mode) else None
    except OSError:
        return None

"""Whether both ends still hold what they held: a disk may be unmounted during a run, or before it is gone on with.

Looks at a few names only; what is really there, rsync sees.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipeline import connection, listing, surroundings
from pipeline.context import Run
from pipeline.errors import SourceError
from pipeline.model import Unit

LOOKED_AT = 16
"""Units of a batch of which a path is looked for; on a network file system each look waits."""


def check_source(run: Run) -> None:
    """Refuse to go on where a source that held something is gone or empty now: mostly it was unmounted."""
    source = run.record.source
    if run.plan.files + run.plan.directories <= 1:
        return
    surroundings.check_source(source)
    if _empty(run):
        raise SourceError(f"source {source.display()} is empty now", "mount it and start the same command again")


def check_not_emptied(run: Run) -> None:
    """Refuse to empty a local destination because a remote source is empty; a local one is looked at on the way in."""
    source, options = run.record.source, run.options
    risky = source.remote and options.delete and not options.ignore_errors and not run.plan.files
    if risky and run.holds_something and _empty(run):
        raise surroundings.would_be_emptied(source)


def _empty(run: Run) -> bool:
    source = run.record.source
    if source.remote:
        return listing.empty(run.rsync, run.options, source, cwd=run.record.cwd, shell=connection.shell())
    return surroundings.empty(source)


def still_there(run: Run, units: Sequence[Unit]) -> bool:
    """Say whether a local destination still has what a batch copied, by some of its paths.

    It may have been emptied, or be another folder while the right one is not mounted.
    """
    if run.record.destination.remote:
        return True
    if run.plan.whole:
        return run.holds_something or not run.plan.files
    some = units[:: max(1, len(units) // LOOKED_AT)]
    return all(os.path.lexists(os.path.join(run.record.destination.path, unit.paths[0])) for unit in some)

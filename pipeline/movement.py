"""cp moves, rsync judges: new subtrees between local ends are moved by cp before rsync looks at them.

Only a head start: whatever cp did not do, or did wrong, the rsync after it does right (RSYNC.md, "cp moves").
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipeline import orphans
from pipeline.context import Run
from pipeline.model import Kind, Statistics, Unit
from pipeline.process import run as run_process
from pipeline.rsync import fitting

_COPY = (b"cp", b"-R", b"-P", b"--preserve=timestamps,ownership", b"--reflink=auto")


def move_new(run: Run, units: Sequence[Unit], log: bytes) -> Statistics:
    """Move those trees of which the destination has nothing, if no option selects, changes or links files.

    Return what was planned for those that cp says it moved.
    """
    below = run.record.destination.path
    if not run.local or run.waiting or not run.options.plain or run.pace.bwlimit or _default_acl(below):
        return Statistics()
    trees = [unit for unit in units if unit.kind is Kind.TREE and unit.paths[0]]
    new = [unit for unit in trees if not os.path.lexists(os.path.join(below, unit.paths[0]))]
    moved = True
    environ = orphans.marked(dict(os.environb), run.directory.path)
    before = os.umask(0)
    try:
        for part in fitting([b"./" + unit.paths[0] for unit in new]):
            command = (*_COPY, b"--parents", b"-t", os.path.abspath(below), b"--", *part)
            moved &= run_process(command, cwd=run.record.root.path, environ=environ, log=log).code == 0
    finally:
        os.umask(before)
    if not moved:
        return Statistics()
    return Statistics(transferred=sum(unit.files for unit in new), transferred_size=sum(unit.size for unit in new))


def _default_acl(path: bytes) -> bool:
    """Say whether new files below `path` would inherit an ACL, which rsync treats in its own way."""
    try:
        return b"system.posix_acl_default" in {os.fsencode(name) for name in os.listxattr(path)}
    except OSError:
        return False

"""cp moves, rsync judges: new subtrees between local ends are moved by cp before rsync looks at them.

Only a head start: whatever cp did not do, or did wrong, the rsync after it does right (RSYNC.md, "cp moves").
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from pipeline.context import Run
from pipeline.process import run as run_process
from pipeline.rsync import fitting

_COPY = (b"cp", b"-R", b"-P", b"--preserve=timestamps,ownership", b"--reflink=auto")


def move_new(run: Run, trees: Sequence[bytes], log: bytes) -> None:
    """Move those trees of which the destination has nothing, if no option selects, changes or links files."""
    if not run.local or run.waiting or not run.options.plain:
        return
    if run.pace.bwlimit or not trees:
        return
    below = run.record.destination.path
    if _default_acl(below):
        return
    new = [path for path in trees if path and not os.path.lexists(os.path.join(below, path))]
    before = os.umask(0)
    try:
        for part in fitting([b"./" + path for path in new]) if new else ():
            command = (*_COPY, b"--parents", b"-t", os.path.abspath(below), b"--", *part)
            run_process(command, cwd=run.record.root.path, environ=os.environb, log=log)
    finally:
        os.umask(before)


def _default_acl(path: bytes) -> bool:
    """Say whether new files below `path` would inherit an ACL, which rsync treats in its own way."""
    try:
        return b"system.posix_acl_default" in {os.fsencode(name) for name in os.listxattr(path)}
    except OSError:
        return False

"""Temporary files that killed rsyncs left at a local destination: found and removed before their batch runs again.

rsync writes `.name.XXXXXX` beside `name`, and does not remove one that an earlier process left (RSYNC.md 19).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress

from pipeline import durable
from pipeline.context import Run
from pipeline.model import Kind, Unit

_TEMPORARY = re.compile(rb"\.(.+)\.[A-Za-z0-9]{6}", re.DOTALL)
_CLOCKS_DIFFER = 5.0
"""Seconds by which a file system's clock may be behind ours."""


def remove(run: Run, number: int) -> None:
    """Remove what an earlier attempt at a batch left; nothing where there was none, or the destination is remote."""
    attempted = os.path.exists(run.directory.log(f"RsyncBatch-{number:04}"))
    if not attempted or run.record.destination.remote:
        return
    below = run.record.destination.path
    for folder in _folders(run, number):
        for path in _temporaries(os.path.join(below, folder), run.record.created - _CLOCKS_DIFFER):
            if not _is_source(run, os.path.join(folder, os.path.basename(path))):
                with suppress(OSError):
                    os.unlink(path)


def _folders(run: Run, number: int) -> Iterator[bytes]:
    """Yield the folders below the destination in which a batch writes files."""
    below = run.record.destination.path
    if run.plan.whole:
        tops = [run.record.start]
    else:
        units = list(durable.read_records(run.directory.units(number), Unit))
        tops = [unit.paths[0] for unit in units if unit.kind is Kind.TREE]
        yield from (path for unit in units if unit.kind is Kind.LEVELS for path in unit.paths)
        yield from {os.path.dirname(path) for unit in units if unit.kind is Kind.ENTRIES for path in unit.paths}
    for top in tops:
        for folder, _, _ in os.walk(os.path.join(below, top) if top else below):
            yield os.path.relpath(folder, below) if folder != below else b""
    yield from {os.path.dirname(top) for top in tops}


def _temporaries(folder: bytes, since: float) -> Iterator[bytes]:
    """Yield files of one folder that look like rsync's temporary ones and were changed since (Unix time)."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and status.st_ctime >= since:
                    yield entry.path


def _is_source(run: Run, path: bytes) -> bool:
    """Say whether the source has a file of this very name; a remote one is asked by rsync, which would put it back."""
    return not run.record.root.remote and os.path.lexists(os.path.join(run.record.root.path, path))

"""Temporary files that killed rsyncs left at a local destination: found and removed before their batch runs again.

rsync writes `.name.XXXXXX` beside `name`, and does not remove one that an earlier process left (RSYNC.md 19). Other
batches may be writing into the same folders, so only those count that belong to names of the batch itself.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from pipeline import durable
from pipeline.context import Run
from pipeline.model import Kind, Unit

_TEMPORARY = re.compile(rb"\.(?:(.+)\.)?[A-Za-z0-9]{6}", re.DOTALL)
_WHOLE_NAME = 246
"""rsync (3.5.0) cuts longer names off for the temporary one, back to a byte that is ASCII, or to nothing."""
_CLOCKS_DIFFER = 5.0
"""Seconds by which a file system's clock may be behind ours."""


def remove(run: Run, number: int) -> None:
    """Remove what an earlier attempt at a batch left; nothing where there was none, or the destination is remote."""
    attempted = os.path.exists(run.directory.log(f"RsyncBatch-{number:04}"))
    if not attempted or run.record.destination.remote:
        return
    below = run.record.destination.path
    since = run.record.created - _CLOCKS_DIFFER
    for folder, names in _folders(run, number):
        for name in temporaries(_changed(os.path.join(below, folder), since), names):
            if not _is_source(run, os.path.join(folder, name)):
                with suppress(OSError):
                    os.unlink(os.path.join(below, folder, name))


def _folders(run: Run, number: int) -> Iterator[tuple[bytes, Collection[bytes] | None]]:
    """Yield the folders below the destination in which a batch writes, with the names of what it writes there.

    None stands for any name: below a tree of a remote source nobody else writes, and the names are not known.
    """
    units = [Unit(Kind.TREE, (run.record.start,), 0, 0, 0.0)]
    if not run.plan.whole:
        units = list(durable.read_records(run.directory.units(number), Unit))
    singles: dict[bytes, set[bytes]] = {}
    for unit in units:
        if unit.kind is Kind.TREE:
            yield from ((folder, _sources(run, folder)) for folder in _below(run, unit.paths[0]))
        if unit.kind is Kind.LEVELS:
            yield from ((path, _sources(run, path)) for path in unit.paths)
        elif unit.paths != (b"",):
            for path in unit.paths:
                singles.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
    yield from singles.items()


def _below(run: Run, top: bytes) -> Iterator[bytes]:
    """Yield the folders of one tree at the destination."""
    below = run.record.destination.path
    for folder, _, _ in os.walk(os.path.join(below, top) if top else below):
        yield os.path.relpath(folder, below) if folder != below else b""


def _sources(run: Run, folder: bytes) -> Collection[bytes] | None:
    """Return the names that a folder of the source has; None where it is remote."""
    if run.record.root.remote:
        return None
    try:
        return os.listdir(os.path.join(run.record.root.path, folder))
    except OSError:
        return ()


def _changed(folder: bytes, since: float) -> Iterator[bytes]:
    """Yield the names in one folder, but for directories, that were changed since (Unix time)."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode) and status.st_ctime >= since:
                    yield entry.name


def temporaries(found: Iterable[bytes], names: Collection[bytes] | None) -> Iterator[bytes]:
    """Yield those names that rsync's temporary files for `names` (None: for any) can have."""
    stems = {name.removeprefix(b".") for name in names or ()}
    long = [stem for stem in stems if len(stem) > _WHOLE_NAME]
    for name in found:
        shape = _TEMPORARY.fullmatch(name)
        if shape:
            stem = shape[1] or b""
            if names is None or stem in stems or any(other.startswith(stem) for other in long):
                yield name


def _is_source(run: Run, path: bytes) -> bool:
    """Say whether the source has a file of this very name; a remote one is asked by rsync, which would put it back."""
    return not run.record.root.remote and os.path.lexists(os.path.join(run.record.root.path, path))

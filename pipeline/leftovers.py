"""Temporary files that killed rsyncs left at the destination: found and removed before their batch runs again.

rsync writes `.name.XXXXXX` beside `name`, and does not remove one that an earlier process left (RSYNC.md 19). Other
batches may be writing into the same folders, so only those count that belong to names of the batch itself.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from pipeline import orphans, process, ramp, rsync
from pipeline.calls import Call
from pipeline.context import Run
from pipeline.listing import read_line
from pipeline.model import Kind, Unit

_TEMPORARY = re.compile(rb"\.(?:(.+)\.)?[A-Za-z0-9]{6}", re.DOTALL)
_WHOLE_NAME = 246
"""rsync (3.5.0) cuts longer names off for the temporary one, back to a byte that is ASCII, or to nothing."""
_CLOCKS_DIFFER = 5.0
"""Seconds by which a file system's clock may be behind ours."""
_CLOCKS_DIFFER_AFAR = 3600.0
_PRIVATE = re.compile(rb"-r\S\S------ +[\d,]+ (.{19}) ")


def remove(run: Run, number: int) -> None:
    """Remove what an earlier attempt at a batch left; nothing where there was none."""
    if not os.path.exists(run.directory.log(f"RsyncBatch-{number:04}")):
        return
    if run.record.destination.remote:
        _remove_afar(run, number)
        return
    below = run.record.destination.path
    since = run.record.created - _CLOCKS_DIFFER
    for folder, names in _folders(run, number):
        for name in temporaries(_changed(os.path.join(below, folder), since), names):
            if not _is_source(run, os.path.join(folder, name)):
                with suppress(OSError):
                    os.unlink(os.path.join(below, folder, name))


def _remove_afar(run: Run, number: int) -> None:
    """Let rsync list what looks like a temporary file at a remote destination, and delete those that are ours.

    What goes wrong here is left to the batch itself to meet.
    """
    if not process.tells_missing(run.record.rsync):
        return
    units = run.units(number)
    singles = _singles(units)
    gone = []
    for call in rsync.listing_afar(run.transfer, run.options, rsync.paths(units, Kind.TREE), list(singles)):
        for path in _listed(run, call):
            folder, name = os.path.split(path)
            names = singles[folder] if folder in singles else _sources(run, folder)
            if any(temporaries([name], names)) and not _is_source(run, path):
                gone.append(path)
    for call in rsync.deleting_missing(run.transfer, run.options, gone):
        _call(run, call)


def _listed(run: Run, call: Call) -> Iterator[bytes]:
    """Yield the files of a list that nobody else may read, as temporary ones are, and that are no older than the run.

    `--list-only` shows this host's time.
    """
    since = time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(run.record.created - _CLOCKS_DIFFER_AFAR))
    for line in _call(run, call).splitlines():
        entry = read_line(line)
        private = _PRIVATE.match(line)
        if entry and private and private[1] >= since.encode():
            yield entry.path


def _call(run: Run, call: Call) -> bytes:
    ramp.permit(run.directory.path)
    environ = orphans.marked(dict(os.environb), run.directory.path)
    return process.run((run.rsync, *call.arguments), cwd=run.record.cwd, stdin=call.stdin, environ=environ).stdout


def _folders(run: Run, number: int) -> Iterator[tuple[bytes, Collection[bytes] | None]]:
    """Yield the folders below the destination in which a batch writes, with the names of what it writes there.

    None stands for any name: below a tree of a remote source nobody else writes, and the names are not known.
    """
    units = run.units(number)
    for top in rsync.paths(units, Kind.TREE):
        yield from ((folder, _sources(run, folder)) for folder in _below(run, top))
    for path in rsync.paths(units, Kind.LEVELS):
        yield path, _sources(run, path)
    yield from _singles(units).items()


def _singles(units: Iterable[Unit]) -> dict[bytes, set[bytes]]:
    """Return the single names that a batch writes, by folder; a tree may be a file."""
    found: dict[bytes, set[bytes]] = {}
    for path in rsync.paths(units, Kind.TREE, Kind.ENTRIES):
        if path:
            found.setdefault(os.path.dirname(path), set()).add(os.path.basename(path))
    return found


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

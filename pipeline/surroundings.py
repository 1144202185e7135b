"""What is checked at the door, before anything is written: ends that exist, lie apart, and can be reached.

Every finding is one line for the user; nothing below asks again.
"""

from __future__ import annotations

import os

from pipeline import location
from pipeline.errors import DestinationError, SourceError, UsageError
from pipeline.model import Location, printable
from pipeline.options import Options


def check_ends(source: Location, destination: Location, options: Options) -> None:
    """Refuse ends that rsync could not join, or that would copy into themselves."""
    if source.remote and destination.remote:
        raise UsageError("source and destination are both remote", "run parsync on one of the two hosts")
    if not options.has("ignore-missing-args"):
        check_source(source)
    if not destination.remote:
        _check_destination(destination.path)
    if not (source.remote or destination.remote):
        _check_apart(source.path, destination.path, options)
    _check_references(source, destination, options)


def check_source(source: Location) -> None:
    """Refuse a local source that is not there, or cannot be read."""
    if source.remote:
        return
    path = source.path
    shown = printable(path)
    try:
        os.stat(path) if path.endswith(b"/") else os.lstat(path)
    except FileNotFoundError:
        raise SourceError(f"source {shown} does not exist", "check the path") from None
    except NotADirectoryError:
        raise SourceError(f"source {shown} is not a directory", "leave out the last slash for a single file") from None
    except OSError as error:
        raise SourceError(f"source {shown} cannot be read: {error.strerror}", "run as a user who may read it") from None
    if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK):
        raise SourceError(f"source {shown} cannot be read: Permission denied", "run as a user who may read it")


def _check_destination(path: bytes) -> None:
    """Refuse a destination that nobody could write to; whether it is enough, rsync sees."""
    existing = path.rstrip(b"/") or b"/"
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing) or b"."
    shown = printable(existing)
    if not os.path.exists(existing):
        raise DestinationError(f"destination {shown} is a link to nothing", "make what it leads to, or choose another")
    if not os.access(existing, os.W_OK):
        reason = "Read-only file system" if os.statvfs(existing).f_flag & os.ST_RDONLY else "Permission denied"
        raise DestinationError(f"destination {shown} cannot be written: {reason}", "choose another or change its mode")


def _check_apart(source: bytes, destination: bytes, options: Options) -> None:
    """Refuse ends of which one lies inside the other; a filter may keep them apart, so with one the user decides."""
    if not os.path.isdir(source):
        return
    inner, outer = os.path.realpath(destination), os.path.realpath(source)
    shown = f"{printable(destination)} is inside source {printable(source)}"
    if inside(inner, outer) and not options.filtered:
        raise UsageError(f"destination {shown}", "exclude it with --exclude, or choose another")
    arrives = inner if source.endswith(b"/") else os.path.join(inner, os.path.basename(source))
    if inside(outer, arrives):
        raise UsageError(
            f"source {printable(source)} is inside destination {printable(destination)}",
            "choose another destination",
        )


def check_state(root: bytes, source: Location, destination: Location, options: Options) -> None:
    """Refuse a place for the state from which `--delete` would remove it; a filter may keep it, so the user decides."""
    if destination.remote or not options.delete or options.filtered:
        return
    if inside(os.path.realpath(root), os.path.realpath(_arrival(source, destination))):
        raise UsageError(
            f"the state in {printable(root)} is inside destination {printable(destination.path)}, where --delete "
            "would remove it",
            "give another --work-dir, or exclude it with --exclude",
        )


def inside(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _check_references(source: Location, destination: Location, options: Options) -> None:
    """Refuse a reference directory that is not there: rsync would copy everything and say nothing (RSYNC.md 24).

    A single file may have DEST for its name; then references are relative to the folder that DEST is in.
    """
    if destination.remote:
        return
    base = destination.path
    if not (base.endswith(b"/") or os.path.isdir(base) or source.remote or os.path.isdir(source.path)):
        base = os.path.dirname(base)
    for reference in options.references:
        path = os.path.realpath(os.path.join(base, reference.path))
        if not os.path.isdir(path):
            shown = printable(path)
            raise UsageError(f"{reference.option} {shown} is no directory", "give one that exists, relative to DEST")


def warn_empty(source: Location, destination: Location, options: Options) -> None:
    """Refuse to empty a destination because a local source is empty: mostly it is not mounted (RSYNC.md 13)."""
    if not options.delete or options.ignore_errors or not empty(source):
        return
    if destination.remote or not _holds_nothing(_arrival(source, destination)):
        raise would_be_emptied(source)


def _arrival(source: Location, destination: Location) -> bytes:
    """Return the local folder in which the source's contents arrive."""
    return os.path.join(destination.path, location.split(source)[1])


def would_be_emptied(source: Location) -> SourceError:
    return SourceError(
        f"source {source.display()} is empty and --delete would empty the destination",
        "mount it, or add --ignore-errors if that is right",
    )


def empty(source: Location) -> bool:
    """Say whether a source is a local directory without anything in it."""
    path = source.path
    link = not path.endswith(b"/") and os.path.islink(path)
    return not source.remote and not link and os.path.isdir(path) and _holds_nothing(path)


def _holds_nothing(path: bytes) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return True

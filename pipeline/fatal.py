"""An error that every batch would meet is met once: the first one leaves a note, the others do not start."""

from __future__ import annotations

from pipeline import durable
from pipeline.context import Run
from pipeline.errors import ParsyncError
from pipeline.model import printable
from pipeline.mounts import file_system
from pipeline.records import StopRecord


class BatchFailed(ParsyncError):
    """A stage failed; its record says why."""


def note(run: Run) -> StopRecord | None:
    """Return what a task of this start left, if one did."""
    found = durable.load(run.directory.fatal, StopRecord)
    return found if found is not None and found.session == run.pace.session else None


def check(run: Run) -> None:
    """Raise when a task of this start met an error that this one would meet too."""
    found = note(run)
    if found is not None:
        raise BatchFailed(found.message, found.hint)


def leave_note(run: Run, message: str, hint: str = "") -> None:
    """Tell the other tasks of this start not to begin."""
    durable.save(run.directory.fatal, StopRecord(session=run.pace.session, message=message, hint=hint))


def hint(run: Run, message: str) -> str:
    """Return what to do about an error that every batch would meet."""
    destination = run.record.destination
    what = next((needed for words, needed in _NEEDED.items() if words in message), "")
    if not what or destination.remote:
        return "mend that and start the same command again"
    mount = printable(file_system(destination.path)[0])
    return f"{what.format(mount)} and start the same command again"


_NEEDED = {
    "No space left on device": "make space (or inodes) on {}",
    "Disk quota exceeded": "raise the quota on {}",
    "Read-only file system": "mount {} writable",
}
"""What the words of an error ask for, with the mount point of the destination."""

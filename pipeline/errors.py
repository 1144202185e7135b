"""Every error a user can act on: its message, its exit code, and what to do next.

Nothing here does I/O. `cli.py` prints these, one line each; nobody else does.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of `parsync` says; the same numbers serve Luigi's `[retcode]` where it allows."""

    EXACT = 0
    FAILED = 1
    USAGE = 2
    LOCKED = 10
    INTERRUPTED = 20
    PARTIAL = 23
    VANISHED = 24
    MAX_DELETE = 25


MEANING: dict[ExitCode, str] = {
    ExitCode.EXACT: "the destination is what one rsync would have left",
    ExitCode.FAILED: "failed; the message says why",
    ExitCode.USAGE: "the command line is wrong; nothing was done",
    ExitCode.LOCKED: "another run holds this destination",
    ExitCode.INTERRUPTED: "interrupted; start the same command again to go on",
    ExitCode.PARTIAL: "finished, but some paths could not be copied (they are named)",
    ExitCode.VANISHED: "finished; some source paths vanished while they were copied",
    ExitCode.MAX_DELETE: "finished, but --max-delete refused the deletions",
}


class ParsyncError(Exception):
    """An error with one line for the user: what is wrong, and in brackets what to do.

    Survives pickling, since it crosses from Luigi's worker processes to the command.
    """

    code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(ParsyncError):
    """The command line asks for something that cannot be."""

    code = ExitCode.USAGE


class LockedError(ParsyncError):
    """Another run holds the destination or the run's work directory."""

    code = ExitCode.LOCKED


class StateError(ParsyncError):
    """A file of the work directory is damaged, from a newer version, or of another run."""


class SourceError(ParsyncError):
    """The source cannot be read at all."""


class DestinationError(ParsyncError):
    """The destination cannot be written at all."""


class RsyncError(ParsyncError):
    """rsync is missing, too old, or refused what it was asked."""


class SchedulerError(ParsyncError):
    """The central scheduler does not answer."""


class Interrupted(ParsyncError):
    """The user asked for an orderly stop."""

    code = ExitCode.INTERRUPTED

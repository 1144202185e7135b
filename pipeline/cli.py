"""`parsync`: arguments to a run, errors to one line on stderr, the outcome to an exit code.

The only module that prints. Luigi is imported late, so that `--help` answers at once.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from pipeline.command_line import Command, parse_arguments
from pipeline.errors import ExitCode, Interrupted, ParsyncError
from pipeline.interrupts import ignore
from pipeline.model import printable
from pipeline.options import parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    _open_streams()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except ParsyncError as error:
        if error.code is ExitCode.INTERRUPTED:
            ignore()
        complain(str(error))
        return int(error.code)
    except KeyboardInterrupt:
        complain("interrupted (start the same command again to go on)")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return int(ExitCode.FAILED)
    except OSError as error:
        where = f" {printable(os.fsencode(error.filename))}" if error.filename else ""
        complain(f"{error.strerror or error}{where} (start the same command again when that is mended)")
        _drop_output()
        return int(ExitCode.FAILED)


def _open_streams() -> None:
    """Open what the caller closed of stdin, stdout and stderr, lest a file of the run get its number."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _drop_output() -> None:
    """Throw away what stdout does not take, lest the interpreter try again at its end."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)


def _run(arguments: Sequence[str]) -> int:
    try:
        command = parse_arguments(arguments)
    finally:
        sys.stdout.flush()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    dry_run = command.dry_run or parse(command.request.options).dry_run
    return _dry_run(command) if dry_run else _sync(command)


def complain(text: str) -> None:
    """Print one line on stderr; without a buffer, since a signal's handler may call this at any instant."""
    line = printable(os.fsencode(text.replace("\n", " ")))
    with suppress(OSError):
        os.write(2, f"parsync: {line}\n".encode())


def _dry_run(command: Command) -> int:
    """Show what rsync would do; nothing is written, neither at the destination nor in the run's state."""
    from pipeline.dry_run import show

    return show(command.request, sys.stdout.buffer)


def _sync(command: Command) -> int:
    from pipeline import session

    outcome = session.run(command, complain)
    _say(outcome.text)
    if outcome.interrupted:
        raise Interrupted(outcome.error)
    if outcome.error:
        complain(outcome.error)
    return outcome.code


def _say(text: str) -> None:
    """Print a summary; where that cannot be, the run has ended as it has all the same."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as error:
        complain(f"the summary cannot be written: {error.strerror}")
        _drop_output()


if __name__ == "__main__":
    sys.exit(main())

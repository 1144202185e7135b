"""The command line of `parsync`: the original script's, and what came to it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pipeline import __version__
from pipeline.errors import MEANING

if TYPE_CHECKING:
    from pipeline.opening import Request

DESCRIPTION = """\
Copy SRC to DEST with several rsync processes at once, and go on where it stopped
when it is started again. What arrives is what one `rsync -a` with the same
options would have left. Everything after DEST goes to rsync."""

EXAMPLES = """\
examples:
  parsync /srv/data/ /mnt/new                          the contents of /srv/data
  parsync --parallel 8 /srv/data host:/backup          /backup/data, over ssh
  parsync --bwlimit 20000 host:/home/ /srv/home        20 MB/s for all processes together
  parsync --id monday /srv/ nas::backup --delete -HAX  a named run, as an exact mirror
  parsync -n /srv/ /mnt/new --delete                   show what would change
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, read."""

    request: Request
    dry_run: bool
    progress: bool
    scheduler: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"parsync: {message} (see parsync --help)\n")


def parser() -> argparse.ArgumentParser:
    """Build the parser; its help names every option and exit code."""
    codes = "".join(f"  {int(code):2}  {meaning}\n" for code, meaning in MEANING.items())
    made = _Parser(
        prog="parsync",
        usage="parsync [options] SRC DEST [rsync options ...]",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"parsync {__version__}")
    made.add_argument("--parallel", type=_count, default=4, metavar="N", help="processes at once (4)")
    made.add_argument(
        "--bwlimit", type=_count, default=0, metavar="KB", help="KB/s of all processes together (0: none)"
    )
    made.add_argument("--id", default="", help="name of the run; the same name goes on with it")
    made.add_argument("--no-progress", action="store_true", help="no progress bars")
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would change, and change nothing")
    made.add_argument("--verify", action="store_true", help="compare everything by checksum afterwards")
    made.add_argument("--incremental", action="store_true", help="plan only what changed since the last run")
    made.add_argument(
        "--full-every",
        type=_count,
        default=0,
        metavar="N",
        help="with --incremental: a full plan every N runs",
    )
    made.add_argument("--retries", type=_count, default=3, metavar="N", help="tries after a passing failure (3)")
    made.add_argument(
        "--stall-timeout",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="seconds without progress that count as a failure (0: none)",
    )
    made.add_argument(
        "--work-dir", default="", metavar="D", help="where runs keep their state (~/.local/state/parsync)"
    )
    made.add_argument("--groups", type=_count, default=0, metavar="N", help="shares of the source to plan in parallel")
    made.add_argument("--batches", type=_count, default=0, metavar="K", help="batches to copy, at most")
    made.add_argument(
        "--keep-runs", type=_count, default=30, metavar="N", help="finished runs whose state is kept (30)"
    )
    made.add_argument("--scheduler", default="", metavar="URL", help="a central luigid, such as http://127.0.0.1:8082")
    made.add_argument("source", metavar="SRC", help="path, host:path, host::module/path or rsync://host/module/path")
    made.add_argument("destination", metavar="DEST", help="the same; at most one of the two is remote")
    made.add_argument("options", metavar="rsync options", nargs=argparse.REMAINDER, help="handed to rsync")
    return made


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def parse_arguments(arguments: Sequence[str]) -> Command:
    """Read a command line; exits with code 2 and one line where it is wrong."""
    from pipeline.opening import Request

    found = parser().parse_args(arguments)
    request = Request(
        os.fsencode(found.source),
        os.fsencode(found.destination),
        tuple(os.fsencode(word) for word in found.options),
        run_id=found.id,
        work_dir=os.fsencode(found.work_dir),
        groups=found.groups,
        batches=found.batches,
        parallel=found.parallel,
        incremental=found.incremental,
        full_every=found.full_every,
        verify=found.verify,
        bwlimit=found.bwlimit,
        retries=found.retries,
        stall_timeout=found.stall_timeout,
        keep_runs=found.keep_runs,
    )
    dry_run = found.dry_run or any(word in (b"-n", b"--dry-run") for word in request.options)
    return Command(request, dry_run, not found.no_progress, found.scheduler)

"""The command line of `parsync`: the original script's, and what came to it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

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


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if text and not (parts.scheme in ("http", "https", "http+unix") and parts.netloc):
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as http://127.0.0.1:8082")
    return text


_FLAGS = {
    "--verify": "compare everything by checksum afterwards",
    "--incremental": "plan only what changed since the last run",
    "--no-progress": "no progress bars",
}
_VALUES: dict[str, tuple[Callable[[str], object], object, str, str]] = {
    "--parallel": (_count, 4, "N", "processes at once (4)"),
    "--bwlimit": (_count, 0, "KB", "KB/s of all processes together (0: none)"),
    "--id": (str, "", "ID", "name of the run; the same name goes on with it"),
    "--full-every": (_count, 0, "N", "with --incremental: a full plan every N runs"),
    "--retries": (_count, 3, "N", "tries after a passing failure (3)"),
    "--stall-timeout": (_seconds, 0.0, "S", "seconds without progress that count as a failure (0: none)"),
    "--work-dir": (str, "", "D", "where runs keep their state (~/.local/state/parsync)"),
    "--groups": (_count, 0, "N", "shares of the source to plan in parallel"),
    "--batches": (_count, 0, "K", "batches to copy, at most"),
    "--keep-runs": (_count, 30, "N", "finished runs whose state is kept (30)"),
    "--scheduler": (_url, "", "URL", "a central luigid, such as http://127.0.0.1:8082"),
}


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
    made.add_argument("-n", "--dry-run", action="store_true", help="show what would change, and change nothing")
    for name, text in _FLAGS.items():
        made.add_argument(name, action="store_true", help=text)
    for name, (read, default, metavar, text) in _VALUES.items():
        made.add_argument(name, type=read, default=default, metavar=metavar, help=text)
    made.add_argument("source", metavar="SRC", help="path, host:path, host::module/path or rsync://host/module/path")
    made.add_argument("destination", metavar="DEST", help="the same; at most one of the two is remote")
    rest = made.add_argument("options", metavar="rsync options", nargs=argparse.REMAINDER, help="handed to rsync")
    rest.required = False
    return made


def parse_arguments(arguments: Sequence[str]) -> Command:
    """Read a command line; exits with code 2 and one line where it is wrong."""
    from pipeline.opening import Request

    found, unknown = parser().parse_known_args(arguments)
    if unknown:
        parser().error(f"no option of parsync: {' '.join(unknown)}; options of rsync go after DEST")
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
    progress = not found.no_progress and b"--no-progress" not in request.options
    return Command(request, found.dry_run, progress, found.scheduler)

"""`parsync -n`: one plain rsync dry run, shown as it speaks; no run, no state, no lock."""

from __future__ import annotations

import os
import re
from typing import BinaryIO

from pipeline import rsync
from pipeline.errors import RsyncError
from pipeline.interpret import interpret
from pipeline.model import Outcome, printable
from pipeline.opening import Request, transfer_of
from pipeline.process import run, version, which_rsync
from pipeline.records import exit_code

_NO_CHARACTER = re.compile("[\udc80-\udcff]")


def show(request: Request, output: BinaryIO) -> int:
    """Print what rsync would do; return the exit code of the transfer that it tried."""
    request.check()
    transfer, options = transfer_of(request, os.getcwdb())
    program = which_rsync(os.environ)
    version(program)
    destination = transfer.destination
    parents = destination.remote or not os.path.isdir(os.path.dirname(destination.path.rstrip(b"/")) or b"/")
    call = rsync.dry(request.source, request.destination, options, parents=parents)

    def pass_on(line: bytes) -> None:
        output.write(shown(line).encode() + b"\n")
        output.flush()

    ended = run((program, *call.arguments), environ=os.environb, on_line=pass_on)
    verdict = interpret(ended.code, ended.stderr, listed=False)
    if verdict.outcome is Outcome.FAILED:
        raise RsyncError(verdict.message or f"rsync ended with code {ended.code}", "mend that and start it again")
    for failed in verdict.failed:
        output.write(f"not copied: {printable(failed.path)}: {failed.reason}\n".encode())
    return exit_code(verdict.outcome)


def shown(line: bytes) -> str:
    """Return a line as rsync itself shows it in a UTF-8 terminal: bytes that are no character as `\\#ooo`."""
    text = line.decode(errors="surrogateescape")
    return printable(_NO_CHARACTER.sub(lambda found: f"\\#{ord(found[0]) - 0xDC00:03o}", text).encode())

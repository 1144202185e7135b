"""Start a process, follow its words, end it in steps. The only module that does.

A child dies with the thread that started it (PR_SET_PDEATHSIG), runs in a session of its own so that a terminal's
^C does not reach it, and is never left behind by an exception.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pipeline.errors import RsyncError
from pipeline.interrupts import check, held
from pipeline.model import printable
from pipeline.pump import Pump
from pipeline.stall import Watch, alive
from pipeline.streams import Stream

STOP_SECONDS = 5.0
"""Between SIGTERM and SIGKILL; rsync removes its temporary file in far less."""
TURN_SECONDS = 1.0
REST_SECONDS = 0.005
"""rsync writes a line of progress for each file: some are let come together, far fewer than a pipe holds."""
OLDEST = (3, 2, 3)
"""`--mkpath` needs it (RSYNC.md 27)."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. A negative `code` is a signal. `stdout` and `stderr` are bounded, see `Stream.kept`."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    cpu_seconds: float
    stalled: bool = False


def run(
    arguments: Sequence[bytes],
    *,
    environ: Mapping[bytes, bytes],
    cwd: bytes | None = None,
    stdin: bytes = b"",
    log: bytes | None = None,
    on_line: Callable[[bytes], None] | None = None,
    on_turn: Callable[[int], None] | None = None,
    stall_seconds: float | None = None,
) -> Ended:
    """Run a program to its end and return how it ended; exceptions end it first.

    `log` receives both streams, `on_line` each line of stdout (a carriage return ends one too), `on_turn` now and
    then the pid. A group of processes that does next to nothing for `stall_seconds` is ended and said to be stalled.
    """
    started, cpu = time.monotonic(), _cpu_seconds()
    out, err = Stream(on_line), Stream()
    with Pump(out, err, log) as pump:
        process = None
        try:
            with held():
                process = _start(arguments, environ, cwd, stdin)
            assert process.stdout and process.stderr
            pump.attach(process.stdin, process.stdout, process.stderr, stdin)
            stalled = _follow(process, pump, stall_seconds, on_turn)
            if stalled:
                _end(process, pump)
            out.finish()
        except BaseException:
            if process:
                _end(process, pump)
            raise
    code = -signal.SIGKILL if process.returncode is None else process.returncode
    return Ended(code, out.kept, err.kept, time.monotonic() - started, _cpu_seconds() - cpu, stalled)


@contextmanager
def running(arguments: Sequence[bytes], *, environ: Mapping[bytes, bytes]) -> Iterator[int]:
    """Keep a program running, unheard, while the block runs; gives its pid, which is its process group too."""
    process = _start(arguments, environ, None, b"", output=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        _signal(process, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)


def _cpu_seconds() -> float:
    """Return the CPU seconds of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(
    arguments: Sequence[bytes],
    environ: Mapping[bytes, bytes],
    cwd: bytes | None,
    stdin: bytes,
    output: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    try:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env={**environ, b"LC_ALL": b"C"},
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    except OSError as error:
        program = printable(arguments[0])
        if cwd is not None and error.filename == cwd:
            raise RsyncError(f"{program} cannot start in {printable(cwd)}: {error.strerror}") from None
        raise RsyncError(f"{program} cannot be started: {error.strerror}", "see that it is installed") from None


def _follow(
    process: subprocess.Popen[bytes], pump: Pump, stall: float | None, on_turn: Callable[[int], None] | None
) -> bool:
    """Move bytes until the process has ended; return True as soon as it is found to stand still."""
    watch = Watch(process.pid, stall, time.monotonic()) if stall else None
    turned = 0.0
    while pump.turn(TURN_SECONDS):
        check()
        if time.monotonic() - turned < REST_SECONDS:
            time.sleep(REST_SECONDS)
        turned = time.monotonic()
        if on_turn:
            on_turn(process.pid)
        if watch and watch.stalls(time.monotonic()):
            return True
        # A master connection that ssh leaves in the background (ControlPersist) holds stderr open for hours.
        if process.poll() is not None and not alive(process.pid):
            pump.drain()
            return False
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(TURN_SECONDS if watch else None)
            return False
        if watch and watch.stalls(time.monotonic()):
            return True


def _end(process: subprocess.Popen[bytes], pump: Pump) -> None:
    """End a process and its group in steps: SIGTERM, a while, SIGKILL.

    Waits for the whole group: rsync's receiver removes its temporary file after the process that we started is
    gone. A process that even SIGKILL does not end (it waits for a dead disk) is left behind.
    """
    pump.mute()
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(process, number)
            until = time.monotonic() + STOP_SECONDS
            while time.monotonic() < until:
                if process.poll() is not None and not alive(process.pid):
                    return
                pump.turn(0.02)
    except BaseException:
        _signal(process, signal.SIGKILL)
        raise


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def which_rsync(environ: Mapping[str, str]) -> bytes:
    """Return the absolute path of rsync; raise with how to get it."""
    found = shutil.which("rsync", path=environ.get("PATH", os.defpath))
    if found is None:
        raise RsyncError("rsync is not installed", "apt-get install rsync, or see your system's packages")
    return os.path.abspath(os.fsencode(found))


def version(rsync: bytes) -> str:
    """Return rsync's version; raise where it is too old."""
    ended = run((rsync, b"-VV"), environ=os.environb)
    text = version_text(ended.stdout)
    numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if not numbers:
        raise RsyncError(f"{printable(rsync)} does not say which version it is", "install rsync 3.2.3 or later")
    if numbers < OLDEST:
        raise RsyncError(f"rsync {text} is too old", f"install {'.'.join(map(str, OLDEST))} or later")
    return text


def version_text(output: bytes) -> str:
    """Read `rsync -VV` (JSON since 3.2.7) or the first line of the older text; empty where neither says it."""
    try:
        return str(json.loads(output)["version"])
    except (ValueError, KeyError, TypeError):
        found = re.search(rb"version v?(\d+\.\d+[.\w]*)", output)
        return found[1].decode() if found else ""


TELLS_MISSING = (3, 4)
"""From this version on rsync deletes what the arguments name and the source has not (3.2.7 fails, RSYNC.md 14)."""


def tells_missing(version: str) -> bool:
    """Say whether `--delete-missing-args` can be relied on."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= TELLS_MISSING

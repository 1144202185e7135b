"""Start a process, follow its words, end it in steps. The only module that does.

A child dies with the thread that started it (PR_SET_PDEATHSIG), runs in a session of its own so that a terminal's
^C does not reach it, and is never left behind by an exception.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.errors import RsyncError

KEPT_BYTES = 1 << 20
"""Of each stream the first and the last so many bytes are kept; statistics come last, the first error first."""
STOP_SECONDS = 5.0
"""Between SIGTERM and SIGKILL; rsync removes its temporary file in far less."""
WATCH_SECONDS = 1.0
LEAST_PROGRESS = 4096
"""Bytes a group of processes must have moved between two looks at a stall; keep-alives are less."""
OLDEST = (3, 2, 3)
"""`--mkpath` needs it (RSYNC.md 27)."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. A negative `code` is a signal. `stdout` and `stderr` are bounded, see KEPT_BYTES."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float
    cpu_seconds: float
    stalled: bool = False


@dataclass(slots=True)
class Stream:
    """One output stream: a bounded copy, and its lines as they come."""

    on_line: Callable[[bytes], None] | None = None
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    rest: bytes = b""

    def take(self, data: bytes) -> None:
        room = KEPT_BYTES - len(self.head)
        self.head += data[:room]
        self.tail += data[room:] if room > 0 else data
        del self.tail[:-KEPT_BYTES]
        if self.on_line:
            *lines, self.rest = re.split(rb"[\r\n]", self.rest + data)
            for line in lines:
                if line:
                    self.on_line(line)

    @property
    def kept(self) -> bytes:
        return bytes(self.head + self.tail)


def run(
    arguments: Sequence[bytes],
    *,
    environ: Mapping[bytes, bytes],
    cwd: bytes | None = None,
    stdin: bytes = b"",
    log: bytes | None = None,
    on_line: Callable[[bytes], None] | None = None,
    stall_seconds: float | None = None,
) -> Ended:
    """Run a program to its end and return how it ended; exceptions end it first.

    `log` receives both streams, `on_line` each line of stdout (a carriage return ends one too). A group of
    processes that moves next to nothing for `stall_seconds` is ended and said to be stalled.
    """
    started = time.monotonic()
    before = os.times()
    process = _start(arguments, environ, cwd, stdin)
    out, err = Stream(on_line), Stream()
    try:
        stalled = _follow(process, out, err, stdin, log, stall_seconds)
        code = process.wait()
    except BaseException:
        stop(process)
        raise
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ended(code, out.kept, err.kept, time.monotonic() - started, cpu, stalled)


def _start(
    arguments: Sequence[bytes], environ: Mapping[bytes, bytes], cwd: bytes | None, stdin: bytes
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
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**environ, b"LC_ALL": b"C"},
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    except OSError as error:
        program = os.fsdecode(arguments[0])
        raise RsyncError(f"{program} cannot be started: {error.strerror}", "see that it is installed") from None


def _follow(
    process: subprocess.Popen[bytes],
    out: Stream,
    err: Stream,
    stdin: bytes,
    log: bytes | None,
    stall: float | None,
) -> bool:
    """Feed stdin and read both streams until they end; return whether a stall ended the process."""
    watch = _Watch(process.pid, stall) if stall else None
    log_handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600) if log else -1
    try:
        with selectors.DefaultSelector() as selector:
            assert process.stdout and process.stderr
            selector.register(process.stdout, selectors.EVENT_READ, out)
            selector.register(process.stderr, selectors.EVENT_READ, err)
            left = memoryview(stdin)
            if process.stdin:
                os.set_blocking(process.stdin.fileno(), False)
                selector.register(process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                for key, _ in selector.select(WATCH_SECONDS if watch else None):
                    if key.data is None:
                        left = _feed(selector, key.fd, key.fileobj, left)
                        continue
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                        continue
                    key.data.take(data)
                    if log_handle >= 0:
                        _write_all(log_handle, data)
                if watch and watch.stalls():
                    stop(process)
                    return True
    finally:
        if log_handle >= 0:
            os.close(log_handle)
    return False


def _feed(selector: selectors.BaseSelector, handle: int, pipe: object, left: memoryview) -> memoryview:
    """Write a piece to the child's stdin; close it at the end, or where the child no longer reads."""
    try:
        left = left[os.write(handle, left[: 1 << 16]) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:
        left = left[:0]
    if not left:
        selector.unregister(pipe)  # type: ignore[arg-type]
        pipe.close()  # type: ignore[attr-defined]
    return left


def _write_all(handle: int, data: bytes) -> None:
    """Write to a log; a full disk costs the log, not the copy."""
    with suppress(OSError):
        os.write(handle, data)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group in steps: SIGTERM, a while, SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
    process.wait()


class _Watch:
    """Notices that a group of processes moves nothing: counts what its members read and write."""

    def __init__(self, group: int, seconds: float) -> None:
        self._group = group
        self._seconds = seconds
        self._moved = 0
        self._since = time.monotonic()

    def stalls(self) -> bool:
        now = time.monotonic()
        moved = sum(_moved(pid) for pid in members(self._group))
        if abs(moved - self._moved) >= LEAST_PROGRESS:
            self._moved, self._since = moved, now
        return now - self._since >= self._seconds


def members(group: int) -> list[int]:
    """Return the processes of a process group."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    if int(file.read().rpartition(b")")[2].split()[2]) == group:
                        found.append(int(name))
    return found


def _moved(pid: int) -> int:
    """Return the bytes a process has read and written, by whatever way."""
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith((b"rchar", b"wchar")))
    except OSError:
        return 0


def which_rsync(environ: Mapping[str, str]) -> bytes:
    """Return the path of rsync; raise with how to get it."""
    found = shutil.which("rsync", path=environ.get("PATH", os.defpath))
    if found is None:
        raise RsyncError("rsync is not installed", "apt-get install rsync, or see your system's packages")
    return os.fsencode(found)


def version(rsync: bytes) -> str:
    """Return rsync's version; raise where it is too old."""
    ended = run((rsync, b"-VV"), environ=os.environb)
    text = _version_text(ended.stdout)
    numbers = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if not numbers:
        raise RsyncError(f"{os.fsdecode(rsync)} does not say which version it is", "install rsync 3.2.3 or later")
    if numbers < OLDEST:
        raise RsyncError(f"rsync {text} is too old", f"install {'.'.join(map(str, OLDEST))} or later")
    return text


def _version_text(output: bytes) -> str:
    """Read `rsync -VV` (JSON since 3.2.7) or the first line of the older text."""
    try:
        return str(json.loads(output)["version"])
    except (ValueError, KeyError, TypeError):
        found = re.search(rb"version v?(\d+\.\d+[.\w]*)", output)
        return found[1].decode() if found else ""

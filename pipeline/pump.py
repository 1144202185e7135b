"""Move bytes between a child process and this one, with neither ever waiting for the other.

Starts and ends no process; see `process.py`.
"""

from __future__ import annotations

import os
import re
import selectors
from contextlib import suppress
from types import TracebackType
from typing import IO

from pipeline.streams import Stream

PIECE = 1 << 16
_WRITTEN_OVER = re.compile(rb"[^\n]*\r")
"""What a terminal would have written over: rsync's progress, megabytes of it in a long run."""


class Pump:
    """Feeds a child's stdin, and gives its streams to their takers and, as they come, to a log."""

    def __init__(self, out: Stream, err: Stream, log: bytes | None) -> None:
        self._takers = (out, err)
        self._left = memoryview(b"")
        self._stdin: IO[bytes] | None = None
        self._outputs: tuple[IO[bytes], ...] = ()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._log = os.open(log, flags, 0o600) if log else -1
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Pump:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything, the child's pipes too."""
        self._selector.close()
        if self._log >= 0:
            os.close(self._log)
        for pipe in (self._stdin, *self._outputs):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], data: bytes) -> None:
        """Take charge of the child's pipes; `data` is for its stdin."""
        self._stdin, self._outputs, self._left = stdin, (stdout, stderr), memoryview(data)
        for pipe, taker in zip(self._outputs, self._takers, strict=True):
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, taker)
        if stdin:
            os.set_blocking(stdin.fileno(), False)
            self._selector.register(stdin, selectors.EVENT_WRITE)

    def turn(self, seconds: float) -> bool:
        """Wait up to `seconds` for bytes and move them; return False once there is no pipe to wait for."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._feed()
            else:
                self._read(key)
        return bool(self._selector.get_map())

    def drain(self) -> None:
        """Read what has come already, without waiting for more."""
        if self._stdin and not self._stdin.closed:
            self._left = self._left[:0]
            self._feed()
        while any(self._read(key) for key, _ in self._selector.select(0)):
            pass

    def mute(self) -> None:
        """Pass on no more lines; the streams are still read, so that the child can end."""
        for taker in self._takers:
            taker.on_line = None

    def _read(self, key: selectors.SelectorKey) -> bool:
        """Read a piece of a stream; return whether there was one."""
        try:
            data = os.read(key.fd, PIECE)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(key.fileobj)
            return False
        if self._log >= 0:
            # A full disk costs the log, not the copy.
            with suppress(OSError):
                os.write(self._log, _WRITTEN_OVER.sub(b"", data))
        key.data.take(data)
        return True

    def _feed(self) -> None:
        """Write a piece to the child's stdin; close it at the end, or where the child no longer reads."""
        assert self._stdin
        try:
            if self._left:
                self._left = self._left[os.write(self._stdin.fileno(), self._left[:PIECE]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._selector.unregister(self._stdin)
            self._stdin.close()

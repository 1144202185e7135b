"""An output stream of a process: a bounded copy, and its lines as they come. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

KEPT_BYTES = 1 << 20
"""Of each stream the first and the last so many bytes are kept; statistics come last, the first error first."""

_ENDS = re.compile(rb"[\r\n]")


@dataclass(slots=True)
class Stream:
    """What came so far. `on_line` receives every line; a carriage return ends one too."""

    on_line: Callable[[bytes], None] | None = None
    limit: int = KEPT_BYTES
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    rest: bytes = b""
    dropped: bool = False

    def take(self, data: bytes) -> None:
        """Take the next piece, of any length and cut anywhere."""
        room = self.limit - len(self.head)
        if room > 0:
            self.head += data[:room]
        if len(data) > room:
            self.tail += data[max(room, 0) :]
            self.dropped = self.dropped or len(self.tail) > self.limit
            del self.tail[: -self.limit]
        if self.on_line:
            *lines, self.rest = _ENDS.split(self.rest + data)
            for line in lines:
                self.on_line(line)

    def finish(self) -> None:
        """Take the end of the stream: what is left is a line as well."""
        left, self.rest = self.rest, b""
        if left and self.on_line:
            self.on_line(left)

    @property
    def kept(self) -> bytes:
        """What came, or its beginning and its end; where something is left out, no line is cut."""
        if not self.dropped:
            return bytes(self.head + self.tail)
        first, _, _ = self.head.rpartition(b"\n")
        _, _, last = self.tail.partition(b"\n")
        return bytes(first + b"\n" + last)

"""Beacons: small files that running tasks renew, so that others can see how far they are.

Not durable and never believed for more than a picture: a reader skips what it cannot read.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

import msgspec

RENEW_SECONDS = 0.5


class Light(msgspec.Struct, frozen=True):
    """What one beacon shows. `total_files` and `total_size` are the plan's, 0 where there is none."""

    stage: str
    number: int
    started: float
    updated: float
    files: int = 0
    size: int = 0
    total_files: int = 0
    total_size: int = 0


class Beacon:
    """The beacon of one running task; written at most every RENEW_SECONDS, gone when it is closed."""

    def __init__(self, path: bytes, *, stage: str, number: int = 0, files: int = 0, size: int = 0) -> None:
        now = time.time()
        self._path = path
        self._light = Light(stage, number, now, now, 0, 0, files, size)
        self._write()

    def update(self, files: int, size: int) -> None:
        """Show how much is done; cheap when called often. What was done stays so when rsync looks at it again."""
        if self.due:
            light = self._light
            files, size = max(files, light.files), max(size, light.size)
            self._light = msgspec.structs.replace(light, files=files, size=size, updated=time.time())
            self._write()

    @property
    def due(self) -> bool:
        """Whether an update now would be shown."""
        return time.time() - self._light.updated >= RENEW_SECONDS

    @property
    def size(self) -> int:
        """Bytes shown as done."""
        return self._light.size

    @property
    def percentage(self) -> int:
        light = self._light
        done, total = (light.size, light.total_size) if light.total_size else (light.files, light.total_files)
        return min(100, 100 * done // total) if total else 0

    def close(self) -> None:
        with suppress(OSError):
            os.unlink(self._path)

    def _write(self) -> None:
        """Replace the file; a full disk costs the picture, not the task."""
        temporary = self._path + b".new"
        with suppress(OSError):
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, msgspec.json.encode(self._light))
            finally:
                os.close(handle)
            os.rename(temporary, self._path)


def read_all(folder: bytes) -> list[Light]:
    """Return what all beacons show, by stage and number; a damaged or vanished one is left out."""
    lights = []
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith(b".json"):
                with suppress(OSError, msgspec.DecodeError, ValueError):
                    with open(os.path.join(folder, name), "rb") as file:
                        lights.append(msgspec.json.decode(file.read(65536), type=Light))
    return sorted(lights, key=lambda light: (light.stage, light.number))

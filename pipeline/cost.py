"""The cost model: what a first copy of files and bytes takes one rsync, in seconds.

Pure. Only ratios matter: the model decides where to cut and what is balanced, never whether something is copied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

FILE_SECONDS = 60e-6
"""A small file's first copy by one local rsync (200,000 files in 12 s, tmpfs, 2026-11)."""
DIRECTORY_SECONDS = 80e-6
BYTE_SECONDS = 1 / 800e6
"""A large file's bytes through one local rsync (about 800 MB/s)."""


def seconds(files: int, directories: int, size: int) -> float:
    """Estimate the first copy of so many files, directories and bytes."""
    return files * FILE_SECONDS + directories * DIRECTORY_SECONDS + size * BYTE_SECONDS


def looking(files: int, directories: int) -> float:
    """Estimate how long one rsync looks at what is there already and finds nothing to copy."""
    return seconds(files, directories, 0) / LOOKS_PER_COPY


LOOKS_PER_COPY = 12
"""rsync looks at 200,000 small files in 1 s and copies them in 12 (2026-11)."""
WARM = 0.25
"""What a destination that is not empty is taken to need of a first copy, when batches are counted; looking at a
file that is there costs a tenth of copying it."""


@dataclass(frozen=True, slots=True)
class Grain:
    """How finely a plan may be cut, in seconds of the cost model.

    Below `floor` a subtree is never cut (its names are not even kept). A run that weighs less than `small` is one
    plain rsync, if it has fewer than `small_size` bytes as well, which several connections carry faster. A batch
    holds at least `batch` seconds or `batch_size` bytes, since starting an rsync has its price.
    """

    floor: float
    small: float
    batch: float
    small_size: float = inf
    batch_size: float = inf

    def for_size(self, size: int, seconds: float) -> Grain:
        """Return the grain for a run that weighs so much: where bytes decide, `batch` is what holds enough of them."""
        if size <= self.small_size or not seconds:
            return self
        return replace(self, batch=min(self.batch, seconds * self.batch_size / size))


LOCAL = Grain(floor=0.05, small=0.5, batch=0.5)
"""Starting a local rsync takes 41 ms; half a second of copying is not worth several (RSYNC.md)."""
REMOTE = Grain(floor=0.05, small=5.0, batch=2.0, small_size=500e6, batch_size=125e6)
"""Starting an rsync over ssh takes 0.34 s, with 20 ms round trip 0.67 s, and a shared tree needs two more of them."""
WAITING = Grain(floor=0.0003, small=0.0006, batch=0.0012)
"""A network file system waits some 50 ms for each file that the model counts as 60 microseconds."""


def grain(*, remote: bool, waiting: bool, override: float | None) -> Grain:
    """Return the grain for these ends; `override` (seconds, from `PARSYNC_GRAIN`) serves tests of small trees."""
    if override is not None:
        return Grain(override, override, override)
    if waiting:
        return WAITING
    return REMOTE if remote else LOCAL

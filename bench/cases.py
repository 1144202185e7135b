"""What is measured: cases and tools, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A tree of `files` files of a kind, between two ends, in a situation.

    `ends`: local, ssh, daemon (round trip in ms, link in Mbit/s), sshfs (destination), sshfs-source.
    `situation`: first copy, again (nothing changed), edited (1 % changed, 0.2 % added, 0.2 % deleted), resumed
    (started again after a kill halfway; the second start is measured).
    `wanted` is how many times faster than `rsync -a` parsync should be.
    """

    name: str
    kind: str
    files: int
    situation: str
    tools: tuple[str, ...]
    ends: str = "local"
    round_trip: float = 0.0
    mbit: float = 0.0
    options: tuple[str, ...] = ()
    parallel: int = 4
    wanted: float = 1.0
    quick: bool = True


ALL = ("rsync -a", "parsync", "fpsync", "mprsync", "rclone")
LOCAL = ("rsync -a", "cp -a", "parsync", "fpsync", "mprsync", "rclone")

CASES = (
    Case("ten files", "small", 10, "first", ("rsync -a", "parsync"), wanted=0.0),
    Case("first copy, 50,000 small", "small", 50_000, "first", LOCAL, wanted=1.8),
    Case("first copy, 200,000 small", "small", 200_000, "first", ("rsync -a", "cp -a", "parsync"), wanted=1.8, quick=False),
    Case("first copy, 10,000 of mixed sizes", "mixed", 10_000, "first", LOCAL, wanted=1.8),
    Case("first copy, 40,000 of mixed sizes, 4 GB", "mixed", 40_000, "first", ("rsync -a", "cp -a", "parsync"), wanted=1.8, quick=False),
    Case("first copy, one flat directory", "flat", 50_000, "first", LOCAL, wanted=1.0),
    Case("first copy, deep chains", "deep", 20_000, "first", LOCAL, wanted=1.0),
    Case("first copy, /usr/share", "shared", 0, "first", LOCAL, wanted=1.8),
    Case("first copy, kernel source tree", "kernel", 0, "first", LOCAL, wanted=1.8, quick=False),
    Case("nothing changed, 50,000, full plan", "small", 50_000, "again", ALL, wanted=0.62),
    Case("nothing changed, 200,000, full plan", "small", 200_000, "again", ("rsync -a", "parsync"), wanted=0.62, quick=False),
    Case("nothing changed, 200,000, --incremental", "small", 200_000, "again", ("rsync -a", "parsync --incremental"), wanted=2.5, quick=False),
    Case("resumed after a kill at half, 100,000 small", "small", 100_000, "resumed", ("rsync -a", "parsync"), wanted=1.0, quick=False),
    Case("nothing changed, 900,000 empty, full plan", "empty", 900_000, "again", ("rsync -a", "parsync"), wanted=0.62, quick=False),
    Case("nothing changed, 900,000 empty, --incremental", "empty", 900_000, "again", ("rsync -a", "parsync --incremental"), wanted=2.5, quick=False),
    Case("1 % changed, 200,000, --incremental --delete", "small", 200_000, "edited", ("rsync -a", "parsync --incremental"), options=("--delete",), wanted=1.3, quick=False),
    Case("ssh 20 ms, first copy, 50,000 small", "small", 50_000, "first", ALL, "ssh", 20, wanted=1.0, quick=False),
    Case("ssh 20 ms, first copy, 5,000 small", "small", 5_000, "first", ALL, "ssh", 20, wanted=1.0),
    Case("ssh 20 ms, nothing changed, 50,000, --incremental", "small", 50_000, "again", ("rsync -a", "parsync --incremental"), "ssh", 20, wanted=2.0),
    Case("ssh 20 ms, 1 % changed, 50,000, --incremental --delete", "small", 50_000, "edited", ("rsync -a", "parsync --incremental"), "ssh", 20, options=("--delete",), wanted=2.0, quick=False),
    Case("ssh 20 ms, nothing changed, 200,000, full plan", "small", 200_000, "again", ("rsync -a", "parsync"), "ssh", 20, wanted=5.0, quick=False),
    Case("ssh 20 ms, nothing changed, 900,000 empty, full plan", "empty", 900_000, "again", ("rsync -a", "parsync"), "ssh", 20, wanted=5.0, quick=False),
    Case("ssh 20 ms 1 Gbit/s, first copy, 1 GiB", "large", 4, "first", ("rsync -a", "parsync"), "ssh", 20, 1000, wanted=1.3, quick=False),
    Case("daemon, first copy, 20,000 small", "small", 20_000, "first", ("rsync -a", "parsync"), "daemon"),
    Case("sshfs 2 ms, first copy, 2,000 small", "small", 2_000, "first", ("rsync -a", "parsync", "fpsync"), "sshfs", 2, parallel=8, wanted=6.0),
    Case("sshfs 2 ms, nothing changed, 2,000, --incremental", "small", 2_000, "again", ("rsync -a", "parsync --incremental"), "sshfs", 2, parallel=8, wanted=8.0),
    Case("sshfs 2 ms as source, nothing changed, 2,000, --incremental", "small", 2_000, "again", ("rsync -a", "parsync --incremental"), "sshfs-source", 2, parallel=8, wanted=5.0),
)  # fmt: skip

"""What the source looked like: a signature for each directory, to be compared by the next run.

A signature covers the directory's own attributes and, for every entry, name, type, mode, owner, size, mtime, ctime,
inode and device. Entries too young to be trusted (the "racy" rule of version-control indexes) leave it empty.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence

import msgspec

SIGNATURE_BYTES = 12
"""2^96: among 10^9 directories two alike by chance once in 10^11 runs."""
RACY_NANOSECONDS = 2_000_000_000
"""A change within this time before the walk may hide behind the same ctime (coarse clocks, network file systems)."""

_encode = msgspec.msgpack.Encoder().encode


def signature(
    own: os.stat_result, found: Sequence[tuple[os.DirEntry[bytes], os.stat_result]], trusted_before: int
) -> bytes:
    """Sign one directory from its own status and its entries'; `b""` when something changed too recently.

    For a subdirectory only its name, inode and device count: what is in it is signed there.
    """
    facts: list[tuple[object, ...]] = [
        (own.st_mode, own.st_uid, own.st_gid, own.st_mtime_ns, own.st_ctime_ns, own.st_ino, own.st_dev)
    ]
    latest = own.st_ctime_ns
    for entry, status in found:
        if stat.S_ISDIR(status.st_mode):
            facts.append((entry.name, status.st_ino, status.st_dev))
            continue
        ctime = status.st_ctime_ns
        latest = max(latest, ctime)
        facts.append(
            (entry.name, status.st_mode, status.st_uid, status.st_gid, status.st_size, status.st_mtime_ns, ctime,
             status.st_ino, status.st_dev, status.st_rdev)
        )  # fmt: skip
    if latest >= trusted_before:
        return b""
    facts[1:] = sorted(facts[1:], key=_name)
    return hashlib.blake2b(_encode(facts), digest_size=SIGNATURE_BYTES).digest()


def _name(fact: tuple[object, ...]) -> bytes:
    name = fact[0]
    assert isinstance(name, bytes)
    return name

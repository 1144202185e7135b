"""Signatures of a directory and its entries, as a run saw them. Pure.

An entry's covers name, type, mode, owner, size, mtime, ctime and (but on network file systems) inode. What is too
young to be trusted (the "racy" rule of version-control indexes) has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import compress

import msgspec

from pipeline.tree import CTIME, Scan

SIGNATURE_BYTES = 12
"""2^96: among 10^9 directories two alike by chance once in 10^11 runs."""
RACY_NANOSECONDS = 2_000_000_000
"""A change within this time before the walk may hide behind the same ctime (coarse clocks, network file systems)."""
ENTRY_BYTES = 8
"""2^64: an entry that changed is compared with those of its own directory only."""

_encode = msgspec.msgpack.Encoder().encode


class Signed(msgspec.Struct, array_like=True, frozen=True):
    """A directory as a run saw it: its signature, that of the directory itself, and one for each entry, in no order.

    Empty or missing is what was too young to be trusted.
    """

    whole: bytes
    own: bytes
    entries: bytes


def whole(scan: Scan) -> bytes:
    """Sign a directory with all its entries.

    One that is signed as a trusted one was needs no further trust: its times are the same.
    """
    return _digest((scan.below, scan.own, scan.statuses), SIGNATURE_BYTES)


def sign(scan: Scan, trusted_before: int, signed: Sequence[bytes]) -> Signed:
    """Sign a directory; of what changed too recently (ns) no signature is kept."""
    trusted = [status[CTIME] < trusted_before for _, status in scan.statuses]
    steady = scan.own[CTIME] < trusted_before
    return Signed(
        whole=whole(scan) if steady and all(trusted) else b"",
        own=_digest((scan.below, scan.own), ENTRY_BYTES) if steady else b"",
        entries=b"".join(compress(signed, trusted)),
    )


def of_entries(scan: Scan) -> list[bytes]:
    """Sign each entry, in order."""
    return [_digest(pair, ENTRY_BYTES) for pair in scan.statuses]


def kept(signed: Signed) -> frozenset[bytes]:
    """Return the signatures of a directory's entries."""
    blob = signed.entries
    return frozenset(blob[start : start + ENTRY_BYTES] for start in range(0, len(blob), ENTRY_BYTES))


def _digest(value: object, size: int) -> bytes:
    return hashlib.blake2b(_encode(value), digest_size=size).digest()

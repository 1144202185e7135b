"""What the source looked like: a signature for each directory, to be compared by the next run.

A signature covers the directory's own attributes and, for every entry, name, type, mode, owner, size, mtime, ctime,
inode and device. Entries too young to be trusted (the "racy" rule of version-control indexes) leave it empty.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from urllib.parse import quote

import msgspec

from pipeline import durable

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


class Row(msgspec.Struct, array_like=True, frozen=True):
    """A directory and its signature."""

    path: bytes
    signature: bytes


class Baseline:
    """The index of the last finished run, to look directories up in; opened read-only by each process."""

    def __init__(self, path: bytes) -> None:
        self._database = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)

    def meta(self) -> Meta | None:
        """Return what the index is of; None where it is none, or damaged."""
        try:
            row = self._database.execute("SELECT value FROM meta").fetchone()
            return msgspec.json.decode(row[0], type=Meta) if row else None
        except (sqlite3.Error, msgspec.DecodeError):
            return None

    def signature(self, path: bytes) -> bytes | None:
        """Return a directory's signature; None where the last run did not see it, `b""` where it is not trusted."""
        row = self._database.execute("SELECT signature FROM directories WHERE path = ?", (path,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        self._database.close()


class Meta(msgspec.Struct, frozen=True):
    """Of which transfer an index is, and how many runs ago everything was looked at (0: by this one)."""

    version: int
    transfer: str
    since_full: int


VERSION = 1


def write(path: bytes, rows: Iterable[Row], meta: Meta) -> None:
    """Write an index whole or not at all: beside its place first, then renamed."""
    temporary = path + b".new"
    with suppress(FileNotFoundError):
        os.unlink(temporary)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(os.fsdecode(temporary))) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("CREATE TABLE meta (value BLOB)")
        database.execute("CREATE TABLE directories (path BLOB PRIMARY KEY, signature BLOB) WITHOUT ROWID")
        database.execute("INSERT INTO meta VALUES (?)", (msgspec.json.encode(meta),))
        database.executemany(
            "INSERT OR REPLACE INTO directories VALUES (?, ?)", ((row.path, row.signature) for row in rows)
        )
        database.commit()
    durable.put(temporary, path)

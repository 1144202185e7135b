"""What the source looked like: the signatures of every directory, to be compared by the next run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from urllib.parse import quote

import msgspec

from pipeline import durable
from pipeline.errors import StateError
from pipeline.model import printable
from pipeline.signatures import Signed


class Row(msgspec.Struct, array_like=True, frozen=True):
    """A directory and how it is signed; None: as in the index before."""

    path: bytes
    signed: Signed | None


class Baseline:
    """The index of the last finished run, to look directories up in; opened read-only by each process."""

    def __init__(self, path: bytes) -> None:
        self._database = sqlite3.connect(_read_only(path), uri=True)

    def meta(self) -> Meta | None:
        """Return what the index is of; None where it is none, or damaged."""
        try:
            row = self._database.execute("SELECT value FROM meta").fetchone()
            return msgspec.json.decode(row[0], type=Meta) if row else None
        except (sqlite3.Error, msgspec.DecodeError):
            return None

    def signed(self, path: bytes) -> Signed | None:
        """Return how a directory was signed; None where the last run did not see it."""
        query = "SELECT whole, own, entries FROM directories WHERE path = ?"
        row = self._database.execute(query, (path,)).fetchone()
        return Signed(*row) if row else None

    def close(self) -> None:
        self._database.close()


class Meta(msgspec.Struct, frozen=True):
    """Of which transfer an index is, and how many runs ago everything was looked at (0: by this one).

    `boot`: in which life of this machine it was written. `destination`: what all its spellings have in common.
    """

    version: int
    transfer: str
    since_full: int
    boot: str = ""
    destination: bytes = b""


VERSION = 4


def abandon(path: bytes) -> bytes:
    """Remove what a writer of an index left unfinished; return the name under which it writes."""
    temporary = path + b".new"
    with suppress(FileNotFoundError):
        os.unlink(temporary)
    return temporary


def write(path: bytes, rows: Iterable[Row], meta: Meta, before: bytes | None = None) -> None:
    """Write an index whole or not at all: beside its place first, then renamed.

    Rows that are as `before` (the path of an index, which may be this one) are taken from there.
    """
    temporary = abandon(path)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        _fill(temporary, rows, meta, before)
    except sqlite3.Error as error:
        abandon(path)
        told = f"index {printable(path)} cannot be written: {error}"
        raise StateError(told, "make space there and start the same command again") from None
    durable.put(temporary, path)


def _fill(temporary: bytes, rows: Iterable[Row], meta: Meta, before: bytes | None) -> None:
    with closing(sqlite3.connect(os.fsdecode(temporary), uri=True)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute("CREATE TABLE meta (value BLOB)")
        database.execute(
            "CREATE TABLE directories (path BLOB PRIMARY KEY, whole BLOB, own BLOB, entries BLOB) WITHOUT ROWID"
        )
        database.execute("INSERT INTO meta VALUES (?)", (msgspec.json.encode(meta),))
        database.executemany("INSERT OR REPLACE INTO directories VALUES (?, ?, ?, ?)", map(_columns, rows))
        database.commit()
        if before is not None:
            _carry_over(database, before)


def _columns(row: Row) -> tuple[bytes | None, ...]:
    signed = row.signed
    return (row.path, signed.whole, signed.own, signed.entries) if signed else (row.path, None, None, None)


def _carry_over(database: sqlite3.Connection, before: bytes) -> None:
    """Fill the rows that have no signatures yet from an earlier index."""
    database.execute("ATTACH ? AS earlier", (_read_only(before),))
    database.execute(
        "UPDATE directories SET (whole, own, entries) = "
        "(SELECT whole, own, entries FROM earlier.directories AS old WHERE old.path = directories.path) "
        "WHERE whole IS NULL"
    )
    database.execute("DELETE FROM directories WHERE whole IS NULL")
    database.commit()


def _read_only(path: bytes) -> str:
    return f"file:{quote(path)}?mode=ro&immutable=1"

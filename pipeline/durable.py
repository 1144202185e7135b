"""Checkpoints: files that are written whole or not at all, and say by themselves whether they are whole.

The only module that writes them. A record is one line of header (format, version, kind, digest) and a body; a
stream of records ends with a trailer. Reading never follows a link and never believes a damaged file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TypeVar

import msgspec

from pipeline.errors import StateError
from pipeline.model import printable
from pipeline.mounts import file_system

VERSION = 1
"""Raised when a record changes in a way that an older parsync would misread."""

_HEADER_MOST = 4096
_FRAME = struct.Struct(">I")
_END = 0xFFFFFFFF
"""Frame length that announces the trailer: a digest of everything before it."""

T = TypeVar("T")


class Header(msgspec.Struct, forbid_unknown_fields=False):
    """First line of every file."""

    format: str
    version: int
    kind: str
    size: int = 0
    digest: str = ""


def write(path: bytes, data: bytes) -> None:
    """Write `data` to `path` durably: after a crash at any instant the file is the old one or the new one."""
    with _whole(path) as file:
        file.write(data)


@contextmanager
def _whole(path: bytes) -> Iterator[BinaryIO]:
    """Give a file that takes the place of `path` when the block ends well, and is gone when it does not."""
    folder, name = os.path.split(path)
    temporary = b""
    try:
        handle, temporary = tempfile.mkstemp(prefix=b"." + name + b".", dir=folder)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
        temporary = b""
        _flush_folder(folder)
    except OSError as error:
        raise _explained(path, error) from error
    finally:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)


def sweep(folder: bytes, name: bytes = b"") -> None:
    """Remove what killed writers left in a folder, or of `name` alone; only where nobody else writes it now."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(b"." + name) and not entry.is_dir(follow_symlinks=False):
                discard(entry.path)


def put(temporary: bytes, path: bytes) -> None:
    """Flush a file that was written beside its place, and move it there."""
    try:
        handle = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, path)
        _flush_folder(os.path.dirname(path))
    except OSError as error:
        raise _explained(path, error) from error


def _flush_folder(folder: bytes) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _explained(path: bytes, error: OSError) -> StateError:
    """Return the error in words that name the file system and what is needed."""
    mount = printable(file_system(os.path.dirname(path))[0])
    hints = {
        errno.ENOSPC: f"make space (or inodes) on {mount} and start the same command again",
        errno.EDQUOT: f"raise the quota on {mount} and start the same command again",
        errno.EROFS: f"{mount} is read-only: mount it writable, or give another --work-dir",
        errno.EISDIR: "a directory is in its place: remove it and start the same command again",
    }
    hint = hints.get(error.errno or 0, "mend that, or give another --work-dir")
    return StateError(f"state {printable(path)} cannot be written: {error.strerror}", hint)


def _kind(kind: type) -> str:
    return kind.__name__


def save(path: bytes, value: object) -> None:
    """Write a struct as a checkpoint."""
    body = msgspec.json.encode(value)
    header = Header("parsync", VERSION, _kind(type(value)), len(body), _digest(body))
    write(path, msgspec.json.encode(header) + b"\n" + body + b"\n")


def load(path: bytes, kind: type[T]) -> T | None:
    """Read a checkpoint; None where there is none. StateError names a file that cannot be believed."""
    data = _read(path)
    if data is None:
        return None
    line, _, body = data.partition(b"\n")
    header = _header(path, line, kind)
    body = body[:-1] if body.endswith(b"\n") else b""
    if len(body) != header.size or _digest(body) != header.digest:
        raise damaged(path, "is cut short or damaged")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise damaged(path, "does not hold what its header says") from None


def load_plain(path: bytes, kind: type[T]) -> T | None:
    """Read a file that is JSON for others as well, so without a header; None where there is none."""
    data = _read(path)
    try:
        return None if data is None else msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise damaged(path, "is damaged") from None


def _read(path: bytes) -> bytes | None:
    try:
        with open(_open(path), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from None


def _open(path: bytes) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)


def _header(path: bytes, line: bytes, kind: type) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise damaged(path, "has no header of parsync") from None
    if header.format != "parsync" or header.kind != _kind(kind):
        raise damaged(path, f"is not a {_kind(kind)}")
    if header.version > VERSION:
        raise StateError(f"state {printable(path)} is from a newer parsync", "use that version, or another --id")
    return header


def damaged(path: bytes, what: str) -> StateError:
    """Return the error for a file that cannot be believed."""
    return StateError(f"state {printable(path)} {what}", "remove it and start the same command again")


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@contextmanager
def record_writer(path: bytes, kind: type) -> Iterator[Callable[[object], None]]:
    """Give a function that adds one struct to a stream, which is there, whole, when the block ended well."""
    encoder = msgspec.msgpack.Encoder()
    digest = hashlib.blake2b(digest_size=16)
    with _whole(path) as file:
        file.write(msgspec.json.encode(Header("parsync", VERSION, _kind(kind))) + b"\n")

        def add(record: object) -> None:
            body = encoder.encode(record)
            frame = _FRAME.pack(len(body)) + body
            digest.update(frame)
            file.write(frame)

        yield add
        file.write(_FRAME.pack(_END) + digest.digest())


def write_records(path: bytes, records: Iterable[object], kind: type) -> None:
    """Write a stream of structs durably, one after the other; memory holds one at a time."""
    with record_writer(path, kind) as add:
        for record in records:
            add(record)


def read_records(path: bytes, kind: type[T]) -> Iterator[T]:
    """Yield the structs of a stream. StateError where it is missing or cannot be believed, perhaps after some."""
    try:
        with open(_open(path), "rb") as file:
            _header(path, file.readline(_HEADER_MOST).rstrip(b"\n"), kind)
            yield from _frames(path, file, kind)
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from None


def _frames(path: bytes, file: BinaryIO, kind: type[T]) -> Iterator[T]:
    decoder = msgspec.msgpack.Decoder(kind)
    digest = hashlib.blake2b(digest_size=16)
    while True:
        head = file.read(_FRAME.size)
        length = _FRAME.unpack(head)[0] if len(head) == _FRAME.size else 0
        if length == _END:
            break
        body = file.read(length)
        if not head or len(body) != length:
            raise damaged(path, "is cut short or damaged")
        digest.update(head + body)
        try:
            yield decoder.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise damaged(path, "is damaged") from None
    if file.read(17) != digest.digest():
        raise damaged(path, "is cut short or damaged")


def discard(path: bytes) -> None:
    """Remove a checkpoint, whatever stands in its place; nothing where there is nothing."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _explained(path, error) from error

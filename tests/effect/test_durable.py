"""Checkpoints: whole or not at all, and never believed when damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import msgspec
import pytest

from pipeline import durable
from pipeline.errors import StateError
from pipeline.tree import Entry


class Example(msgspec.Struct):
    name: bytes
    number: int


class Other(msgspec.Struct):
    name: bytes


VALUE = Example(b"\xff\n", 7)


@pytest.fixture
def path(tmp_path: Path) -> bytes:
    return os.fsencode(tmp_path / "file")


def test_what_is_saved_is_loaded(path: bytes) -> None:
    assert durable.load(path, Example) is None
    durable.save(path, VALUE)
    assert durable.load(path, Example) == VALUE
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(path)) == [b"file"]


def test_a_file_cut_at_any_byte_is_refused_by_name(path: bytes) -> None:
    durable.save(path, VALUE)
    whole = Path(os.fsdecode(path)).read_bytes()
    for length in range(len(whole)):
        Path(os.fsdecode(path)).write_bytes(whole[:length])
        with pytest.raises(StateError, match="file"):
            durable.load(path, Example)


def test_a_stream_cut_at_any_byte_is_refused(path: bytes) -> None:
    durable.write_records(path, [Entry(b"a", 1), Entry(b"b" * 300, 2)], Entry)
    assert [entry.size for entry in durable.read_records(path, Entry)] == [1, 2]
    whole = Path(os.fsdecode(path)).read_bytes()
    for length in range(len(whole)):
        Path(os.fsdecode(path)).write_bytes(whole[:length])
        with pytest.raises(StateError):
            list(durable.read_records(path, Entry))


@pytest.mark.parametrize("make", ["directory", "link", "fifo", "empty", "noise", "another kind", "newer"])
def test_whatever_stands_in_its_place_is_refused_and_can_be_discarded(path: bytes, make: str) -> None:
    file = Path(os.fsdecode(path))
    durable.save(path, VALUE)
    data = file.read_bytes()
    file.unlink()
    match make:
        case "directory":
            file.mkdir()
            (file / "inner").touch()
        case "link":
            file.with_name("real").write_bytes(data)
            file.symlink_to("real")
        case "fifo":
            os.mkfifo(path)
        case "empty":
            file.touch()
        case "noise":
            file.write_bytes(bytes(range(256)) * 10)
        case "another kind":
            durable.save(path, Other(b"x"))
        case "newer":
            file.write_bytes(data.replace(b'"version":1', b'"version":9'))
    with pytest.raises(StateError):
        durable.load(path, Example)
    durable.discard(path)
    assert not os.path.lexists(path)
    assert make != "link" or file.with_name("real").exists()


def test_a_full_disk_leaves_the_old_file_and_says_where(path: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    durable.save(path, VALUE)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match=r"No space left on device.*make space"):
        durable.save(path, Example(b"new", 8))
    monkeypatch.undo()
    assert durable.load(path, Example) == VALUE
    assert os.listdir(os.path.dirname(path)) == [b"file"]

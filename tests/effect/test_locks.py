"""Locks: one holder per destination, and a dead one does not block."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import msgspec
import pytest

from pipeline import locks
from pipeline.errors import LockedError


def take(root: Path, key: bytes = b"/dst") -> locks.Lock:
    return locks.hold(os.fsencode(root), key, what="/dst", run_id="one")


def test_a_second_holder_is_refused_with_the_first_ones_name(tmp_path: Path) -> None:
    first = take(tmp_path)
    with pytest.raises(LockedError, match=f"held by run one .*pid {os.getpid()}"):
        take(tmp_path)
    take(tmp_path, b"/elsewhere").release()
    first.release()
    take(tmp_path).release()


def test_a_dead_holder_does_not_block(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        take(tmp_path)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    take(tmp_path).release()


def test_the_holder_tells_which_run_it_has_chosen(tmp_path: Path) -> None:
    lock = take(tmp_path)
    for name in ("a-longer-name", "two"):
        lock.tell(name)
        with pytest.raises(LockedError, match=f"held by run {name} "):
            take(tmp_path)


def test_of_many_in_the_same_instant_exactly_one_goes_on(tmp_path: Path) -> None:
    assert sum(contest(tmp_path)) == 1


def contest(root: Path) -> list[bool]:
    """Let ten processes take the lock at once, and hold it until all have tried; return who won."""
    tried, done = os.pipe(), os.pipe()
    children = []
    for _ in range(10):
        child = os.fork()
        if child == 0:
            os.close(done[1])
            try:
                held = take(root)
                code = 0 if held.handle >= 0 or held.exclusive_file else 2
            except LockedError:
                code = 1
            os.write(tried[1], b"x")
            os.read(done[0], 1)
            os._exit(code)
        children.append(child)
    for _ in children:
        os.read(tried[0], 1)
    for handle in (*tried, *done):
        os.close(handle)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 for child in children]


class TestWithoutFlock:
    """On a file system without flock a file made exclusively names the holder."""

    @pytest.fixture(autouse=True)
    def _without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_handle: int, _how: int) -> None:
            raise OSError(errno.EOPNOTSUPP, "no flock here")

        monkeypatch.setattr(fcntl, "flock", refuse)

    def test_one_holder(self, tmp_path: Path) -> None:
        first = take(tmp_path)
        with pytest.raises(LockedError, match="held by run one"):
            take(tmp_path)
        first.release()
        take(tmp_path).release()

    @pytest.mark.parametrize("change", [{"pid": 2**22 + 1}, {"boot": "another"}, {"born": "1"}])
    def test_a_dead_holders_file_is_taken_over(self, tmp_path: Path, change: dict[str, object]) -> None:
        lock = take(tmp_path)
        file = Path(os.fsdecode(lock.exclusive_file))
        file.write_bytes(msgspec.json.encode(msgspec.structs.replace(locks.myself("one"), **change)))
        take(tmp_path).release()

    def test_another_hosts_holder_is_believed(self, tmp_path: Path) -> None:
        lock = take(tmp_path)
        file = Path(os.fsdecode(lock.exclusive_file))
        file.write_bytes(msgspec.json.encode(msgspec.structs.replace(locks.myself("one"), host="other", pid=1)))
        with pytest.raises(LockedError, match="host other"):
            take(tmp_path)

    def test_the_holder_tells_which_run_it_has_chosen(self, tmp_path: Path) -> None:
        take(tmp_path).tell("two")
        with pytest.raises(LockedError, match="held by run two "):
            take(tmp_path)

    def test_nothing_but_the_lock_stays(self, tmp_path: Path) -> None:
        lock = take(tmp_path)
        assert [name for name in os.listdir(tmp_path / "locks") if ".held." in name] == []
        os.unlink(lock.exclusive_file)
        lock.release()

    def test_of_many_that_find_a_dead_holder_exactly_one_goes_on(self, tmp_path: Path) -> None:
        for turn in range(20):
            root = tmp_path / str(turn)
            dead = msgspec.json.encode(msgspec.structs.replace(locks.myself("one"), boot="another"))
            Path(os.fsdecode(take(root).exclusive_file)).write_bytes(dead)
            assert sum(contest(root)) == 1

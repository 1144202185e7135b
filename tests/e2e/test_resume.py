"""A second start: of a finished run, of one that stopped somewhere, of one that copied in part."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences

CUT = ("--batches=6", "--groups=3", "--parallel=2")


@pytest.fixture
def source(shop: Shop) -> Shop:
    tree.many(shop.at("src"), 6, 200)
    return shop


def run_folder(shop: Shop, name: str) -> bytes:
    return os.path.join(shop.state, os.fsencode(name))


def test_a_finished_run_with_an_id_does_nothing_and_says_so(source: Shop) -> None:
    assert source.parsync(*CUT, "--id", "one", "src/", "dst").code == 0
    os.unlink(source.at("src/f0")) if os.path.exists(source.at("src/f0")) else None
    again = source.parsync(*CUT, "--id", "one", "src/", "dst")
    assert again.code == 0
    assert "nothing to do" in again.out


def test_a_finished_run_without_an_id_is_followed_by_the_next(source: Shop) -> None:
    assert source.parsync("src/", "dst").code == 0
    tree.build(source.at("src/new"), {b"x": b"1"})
    assert source.parsync("src/", "dst").code == 0
    assert differences(source.at("src"), source.at("dst")) == []
    assert len([name for name in os.listdir(source.state) if name.endswith((b"-0001", b"-0002"))]) == 2


def test_an_id_of_another_transfer_is_refused_by_what_differs(source: Shop) -> None:
    assert source.parsync("--id", "one", "src/", "dst").code == 0
    other = source.parsync("--id", "one", "src/", "dst", "--delete")
    assert other.code == 2
    assert "rsync options" in other.err
    assert "another --id" in other.err


@pytest.mark.parametrize("after", ["walk/frontier.json", "plan/plan.json", "settle/prepared.json", "batch/0001.json"])
def test_a_run_goes_on_from_where_it_was_killed(source: Shop, after: str) -> None:
    with source.start(*CUT, "--id", "one", "--bwlimit=3000", "src/", "dst") as process:
        path = os.path.join(run_folder(source, "one"), os.fsencode(after))
        while not os.path.exists(path) and process.poll() is None:
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
    done = source.parsync(*CUT, "--id", "one", "src/", "dst")
    assert done.code == 0, done
    assert differences(source.at("src"), source.at("dst")) == []


def test_a_part_that_could_not_be_copied_is_named_and_tried_again(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.many(anyone.at("src"), 7, 100)
    for name in ("closed", "closed too"):
        with open(anyone.at(f"src/{name}"), "wb") as file:
            file.write(b"secret")
        os.chmod(anyone.at(f"src/{name}"), 0o600)
    own = [os.path.join(folder, name) for folder, names, _ in os.walk(anyone.at("src")) for name in names]
    for path in [anyone.at("src"), *own]:
        os.chown(path, anyone.user, anyone.user)
    done = anyone.parsync(*CUT, "--id", "one", "src/", "dst")
    assert done.code == 23, done
    assert "closed too: Permission denied (13)" in done.out
    for name in ("closed", "closed too"):
        os.chmod(anyone.at(f"src/{name}"), 0o644)
    tree.settle(anyone.at("src"))
    again = anyone.parsync(*CUT, "--id", "one", "src/", "dst")
    assert again.code == 0, again
    assert os.path.exists(anyone.at("dst/closed"))


def test_a_second_command_is_refused_while_the_first_holds_the_destination(source: Shop) -> None:
    with open(source.at("src/big"), "wb") as file:
        file.write(b"x" * 3_000_000)
    with source.start("--bwlimit=500", "src/", "dst") as first:
        locks = os.path.join(source.state, b"locks")
        while not (os.path.isdir(locks) and os.listdir(locks)) and first.poll() is None:
            os.sched_yield()
        while first.poll() is None:
            second = source.parsync("src/", "dst")
            if second.code == 10:
                break
        assert "is held by run" in second.err
        assert f"pid {first.pid}" in second.err
        first.send_signal(signal.SIGTERM)
        assert first.wait() == 20


def test_a_dry_run_shows_changes_and_leaves_nothing(source: Shop) -> None:
    before = source.parsync("-n", "src/", "dst")
    assert before.code == 0
    assert ">f+++++++++ " in before.out
    assert not os.path.exists(source.at("dst"))
    assert not os.path.exists(source.state)


@pytest.mark.parametrize("words", [("src/", "a/b/c"), ("src", "a/b/c/"), ("src/d0/f0", "a/b/name")])
def test_a_dry_run_imagines_missing_parents(source: Shop, words: tuple[str, str]) -> None:
    tree.build(source.at("src/d0"), {b"f0": b"1"})
    done = source.parsync("-n", *words)
    assert (done.code, done.err) == (0, "")
    assert ">f+++++++++ " in done.out
    assert not os.path.exists(source.at("a"))


def test_a_dry_run_changes_nothing_in_an_unfinished_run(source: Shop) -> None:
    words = ("--id=one", "--bwlimit=100", "src/", "dst")
    with open(source.at("src/big"), "wb") as file:
        file.write(b"x" * 3_000_000)
    with source.start(*CUT, *words) as process:
        while not os.path.exists(os.path.join(run_folder(source, "one"), b"settle/prepared.json")):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate()
    before = state(source)
    assert ">f+++++++++ big" in source.parsync("-n", *words).out
    assert state(source) == before


def state(shop: Shop) -> list[tuple[bytes, int, bytes]]:
    """Return the name, time and contents of everything in the work directory and at the destination."""
    found = []
    for top in (shop.state, shop.at("dst")):
        for folder, _, names in os.walk(top):
            for name in sorted(names):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found.append((path, os.stat(path).st_mtime_ns, file.read()))
    return found


def test_an_interrupt_stops_in_order_and_says_how_to_go_on(source: Shop) -> None:
    with open(source.at("src/big"), "wb") as file:
        file.write(b"x" * 3_000_000)
    with source.start(*CUT, "--id", "one", "--bwlimit=300", "src/", "dst") as process:
        path = os.path.join(run_folder(source, "one"), b"settle/prepared.json")
        while not os.path.exists(path) and process.poll() is None:
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 20, err
    assert b"start the same command again to go on" in err
    assert source.parsync(*CUT, "--id", "one", "src/", "dst").code == 0
    assert differences(source.at("src"), source.at("dst")) == []

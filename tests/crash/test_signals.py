"""Signals as users and service managers send them: the run stops in order, nothing goes on, the next start ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.command import FINE, Shop
from tests.harness.compare import differences
from tests.harness.servers import PATIENCE

CUT = ("--batches=6", "--groups=2", "--parallel=2", "--id=one")


@pytest.fixture
def slow(shop: Shop) -> Shop:
    """A source of which one file takes a while with --bwlimit."""
    tree.many(shop.at("src"), 61, 80)
    with open(shop.at("src/big"), "wb") as file:
        file.write(b"x" * 3_000_000)
    return shop


def copying(shop: Shop, process: subprocess.Popen[bytes]) -> None:
    """Wait until a temporary file of the big one is there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(FileNotFoundError):
            if any(name.startswith(b".big.") for name in os.listdir(shop.at("dst"))):
                return
        time.sleep(0.01)
    raise AssertionError("no batch began")


def working(shop: Shop) -> list[int]:
    """Return processes of this test's run that are still there."""
    return list(_working(shop.path))


def _working(path: bytes) -> Iterator[int]:
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if path in Path(f"/proc/{name}/cmdline").read_bytes() and int(name) != os.getpid():
                yield int(name)


def ends_exact(shop: Shop) -> None:
    assert working(shop) == []
    assert shop.parsync(*CUT, "src/", "dst").code == 0
    assert differences(shop.at("src"), shop.at("dst")) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda one: one.name)
def test_a_signal_to_the_whole_group_stops_in_order(slow: Shop, number: signal.Signals) -> None:
    """As `systemctl stop` and a terminal that goes away send it."""
    command = slow.command(*CUT, "--bwlimit=300", "src/", "dst")
    with subprocess.Popen(
        command, cwd=slow.path, env=slow.environ | FINE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        copying(slow, process)
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 20, err
    assert b"start the same command again to go on" in err
    ends_exact(slow)


def test_timeout_stops_in_order(slow: Shop) -> None:
    command = [b"timeout", b"4", *slow.command(*CUT, "--bwlimit=100", "src/", "dst")]
    ended = subprocess.run(
        command, cwd=slow.path, env=slow.environ | FINE, capture_output=True, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 124
    assert b"start the same command again to go on" in ended.stderr
    ends_exact(slow)


def test_nohup_goes_on_after_the_terminal_went_away(slow: Shop) -> None:
    command = [b"nohup", *slow.command(*CUT, "--bwlimit=2000", "src/", "dst")]
    with subprocess.Popen(
        command, cwd=slow.path, env=slow.environ | FINE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        copying(slow, process)
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert differences(slow.at("src"), slow.at("dst")) == []


def test_a_partial_file_is_kept_where_rsync_was_told_to(slow: Shop) -> None:
    with slow.start(*CUT, "--bwlimit=300", "src/", "dst", "--partial-dir=.part") as process:
        copying_partial(slow, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 20
    assert os.path.getsize(slow.at("dst/.part/big")) > 0
    assert slow.parsync(*CUT, "src/", "dst", "--partial-dir=.part").code == 0
    assert differences(slow.at("src"), slow.at("dst")) == []


def copying_partial(shop: Shop, process: subprocess.Popen[bytes]) -> None:
    """Wait until some of the big file has arrived."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with suppress(FileNotFoundError):
            names = [name for name in os.listdir(shop.at("dst")) if name.startswith(b".big.")]
            if any(os.path.getsize(os.path.join(shop.at("dst"), name)) > 100_000 for name in names):
                return
        time.sleep(0.01)
    raise AssertionError("nothing arrived")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_luigi_stopped_by_a_signal_goes_on_with_the_next_start(slow: Shop, number: signal.Signals) -> None:
    luigi = [os.fsencode(Path(sys.executable).with_name("luigi")), b"--module", b"pipeline", b"Sync"]
    words = [b"--src", b"src/", b"--dest", b"dst", b"--local-scheduler", b"--workers", b"2", b"--id", b"one"]
    plan = [b"--batches", b"6", b"--groups", b"2"]
    slowly = [*luigi, *words, *plan, b"--bwlimit", b"300"]
    with subprocess.Popen(
        slowly, cwd=slow.path, env=slow.environ | FINE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        copying(slow, process)
        process.send_signal(number)
        process.wait(timeout=PATIENCE)
    assert process.returncode != 0
    until = time.monotonic() + PATIENCE
    while working(slow) and time.monotonic() < until:
        time.sleep(0.05)
    assert working(slow) == []
    again = subprocess.run([*luigi, *words, *plan], cwd=slow.path, env=slow.environ | FINE, capture_output=True)
    assert again.returncode == 0, again.stderr[-2000:]
    assert differences(slow.at("src"), slow.at("dst")) == []

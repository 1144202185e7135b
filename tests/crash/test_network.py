"""A network that is cut in the middle: a host of its own in a network namespace, whose link goes down and up."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import servers
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.tree import build


@dataclass(frozen=True)
class Host:
    """Another host: its namespace, our end of its cable, and its sshd."""

    name: str
    shell: servers.Sshd

    def link(self, state: str) -> None:
        subprocess.run(["ip", "link", "set", f"p{self.name}", state], check=True)


@pytest.fixture
def host(shop: Shop) -> Iterator[Host]:
    """A host behind a cable; skipped where no namespace may be made."""
    chance = random.SystemRandom()
    name = f"sync{chance.randrange(10**6)}"
    third, fourth = chance.randrange(256), 4 * chance.randrange(64)
    ours, theirs = f"10.77.{third}.{fourth + 1}", f"10.77.{third}.{fourth + 2}"
    if not servers.have_sshd() or subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("needs root, sshd and network namespaces")
    try:
        for words in (
            ["link", "add", f"p{name}", "type", "veth", "peer", "name", "far", "netns", name],
            ["addr", "add", f"{ours}/30", "dev", f"p{name}"],
            ["link", "set", f"p{name}", "up"],
            ["-n", name, "addr", "add", f"{theirs}/30", "dev", "far"],
            ["-n", name, "link", "set", "far", "up"],
        ):
            subprocess.run(["ip", *words], check=True)
        inside = ["nsenter", f"--net=/run/netns/{name}"]
        with servers.sshd(Path(os.fsdecode(shop.at("sshd"))), address=theirs, inside=inside) as shell:
            yield Host(name, shell)
    finally:
        subprocess.run(["ip", "link", "del", f"p{name}"], check=False)
        subprocess.run(["ip", "netns", "del", name], check=True)


def arrived(shop: Shop) -> int:
    """Return how much of the big file is there."""
    with suppress(FileNotFoundError):
        names = [name for name in os.listdir(shop.at("dst")) if b"big" in name]
        return max((os.path.getsize(os.path.join(shop.at("dst"), name)) for name in names), default=0)
    return 0


def wait_for(what: str, holds: object) -> None:
    assert callable(holds)
    until = time.monotonic() + servers.PATIENCE
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def attempts(shop: Shop) -> int:
    """Return how often a batch has been begun."""
    folder = os.path.join(shop.state, b"one/log")
    logs = [name for name in os.listdir(folder) if name.startswith(b"RsyncBatch")] if os.path.isdir(folder) else []
    return max((Path(os.fsdecode(os.path.join(folder, name))).read_bytes().count(b"$ ") for name in logs), default=0)


def test_a_cut_in_the_middle_is_outlived(shop: Shop, host: Host) -> None:
    build(shop.at("src"), {b"big": b"x" * 3_000_000, b"a": {b"b": b"1"}})
    target = f"{host.shell.host}:{os.fsdecode(shop.at('dst'))}"
    words = ("--id=one", "--batches=2", "--parallel=1", "--stall-timeout=1", "--retries=20", "--bwlimit=700")
    with shop.start(*words, "src/", target, host.shell.option) as process:
        wait_for("the copy to begin", lambda: arrived(shop) > 100_000 or process.poll() is not None)
        host.link("down")
        wait_for("another attempt", lambda: attempts(shop) > 1 or process.poll() is not None)
        host.link("up")
        _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    wait_for("what was cut off to end", lambda: differences(shop.at("src"), shop.at("dst")) == [])


def test_a_cut_that_stays_ends_in_one_line_and_the_next_start_goes_on(shop: Shop, host: Host) -> None:
    build(shop.at("src"), {b"big": b"x" * 2_000_000, b"a": {b"b": b"1"}})
    target = f"{host.shell.host}:{os.fsdecode(shop.at('dst'))}"
    words = ("--id=one", "--batches=2", "--parallel=1", "--stall-timeout=1", "--retries=1")
    with shop.start(*words, "--bwlimit=500", "src/", target, host.shell.option) as process:
        wait_for("the copy to begin", lambda: arrived(shop) > 100_000 or process.poll() is not None)
        host.link("down")
        _, err = process.communicate(timeout=240)
    assert process.returncode == 1, err
    assert len(err.strip().splitlines()) == 1
    assert b"start the same command again to go on" in err
    host.link("up")
    again = shop.parsync(*words, "src/", target, host.shell.option)
    assert again.code == 0, again
    wait_for("what was cut off to end", lambda: differences(shop.at("src"), shop.at("dst")) == [])

"""Kills at random instants: the same command goes on every time, and ends exact.

`PARSYNC_CHAOS=long` kills hundreds of times (`make chaos`), and prints how much work was repeated.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.servers import Sshd

LONG = os.environ.get("PARSYNC_CHAOS") == "long"
KILLS = 40 if LONG else 4
CASES = {
    "plain": (),
    "delete": ("--delete",),
    "links": ("-H", "--delete"),
}


@dataclass
class Toll:
    """What a test has cost: kills, starts of the command, runs that came to their end, batches copied in them."""

    kills: int = 0
    starts: int = 0
    runs: int = 0
    batches: int = 0
    repeated: int = 0


def processes(marker: bytes) -> list[int]:
    """Return the processes whose command line or environment names this test's folder."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as line, open(f"/proc/{name}/environ", "rb") as environ:
                    if marker in line.read() or marker in environ.read():
                        found.append(int(name))
            except OSError:
                continue
    return found


def strike(shop: Shop, process: subprocess.Popen[bytes], chance: random.Random) -> None:
    """Kill the command, one of its task processes, or one of its rsyncs."""
    victims = processes(shop.path)
    victim = process.pid if chance.random() < 0.6 or not victims else chance.choice(victims)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return


def survive(shop: Shop, words: tuple[str, ...], seed: int, check: Callable[[], None]) -> Toll:
    """Copy again and again, killing something at random instants, until enough was killed; check every end."""
    chance = random.Random(seed)
    toll = Toll()
    while toll.kills < KILLS:
        run_to_the_end(shop, (f"--id=x{toll.runs}", *words), chance, toll)
        toll.runs += 1
        count_work(shop, f"x{toll.runs - 1}", toll)
        check()
        if toll.kills < KILLS:
            tree.remove(shop.at("dst"))
            tree.many(shop.at("dst"), toll.runs, 60)
    return toll


def run_to_the_end(shop: Shop, words: tuple[str, ...], chance: random.Random, toll: Toll) -> None:
    """Start the same command until it ends well; at most every second start is spared."""
    for _ in range(3 * KILLS + 10):
        toll.starts += 1
        with shop.start(*words) as process:
            if toll.kills < KILLS:
                try:
                    process.wait(chance.uniform(0.1, 1.6))
                except subprocess.TimeoutExpired:
                    strike(shop, process, chance)
                    toll.kills += 1
            _, err = process.communicate(timeout=240)
        if process.returncode == 0:
            return
        assert process.returncode in (1, -signal.SIGKILL), (process.returncode, err.decode())
    raise AssertionError("the run came to no end")


def count_work(shop: Shop, name: str, toll: Toll) -> None:
    """Count the batches of a run, and how often one was begun more than once."""
    logs = os.path.join(shop.state, os.fsencode(name), b"log")
    for log in os.listdir(logs):
        if log.startswith(b"RsyncBatch"):
            with open(os.path.join(logs, log), "rb") as file:
                begun = file.read().count(b"\n$ ") + 1
            toll.batches += 1
            toll.repeated += begun - 1


def grow(shop: Shop, seed: int) -> None:
    tree.many(shop.at("src"), seed, 400, links=True)
    tree.many(shop.at("dst"), seed + 1, 60)
    os.mkdir(shop.at("src/large"))
    for number in range(3):
        with open(shop.at(f"src/large/{number}"), "wb") as file:
            file.write(os.urandom(2_000_000))
    tree.settle(shop.at("src"), seed)


def check(shop: Shop, options: tuple[str, ...]) -> None:
    """Compare with what one rsync leaves; without `--delete` only what was there before may be left over."""
    tree.remove(shop.at("oracle"))
    shop.rsync("src/", "oracle", *options)
    if "--delete" in options:
        assert differences(shop.at("dst"), shop.at("oracle"), links="-H" in options) == []
    else:
        found = differences(shop.at("dst"), shop.at("oracle"), times=False)
        assert [line for line in found if line.startswith("only right")] == []
    leftovers = [name for _, _, names in os.walk(shop.at("dst")) for name in names if name.startswith(b".")]
    assert leftovers == []


@pytest.mark.parametrize("case", CASES)
@pytest.mark.timeout(1200)
def test_kills_at_random_instants_lose_nothing(shop: Shop, case: str) -> None:
    grow(shop, 21)
    words = ("--batches=8", "--groups=3", "--parallel=3", "--bwlimit=6000", "src/", "dst", *CASES[case])
    toll = survive(shop, words, len(case), lambda: check(shop, CASES[case]))
    print(f"\n{case}: {toll}")
    until = time.monotonic() + 30
    while processes(shop.path) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes(shop.path) == []


@pytest.mark.timeout(1200)
def test_kills_over_ssh_lose_nothing(shop: Shop, sshd: Sshd) -> None:
    grow(shop, 22)
    target = f"{sshd.host}:{os.fsdecode(shop.at('dst'))}"
    words = ("--batches=6", "--parallel=2", "--bwlimit=6000", "src/", target, sshd.option, "--delete")
    toll = survive(shop, words, 5, lambda: check(shop, ("--delete",)))
    print(f"\nssh: {toll}")

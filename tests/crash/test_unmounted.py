"""Disks that are unmounted, emptied or replaced during a run, or before it is gone on with."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.servers import Sshd

CUT = ("--id=x", "--batches=6", "--groups=2", "--parallel=2")


@pytest.fixture
def mounted(shop: Shop) -> Iterator[Shop]:
    """A source that is a file system of its own, and a destination with extras; skipped where mounting is forbidden."""
    os.mkdir(shop.at("src"))
    mount = ["mount", "-t", "tmpfs", "tmpfs", shop.at("src")]
    if os.geteuid() != 0 or subprocess.run(mount).returncode:
        pytest.skip("needs root and mount")
    tree.many(shop.at("tree"), 71, 100)
    shutil.copytree(shop.at("tree"), shop.at("src"), dirs_exist_ok=True)
    tree.many(shop.at("dst"), 72, 30)
    yield shop
    subprocess.run(["umount", "-q", "-l", shop.at("src")])


@pytest.mark.parametrize("options", [("--delete",), ("--delete", "--max-delete=1000"), ()])
def test_a_source_that_is_unmounted_meanwhile_is_an_error_and_empties_nothing(
    mounted: Shop, options: tuple[str, ...]
) -> None:
    with open(mounted.at("src/big"), "wb") as file:
        file.write(b"x" * 1_000_000)
    with mounted.start(*CUT, "--bwlimit=1000", "src/", "dst", *options) as process:
        plan = os.path.join(mounted.state, b"x/plan/plan.json")
        while not os.path.exists(plan) and process.poll() is None:
            time.sleep(0.002)
        subprocess.run(["umount", "-l", mounted.at("src")], check=True)
        _, err = process.communicate(timeout=240)
    assert process.returncode == 1, err
    assert b"mount it" in err
    assert len(err.strip().splitlines()) == 1
    assert len(os.listdir(mounted.at("dst"))) > 10
    shutil.copytree(mounted.at("tree"), mounted.at("src"), dirs_exist_ok=True)
    assert mounted.parsync(*CUT, "src/", "dst", *options).code in (0, 24)
    left = differences(mounted.at("src"), mounted.at("dst"), times=False)
    assert [line for line in left if "--delete" in options or not line.startswith("only right")] == []


@pytest.mark.parametrize("slash", ["/", ""])
def test_an_empty_remote_source_does_not_empty_a_destination(shop: Shop, sshd: Sshd, slash: str) -> None:
    os.mkdir(shop.at("src"))
    tree.build(shop.at("dst"), {b"a": b"1", b"src": {b"b": b"2"}})
    words = (f"{sshd.host}:{os.fsdecode(shop.at('src'))}{slash}", "dst", sshd.option, "--delete")
    for more in ((), ("-H",)):
        done = shop.parsync(*words, *more)
        assert done.code == 1, done
        assert "is empty" in done.err
        assert len(done.err.strip().splitlines()) == 1
    assert os.listdir(shop.at("dst/src")) == [b"b"]
    assert shop.parsync(*words, "--ignore-errors").code == 0
    assert os.listdir(shop.at("dst") if slash else shop.at("dst/src")) == []


def test_an_empty_folder_as_source_does_not_empty_its_copy(shop: Shop) -> None:
    os.mkdir(shop.at("src"))
    tree.build(shop.at("dst"), {b"src": {b"b": b"2"}})
    assert "is empty" in shop.parsync("src", "dst", "--delete").err
    assert os.listdir(shop.at("dst/src")) == [b"b"]


@pytest.mark.parametrize("what", ["destination", "contents", "a folder"])
def test_a_destination_that_was_emptied_before_a_resume_is_filled_again(shop: Shop, what: str) -> None:
    tree.many(shop.at("src"), 73, 120)
    assert shop.parsync(*CUT, "src/", "dst").code == 0
    run = Path(os.fsdecode(shop.state)) / "x"
    for name in ("finished.json", "batch/0000.json"):
        (run / name).unlink()
    match what:
        case "destination":
            tree.remove(shop.at("dst"))
        case "contents":
            tree.remove(shop.at("dst"))
            os.mkdir(shop.at("dst"))
        case _:
            folders = sorted(entry.path for entry in os.scandir(shop.at("dst")) if entry.is_dir())
            tree.remove(folders[-1])
    done = shop.parsync(*CUT, "src/", "dst")
    assert done.code == 0, done
    assert differences(shop.at("src"), shop.at("dst")) == []

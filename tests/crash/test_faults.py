"""Faults of the real thing: full and read-only disks, dropped logins, busy daemons, standstill, vanishing files."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline import index
from pipeline.errors import StateError
from pipeline.signatures import Signed
from tests.harness import servers, tree
from tests.harness.command import Shop
from tests.harness.compare import differences

CUT = ("--batches=8", "--groups=2", "--parallel=8")


@pytest.fixture
def small(shop: Shop) -> Iterator[bytes]:
    """A file system of 1 MB and few inodes; skipped where mounting is not allowed."""
    path = shop.at("small")
    os.mkdir(path)
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=300", "tmpfs", path]).returncode
    ):
        pytest.skip("needs root and mount")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_destination_is_one_line_and_goes_on_after_space_is_made(shop: Shop, small: bytes) -> None:
    tree.many(shop.at("src"), 41, 100)
    with open(shop.at("src/big"), "wb") as file:
        file.write(b"x" * 2_000_000)
    done = shop.parsync(*CUT, "--id=x", "src/", "small/dst")
    assert done.code == 1, done
    assert "No space left on device" in done.err
    assert len(done.err.strip().splitlines()) == 1
    subprocess.run(["mount", "-o", "remount,size=20m,nr_inodes=3000", small], check=True)
    again = shop.parsync(*CUT, "--id=x", "src/", "small/dst")
    assert again.code == 0, again
    assert differences(shop.at("src"), os.path.join(small, b"dst")) == []


def test_a_full_disk_under_the_work_directory_is_one_line(shop: Shop, small: bytes) -> None:
    tree.many(shop.at("src"), 42, 300)
    fill(small)
    done = shop.parsync(*CUT, "--id=x", "--work-dir=small/state", "src/", "dst")
    assert done.code == 1, done
    assert "No space left on device" in done.err
    assert len(done.err.strip().splitlines()) == 1, done.err
    os.unlink(os.path.join(small, b"filler"))
    assert shop.parsync(*CUT, "--id=x", "--work-dir=small/state", "src/", "dst").code == 0
    assert differences(shop.at("src"), shop.at("dst")) == []


@pytest.mark.parametrize("after", ["run.json", "plan/plan.json", "log/RsyncBatch-0000.log"])
def test_a_disk_that_fills_up_under_the_work_directory_is_one_line(shop: Shop, small: bytes, after: str) -> None:
    tree.many(shop.at("src"), 42, 100)
    with open(shop.at("src/big"), "wb") as file:
        file.write(b"x" * 1_000_000)
    words = (*CUT, "--id=x", "--work-dir=small/state", "--bwlimit=4000", "src/", "dst")
    subprocess.run(["mount", "-o", "remount,size=4m,nr_inodes=3000", small], check=True)
    with shop.start(*words) as process:
        while not os.path.exists(os.path.join(small, b"state/x", os.fsencode(after))) and process.poll() is None:
            time.sleep(0.001)
        fill(small)
        _, err = process.communicate(timeout=240)
    assert process.returncode == 1, err
    assert b"No space left on device" in err
    assert os.fsencode(f"make space (or inodes) on {os.fsdecode(small)}") in err
    assert len(err.strip().splitlines()) == 1, err
    os.unlink(os.path.join(small, b"filler"))
    assert shop.parsync(*words).code == 0
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_an_index_that_does_not_fit_its_disk_is_named_and_leaves_nothing(small: bytes) -> None:
    fill(small)
    rows = (index.Row(b"%d" % number, Signed(b"x" * 12, b"y" * 8, b"z" * 800)) for number in range(9000))
    with pytest.raises(StateError, match=r"index .*small/index cannot be written: .*full"):
        index.write(os.path.join(small, b"index"), rows, index.Meta(index.VERSION, "x", 0))
    assert os.listdir(small) == [b"filler"]


def fill(folder: bytes) -> None:
    """Leave no space on a file system."""
    with suppress(OSError), open(os.path.join(folder, b"filler"), "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_a_destination_without_inodes_is_one_line_and_goes_on_after_some_are_made(shop: Shop, small: bytes) -> None:
    tree.many(shop.at("src"), 46, 600)
    subprocess.run(["mount", "-o", "remount,size=20m,nr_inodes=200", small], check=True)
    done = shop.parsync(*CUT, "--id=x", "src/", "small/dst")
    assert done.code == 1, done
    assert "No space left on device" in done.err
    assert "inodes" in done.err
    assert len(done.err.strip().splitlines()) == 1
    subprocess.run(["mount", "-o", "remount,nr_inodes=5000", small], check=True)
    assert shop.parsync(*CUT, "--id=x", "src/", "small/dst").code == 0
    assert differences(shop.at("src"), os.path.join(small, b"dst")) == []


def test_a_link_planted_at_a_shared_directory_is_not_followed(shop: Shop) -> None:
    """Between two starts somebody puts a link where several batches write; one rsync would replace it."""
    tree.many(shop.at("src"), 47, 150)
    assert shop.parsync(*CUT, "src/", "dst").code == 0
    assert shop.rsync("src/", "plain").code == 0
    victim = next(name for name in sorted(os.listdir(shop.at("src"))) if os.path.isdir(shop.at("src/") + name))
    os.mkdir(shop.at("elsewhere"))
    for copy in ("dst/", "plain/"):
        shutil.rmtree(shop.at(copy) + victim)
        os.symlink(shop.at("elsewhere"), shop.at(copy) + victim)
    assert shop.parsync(*CUT, "src/", "dst").code == shop.rsync("src/", "plain").code == 0
    assert os.listdir(shop.at("elsewhere")) == []
    assert differences(shop.at("plain"), shop.at("dst")) == []


def test_a_read_only_destination_is_one_line(shop: Shop, small: bytes) -> None:
    tree.many(shop.at("src"), 43, 20)
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    done = shop.parsync(*CUT, "src/", "small/dst")
    assert done.code == 1
    assert "Read-only file system" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_an_sshd_that_drops_logins_is_asked_again(shop: Shop, tmp_path: Path) -> None:
    if not servers.have_sshd():
        pytest.skip("needs root and openssh-server")
    tree.many(shop.at("src"), 44, 150)
    with servers.sshd(tmp_path / "sshd", startups="2:50:4") as strict:
        target = f"{strict.host}:{os.fsdecode(shop.at('dst'))}"
        done = shop.parsync(*CUT, "--retries=30", "src/", target, strict.option)
    assert done.code == 0, done
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_a_daemon_with_few_connections_is_asked_again(shop: Shop) -> None:
    tree.many(shop.at("src"), 45, 150)
    with servers.rsyncd(Path(os.fsdecode(shop.at("daemon"))), extra="max connections = 2\n") as busy:
        done = shop.parsync(*CUT, "--retries=30", "src/", "127.0.0.1::data/dst", busy.option)
    assert done.code == 0, done
    assert differences(shop.at("src"), shop.at("daemon/data/dst")) == []


def test_a_remote_rsync_that_stands_still_is_noticed_and_tried_again(shop: Shop, sshd: servers.Sshd) -> None:
    tree.build(shop.at("src"), {b"a": {b"big": b"x" * 3_000_000}, b"b": b"1"})
    target = f"{sshd.host}:{os.fsdecode(shop.at('dst'))}"
    words = ("--batches=2", "--parallel=1", "--stall-timeout=2", "--bwlimit=1000", "src/", target, sshd.option)
    with shop.start(*words) as process:
        stood = None
        while stood is None and process.poll() is None:
            stood = next(iter(remote_receivers(shop)), None)
        assert stood is not None
        os.kill(stood, signal.SIGSTOP)
        try:
            out, err = process.communicate(timeout=200)
        finally:
            for pid in remote_receivers(shop):
                os.kill(pid, signal.SIGKILL)
    assert process.returncode == 0, (out, err)
    assert differences(shop.at("src"), shop.at("dst")) == []


@pytest.mark.parametrize("end", ["ssh", "daemon"])
def test_what_killed_remote_rsyncs_left_is_removed(
    shop: Shop, sshd: servers.Sshd, rsyncd: servers.Rsyncd, end: str
) -> None:
    """Without --delete; and nothing else is, however like it looks."""
    tree.many(shop.at("src"), 48, 60)
    tree.build(shop.at("src/deep"), {b"big": b"x" * 400_000, b"e": {b"big": b"y" * 400_000, b".f": b"z" * 400_000}})
    with open(shop.at("src/top"), "wb") as file:
        file.write(b"x" * 400_000)
    tree.settle(shop.at("src"))
    target, option = f"{sshd.host}:{os.fsdecode(shop.at('dst'))}", sshd.option
    if end == "daemon":
        os.symlink(shop.at("daemon/data/dst"), shop.at("dst"))
        target, option = "127.0.0.1::data/dst", rsyncd.option
    words = ("--id=x", "--batches=4", "--parallel=2", "src/", target, option)
    assert shop.parsync(*words).code == 0
    torn = [b".top.Ab12Cd", b"deep/.big.Ab12Cd", b"deep/e/.big.Ab12Cd", b"deep/e/.f.Ab12Cd"]
    kept = [b".own.Ab12Cd", b"deep/.top.Ab12Cd", b"deep/e/.big.open12", b"deep/e/.big.old123"]
    for name in torn + kept:
        with open(shop.at("dst/") + name, "wb") as file:
            file.write(b"torn")
        os.chmod(shop.at("dst/") + name, 0o644 if b"open" in name else 0o600)
    os.utime(shop.at("dst/") + kept[-1], (1_500_000_000, 1_500_000_000))
    run = Path(os.fsdecode(shop.state)) / "x"
    for path in [*(run / "batch").glob("*.json"), run / "finished.json"]:
        path.unlink()
    again = shop.parsync(*words)
    assert again.code == 0, again
    assert [name for name in torn + kept if os.path.exists(shop.at("dst/") + name)] == kept
    for name in kept:
        os.unlink(shop.at("dst/") + name)
    assert [line for line in differences(shop.at("src"), shop.at("dst")) if "mtime" not in line] == []


def remote_receivers(shop: Shop) -> list[int]:
    """Return rsync servers that write below this test's folder: first ones first."""
    found = []
    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(b"rsync\0--server") and shop.path in words and b"big" not in words:
            found.append(int(name))
    return found


def test_a_vanishing_source_ends_as_rsync_ends(shop: Shop) -> None:
    """A directory that goes between the walk and its batch is no failure."""
    tree.many(shop.at("src"), 46, 200)
    tree.build(shop.at("src/gone"), {b"%d" % number: b"x" for number in range(50)})
    with open(shop.at("src/aaa"), "wb") as file:
        file.write(b"x" * 1_500_000)
    with shop.start("--id=x", "--batches=6", "--parallel=1", "--bwlimit=1000", "src/", "dst") as process:
        plan = os.path.join(shop.state, b"x/plan/plan.json")
        while not os.path.exists(plan) and process.poll() is None:
            time.sleep(0.001)
        tree.remove(shop.at("src/gone"))
        out, err = process.communicate(timeout=200)
    assert process.returncode in (0, 24), (out, err)
    assert [line for line in differences(shop.at("src"), shop.at("dst"), times=False) if "gone" not in line] == []


def test_a_resume_meets_a_changed_source(shop: Shop) -> None:
    """Files and directories that changed, came, went and changed type since the plan was made."""
    tree.many(shop.at("src"), 47, 200)
    assert shop.parsync("--id=x", "--batches=6", "--groups=2", "src/", "dst").code == 0
    run = Path(os.fsdecode(shop.state)) / "x"
    for path in [*(run / "batch").glob("*.json"), run / "finished.json", run / "settle/settled.json"]:
        path.unlink()
    folders = [folder for folder, _, _ in os.walk(shop.at("src"))][1:]
    names = sorted(os.path.join(folder, name) for folder, _, found in os.walk(shop.at("src")) for name in found)
    os.unlink(names[0])
    os.unlink(names[1])
    os.makedirs(names[1] + b"/now a folder")
    tree.remove(folders[-1])
    with open(names[10], "ab") as file:
        file.write(b"longer")
    done = shop.parsync("--id=x", "--batches=6", "--groups=2", "src/", "dst")
    assert done.code in (0, 24), done
    for path in names[2:]:
        if os.path.exists(path):
            assert os.path.exists(path.replace(shop.at("src"), shop.at("dst")))


def test_terminal_sequences_in_names_reach_no_output(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.build(anyone.at("src"), {b"\x1b[31mred<script>": b"1", b"d": {b"a": b"2"}})
    os.chmod(anyone.at("src/\x1b[31mred<script>"), 0)
    done = anyone.parsync("--batches=3", "src/", "dst")
    assert done.code == 23
    assert "\x1b" not in done.out + done.err
    for folder, _, names in os.walk(anyone.state):
        for name in names:
            if name in (b"report.html", b"report.json", b"metrics.prom") or name.endswith(b".log"):
                with open(os.path.join(folder, name), "rb") as file:
                    text = file.read()
                assert b"\x1b" not in text
                assert name != b"report.html" or b"<script" not in text


def test_passwords_reach_no_file_of_the_run(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    shop.parsync("--retries=0", "src/", "127.0.0.1:/nowhere", "--rsh=sshpass -p opensesame ssh -o BatchMode=yes")
    for folder, _, names in os.walk(shop.state):
        for name in names:
            if name != b"run.json":
                with open(os.path.join(folder, name), "rb") as file:
                    assert b"opensesame" not in file.read(), name


@pytest.mark.parametrize("becomes", ["nothing", "a file", "a link"])
@pytest.mark.parametrize("options", [(), ("--delete",)])
def test_a_resume_meets_a_shared_directory_that_is_something_else(
    shop: Shop, becomes: str, options: tuple[str, ...]
) -> None:
    """Several batches were to copy into it; what is left of them has vanished, and it is copied as it is now."""
    tree.build(shop.at("src"), {b"%d" % one: {b"%d" % two: b"x" for two in range(20)} for one in range(9)})
    words = ("--id=x", "--batches=40", "--groups=2", "src/", "dst", *options)
    assert shop.parsync(*words).code == 0
    run = Path(os.fsdecode(shop.state)) / "x"
    for path in [*run.glob("*/*.json"), run / "finished.json"]:
        if path.parent.name not in ("walk", "plan", "log"):
            path.unlink()
    shutil.copytree(shop.at("dst"), shop.at("plain"), symlinks=True)
    tree.remove(shop.at("src/1"))
    if becomes == "a file":
        shutil.copy(shop.at("src/0/1"), shop.at("src/1"))
    elif becomes == "a link":
        os.symlink("nowhere", shop.at("src/1"))
    tree.settle(shop.at("src"))
    done = shop.parsync(*words)
    plain = shop.rsync("src/", "plain", *options)
    assert done.code == (plain.code or 24), done
    assert differences(shop.at("plain"), shop.at("dst"), times=False) == []

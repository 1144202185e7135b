"""Every file of the work directory, damaged in every way: named or done again, never believed, no traceback."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from pipeline import durable
from pipeline.records import BatchRecord, FinishRecord
from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences

WORDS = ("--id=x", "--batches=5", "--groups=2", "--parallel=2", "src/", "dst", "--delete")
DAMAGES = ["cut", "empty", "noise", "directory", "link", "newer"]


@pytest.fixture
def stopped(shop: Shop) -> Shop:
    """A run whose last stages are missing, as if it had been killed before them."""
    tree.many(shop.at("src"), 31, 200)
    assert shop.parsync(*WORDS).code == 0
    run = Path(os.fsdecode(shop.state)) / "x"
    for name in ("finished.json", "report.json", "report.html", "settle/settled.json", "batch/0001.json"):
        (run / name).unlink()
    return shop


def files(run: Path) -> list[Path]:
    """Return every file of the state, but of those that differ in their number alone the first and the last."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file() and "log" not in path.parts):
        kinds.setdefault(re.sub(r"\d+", "N", str(path.relative_to(run))), []).append(path)
    return [path for found in kinds.values() for path in dict.fromkeys((found[0], found[-1]))]


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    path.unlink()
    match how:
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "empty":
            path.touch()
        case "noise":
            path.write_bytes(os.urandom(len(data)))
        case "directory":
            path.mkdir()
        case "link":
            other = path.with_name(path.name + ".elsewhere")
            other.write_bytes(data)
            path.symlink_to(other)
        case "newer":
            path.write_bytes(data.replace(b'"version":1', b'"version":9', 1))


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.timeout(600)
def test_a_damaged_file_is_done_again_or_refused_by_name(stopped: Shop, how: str) -> None:
    run = Path(os.fsdecode(stopped.state)) / "x"
    whole = run.with_name("whole")
    shutil.copytree(run, whole, symlinks=True)
    for name in [path.relative_to(run) for path in files(run)]:
        restore(stopped, whole, keep=name)
        damage(run / name, how)
        done = stopped.forked(*WORDS)
        assert "Traceback" not in done.err, (name, done)
        if done.code != 0:
            assert done.code == 1, (name, done)
            assert str(name) in done.err, (name, done)
            assert len(done.err.strip().splitlines()) == 1, (name, done)
        else:
            assert differences(stopped.at("src"), stopped.at("dst")) == [], name


def restore(shop: Shop, whole: Path, keep: Path) -> None:
    """Put the state back as if nothing but `keep` had been recorded of the batches, and empty the destination."""
    run = whole.with_name("x")
    shutil.rmtree(run)
    shutil.copytree(whole, run, symlinks=True)
    for path in (run / "batch").glob("*.json"):
        if path.relative_to(run) != keep:
            path.unlink()
    tree.remove(shop.at("dst"))


def test_a_batch_recorded_in_another_boot_counts_as_not_done(stopped: Shop) -> None:
    run = Path(os.fsdecode(stopped.state)) / "x"
    path = os.fsencode(run / "batch/0000.json")
    record = durable.load(path, BatchRecord)
    assert record is not None
    durable.save(path, BatchRecord(number=0, outcome=record.outcome, code=0, boot="another", ended=record.ended))
    for lost in Path(os.fsdecode(stopped.at("dst"))).rglob("f*"):
        lost.unlink()
    assert stopped.parsync(*WORDS).code == 0
    again = durable.load(path, BatchRecord)
    assert again is not None
    assert again.boot != "another"


def test_a_finish_of_another_boot_is_looked_at_again(shop: Shop) -> None:
    tree.many(shop.at("src"), 32, 50)
    assert shop.parsync(*WORDS).code == 0
    path = os.fsencode(Path(os.fsdecode(shop.state)) / "x/finished.json")
    record = durable.load(path, FinishRecord)
    assert record is not None
    durable.save(path, FinishRecord(outcome=record.outcome, code=0, ended=record.ended, boot="another"))
    done = shop.parsync(*WORDS)
    assert done.code == 0
    assert "nothing to do" not in done.out


def test_leftovers_of_a_killed_rsync_are_removed_and_like_named_sources_are_not(stopped: Shop) -> None:
    with open(stopped.at("src/.keep.ABC123"), "wb") as file:
        file.write(b"1")
    tree.settle(stopped.at("src"))
    for name in ("dst/.f1.Xy12Zz", "dst/.keep.ABC123"):
        with open(stopped.at(name), "wb") as file:
            file.write(b"torn")
    run = Path(os.fsdecode(stopped.state)) / "x"
    for path in (run / "batch").glob("*.json"):
        path.unlink()
    assert stopped.parsync(*WORDS).code == 0
    assert not os.path.exists(stopped.at("dst/.f1.Xy12Zz"))
    with open(stopped.at("dst/.keep.ABC123"), "rb") as file:
        assert file.read() in (b"1", b"torn")


def test_what_killed_writers_left_in_the_state_is_removed(stopped: Shop) -> None:
    index = next(Path(os.fsdecode(stopped.state), "index").glob("*.weights")).with_suffix("")
    run = Path(os.fsdecode(stopped.state)) / "x"
    left = [run / ".run.json.x1", run / "batch/.0001.json.x1", run / "progress/RsyncBatch-0001.json"]
    left += [index.with_name(f".{index.name}.weights.x1"), index.with_suffix(".new")]
    for path in left:
        path.write_bytes(b"torn")
    other = index.with_name(".another.weights.x1")
    other.write_bytes(b"being written")
    assert stopped.parsync(*WORDS).code == 0
    assert [path for path in left if path.exists()] == []
    assert other.exists()


def test_leftovers_are_removed_without_touching_what_other_batches_write(shop: Shop) -> None:
    """Several batches write into the root; one that begins again must not take another one's temporary file."""
    tree.many(shop.at("src"), 33, 60)
    with open(shop.at("src/big"), "wb") as file:
        file.write(b"x" * 1_000_000)
    words = ("--id=x", "--batches=8", "--groups=2", "--parallel=2", "--bwlimit=1500", "src/", "dst")
    assert shop.parsync("--id=x", "--batches=8", "--groups=2", "src/", "dst").code == 0
    run = Path(os.fsdecode(shop.state)) / "x"
    for path in [*(run / "batch").glob("*.json"), run / "finished.json"]:
        path.unlink()
    tree.remove(shop.at("dst"))
    assert shop.parsync(*words).code == 0
    assert differences(shop.at("src"), shop.at("dst")) == []


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_work_directory_that_others_may_write_is_refused(shop: Shop, mode: int) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    os.mkdir(shop.at("open"))
    os.chmod(shop.at("open"), mode)
    done = shop.parsync("--work-dir=open", "src/", "dst")
    assert done.code == 1
    assert "others may write" in done.err


def test_a_planted_link_as_the_work_directory_is_refused(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    os.mkdir(shop.at("real"), 0o700)
    os.symlink("real", shop.at("link"))
    assert "is a link" in shop.parsync("--work-dir=link", "src/", "dst").err


def test_the_state_is_private(stopped: Shop) -> None:
    for folder, _, names in os.walk(stopped.state):
        assert os.stat(folder).st_mode & 0o077 == 0
        for name in names:
            path = os.path.join(folder, name)
            assert os.stat(path).st_mode & 0o077 == 0, path

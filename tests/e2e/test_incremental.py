"""`--incremental`: only what changed travels, and the destination is exact all the same."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.harness import tree
from tests.harness.command import Completed, Shop
from tests.harness.compare import differences

WORDS = ("--incremental", "--batches=5", "--groups=3", "--parallel=2")


@pytest.fixture
def source(shop: Shop) -> Shop:
    tree.many(shop.at("src"), 11, 200, links=True)
    return shop


def copy(shop: Shop, *options: str, fine: bool = True) -> Completed:
    done = shop.parsync(*WORDS, "src/", "dst", *options, fine=fine)
    assert done.code == 0, done
    return done


def report(shop: Shop) -> dict[str, object]:
    """Return the newest run's report."""
    runs = [name for name in os.listdir(shop.state) if name not in (b"locks", b"index")]
    newest = max(runs, key=lambda name: os.stat(os.path.join(shop.state, name, b"run.json")).st_mtime_ns)
    with open(os.path.join(shop.state, newest, b"report.json"), "rb") as file:
        found: dict[str, object] = json.load(file)
    return found


def age(shop: Shop) -> None:
    """Wait until everything is old enough to be trusted: changes of the last two seconds are not."""
    import time

    time.sleep(2.2)


def edit(shop: Shop, seed: int) -> None:
    """Change, add, replace, move and delete a few entries."""
    chance = random.Random(seed)
    folders = sorted(folder for folder, _, _ in os.walk(shop.at("src")))
    files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(shop.at("src")) for name in names)
    victims = chance.sample(files, 8)
    for path in victims[:3]:
        with open(path, "ab") as file:
            file.write(b"changed")
    for path in victims[3:5]:
        os.unlink(path)
    os.rename(victims[5], victims[5] + b".moved")
    os.unlink(victims[6])
    os.makedirs(victims[6] + b"/now/a/folder")
    os.link(victims[7], os.path.join(chance.choice(folders), b"linked%d" % seed))
    os.makedirs(os.path.join(chance.choice(folders), b"new%d" % seed, b"deep"), exist_ok=True)
    os.chmod(chance.choice(folders[1:]), 0o700)


def test_a_run_with_nothing_changed_starts_no_batch(source: Shop) -> None:
    age(source)
    copy(source)
    copy(source)
    assert report(source)["incremental"]
    assert report(source)["batches"] == []


@pytest.mark.parametrize("fine", [True, False], ids=["several batches", "one batch"])
@pytest.mark.parametrize(
    "options",
    [(), ("--delete",), ("-H", "--delete"), ("--delete", "--max-delete=100"), ("-b", "--delete")],
    ids=" ".join,
)
def test_changes_of_every_kind_arrive(source: Shop, options: tuple[str, ...], fine: bool) -> None:
    age(source)
    copy(source, *options, fine=fine)
    source.rsync("src/", "oracle", *options)
    for seed in range(2):
        edit(source, seed)
        copy(source, *options, fine=fine)
        source.rsync("src/", "oracle", *options)
        assert report(source)["incremental"]
        assert differences(source.at("dst"), source.at("oracle"), links="-H" in options) == []
        assert report(source)["files"]


@pytest.mark.parametrize("options", [("--delete",), ("--delete", "--max-delete=9")], ids=" ".join)
def test_a_deletion_is_all_that_happened(source: Shop, options: tuple[str, ...]) -> None:
    os.mkdir(source.at("src/only"))
    open(source.at("src/only/file"), "wb").close()
    age(source)
    copy(source, *options)
    os.unlink(source.at("src/only/file"))
    copy(source, *options)
    assert report(source)["deleted"] == 1
    assert differences(source.at("src"), source.at("dst")) == []


def test_an_edited_file_leaves_its_folder_as_it_was(source: Shop) -> None:
    """rsync renames a temporary file into place, which changes the time of a folder that it was not told to settle."""
    age(source)
    copy(source)
    path = next(os.path.join(folder, names[0]) for folder, _, names in os.walk(source.at("src")) if names)
    with open(path, "r+b") as file:
        file.write(b"edited")
    copy(source, fine=False)
    assert report(source)["transferred"] == 1
    assert differences(source.at("src"), source.at("dst")) == []


def test_nothing_is_deleted_by_a_small_run_that_could_not_copy_everything(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.many(anyone.at("src"), 12, 60)
    tree.build(anyone.at("src/late"), {b"gone": b"1"})
    age(anyone)
    copy(anyone, "--delete", fine=False)
    os.unlink(anyone.at("src/late/gone"))
    with open(anyone.at("src/late/closed"), "wb") as file:
        file.write(b"closed")
    os.chmod(anyone.at("src/late/closed"), 0)
    done = anyone.parsync(*WORDS, "src/", "dst", "--delete", fine=False)
    assert done.code == 23, done
    assert "nothing was deleted" in done.out
    assert os.path.exists(anyone.at("dst/late/gone"))
    os.chmod(anyone.at("src/late/closed"), 0o644)
    copy(anyone, "--delete", fine=False)
    assert os.listdir(anyone.at("dst/late")) == [b"closed"]


def test_a_destination_that_is_empty_again_is_filled(source: Shop) -> None:
    age(source)
    copy(source)
    shutil.rmtree(source.at("dst"))
    copy(source)
    assert not report(source)["incremental"]
    assert differences(source.at("src"), source.at("dst")) == []


def test_what_is_too_young_is_gone_through_again(source: Shop) -> None:
    copy(source)
    copy(source)
    assert report(source)["batches"] != []
    assert differences(source.at("src"), source.at("dst")) == []


def test_a_full_plan_comes_every_so_many_runs(source: Shop) -> None:
    age(source)
    assert copy(source, "--delete")
    incremental = []
    for _ in range(4):
        assert source.parsync(*WORDS, "--full-every=3", "src/", "dst", "--delete").code == 0
        incremental.append(report(source)["incremental"])
    assert incremental == [True, True, False, True]


def test_another_transfer_to_the_same_destination_makes_the_index_untrue(source: Shop) -> None:
    age(source)
    copy(source)
    copy(source, "--delete")
    assert not report(source)["incremental"]
    copy(source)
    assert not report(source)["incremental"]


def test_a_damaged_index_means_a_full_plan(source: Shop) -> None:
    age(source)
    copy(source)
    folder = os.path.join(source.state, b"index")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "r+b") as file:
            file.truncate(5000)
    copy(source)
    assert differences(source.at("src"), source.at("dst")) == []


def move_away_and_back(shop: Shop, *options: str, meanwhile: Callable[[], Completed], code: int = 0) -> None:
    """Move a folder away, do something, and move it back: its subfolders look as if nothing had happened."""
    tree.build(shop.at("src/kept"), {b"deep": {b"deeper": {b"file": b"once"}}})
    if shop.user is not None:
        subprocess.run(["chown", "-R", f"{shop.user}:{shop.user}", shop.at("src")], check=True)
    age(shop)
    copy(shop, *options)
    os.rename(shop.at("src/kept"), shop.at("kept"))
    expect(meanwhile(), code)
    os.rename(shop.at("kept"), shop.at("src/kept"))
    copy(shop, *options)
    assert differences(shop.at("src"), shop.at("dst"), times=False) == []


def test_a_full_run_in_between_makes_the_index_untrue(source: Shop) -> None:
    move_away_and_back(source, "--delete", meanwhile=lambda: source.parsync("src/", "dst", "--delete"))


def test_another_transfer_that_deletes_makes_the_index_untrue(source: Shop) -> None:
    tree.many(source.at("other"), 12, 20)
    move_away_and_back(source, "--delete", meanwhile=lambda: source.parsync("other/", "dst", "--delete"))


def test_a_transfer_to_a_folder_around_it_makes_the_index_untrue(source: Shop) -> None:
    tree.build(source.at("around"), {b"dst": {b"another": b"file"}})
    age(source)
    for words in (("src/", "top/dst"), ("around/", "top"), ("src/", "top/dst")):
        expect(source.parsync(*WORDS, *words, "--delete"), 0)
    assert differences(source.at("src"), source.at("top/dst")) == []


def test_a_run_that_deleted_and_ended_short_makes_the_index_untrue(anyone: Shop) -> None:
    options = ("--delete", "--ignore-errors")
    tree.build(anyone.at("src"), {b"closed": b"for a while"})

    def meanwhile() -> Completed:
        os.chmod(anyone.at("src/closed"), 0)
        with open(anyone.at("src/closed"), "ab") as file:
            file.write(b"changed")
        done = anyone.parsync(*WORDS, "src/", "dst", *options)
        os.chmod(anyone.at("src/closed"), 0o644)
        return done

    move_away_and_back(anyone, *options, meanwhile=meanwhile, code=23 if anyone.user else 0)


def expect(done: Completed, code: int) -> None:
    assert done.code == code, done


def test_a_partial_run_plans_what_failed_again_and_nothing_else(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.build(anyone.at("src"), {b"a": {b"closed": b"secret", b"open": b"public"}, b"b": {b"c": b"d"}})
    tree.settle(anyone.at("src"))
    os.chmod(anyone.at("src/a/closed"), 0)
    subprocess.run(["chown", "-R", f"{anyone.user}:{anyone.user}", anyone.at("src")], check=True)
    age(anyone)
    expect(anyone.parsync(*WORDS, "src/", "dst"), 23)
    expect(anyone.parsync(*WORDS, "src/", "dst"), 23)
    assert report(anyone)["incremental"]
    os.chmod(anyone.at("src/a/closed"), 0o600)
    expect(anyone.parsync(*WORDS, "src/", "dst"), 0)
    assert report(anyone)["incremental"]
    assert differences(anyone.at("src"), anyone.at("dst")) == []


def test_an_index_of_another_boot_is_not_believed(source: Shop) -> None:
    """The power may have gone before what the last run copied was on the disk."""
    age(source)
    copy(source)
    copy(source)
    assert report(source)["incremental"] is True
    for name in [name for name in os.listdir(os.path.join(source.state, b"index")) if b"." not in name]:
        with closing(sqlite3.connect(os.path.join(source.state, b"index", name))) as database:
            database.execute("UPDATE meta SET value = CAST(json_set(value, '$.boot', 'another') AS BLOB)")
            database.commit()
    lost = next(os.path.join(folder, names[0]) for folder, _, names in os.walk(source.at("dst")) if names)
    os.truncate(lost, 0)
    copy(source)
    assert report(source)["incremental"] is False
    assert differences(source.at("src"), source.at("dst")) == []

"""A full plan after an exact run does not walk again what that run weighed; rsync looks at everything all the same."""

from __future__ import annotations

import os
import shutil

import pytest

from pipeline import durable
from pipeline.records import WalkRecord
from pipeline.tree import Listing
from tests.e2e.test_incremental import edit
from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences

WORDS = ("--batches=6", "--groups=3", "--parallel=2")


@pytest.fixture
def copied(shop: Shop) -> Shop:
    """A source that was copied once, and the oracle's copy of it."""
    tree.many(shop.at("src"), 17, 300, links=True)
    assert copy(shop) == "1"
    return shop


def copy(shop: Shop, *options: str, run_id: str = "1") -> str:
    done = shop.parsync("--id", run_id, *WORDS, "src/", "dst", *options)
    assert done.code == 0, done
    assert shop.rsync("src/", "plain", *options).code == 0
    assert not differences(shop.at("plain"), shop.at("dst"))
    return run_id


def walked(shop: Shop, run_id: str) -> tuple[bool, int]:
    """Return whether a run relied on remembered weights, and how many directories it listed."""
    folder = os.path.join(shop.state, os.fsencode(run_id), b"walk")
    record = durable.load(os.path.join(folder, b"frontier.json"), WalkRecord)
    assert record is not None
    return record.remembered, sum(1 for _ in durable.read_records(os.path.join(folder, b"upper"), Listing))


def test_the_second_run_lists_fewer_directories(copied: Shop) -> None:
    copy(copied, run_id="2")
    (first, all_of_them), (second, some) = walked(copied, "1"), walked(copied, "2")
    assert not first
    assert second
    assert some < all_of_them


@pytest.mark.parametrize("options", [(), ("--delete",)], ids=" ".join)
def test_changes_in_remembered_subtrees_arrive(copied: Shop, options: tuple[str, ...]) -> None:
    """The identity of a transfer has its options, so the first of these runs with options walks again."""
    for number in range(3):
        edit(copied, number)
        copy(copied, *options, run_id=f"again{number}")
    assert walked(copied, "again2")[0]


def test_a_remembered_subtree_that_became_a_file_or_went_is_no_subtree(copied: Shop) -> None:
    folders = sorted(name for name in os.listdir(copied.at("src")) if os.path.isdir(copied.at("src/") + name))
    shutil.rmtree(copied.at("src/") + folders[0])
    shutil.rmtree(copied.at("src/") + folders[1])
    with open(copied.at("src/") + folders[1], "wb") as file:
        file.write(b"a file now")
    copy(copied, "--delete", run_id="2")


def test_nothing_is_remembered_for_a_destination_that_is_empty_again(copied: Shop) -> None:
    shutil.rmtree(copied.at("dst"))
    shutil.rmtree(copied.at("plain"))
    copy(copied, run_id="2")
    assert not walked(copied, "2")[0]


def test_hard_links_are_looked_for_in_a_walk(copied: Shop) -> None:
    for number in range(2):
        copy(copied, "-H", run_id=f"links{number}")
    assert not walked(copied, "links1")[0]


def test_a_source_that_has_doubled_is_weighed_anew(copied: Shop) -> None:
    folder = next(entry.path for entry in os.scandir(copied.at("src")) if entry.is_dir(follow_symlinks=False))
    for number in range(400):
        with open(os.path.join(folder, b"more%d" % number), "wb") as file:
            file.write(b"m")
    for run_id in ("grown", "weighed", "remembered"):
        copy(copied, run_id=run_id)
    assert [walked(copied, name)[0] for name in ("grown", "weighed", "remembered")] == [True, False, True]


def test_damaged_weights_are_not_believed(copied: Shop) -> None:
    index = os.path.join(copied.state, b"index")
    (name,) = os.listdir(index)
    with open(os.path.join(index, name), "r+b") as file:
        file.truncate(os.path.getsize(os.path.join(index, name)) // 2)
    copy(copied, run_id="2")
    assert not walked(copied, "2")[0]

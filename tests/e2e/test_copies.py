"""What arrives is what one `rsync -a` leaves: names, modes, links, times, whatever the number of processes."""

from __future__ import annotations

import os

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences

CUT = ("--batches=6", "--groups=3", "--parallel=3")


def exact(shop: Shop, source: str, *options: str, links: bool = False) -> None:
    """Copy with parsync and with rsync, and compare the two destinations and the exit codes."""
    ours = shop.parsync(*CUT, source, "ours", *options)
    theirs = shop.rsync(*options, source, "theirs")
    assert ours.code == theirs.code, ours
    below = "" if source.endswith("/") else "/" + source
    assert differences(shop.at("ours" + below), shop.at("theirs" + below), links=links) == []


def test_every_odd_name_arrives(anyone: Shop) -> None:
    tree.odd_names(anyone.at("src"))
    own(anyone)
    exact(anyone, "src/")


def test_a_source_without_a_slash_arrives_below_its_name(shop: Shop) -> None:
    tree.odd_names(shop.at("src"))
    exact(shop, "src")


def test_modes_and_special_files_arrive(anyone: Shop) -> None:
    tree.special(anyone.at("src"), as_root=anyone.user is None)
    own(anyone)
    exact(anyone, "src/")
    exact(anyone, "src")


def test_a_second_copy_repairs_what_was_changed(anyone: Shop) -> None:
    tree.many(anyone.at("src"), 1, 150)
    own(anyone)
    exact(anyone, "src/")
    for folder, _, files in os.walk(anyone.at("ours")):
        for name in files[::3]:
            with open(os.path.join(folder, name), "ab") as file:
                file.write(b"more")
    exact(anyone, "src/")


@pytest.mark.parametrize("processes", [1, 2, 8])
def test_the_number_of_processes_changes_nothing(shop: Shop, processes: int) -> None:
    tree.many(shop.at("src"), 2, 200)
    assert shop.parsync(f"--parallel={processes}", "src/", "ours").code == 0
    assert shop.rsync("src/", "theirs").code == 0
    assert differences(shop.at("ours"), shop.at("theirs")) == []


def test_a_star_means_the_contents(shop: Shop) -> None:
    tree.build(shop.at("src"), {b".hidden": b"1", b"a": {b"b": b"2"}})
    assert shop.parsync(*CUT, "src/*", "ours").code == 0
    assert shop.rsync("src/", "theirs").code == 0
    assert differences(shop.at("ours"), shop.at("theirs")) == []


def test_a_single_file_and_missing_parents(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"one": b"1"})
    assert shop.parsync("src/one", "ours/deep/er/").code == 0
    assert shop.rsync("--mkpath", "src/one", "theirs/deep/er/").code == 0
    assert differences(shop.at("ours/deep/er"), shop.at("theirs/deep/er"), times=False) == []
    assert shop.parsync("src/one", "ours/deep/renamed").code == 0
    with open(shop.at("ours/deep/renamed"), "rb") as file:
        assert file.read() == b"1"


def test_a_link_is_copied_and_its_slash_follows_it(shop: Shop) -> None:
    tree.build(shop.at("real"), {b"a": b"1", b"d": {b"b": b"2"}})
    os.symlink("real", shop.at("src"))
    exact(shop, "src/")
    assert shop.parsync(*CUT, "src", "link/").code == 0
    assert os.readlink(shop.at("link/src")) == b"real"


def test_a_symlinked_destination_root_is_followed(shop: Shop) -> None:
    tree.many(shop.at("src"), 3, 60)
    for name in ("ours", "theirs"):
        os.mkdir(shop.at(f"real-{name}"))
        os.symlink(f"real-{name}", shop.at(name))
    exact(shop, "src/")


def test_an_empty_source_makes_an_empty_destination(shop: Shop) -> None:
    tree.build(shop.at("src"), {})
    exact(shop, "src/")


def own(shop: Shop) -> None:
    """Give everything in the shop to its user."""
    if shop.user is None:
        return
    for folder, directories, files in os.walk(shop.path):
        for name in [*directories, *files]:
            os.lchown(os.path.join(folder, name), shop.user, shop.user)
    for folder, directories, files in os.walk(shop.at("src")):
        for name in [*directories, *files]:
            path = os.path.join(folder, name)
            if b"mode-" in name or b"file-" in name:
                os.chmod(path, int(name.rpartition(b"-")[2], 8))

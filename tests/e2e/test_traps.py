"""Calls that mean something else to several rsyncs than to one, unless somebody thought of it."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.harness import servers, tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.oracle import CUT, same


@pytest.mark.parametrize("option", ["--no-relative", "--no-R", "--implied-dirs"])
def test_how_paths_travel_is_not_the_users_to_say(shop: Shop, option: str) -> None:
    tree.many(shop.at("src"), 61, 120)
    same(shop, option)
    assert shop.parsync(*CUT, "--verify", "src/", "ours", option).code == 0


@pytest.mark.parametrize("options", [("-vn",), ("-i", "--dry-run"), ("-nv", "--exclude", "-n")])
def test_a_dry_run_is_one_in_every_spelling(shop: Shop, options: tuple[str, ...]) -> None:
    tree.many(shop.at("src"), 62, 40)
    theirs = shop.rsync(*options, "src/", "dst")
    ours = shop.parsync(*CUT, "src/", "dst", *options)
    assert (ours.code, ours.out) == (theirs.code, theirs.out)
    assert not os.path.exists(shop.at("dst"))
    assert not os.path.exists(shop.state)


@pytest.mark.parametrize("options", ["--exclude-from=-", "--include-from -", "--filter=merge_-", "-f ._-"])
def test_rules_from_standard_input_are_refused(shop: Shop, options: str) -> None:
    tree.many(shop.at("src"), 63, 10)
    done = shop.parsync("src/", "ours", *(word.replace("_", " ") for word in options.split()))
    assert done.code == 2
    assert "give a file" in done.err
    assert not os.path.exists(shop.at("ours"))


def test_names_of_one_inode_that_fit_no_command_line_stay_together(shop: Shop) -> None:
    for number in range(8):
        os.makedirs(shop.at(f"src/d{number}"))
    with open(shop.at("src/first"), "wb") as file:
        file.write(b"linked")
    for number in range(4800):
        os.link(shop.at("src/first"), shop.at(f"src/d{number % 8}/" + "n" * 220 + str(number)))
    tree.many(shop.at("src/more"), 64, 50)
    tree.settle(shop.at("src"))
    same(shop, "-H", links=True)


@pytest.mark.parametrize("fine", [True, False])
def test_a_new_folder_with_another_name_of_an_old_file(shop: Shop, fine: bool) -> None:
    tree.many(shop.at("src"), 65, 40)
    time.sleep(2.1)
    for number in range(2):
        shop.rsync("-H", "src/", "theirs")
        done = shop.parsync(*CUT, "--incremental", "src/", "ours", "-H", fine=fine)
        assert done.code == 0, done
        assert differences(shop.at("ours"), shop.at("theirs"), links=True) == []
        if not number:
            os.makedirs(shop.at("src/new/inner"))
            os.link(shop.at("src/f0"), shop.at("src/new/inner/other"))
            tree.settle(shop.at("src"))


@pytest.mark.root
def test_mount_points_are_left_out_with_two_x(shop: Shop) -> None:
    tree.many(shop.at("src"), 66, 120)
    os.makedirs(shop.at("src/mounted"))
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", shop.at("src/mounted")]).returncode:
        pytest.skip("needs mount")
    try:
        same(shop, "-xx", "--delete", prepare=lambda path: os.makedirs(os.path.join(path, b"mounted/extra")))
        assert "-x" not in same(shop, "-x", "-x", "--no-x").out
    finally:
        subprocess.run(["umount", "-l", shop.at("src/mounted")], check=True)


def test_wildcards_in_a_remote_source_are_the_far_ends(shop: Shop, sshd: servers.Sshd) -> None:
    tree.many(shop.at("src"), 67, 60)
    tree.build(shop.at("src/d[1]"), {b"f": b"1"})
    for source in ("/d*", "/f1?", "/d\\[1]"):
        done = same(shop, sshd.option, source=f"{sshd.host}:{os.fsdecode(shop.at('src'))}{source}")
        assert "wildcards" in done.out
        for name in ("ours", "theirs"):
            tree.remove(shop.at(name))

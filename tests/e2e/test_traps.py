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
    lines = [[line for line in out.splitlines() if "bytes" not in line] for out in (ours.out, theirs.out)]
    assert (ours.code, lines[0]) == (theirs.code, lines[1])
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


@pytest.mark.parametrize("source", ["src/", "./src", "src/d4/", "src/./d4", "src/f0", "{}/src/./d4", "{}/src"])
def test_relative_paths_arrive_as_they_were_given(shop: Shop, source: str) -> None:
    tree.many(shop.at("src"), 71, 60)
    os.makedirs(shop.at("src/d4/inner"), exist_ok=True)
    same(shop, "-R", source=source.format(os.fsdecode(shop.path)))
    assert shop.parsync("--verify", source.format(os.fsdecode(shop.path)), "ours", "-R").code == 0


def test_a_source_that_is_removed_cannot_be_compared_with(shop: Shop) -> None:
    tree.many(shop.at("src"), 75, 10)
    assert shop.parsync("--verify", "src/", "ours", "--remove-source-files").code == 2
    assert os.path.exists(shop.at("src/f0"))


def in_the_way(path: bytes) -> None:
    """Make a destination with a full folder where the source has a file."""
    tree.build(path, {b"f0": {b"%d" % number: b"x" for number in range(40)}, b"extra": b"1"})


def test_what_is_in_a_files_way_goes_by_force_alone(shop: Shop) -> None:
    tree.many(shop.at("src"), 71, 100)
    same(shop, "--force", prepare=in_the_way)


def test_what_is_in_a_files_way_counts_among_the_deletions(shop: Shop) -> None:
    tree.many(shop.at("src"), 71, 100)
    in_the_way(shop.at("ours"))
    done = shop.parsync(*CUT, "src/", "ours", "--delete", "--max-delete=8")
    assert done.code == 23, done
    assert "f0: could not make way" in done.out
    assert len(os.listdir(shop.at("ours/f0"))) > 30
    assert os.path.exists(shop.at("ours/extra"))
    assert shop.parsync(*CUT, "src/", "ours", "--delete", "--max-delete=400").code == 0
    assert differences(shop.at("src"), shop.at("ours")) == []


def test_links_that_lead_to_extras_are_one_batch_with_deletion(shop: Shop) -> None:
    tree.many(shop.at("src"), 72, 100)
    folder = next(name for name in sorted(os.listdir(shop.at("src"))) if name.startswith(b"d"))

    def prepare(path: bytes) -> None:
        os.makedirs(os.path.join(path, b"extra"))
        os.symlink("extra", os.path.join(path, folder))

    assert "--keep-dirlinks" in same(shop, "-K", "--delete", prepare=prepare).out


def test_folders_of_options_are_found_through_a_link_to_the_destination(shop: Shop) -> None:
    tree.many(shop.at("src"), 73, 80)
    os.makedirs(shop.at("far/off"))
    shop.rsync("src/", "far/off/last")
    os.makedirs(shop.at("last"))

    def prepare(path: bytes) -> None:
        there = shop.at("far/off/" + os.path.basename(path).decode())
        os.mkdir(there)
        tree.many(os.path.join(there, b"kept"), 74, 10)
        os.symlink(there, path)

    assert "linked" in same(shop, "--link-dest=../last", prepare=prepare).out
    inside = os.fsdecode(shop.at("far/off/ours/kept"))
    done = shop.parsync(*CUT, "src/", "ours", "--delete", "-b", f"--backup-dir={inside}")
    assert "--backup-dir inside" in done.out
    os.mkdir(shop.at("folder"))
    assert shop.parsync("src/f0", "folder/new", "--link-dest=../far/off/last").code == 0
    assert shop.parsync("src/f0", "folder/new/", "--link-dest=../far/off/last").code == 2


@pytest.mark.parametrize("option", ["-L", "-k", "--safe-links", "-l"])
def test_a_source_that_is_a_link_to_nothing(shop: Shop, option: str) -> None:
    os.symlink("nowhere", shop.at("src"))
    os.utime(shop.at("src"), ns=(tree.OLD, tree.OLD), follow_symlinks=False)
    theirs = shop.rsync(option, "src", "theirs/")
    ours = shop.parsync(*CUT, "src", "ours/", option)
    assert ours.code == theirs.code, (ours, theirs)
    found = [os.path.lexists(shop.at(f"{name}/src")) for name in ("ours", "theirs")]
    assert found[0] == found[1]


def test_a_missing_source_may_be_ignored(shop: Shop) -> None:
    assert shop.parsync("nothing", "ours", "--ignore-missing-args").code == 0
    assert shop.parsync("nothing", "ours").code == 1

"""rsync's options, one of each class: parsync and one rsync leave the same, with many batches.

Each test fails when batches are planned without regard to its option.
"""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.oracle import CUT, same


@pytest.fixture
def source(shop: Shop) -> Shop:
    tree.many(shop.at("src"), 51, 250, links=True)
    return shop


def old(path: bytes) -> None:
    """Make a destination with extras everywhere: files, folders, beside shared ones, files for folders and back."""
    tree.many(path, 51, 120)
    tree.build(os.path.join(path, b"extra"), {b"deep": {b"deeper": {b"file": b"1"}}, b"f": b"2"})
    for folder, names, files in list(os.walk(path)):
        if files:
            os.unlink(os.path.join(folder, files[0]))
            os.makedirs(os.path.join(folder, files[0], b"not a file"))
        if names and names[0] != b"extra" and not os.path.exists(os.path.join(folder, b"kept.o")):
            with open(os.path.join(folder, b"kept.o"), "wb") as file:
                file.write(b"object")
    tree.settle(path)


@pytest.mark.parametrize(
    "options",
    [
        "--delete",
        "--del",
        "--delete-before",
        "--delete-during",
        "--delete-delay",
        "--delete-after",
        "--delete --exclude=*.o",
        "--delete-excluded --exclude=*.o",
        "--delete --force",
        "--delete --backup --suffix=.old",
        "--delete --backup --backup-dir=kept",
        "--delete --filter=P_*.o",
        "--delete --max-delete=5000",
        "--force",
        "",
    ],
)
def test_deletion_in_every_spelling(source: Shop, options: str) -> None:
    same(source, *(word.replace("_", " ") for word in options.split()), prepare=old)


@pytest.mark.parametrize("limit", [0, 3])
def test_a_limit_of_deletions_holds_for_the_whole_run(source: Shop, limit: int) -> None:
    old(source.at("ours"))
    done = source.parsync(*CUT, "src/", "ours", "--delete", f"--max-delete={limit}", "--force")
    assert done.code == 25, done
    assert f"--max-delete={limit} refuses" in done.out
    assert os.path.exists(source.at("ours/extra/deep/deeper/file"))
    assert differences(source.at("src"), source.at("ours"), times=False)


def test_nothing_is_deleted_when_something_could_not_be_copied(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.many(anyone.at("src"), 52, 120)
    with open(anyone.at("src/closed"), "wb") as file:
        file.write(b"x")
    os.chmod(anyone.at("src/closed"), 0)
    tree.build(anyone.at("ours"), {b"extra": b"1"})
    os.chmod(anyone.at("ours"), 0o777)
    done = anyone.parsync(*CUT, "src/", "ours", "--delete")
    assert done.code == 23, done
    assert os.path.exists(anyone.at("ours/extra"))
    assert "nothing was deleted" in done.out
    assert anyone.parsync(*CUT, "src/", "ours", "--delete", "--ignore-errors").code == 23
    assert not os.path.exists(anyone.at("ours/extra"))


@pytest.mark.parametrize(
    "options",
    [
        "--exclude=f1*",
        "--exclude=/d0",
        "--exclude=d*/",
        "--include=*/ --include=f2* --exclude=*",
        "--filter=-_f3*",
        "--max-size=500",
        "--min-size=500",
        "--existing",
        "--ignore-existing",
        "-u",
        "-m --include=*/ --include=f2* --exclude=*",
        "-C",
        "-c",
        "-I",
        "--size-only",
        "--exclude=*",
    ],
)
def test_filters_and_selections(source: Shop, options: str) -> None:
    same(
        source,
        *(word.replace("_", " ") for word in options.split()),
        prepare=lambda path: void(tree.many(path, 53, 60)),
    )


def void(_value: object) -> None:
    """Forget a value."""


def test_per_directory_filter_files(source: Shop) -> None:
    for number, (folder, _, _) in enumerate(sorted(os.walk(source.at("src")))):
        if number % 3 == 0:
            with open(os.path.join(folder, b".rsync-filter"), "wb") as file:
                file.write(b"- f%d*\n" % (number % 10))
    tree.settle(source.at("src"))
    assert "per-directory" in same(source, "-F").out


def test_exclude_files_are_found_from_the_users_directory(source: Shop) -> None:
    with open(source.at("rules"), "wb") as file:
        file.write(b"f1*\n")
    same(source, "--exclude-from=rules")


def test_a_tree_of_which_most_is_excluded(source: Shop) -> None:
    tree.many(source.at("src/excluded"), 54, 800)
    same(source, "--exclude=/excluded")


def test_hard_links_across_directories(source: Shop) -> None:
    same(source, "-H", links=True)
    same(source, "-H", "--delete", links=True)


def test_ten_thousand_names_of_one_inode(shop: Shop) -> None:
    for number in range(10):
        os.makedirs(shop.at(f"src/d{number}"))
    with open(shop.at("src/d0/0"), "wb") as file:
        file.write(b"linked")
    for number in range(1, 10_000):
        os.link(shop.at("src/d0/0"), shop.at(f"src/d{number % 10}/{number}"))
    tree.many(shop.at("src/more"), 55, 100)
    tree.settle(shop.at("src"))
    assert shop.parsync(*CUT, "src/", "ours", "-H").code == 0
    assert os.stat(shop.at("ours/d3/3")).st_nlink == 10_000
    assert differences(shop.at("src"), shop.at("ours"), links=True) == []


@pytest.mark.parametrize(
    "options", ["-X", "-A", "-AX", "-A --fake-super", "-S", "-O", "-J", "--numeric-ids", "-E --no-p"]
)
def test_attributes(source: Shop, options: str) -> None:
    for number, (folder, _, files) in enumerate(sorted(os.walk(source.at("src")))):
        os.setxattr(folder, "user.number", b"%d" % number)
        subprocess.run(["setfacl", "-m", "u:12345:rx", folder], check=False)
        if files:
            os.setxattr(os.path.join(folder, files[0]), "user.file", b"1")
    same(source, *options.split(), xattrs=True)


@pytest.mark.root
@pytest.mark.parametrize(
    "options", ["--chmod=D750,F640", "--chown=123:456", "--usermap=0:77 --groupmap=*:88", "--fake-super -X"]
)
def test_owners_and_modes(source: Shop, options: str) -> None:
    same(source, *options.split(), xattrs=True)


@pytest.mark.parametrize(
    "options", ["-L", "-k", "--safe-links", "--copy-unsafe-links", "--munge-links", "--no-links", "-K"]
)
def test_links(source: Shop, options: str) -> None:
    os.symlink("d0", source.at("src/to a folder"))
    os.symlink("f0", source.at("src/to a file"))
    os.symlink("/etc/hostname", source.at("src/outside"))
    tree.settle(source.at("src"))
    same(source, *options.split())


@pytest.mark.root
def test_one_file_system(source: Shop) -> None:
    folder = next(folder for folder, _, _ in sorted(os.walk(source.at("src"))) if folder != source.at("src"))
    mount = os.path.join(folder, b"mounted")
    os.mkdir(mount)
    tree.settle(source.at("src"))
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mount]).returncode:
        pytest.skip("needs mount")
    try:
        with open(os.path.join(mount, b"inside"), "wb") as file:
            file.write(b"not ours")
        os.utime(mount, ns=(tree.OLD, tree.OLD))
        same(source, "-x")
        same(source, "-x", "--exclude=zzz")
        assert not os.path.exists(os.path.join(mount.replace(source.at("src"), source.at("ours")), b"inside"))
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


@pytest.mark.parametrize("option", ["--link-dest", "--copy-dest", "--compare-dest"])
def test_reference_directories(source: Shop, option: str) -> None:
    source.rsync("src/", "last")
    source.rsync("src/", "last but one")
    for folder, _, files in os.walk(source.at("last")):
        if files:
            os.unlink(os.path.join(folder, files[0]))
    done = same(source, f"{option}=../last", f"{option}=../last but one")
    assert ("linked " in done.out) == (option == "--link-dest"), done.out


@pytest.mark.parametrize(
    "options",
    ["--backup --backup-dir=inside", "--temp-dir=/dev/shm", "--partial-dir=.partial", "--delay-updates", "--inplace",
     "--append-verify", "--fuzzy", "--remove-source-files", "-z", "--no-whole-file", "--preallocate", "--fsync",
     "-rlptgoD", "--no-inc-recursive", "--stats -hhvvi --progress"],
)  # fmt: skip
def test_ordinary_calls(source: Shop, options: str) -> None:
    def prepare(path: bytes) -> None:
        tree.many(path, 51, 120)

    if "--remove-source-files" in options:
        subprocess.run(["cp", "-a", source.at("src"), source.at("again")], check=True)
        source.parsync(*CUT, "again/", "ours", *options.split())
        same_source = differences(source.at("again"), source.at("src"), times=False)
        assert same_source
        source.rsync(*options.split(), "src/", "theirs")
        assert differences(source.at("again"), source.at("src"), times=False) == []
        assert differences(source.at("ours"), source.at("theirs")) == []
        return
    same(source, *options.split(), prepare=prepare)


def test_verify_lists_what_differs(source: Shop) -> None:
    assert source.parsync(*CUT, "--verify", "src/", "ours").code == 0
    paths = sorted(os.path.join(folder, name) for folder, _, names in os.walk(source.at("ours")) for name in names)
    victim = next(path for path in paths if os.path.getsize(path))
    status = os.stat(victim)
    with open(victim, "r+b") as file:
        first = file.read(1)[0]
        file.seek(0)
        file.write(bytes([first ^ 1]))
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source.parsync(*CUT, "src/", "ours").code == 0
    found = source.parsync(*CUT, "--verify", "src/", "ours")
    assert found.code == 23
    assert f"differs  >fc........ {os.fsdecode(os.path.relpath(victim, source.at('ours')))}" in found.out


def test_bandwidth_is_shared_and_options_pass(source: Shop) -> None:
    done = source.parsync(*CUT, "--bwlimit=100000", "src/", "ours", "--bwlimit=40000")
    assert done.code == 0
    log = next(
        os.path.join(folder, name)
        for folder, _, names in os.walk(source.state)
        for name in names
        if name == b"RsyncBatch-0000.log"
    )
    with open(log, "rb") as file:
        words = file.read()
    assert b"--bwlimit=40000" in words
    assert b"--bwlimit=25000" in words

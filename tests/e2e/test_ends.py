"""Remote ends, both ways: a real sshd, a real rsync daemon, with every odd name."""

from __future__ import annotations

import os

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.servers import Rsyncd, Sshd

CUT = ("--batches=5", "--groups=2", "--parallel=3")


@pytest.fixture
def source(shop: Shop) -> bytes:
    tree.odd_names(shop.at("src"))
    tree.special(shop.at("src/special"), as_root=os.geteuid() == 0)
    tree.settle(shop.at("src/directories"))
    return shop.at("src")


def test_push_over_ssh(shop: Shop, source: bytes, sshd: Sshd) -> None:
    target = os.fsdecode(shop.at("made/dst"))
    done = shop.parsync(*CUT, "src/", f"{sshd.host}:{target}", sshd.option)
    assert done.code == 0, done
    assert differences(source, shop.at("made/dst")) == []


def test_pull_over_ssh(shop: Shop, source: bytes, sshd: Sshd) -> None:
    done = shop.parsync(*CUT, f"{sshd.host}:{os.fsdecode(source)}", "dst", sshd.option)
    assert done.code == 0, done
    assert differences(source, shop.at("dst/src")) == []


def test_pull_over_ssh_of_the_contents(shop: Shop, source: bytes, sshd: Sshd) -> None:
    done = shop.parsync(*CUT, f"{sshd.host}:{os.fsdecode(source)}/", "dst", sshd.option)
    assert done.code == 0, done
    assert differences(source, shop.at("dst")) == []


def test_push_to_a_daemon(shop: Shop, source: bytes, rsyncd: Rsyncd) -> None:
    done = shop.parsync(*CUT, "src/", "127.0.0.1::data/deep/er", rsyncd.option)
    assert done.code == 0, done
    shop.rsync("--mkpath", rsyncd.option, "src/", "127.0.0.1::data/theirs")
    assert differences(shop.at("daemon/data/deep/er"), shop.at("daemon/data/theirs")) == []


def test_pull_from_a_daemon(shop: Shop, source: bytes, rsyncd: Rsyncd) -> None:
    os.rename(source, shop.at("daemon/data/src"))
    done = shop.parsync(*CUT, f"rsync://127.0.0.1:{rsyncd.port}/data/src/", "dst")
    assert done.code == 0, done
    assert differences(shop.at("daemon/data/src"), shop.at("dst")) == []


def test_pull_of_a_whole_module(shop: Shop, rsyncd: Rsyncd) -> None:
    tree.many(shop.at("daemon/data/src"), 1, 80)
    tree.settle(shop.at("daemon/data"))
    done = shop.parsync(*CUT, "127.0.0.1::data", "ours", rsyncd.option)
    assert done.code == 0, done
    shop.rsync(rsyncd.option, "127.0.0.1::data", "theirs")
    assert differences(shop.at("ours"), shop.at("theirs")) == []


def test_a_password_file_reaches_every_process(shop: Shop, source: bytes, rsyncd: Rsyncd) -> None:
    with open(shop.at("password"), "wb") as file:
        file.write(b"opensesame\n")
    os.chmod(shop.at("password"), 0o600)
    done = shop.parsync(*CUT, "src/", "someone@127.0.0.1::secret/x", rsyncd.option, "--password-file=password")
    assert done.code == 0, done
    assert os.listdir(shop.at("daemon/data/x/special"))


def test_deletion_over_ssh(shop: Shop, source: bytes, sshd: Sshd) -> None:
    tree.build(shop.at("dst"), {b"extra": b"1", b"directories": {b"old": {b"x": b"1"}}, b"files": b"was a file"})
    done = shop.parsync(*CUT, "src/", f"{sshd.host}:{os.fsdecode(shop.at('dst'))}", sshd.option, "--delete")
    assert done.code == 0, done
    assert differences(source, shop.at("dst")) == []

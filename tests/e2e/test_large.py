"""A tree large enough for the default plan: several batches, cp before rsync, and exact all the same."""

from __future__ import annotations

import os

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences


def test_the_default_plan_copies_exactly(shop: Shop) -> None:
    tree.many(shop.at("src"), 81, 30_000)
    done = shop.parsync("src/", "dst", fine=False)
    assert done.code == 0, done
    assert "batches  1 " not in done.out
    assert differences(shop.at("src"), shop.at("dst")) == []
    with open(shop.at("src/f0") if os.path.exists(shop.at("src/f0")) else shop.at("src/new"), "wb") as file:
        file.write(b"changed")
    os.utime(shop.at("src"), ns=(tree.OLD, tree.OLD))
    again = shop.parsync("src/", "dst", "--delete", fine=False)
    assert again.code == 0, again
    assert "copied   1 file," in again.out
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_one_flat_directory_is_split(shop: Shop) -> None:
    os.mkdir(shop.at("src"))
    for number in range(30_000):
        with open(shop.at(f"src/file {number}"), "wb") as file:
            file.write(b"%d" % number)
    tree.settle(shop.at("src"))
    done = shop.parsync("src/", "dst", fine=False)
    assert done.code == 0, done
    assert "batches  1 " not in done.out
    assert differences(shop.at("src"), shop.at("dst")) == []

"""How often a run logs in: short calls share one connection, batches that travel at once have their own."""

from __future__ import annotations

import os
from pathlib import Path

from tests.harness import servers, tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.harness.servers import Sshd


def logins(shop: Shop, sshd: Sshd, *words: str) -> int:
    """Copy, and return how many logins it took."""
    before = sshd.logins()
    done = shop.parsync(*words, sshd.option, "--delete")
    assert done.code == 0, done
    assert differences(shop.at("src"), shop.at("dst")) == []
    locks = os.path.join(shop.state, b"locks")
    assert [name for name in os.listdir(locks) if not os.path.isfile(os.path.join(locks, name))] == []
    return sshd.logins() - before


def test_preparing_copying_deleting_and_settling_share_a_login(shop: Shop, sshd: Sshd) -> None:
    tree.many(shop.at("src"), 1, 80)
    tree.many(shop.at("dst"), 2, 20)
    target = f"{sshd.host}:{os.fsdecode(shop.at('dst'))}"
    assert logins(shop, sshd, "--id=x", "--batches=3", "--parallel=2", "src/", target) == 3


def test_listing_and_copying_share_a_login(shop: Shop, sshd: Sshd) -> None:
    tree.many(shop.at("src"), 1, 80)
    origin = f"{sshd.host}:{os.fsdecode(shop.at('src'))}/"
    assert logins(shop, sshd, "--id=x", "--batches=2", "--parallel=1", origin, "dst") == 2


def test_an_sshd_that_lets_nobody_share_is_asked_for_more_logins(shop: Shop, tmp_path: Path) -> None:
    tree.many(shop.at("src"), 1, 80)
    tree.many(shop.at("dst"), 2, 20)
    target = f"box:{os.fsdecode(shop.at('dst'))}"
    with servers.sshd(tmp_path / "sshd", sessions=1) as sshd:
        assert logins(shop, sshd, "--id=x", "--batches=4", "--parallel=4", "src/", target) > 4

"""parsync and one rsync side by side: the same call into two destinations, which must not differ in anything."""

from __future__ import annotations

from collections.abc import Callable

from tests.harness.command import Completed, Shop
from tests.harness.compare import differences

CUT = ("--batches=8", "--groups=3", "--parallel=4")
"""Cuts a small tree into several batches."""


def same(
    shop: Shop,
    *options: str,
    source: str = "src/",
    links: bool = False,
    xattrs: bool = False,
    prepare: Callable[[bytes], None] | None = None,
) -> Completed:
    """Copy `source` twice with these options, into destinations that `prepare` made, and compare everything."""
    for name in ("ours", "theirs"):
        if prepare:
            prepare(shop.at(name))
    theirs = shop.rsync(*options, source, "theirs")
    ours = shop.parsync(*CUT, source, "ours", *options)
    assert ours.code == theirs.code, (ours, theirs)
    assert differences(shop.at("ours"), shop.at("theirs"), links=links, xattrs=xattrs) == []
    return ours

"""rsync as the oracle for run after run: what is remembered of earlier ones must not show.

`PARSYNC_EXAMPLES=500 pytest tests/property/test_later_runs.py` explores at random.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES, memory
from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences
from tests.property.test_oracle import fill, literals

OPTIONS = [
    "", "--delete", "--delete -H", "-H", "--delete --max-delete=500", "-b --delete", "--delete -AX", "--delete -H -b",
    "--delete --chmod=D755,F644", "--delete -u", "--delete --existing", "--ignore-existing", "--delete --exclude=b",
    "--delete-excluded --exclude=*.o", "--delete -L", "--delete --link-dest=../last", "--compare-dest=../last",
    "--delete --fake-super -X", "--delete -O", "--delete --no-times", "-b --backup-dir=../aside --delete",
    "--delete-before", "--force", "--delete --size-only", "--delete -c", "--delete -I", "--delete -AXHx --numeric-ids",
    "--delete --max-delete=500 -H", "--delete --inplace", "--delete --partial-dir=.part --delay-updates",
    "--delete -K", "--delete -xH",
]  # fmt: skip
RUNS = 3


@settings(max_examples=EXAMPLES or 30)
@given(
    first=literals,
    options=st.sampled_from(OPTIONS).map(str.split),
    incremental=st.booleans(),
    fine=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_every_run_leaves_what_rsync_leaves(
    first: dict[bytes, object], options: list[str], incremental: bool, fine: bool, seed: int
) -> None:
    """The clock is trusted at once here: edits come a good while after the walk before."""
    path = tempfile.mkdtemp(prefix="parsync-test-", dir=memory())
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.walking.RACY_NANOSECONDS", -(10**15))
            shop = Shop(os.fsencode(path))
            check(shop, first, options, ("--incremental",) if incremental else (), fine, random.Random(seed))
    finally:
        tree.remove(os.fsencode(path))


def check(
    shop: Shop,
    first: dict[bytes, object],
    options: list[str],
    words: tuple[str, ...],
    fine: bool,
    chance: random.Random,
) -> None:
    fill(shop.at("src"), {b"an empty source is refused": b""} | first, chance)
    fill(shop.at("last"), first, chance)
    for number in range(RUNS):
        theirs = shop.rsync(*options, "src/", "theirs")
        ours = shop.forked(*words, "--parallel=2", "--batches=4", "--groups=2", "src/", "ours", *options, fine=fine)
        assert ours.code == theirs.code, (number, ours, theirs)
        if theirs.code:
            return
        links = any("H" in word for word in options)
        assert differences(shop.at("ours"), shop.at("theirs"), links=links, xattrs=True) == []
        for _ in range(chance.randrange(4)):
            edit(shop.at("src"), chance)


def edit(root: bytes, chance: random.Random) -> None:
    """Change one thing; whatever it touches gets an old time of its own."""
    folders = [folder for folder, _, _ in os.walk(root)]
    everything = [os.path.join(folder, name) for folder, below, names in os.walk(root) for name in below + names]
    files = [path for path in everything if os.path.isfile(path) and not os.path.islink(path)]
    fresh = os.path.join(chance.choice(folders), b"new%d" % chance.randrange(5))
    victim = chance.choice(everything) if len(everything) > 1 else b""
    match chance.randrange(10):
        case 0 if files:
            with open(chance.choice(files), "ab") as file:
                file.write(b"more")
            touch(file.name, chance)
        case 1 if not os.path.lexists(fresh):
            with open(fresh, "wb") as file:
                file.write(b"n" * chance.randrange(3))
            touch(fresh, chance)
        case 2 if not os.path.lexists(fresh):
            tree.build(fresh, {b"deep": {b"deeper": {}, b"file": b"f"}, b"link": "nowhere"})
            tree.settle(fresh, chance.randrange(500))
        case 3 if victim:
            remove(victim)
        case 4 if victim and not os.path.lexists(fresh) and not fresh.startswith(victim + b"/"):
            os.rename(victim, fresh)
            touch(os.path.dirname(victim), chance)
        case 5 if victim and not os.path.islink(victim):
            os.chmod(victim, chance.choice((0o700, 0o755) if os.path.isdir(victim) else (0o600, 0o444)))
        case 6 if files and not os.path.lexists(fresh):
            os.link(chance.choice(files), fresh)
        case 7 if victim and not os.path.isdir(victim):
            os.unlink(victim)
            os.makedirs(os.path.join(victim, b"inside"))
            tree.settle(victim, chance.randrange(500))
        case 8 if files and not os.path.lexists(fresh):
            os.makedirs(os.path.join(fresh, b"holds a link"))
            os.link(chance.choice(files), os.path.join(fresh, b"holds a link", b"link"))
            tree.settle(fresh, chance.randrange(500))
        case 9 if victim and not os.path.islink(victim):
            os.setxattr(victim, "user.attribute", b"%d" % chance.randrange(1000))
        case _:
            return
    touch(os.path.dirname(fresh), chance)
    if victim:
        touch(os.path.dirname(victim), chance)


def remove(path: bytes) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def touch(path: bytes, chance: random.Random) -> None:
    if os.path.lexists(path):
        when = chance.randrange(10**18, 15 * 10**17)
        os.utime(path, ns=(when, when), follow_symlinks=False)

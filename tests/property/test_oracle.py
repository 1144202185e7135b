"""rsync itself as the oracle: random trees, edits and options, parsync into one destination, rsync into another.

Where something could not be read, one rsync deletes in the directories that it had met before, and parsync nothing.
`PARSYNC_EXAMPLES=2000 pytest tests/property/test_oracle.py` explores at random; a failure prints its example.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import tempfile

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES, memory
from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences

NAMES = [b"a", b"b", b"c.o", b"-d", b"e f", b"g\nh", b"\xff", b"#i", b"*"]
contents = st.sampled_from([b"", b"1", b"22", b"x" * 5000])
targets = st.sampled_from(["a", "b", "/nowhere", "e f/a"])
"""None leads upwards: rsync -L would follow it round and round until the disk is full."""
names = st.sampled_from(NAMES)
literals = st.recursive(
    st.dictionaries(names, st.one_of(contents, targets), max_size=4),
    lambda inner: st.dictionaries(names, st.one_of(contents, targets, inner), max_size=5),
    max_leaves=25,
)
OPTIONS = [
    "--delete", "--delete-after", "--delete-excluded", "--exclude=*.o", "--exclude=/a", "--exclude=b/", "--include=a",
    "--filter=- c.o", "-H", "-x", "-c", "-u", "--existing", "--ignore-existing", "--size-only", "-I", "-W", "--inplace",
    "-S", "-L", "-k", "-K", "-O", "-J", "--safe-links", "--copy-unsafe-links", "--max-size=100", "--min-size=2",
    "--backup", "--backup-dir=backups", "--suffix=.old", "-m", "-F", "--no-times", "--no-perms", "--no-links", "-E",
    "--chmod=D755,F644", "--numeric-ids", "--delay-updates", "--partial-dir=.part", "--fuzzy", "--remove-source-files",
    "--force", "--ignore-errors", "--delete-before", "-v", "-i", "--stats", "-z", "--no-inc-recursive", "-X", "-A",
    "--link-dest=../last", "--link-dest=../older", "--copy-dest=../last", "--compare-dest=../last", "-b",
    "--backup-dir=../aside", "--append", "--append-verify", "--temp-dir=../tmp", "--max-delete=1000", "--filter=P b",
    "--filter=H a", "--filter=R *.o", "--filter=-s b", "--filter=-r b", "--filter=merge,- rules",
    "--chown=123:456", "--usermap=0:77", "--groupmap=*:88", "--chmod=D2755,Fu+s", "-U", "--munge-links", "--no-links",
    "--no-D", "--no-o", "--no-group", "-xx", "--no-x", "--no-relative", "--implied-dirs", "--no-whole-file", "-B700",
    "--preallocate", "--mkpath", "-@-1", "--del", "--delete-during", "--delete-delay", "-aHAX", "-rlptgoD", "-E", "-P",
    "--log-file=log", "--fsync", "-hhvv", "--no-specials", "--no-devices", "--no-super", "-ax",
    "--debug=ALL0", "--info=NAME", "--open-noatime", "--checksum-choice=md5", "--exclude-from=rules",
    "--skip-compress=gz", "--no-p", "--no-A", "--copy-devices", "--write-devices", "--protect-args",
    "--ignore-missing-args", "--fake-super", "--no-implied-dirs",
]  # fmt: skip
ACL = (1, 7, 0xFFFFFFFF, 2, 5, 12345, 4, 5, 0xFFFFFFFF, 16, 5, 0xFFFFFFFF, 32, 5, 0xFFFFFFFF)
"""Tag, permissions and id of each entry (acl(5)): owner, a user, group, mask, others."""
IN_PLACE = ("--inplace", "--append", "--write-devices", "-c", "--size-only")
plans = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 9))


def unlike(options: list[str]) -> bool:
    """Say whether options would make rsync's own result depend on the order of its work.

    With backups inside a destination that extras are deleted from, one rsync leaves the root's time set or not.
    """
    chosen = {option.partition("=")[0] for option in options}
    if "--backup-dir=backups" in options and any(option.startswith("--del") for option in options):
        return True
    return bool(chosen & {"--inplace"} and chosen & {"--delay-updates", "--partial-dir"})


def difference(left: bytes, right: bytes, *, links: bool) -> list[str]:
    """Compare two destinations, of which neither may be there."""
    if not (os.path.exists(left) and os.path.exists(right)):
        return [] if os.path.exists(left) == os.path.exists(right) else ["one is there, the other not"]
    return differences(left, right, links=links, xattrs=True)


def fill(root: bytes, literal: dict[bytes, object], chance: random.Random, *, links: bool = True) -> None:
    """Build a tree, then link some files and close some directories."""
    tree.build(root, literal)
    files = [os.path.join(folder, name) for folder, _, found in os.walk(root) for name in found]
    regular = [path for path in files if not os.path.islink(path)]
    folders = [folder for folder, _, _ in os.walk(root)]
    for number in range(chance.randrange(4) if regular and links else 0):
        os.link(chance.choice(regular), os.path.join(chance.choice(folders), b"link%d" % number))
    tree.settle(root, chance.randrange(500))
    for path in chance.sample([*regular, *folders], min(2, len(regular) + len(folders))):
        os.setxattr(path, "user.attribute", b"%d" % chance.randrange(3))
        if chance.randrange(2):
            entries = struct.pack("<I" + "HHI" * 5, 2, *ACL)
            os.setxattr(path, "system.posix_acl_access", entries)
            if os.path.isdir(path):
                os.setxattr(path, "system.posix_acl_default", entries)
    for folder in chance.sample(folders[1:], min(2, len(folders) - 1)):
        os.chmod(folder, chance.choice((0o555, 0o700, 0o2775)))


@settings(max_examples=EXAMPLES or 200)
@given(
    before=literals,
    after=literals,
    options=st.lists(st.sampled_from(OPTIONS), max_size=4, unique=True).filter(lambda found: not unlike(found)),
    plan=plans,
    slash=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_parsync_leaves_what_rsync_leaves(
    before: dict[bytes, object],
    after: dict[bytes, object],
    options: list[str],
    plan: tuple[int, int, int],
    slash: bool,
    seed: int,
) -> None:
    path = tempfile.mkdtemp(prefix="parsync-test-", dir=memory())
    try:
        check(Shop(os.fsencode(path)), before, after, options, plan, "/" if slash else "", seed)
    finally:
        tree.remove(os.fsencode(path))


def check(
    shop: Shop,
    before: dict[bytes, object],
    after: dict[bytes, object],
    options: list[str],
    plan: tuple[int, int, int],
    slash: str,
    seed: int,
) -> None:
    # Where two names of one file at the destination are written in place, the last one wins.
    links = not any(option.startswith(IN_PLACE) for option in options)
    for name in ("one", "two"):
        fill(shop.at(f"{name}/src"), after, random.Random(seed))
        if seed % 4:
            fill(shop.at(f"{name}/dst" + ("" if slash else "/src")), before, random.Random(seed + 1), links=links)
            tree.settle(shop.at(f"{name}/dst"))
        fill(shop.at(f"{name}/last" + ("" if slash else "/src")), after, random.Random(seed + seed % 3))
        fill(shop.at(f"{name}/older" + ("" if slash else "/src")), before, random.Random(seed + 1))
        os.mkdir(shop.at(f"{name}/tmp"))
    with open(shop.at("rules"), "wb") as file:
        file.write(b"c.*\n/b\n")
    parallel, groups, batches = plan
    gone = "delete" in " ".join(options) and not os.listdir(shop.at("one/src"))
    theirs = shop.rsync(*options, f"two/src{slash}", "two/dst")
    ours = shop.forked(
        f"--parallel={parallel}", f"--groups={groups}", f"--batches={batches}", f"one/src{slash}", "one/dst", *options
    )
    event(f"rsync ends with {theirs.code}")
    if gone and ours.code == 1:
        assert "is empty" in ours.err
        return
    if theirs.code == 1:
        assert ours.code in (1, 2), (ours, theirs)
        return
    assert ours.code == theirs.code, (ours, theirs)
    assert differences(shop.at("one/src"), shop.at("two/src"), links=True, times=False) == []
    found = difference(shop.at("one/dst"), shop.at("two/dst"), links=bool({"-H", "-aHAX"} & set(options)))
    if theirs.code == 23 and "delete" in " ".join(options):
        found = [line for line in found if not line.startswith(("only left", "mtime"))]
    if os.path.exists(shop.at("two/aside")):
        found += differences(shop.at("one/aside"), shop.at("two/aside"), times=False)
    assert found == []
    shutil.rmtree(shop.at("home"), ignore_errors=True)

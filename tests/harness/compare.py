"""Compare two trees entry by entry: names, types, contents, modes, owners, times to the nanosecond, links."""

from __future__ import annotations

import os
import stat
from collections import defaultdict

RECENT = 1_700_000_000_000_000_000
"""Sources are older; what is younger got its time from the clock, and never the same one twice."""


def differences(
    left: bytes, right: bytes, *, links: bool = False, xattrs: bool = False, times: bool = True
) -> list[str]:
    """Return a line per difference, sorted; empty means that the trees are the same, their roots included."""
    one, two = _entries(left, links, xattrs, times), _entries(right, links, xattrs, times)
    lines = [f"only left: {path!r}" for path in one.keys() - two.keys()]
    lines += [f"only right: {path!r}" for path in two.keys() - one.keys()]
    for path in one.keys() & two.keys():
        for name in one[path]:
            if one[path][name] != two[path].get(name):
                lines.append(f"{name} of {path!r}: {one[path][name]!r} != {two[path].get(name)!r}")
    return sorted(lines)


def _entries(root: bytes, links: bool, xattrs: bool, times: bool) -> dict[bytes, dict[str, object]]:
    found: dict[bytes, dict[str, object]] = {}
    inodes: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    pending = [b""]
    while pending:
        path = pending.pop()
        full = os.path.join(root, path) if path else root
        status = os.stat(full) if not path else os.lstat(full)
        found[path] = _facts(full, status, xattrs, times)
        if stat.S_ISDIR(status.st_mode):
            pending += [os.path.join(path, name) for name in os.listdir(full)]
        elif links:
            inodes[status.st_dev, status.st_ino].append(path)
    for names in inodes.values():
        for name in names:
            found[name]["names of the inode"] = sorted(names)
    return found


def _facts(full: bytes, status: os.stat_result, xattrs: bool, times: bool) -> dict[str, object]:
    kind = stat.S_IFMT(status.st_mode)
    facts: dict[str, object] = {
        "type": oct(kind),
        "mode": oct(stat.S_IMODE(status.st_mode)),
        "owner": (status.st_uid, status.st_gid),
    }
    if times:
        facts["mtime"] = status.st_mtime_ns if status.st_mtime_ns < RECENT else "made by this test"
    if stat.S_ISREG(kind):
        facts["content"] = _content(full)
    elif stat.S_ISLNK(kind):
        facts["target"] = os.readlink(full)
    elif stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
        facts["device"] = status.st_rdev
    if xattrs:
        facts["xattrs"] = {name: os.getxattr(full, name, follow_symlinks=False) for name in _xattr_names(full)}
    return facts


def _xattr_names(full: bytes) -> list[str]:
    try:
        return sorted(os.listxattr(full, follow_symlinks=False))
    except OSError:
        return []


def _content(full: bytes) -> bytes | str:
    try:
        with open(full, "rb") as file:
            return file.read()
    except PermissionError:
        return "unreadable"

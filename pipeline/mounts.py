"""Which file system a path is on, and whether it waits for a network."""

from __future__ import annotations

import os
import re

WAITING = re.compile(rb"nfs|cifs|smb|ceph|gluster|lustre|beegfs|afs|9p|fuse\.(sshfs|s3fs|rclone|gcsfuse|davfs)|davfs")
"""File system types whose calls wait for a network (names as in /proc/self/mountinfo)."""


def file_system(path: bytes) -> tuple[bytes, bytes]:
    """Return mount point and type of the file system that holds `path` (or its nearest existing parent)."""
    real = os.path.realpath(path)
    best = (b"/", b"")
    try:
        with open("/proc/self/mountinfo", "rb") as lines:
            for line in lines:
                left, _, right = line.partition(b" - ")
                mount = _unescape(left.split()[4])
                if _holds(mount, real) and len(mount) >= len(best[0]):
                    best = (mount, right.split()[0])
    except OSError:
        pass
    return best


def waits(path: bytes) -> bool:
    """Say whether `path` is on a file system whose every call waits for a network."""
    return bool(WAITING.match(file_system(path)[1]))


def _holds(mount: bytes, path: bytes) -> bool:
    return mount == b"/" or path == mount or path.startswith(mount + b"/")


def _unescape(text: bytes) -> bytes:
    """Undo the octal escapes of mountinfo (space, tab, newline, backslash)."""
    return re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), text)

"""Trees for tests: from a literal, from a seed, and with every name that a file system allows.

Times are old and have fractions, since rsync compares directories in whole seconds (an entry made in the second
that its source bears keeps its own fraction).
"""

from __future__ import annotations

import os
import random
import stat

OLD = 1_500_000_000_123_456_789
"""Nanoseconds; every entry gets a time of its own after it."""

NAMES: tuple[bytes, ...] = (
    b"plain",
    b" both ends ",
    b"-rf",
    b"--delete",
    b"#comment",
    b";semicolon",
    b"*",
    b"?",
    b"[a]",
    b"{a,b}",
    b"~",
    b"$HOME",
    b"`id`",
    b"a\nb",
    b"a\rb",
    b"tab\tname",
    b"\xff\xfe",
    b"\xc3\xa9",
    b"\\#012",
    b"back\\slash",
    b'quo"te',
    b"it's",
    b"a -> b",
    b"colon:name",
    b"host::module",
    b"\x1b[31mred",
    b"...",
    b"..a",
    b"+ plus",
    b"x" * 255,
)


def settle(root: bytes, seed: int = 0) -> None:
    """Give every entry below `root`, and root itself, an old time of its own, directories last."""
    number = seed % 1000
    for folder, directories, files in os.walk(root, topdown=False):
        for name in [*files, *directories]:
            path = os.path.join(folder, name)
            number += 1
            at = OLD + number * 1_000_001_007
            os.utime(path, ns=(at, at), follow_symlinks=False)
    os.utime(root, ns=(OLD, OLD))


def build(root: bytes, literal: dict[bytes, object]) -> bytes:
    """Make a tree from a literal: bytes are a file's content, a dict a directory, a str a link's target."""
    _build(root, literal)
    settle(root)
    return root


def _build(root: bytes, literal: dict[bytes, object]) -> None:
    os.makedirs(root, exist_ok=True)
    for name, what in literal.items():
        path = os.path.join(root, name)
        if isinstance(what, dict):
            _build(path, what)
        elif isinstance(what, str):
            os.symlink(what, path)
        else:
            assert isinstance(what, bytes)
            with open(path, "wb") as file:
                file.write(what)


def odd_names(root: bytes) -> bytes:
    """Make a tree in which every odd name is once a file, once a directory with a file, and once a link."""
    for name in NAMES:
        os.makedirs(os.path.join(root, b"directories", name))
        _write(os.path.join(root, b"directories", name, b"file"), name)
        os.makedirs(os.path.join(root, b"files"), exist_ok=True)
        _write(os.path.join(root, b"files", name), name)
        os.makedirs(os.path.join(root, b"links"), exist_ok=True)
        os.symlink(name, os.path.join(root, b"links", name))
    os.makedirs(os.path.join(root, *[b"deep%d" % level for level in range(40)]))
    os.makedirs(os.path.join(root, b"empty", b"empty"))
    os.symlink(b"/etc/hostname", os.path.join(root, b"absolute"))
    os.symlink(b"directories", os.path.join(root, b"to a directory"))
    settle(root)
    return root


def special(root: bytes, *, as_root: bool) -> bytes:
    """Make a tree of modes, FIFOs and, as root, devices and other owners."""
    os.makedirs(root)
    for mode in (0o755, 0o700, 0o555, 0o500, 0o1777, 0o2775):
        folder = os.path.join(root, b"mode-%o" % mode)
        os.makedirs(os.path.join(folder, b"inner"))
        _write(os.path.join(folder, b"file"), b"x")
        _write(os.path.join(folder, b"inner", b"file"), b"y")
    for mode in (0o644, 0o400, 0o4755, 0o2755, 0o6711, 0o000 if as_root else 0o444):
        path = os.path.join(root, b"file-%o" % mode)
        _write(path, b"z")
        os.chmod(path, mode)
    os.mkfifo(os.path.join(root, b"fifo"))
    if as_root:
        os.mknod(os.path.join(root, b"null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(os.path.join(root, b"block"), stat.S_IFBLK | 0o600, os.makedev(7, 200))
        os.chown(os.path.join(root, b"mode-700"), 12345, 23456)
        os.chown(os.path.join(root, b"file-644"), 12345, 23456)
    settle(root)
    for mode in (0o755, 0o700, 0o555, 0o500, 0o1777, 0o2775):
        folder = os.path.join(root, b"mode-%o" % mode)
        os.chmod(os.path.join(folder, b"inner"), mode)
        os.chmod(folder, mode)
    return root


def many(root: bytes, seed: int, files: int, *, links: bool = False) -> bytes:
    """Make a random tree of so many small files, some levels deep; with `links` a tenth are hard links."""
    chance = random.Random(seed)
    folders = [root]
    os.makedirs(root)
    made: list[bytes] = []
    for number in range(files):
        if chance.random() < 0.08:
            folders.append(os.path.join(chance.choice(folders), b"d%d" % number))
            os.mkdir(folders[-1])
        path = os.path.join(chance.choice(folders), b"f%d" % number)
        if links and made and chance.random() < 0.1:
            os.link(chance.choice(made), path)
        else:
            _write(path, chance.randbytes(chance.choice((0, 1, 100, 3000))))
            made.append(path)
    settle(root, seed)
    return root


def _write(path: bytes, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def remove(root: bytes) -> None:
    """Remove a tree, whatever its modes."""
    import shutil

    for folder, directories, _ in os.walk(root):
        for name in directories:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(root, ignore_errors=True)

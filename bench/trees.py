"""Trees to copy, from a seed: many small files, mixed sizes with some huge, one flat directory, deep chains."""

from __future__ import annotations

import glob
import os
import random
import shutil
import subprocess
from collections.abc import Callable

OLD = 1_500_000_000


def small(root: str, files: int) -> None:
    """Files of 0 to 4 kB, a hundred to a directory, two levels deep."""
    chance = random.Random(1)
    for number in range(0, files, 100):
        folder = f"{root}/{number // 5000:04}/{number:07}"
        os.makedirs(folder)
        for name in range(number, min(files, number + 100)):
            _write(f"{folder}/f{name}", chance.randbytes(chance.randrange(4096)))


def empty(root: str, files: int) -> None:
    """Empty files, a hundred to a directory."""
    for number in range(0, files, 100):
        folder = f"{root}/{number // 5000:04}/{number:07}"
        os.makedirs(folder)
        for name in range(number, min(files, number + 100)):
            _write(f"{folder}/f{name}", b"")


def mixed(root: str, files: int) -> None:
    """Nine tenths small, a tenth of 100 kB to 1.3 MB, and a few of 64 MB."""
    chance = random.Random(2)
    block = chance.randbytes(1 << 20)
    for number in range(files):
        folder = f"{root}/{number % 40:02}/{number // 400:04}"
        os.makedirs(folder, exist_ok=True)
        if number % (files // 12 or 1) == 5:
            _write(f"{folder}/huge{number}", block * 64)
        elif number % 10 == 0:
            _write(f"{folder}/m{number}", (block * 2)[: chance.randrange(100_000, 1_300_000)])
        else:
            _write(f"{folder}/s{number}", block[: chance.randrange(20_000)])


def flat(root: str, files: int) -> None:
    """One directory."""
    os.makedirs(root)
    for number in range(files):
        _write(f"{root}/file-{number}", b"x" * (number % 2000))


def deep(root: str, files: int) -> None:
    """Chains of thirty directories with a few files in each."""
    for number in range(files):
        chain = "/".join(f"{level:02}" for level in range(number % 30))
        folder = f"{root}/{number // 900:03}/{chain}"
        os.makedirs(folder, exist_ok=True)
        _write(f"{folder}/f{number}", b"y" * (number % 3000))


def large(root: str, files: int) -> None:
    """So many files of 256 MiB."""
    block = random.Random(3).randbytes(1 << 20)
    os.makedirs(root)
    for number in range(files):
        with open(f"{root}/big{number}", "wb") as file:
            for _ in range(256):
                file.write(block)


def shared(root: str, _files: int) -> None:
    """A real tree that every machine has."""
    shutil.copytree("/usr/share", root, symlinks=True)


def kernel(root: str, _files: int) -> None:
    """A kernel's source tree, from Debian's package linux-source."""
    found = sorted(glob.glob("/usr/src/linux-source-*.tar.*"))
    if not found:
        raise SystemExit("a kernel source tree is needed: apt-get install linux-source")
    os.makedirs(root)
    subprocess.run(["tar", "-xf", found[-1], "-C", root, "--strip-components=1"], check=True)


KINDS: dict[str, Callable[[str, int], None]] = {
    "small": small,
    "empty": empty,
    "mixed": mixed,
    "flat": flat,
    "deep": deep,
    "large": large,
}
REAL: dict[str, Callable[[str, int], None]] = {"shared": shared, "kernel": kernel}
"""Trees that keep the times they have."""


def build(root: str, kind: str, files: int) -> None:
    """Make a tree; one from a seed has old times."""
    if kind in REAL:
        REAL[kind](root, files)
        return
    KINDS[kind](root, files)
    for folder, _, names in os.walk(root, topdown=False):
        for name in names:
            os.utime(f"{folder}/{name}", (OLD, OLD))
        os.utime(folder, (OLD, OLD))


def edit(root: str, seed: int) -> None:
    """Change one file in a hundred, add and delete one in five hundred."""
    chance = random.Random(seed)
    files = sorted(f"{folder}/{name}" for folder, _, names in os.walk(root) for name in names)
    for path in chance.sample(files, max(1, len(files) // 100)):
        with open(path, "ab") as file:
            file.write(b"edited")
    some = max(1, len(files) // 500)
    for number, path in enumerate(chance.sample(files, 2 * some)):
        if number % 2:
            os.unlink(path)
        else:
            _write(f"{path}.added{seed}", b"new")


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)

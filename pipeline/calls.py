"""How paths become rsync calls: as arguments where they fit, as a list on stdin where a remote side must read them.

Pure. Which options a stage gives is in `rsync.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.model import Ends, Location, Transfer

ARGUMENT_BYTES = 1_000_000
"""Paths of one call. Linux allows 2 MiB of arguments and environment, each counted with 9 bytes of its own."""
_PER_ARGUMENT = 9


@dataclass(frozen=True, slots=True)
class Call:
    """One rsync process: arguments without the program's name, and what it reads."""

    arguments: tuple[bytes, ...]
    stdin: bytes = b""


def over(
    transfer: Transfer,
    head: tuple[bytes, ...],
    paths: Sequence[bytes],
    *,
    ending: bytes = b"",
    recursive: bool = True,
    together: bool = False,
) -> Iterator[Call]:
    """Yield calls over paths: as arguments where they are local, as a list on stdin where they are remote.

    Arguments cost a fifth of a list, but a remote side would expand `*?[` in them (RSYNC.md 2). In an argument
    `/./` says where the path below the root begins, so that relative paths in options keep their meaning.
    `together`: links between the paths show to one process only, so that there must not be a second call.
    """
    if not paths:
        return
    destination = into(transfer.destination)
    below = folder(transfer.root.path) + b"./"
    parts = list(fitting([below + path + ending if path else below for path in paths]))
    if transfer.source.remote or (together and len(parts) > 1):
        start, below = listed_from(transfer.root)
        names = [below + path + ending if path else below for path in paths]
        recursion = (b"-r",) if recursive else ()
        listed = (*recursion, b"--from0", b"--files-from=-", b"--", start)
        yield Call((*head, *listed, destination), stdin=b"".join(name + b"\0" for name in names))
        return
    for part in parts:
        yield Call((*head, b"--", *part, destination))


def directories(transfer: Transfer, words: tuple[bytes, ...], shared: Sequence[bytes]) -> Iterator[Call]:
    """Yield calls over directories' own entries, without what they hold.

    rsync lists a level for `./` however it is given, so the root comes with filters that leave only the shared
    ones of its level; where those are many, or have odd names, in a call of its own.
    """
    head = (b"-aR", b"--no-implied-dirs")
    tail = (*words, b"--no-r", b"-d")
    top = {path.partition(b"/")[0] for path in shared if path}
    if b"" in shared and len(top) <= FILTERED_MOST and all(map(_PLAIN_NAME.fullmatch, top)):
        alone = [b"--filter=+ /%s" % name for name in sorted(top)]
        yield from over(transfer, (*head, *alone, _NOTHING_ELSE, *tail), shared, recursive=False)
        return
    if b"" in shared:
        yield from over(transfer, (*head, _NOTHING_ELSE, *tail), [b""], recursive=False)
    yield from over(transfer, (*head, *tail), [path for path in shared if path], recursive=False)


_NOTHING_ELSE = b"--filter=- /*"
_PLAIN_NAME = re.compile(rb"[\w.+=,@-]+")
FILTERED_MOST = 200
"""Filters are tried one after the other for each entry of the root's level."""


def listed_from(root: Location) -> tuple[bytes, bytes]:
    """Return a remote root as rsync's source argument, and what each name of a list begins with.

    A daemon (3.5.0, without chroot) finds no file of a list below a folder inside its module, so its lists begin
    at the module, with `/./` where the root is.
    """
    if root.ends is not Ends.DAEMON:
        return root.argument(folder(root.path)), b"./"
    module, _, inside = root.path.partition(b"/")
    inside = inside.strip(b"/")
    return root.argument(module + b"/"), inside + b"/./" if inside else b"./"


def into(destination: Location) -> bytes:
    """Return the destination as a folder to copy into, even where it is given without a slash."""
    return destination.argument(folder(destination.path))


def folder(path: bytes) -> bytes:
    return path if path.endswith(b"/") else (path or b".") + b"/"


def fitting(names: list[bytes]) -> Iterator[list[bytes]]:
    """Yield the names in parts that fit one command line."""
    part: list[bytes] = []
    weight = 0
    for name in names:
        cost = len(name) + _PER_ARGUMENT
        if part and weight + cost > ARGUMENT_BYTES:
            yield part
            part, weight = [], 0
        part.append(name)
        weight += cost
    if part:
        yield part


def through(shell: bytes, arguments: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return arguments by another remote shell, if there is one; of two `--rsh` the later one counts."""
    if not shell:
        return arguments
    place = len(arguments) - 1 - arguments[::-1].index(b"--")
    return (*arguments[:place], b"--rsh=" + shell, *arguments[place:])

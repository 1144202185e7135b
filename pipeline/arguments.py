"""Argument lists: what fits one command line, and another remote shell for one that is made already. Pure."""

from __future__ import annotations

from collections.abc import Iterator

ARGUMENT_BYTES = 1_000_000
"""Paths of one call. Linux allows 2 MiB of arguments and environment, each counted with 9 bytes of its own."""
_PER_ARGUMENT = 9


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

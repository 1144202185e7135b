"""Planner and index on a synthetic walk of very many files: time, memory, batches, bytes of state per directory.

    python bench/scale.py --files 1e7 1e8 [1e9]

The walk is made up (a hundred files to a directory, a thousand directories to a branch), so that no disk is needed;
everything above it is the real thing. Writes bench/SCALE.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from pipeline import durable, index, planning, signatures
from pipeline.cost import LOCAL
from pipeline.index import Meta, Row
from pipeline.model import Unit
from pipeline.signatures import Signed
from pipeline.tree import Entry, Folder, Listing, Node

FILES = 100
BRANCH = 1000


def walk(files: int) -> Iterator[Listing]:
    """Yield listings, parents first: branches of BRANCH directories with FILES files of 2 to 20 kB each."""
    entries = [Entry(b"file-%06d.data" % number, 2000 + 180 * number) for number in range(FILES)]
    branches = max(1, files // (FILES * BRANCH))
    yield Listing(b"", [], [b"branch-%06d" % number for number in range(branches)], [], [])
    for branch in range(branches):
        top = b"branch-%06d" % branch
        yield Listing(top, [], [b"directory-%04d" % number for number in range(BRANCH)], [], [])
        for number in range(BRANCH):
            yield Listing(top + b"/directory-%04d" % number, entries, [], [], [])


def measure(files: int, folder: Path) -> str:
    """Plan so many files and write all state; return a row of the table."""
    started = time.perf_counter()
    nodes: dict[bytes, Node] = {}
    weigher = Folder(LOCAL.floor, lambda node: nodes.__setitem__(node.path, node))
    for listing in walk(files):
        weigher.add(listing)
    weighed = time.perf_counter() - started
    started = time.perf_counter()
    plan = planning.plan(nodes[b""], nodes, slots=2000, parallel=16, grain=LOCAL)
    for number, units in enumerate(plan.batches):
        durable.write_records(os.fsencode(folder / f"{number}.units"), units, Unit)
    planned = time.perf_counter() - started
    started = time.perf_counter()
    path = os.fsencode(folder / "index")
    signed = Signed(
        b"w" * signatures.SIGNATURE_BYTES, b"o" * signatures.ENTRY_BYTES, b"e" * signatures.ENTRY_BYTES * FILES
    )
    index.write(path, (Row(one.path, signed) for one in walk(files)), Meta(index.VERSION, "scale", 0))
    indexed = time.perf_counter() - started
    directories = nodes[b""].directories
    units = sum(one.stat().st_size for one in folder.glob("*.units"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (
        f"| {files:.0e} | {directories:,} | {weighed:.1f} | {planned:.1f} | {indexed:.1f} | {memory / 1e6:.0f} MB "
        f"| {len(plan.batches)} | {sum(map(len, plan.batches)):,} | {units / directories:.1f} "
        f"| {os.path.getsize(path) / directories:.1f} |"
    )


def main() -> int:
    """Measure the sizes that the command line names, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=float, nargs="+", default=[1e7, 1e8])
    rows = []
    for files in parser.parse_args().files:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
                os.write(writer, measure(int(files), Path(folder)).encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        rows.append(os.read(reader, 65536).decode())
        print(rows[-1], flush=True)
    head = (
        "# Scale\n\nMade by `bench/scale.py`: a synthetic walk, the real planner and index, one process, 2000 slots.\n\n"
        "| files | directories | fold s | plan s | index s | peak memory | batches | units | units B/dir | index B/dir |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
    )
    (Path(__file__).parent / "SCALE.md").write_text(head + "\n".join(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

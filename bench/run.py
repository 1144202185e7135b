"""Measure parsync beside rsync, cp and the peers that are installed, and check every copied tree.

    python bench/run.py --quick | --full | --list | --case NAME [--rounds N] [--scale F]

Rounds are interleaved: each runs every tool once; after the last one every copy is compared byte by byte. The figures are medians; each case is merged into
bench/results.json, from which bench/RESULTS.md and its plot are made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from cases import CASES, Case
from measure import Measured, family, installed, run
from results import write

from bench import trees
from tests.harness.compare import differences
from tests.harness.servers import Rsyncd, Sshd, answers, free_port, rsyncd, served, sshd

HERE = Path(__file__).parent
SILENT = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
NEEDS = {"rsync -a": "rsync", "cp -a": "cp"}


@dataclass
class Bench:
    """The folder of one case, and what serves it."""

    case: Case
    folder: Path
    scale: float
    shell: Sshd | None = None
    daemon: Rsyncd | None = None
    mounted: Path | None = None

    @property
    def source(self) -> Path:
        return self.folder / "src"

    def destination(self, tool: str) -> Path:
        """Return the folder on this host in which a tool's copy ends up."""
        base = self.daemon.data if self.daemon else self.folder / "far"
        return base / tool.replace(" ", "").strip("-")

    def address(self, tool: str) -> str:
        """Return a tool's destination as its command line has it."""
        path = self.destination(tool)
        if self.case.ends == "sshfs" and self.mounted:
            return f"{self.mounted}/{path.name}/"
        if self.shell and self.case.ends == "ssh":
            return f"{self.shell.host}:{path}/"
        if self.daemon:
            return f"rsync://127.0.0.1:{self.daemon.port}/data/{path.name}/"
        return f"{path}/"

    def origin(self) -> str:
        if self.case.ends == "sshfs-source" and self.mounted:
            return f"{self.mounted}/"
        return f"{self.source}/"

    def command(self, tool: str) -> list[str]:
        """Return a tool's command line; every tool has as many processes as parsync."""
        words = list(self.case.options)
        if self.shell and self.case.ends == "ssh":
            words.append(f"--rsh={self.shell.rsh}")
        ends = [self.origin(), self.address(tool)]
        number = str(self.case.parallel)
        if tool.startswith("parsync"):
            flags = ["--no-progress", "--parallel", number, *tool.split()[1:]]
            return [sys.executable, "-m", "pipeline.cli", *flags, *ends, *words]
        return {
            "rsync -a": ["rsync", "-a", *words, *ends],
            "cp -a": ["cp", "-a", "-T", *ends],
            "fpsync": ["fpsync", "-n", number, *(["-o", "-lptgoD --numeric-ids"]), *ends],
            "mprsync": ["mprsync", "-j", number, "-a", *words, *ends],
            "rclone": ["rclone", "sync", "--links", "--metadata", "--transfers", number, *ends],
        }[tool]

    def environ(self, tool: str) -> dict[str, str]:
        state = self.folder / f"state-{tool.replace(' ', '')}"
        return {**os.environ, "XDG_STATE_HOME": str(state), "PYTHONPATH": str(HERE.parent), "LC_ALL": "C.UTF-8"}

    def mount_anew(self) -> None:
        """Mount the network file system, so that no cache helps the tool that comes second."""
        if self.mounted and self.shell:
            self.unmount()
            far = self.source if self.case.ends == "sshfs-source" else self.folder / "far"
            words = [f"{self.shell.host}:{far}", str(self.mounted), "-o", f"ssh_command={self.shell.rsh},dir_cache=no"]
            subprocess.run(["sshfs", *words], check=True)

    def unmount(self) -> None:
        if self.mounted and os.path.ismount(self.mounted):
            subprocess.run(["fusermount", "-u", "-z", str(self.mounted)], check=True)

    def start(self, tool: str) -> Measured:
        """Run a tool once."""
        self.mount_anew()
        return run(self.command(tool), str(self.folder), self.environ(tool))

    def clear(self, tool: str) -> None:
        """Remove what a tool has copied, and what it remembers."""
        shutil.rmtree(self.destination(tool), ignore_errors=True)
        shutil.rmtree(self.environ(tool)["XDG_STATE_HOME"], ignore_errors=True)

    def kill_after(self, tool: str, seconds: float) -> None:
        """Start a tool and kill it with all that it started."""
        words = self.command(tool)
        with subprocess.Popen(
            words, cwd=self.folder, env=self.environ(tool), start_new_session=True, **SILENT
        ) as started:
            time.sleep(seconds)
            for pid in family(started.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def usable(self, tool: str) -> bool:
        """Say whether a tool is installed and can reach these ends."""
        program = NEEDS.get(tool, tool.split()[0])
        if tool.startswith("parsync"):
            return True
        return installed(program) and not (
            self.case.ends in ("ssh", "daemon") and program in ("fpsync", "rclone", "cp")
        )


@contextlib.contextmanager
def prepared(case: Case, scale: float) -> Iterator[Bench]:
    """Make the tree and start what the ends need; everything is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="parsync-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    bench = Bench(case, folder, scale)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, True)
        trees.build(str(bench.source), case.kind, max(1, int(case.files * scale)))
        (folder / "far").mkdir()
        _serve(bench, stack)
        yield bench


def _serve(bench: Bench, stack: contextlib.ExitStack) -> None:
    case = bench.case
    if case.ends == "daemon":
        bench.daemon = stack.enter_context(rsyncd(bench.folder / "daemon"))
    elif case.ends != "local":
        shell = stack.enter_context(sshd(bench.folder / "sshd"))
        bench.shell = _over_wire(bench, shell, stack) if case.round_trip or case.mbit else shell
    if case.ends.startswith("sshfs"):
        bench.mounted = bench.folder / "mounted"
        bench.mounted.mkdir()
        stack.callback(bench.unmount)


def _over_wire(bench: Bench, shell: Sshd, stack: contextlib.ExitStack) -> Sshd:
    """Put the delaying wire before sshd, and let ssh go through it."""
    port = free_port()
    words = [str(port), str(shell.port), str(bench.case.round_trip), str(bench.case.mbit)]
    command = [sys.executable, str(HERE / "wire.py"), *words]
    stack.enter_context(served(command, lambda: answers(port), bench.folder / "wire.log"))
    config = bench.folder / "sshd/ssh_config"
    config.write_text(config.read_text().replace(f"Port {shell.port}", f"Port {port}"))
    known = bench.folder / "sshd/known"
    known.write_text(known.read_text().replace(f":{shell.port} ", f":{port} "))
    return replace(shell, port=port)


def measure(case: Case, rounds: int, scale: float) -> dict[str, object]:
    """Measure one case; every tool has a destination and a state of its own."""
    with prepared(case, scale) as bench:
        tools = [tool for tool in case.tools if bench.usable(tool)]
        whole: dict[str, float] = {}
        if case.situation != "first":
            time.sleep(2.5)
            for tool in tools:
                whole[tool] = bench.start(tool).seconds
        found: dict[str, list[Measured]] = {tool: [] for tool in tools}
        wrong: dict[str, int] = {}
        for number in range(rounds):
            if case.situation == "edited":
                trees.edit(str(bench.source), number)
                time.sleep(2.5)
            for tool in tools if number % 2 else reversed(tools):
                if case.situation in ("first", "resumed"):
                    bench.clear(tool)
                if case.situation == "resumed":
                    bench.kill_after(tool, whole[tool] / 2)
                found[tool].append(bench.start(tool))
                if number == rounds - 1 or found[tool][-1].code:
                    wrong[tool] = _wrong(bench, tool, found[tool][-1])
        return _summary(case, found, wrong, rounds, scale)


def _wrong(bench: Bench, tool: str, measured: Measured) -> int:
    """Return how many differences a tool left, at least one where it failed."""
    count = len(differences(os.fsencode(bench.source), os.fsencode(bench.destination(tool))))
    return count or int(measured.code != 0)


def _summary(
    case: Case, found: dict[str, list[Measured]], wrong: dict[str, int], rounds: int, scale: float
) -> dict[str, object]:
    figures = {
        tool: {
            "seconds": round(statistics.median(one.seconds for one in measured), 3),
            "cpu": round(statistics.median(one.cpu for one in measured), 3),
            "memory": max(one.memory for one in measured),
            "differences": wrong[tool],
        }
        for tool, measured in found.items()
    }
    return {"case": case.name, "wanted": case.wanted, "rounds": rounds, "scale": scale, "tools": figures}


def main() -> int:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the smaller cases, three rounds")
    parser.add_argument("--full", action="store_true", help="all cases, five rounds")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--case", action="append", default=[], help="cases whose names contain this")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of files")
    parser.add_argument("--output", type=Path, default=HERE)
    found = parser.parse_args()
    chosen = [case for case in CASES if any(part in case.name for part in found.case)]
    chosen = chosen or [case for case in CASES if found.full or (found.quick and case.quick)]
    if found.list or not chosen:
        print("\n".join(case.name for case in CASES))
        return 0
    rounds = found.rounds or (5 if found.full else 3)
    path = found.output / "results.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    results = {case.name: before[case.name] for case in CASES if case.name in before}
    for case in chosen:
        print(case.name, flush=True)
        results[case.name] = measure(case, rounds, found.scale)
        print(json.dumps(results[case.name]["tools"], indent=1), flush=True)
        path.write_text(json.dumps(results, indent=1) + "\n")
    write({case.name: results[case.name] for case in CASES if case.name in results}, found.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One measured command: wall and CPU seconds, and the peak memory of all its processes together."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """`seconds` wall, `cpu` user and system of all children, `memory` bytes (PSS) at the peak."""

    seconds: float
    cpu: float
    memory: int
    code: int


def run(command: list[str], cwd: str, environ: dict[str, str]) -> Measured:
    """Run a command to its end; its output goes nowhere."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    ) as process:  # fmt: skip
        watch = _Memory(process.pid)
        code = process.wait()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, cpu, watch.stop(), code)


class _Memory(threading.Thread):
    """Looks now and then at what the command's descendants hold."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self._peak = 0
        self.start()

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self._peak

    def run(self) -> None:
        while not self._done.wait(0.25):
            self._peak = max(self._peak, sum(map(_held, family(self._pid))))


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _held(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def installed(program: str) -> bool:
    return any(os.access(f"{folder}/{program}", os.X_OK) for folder in os.environ["PATH"].split(":"))

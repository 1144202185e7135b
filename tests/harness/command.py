"""Run the console command and rsync in subprocesses, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FINE = {"PARSYNC_GRAIN": "0"}
"""Cuts the smallest trees, so that tests of a few files have several batches."""


@dataclass(frozen=True)
class Completed:
    code: int
    out: str
    err: str


@dataclass
class Shop:
    """A folder to work in: trees, a state directory of its own, commands run in it."""

    path: bytes
    user: int | None = None
    python: str = sys.executable
    pythonpath: str = str(Path(__file__).parents[2])
    extra: dict[str, str] = field(default_factory=dict)

    def at(self, name: str) -> bytes:
        return os.path.join(self.path, os.fsencode(name))

    @property
    def environ(self) -> dict[str, str]:
        home = os.fsdecode(self.at("home"))
        return {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "XDG_STATE_HOME": home + "/state",
            "PYTHONPATH": self.pythonpath,
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            **self.extra,
        }

    def command(self, *words: str | bytes) -> list[bytes]:
        return [*self._as_user(), os.fsencode(self.python), b"-m", b"pipeline.cli", *map(os.fsencode, words)]

    def _as_user(self) -> list[bytes]:
        if self.user is None:
            return []
        return [b"setpriv", b"--reuid=%d" % self.user, b"--regid=%d" % self.user, b"--clear-groups"]

    def start(self, *words: str | bytes, fine: bool = True) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*words),
            cwd=self.path,
            env=self.environ | (FINE if fine else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def parsync(self, *words: str | bytes, fine: bool = True) -> Completed:
        """Run parsync; `fine` lets it cut small trees."""
        with self.start(*words, fine=fine) as process:
            out, err = process.communicate(timeout=240)
        return Completed(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def forked(self, *words: str, fine: bool = True) -> Completed:
        """Run parsync in a forked child, which saves the start of an interpreter; for many examples."""
        from pipeline.cli import main

        environ = self.environ | (FINE if fine else {})
        outputs = {1: self.at("out"), 2: self.at("err")}
        child = os.fork()
        if child == 0:
            code = 70
            sys.settrace(None)
            try:
                os.environ.clear()
                os.environ.update(environ)
                os.chdir(self.path)
                for stream, path in outputs.items():
                    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                code = main(list(words))
                sys.stdout.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        texts = [Path(os.fsdecode(self.at(name))).read_text(errors="replace") for name in ("out", "err")]
        return Completed(os.waitstatus_to_exitcode(status), *texts)

    def rsync(self, *words: str | bytes) -> Completed:
        """Run `rsync -a` with the same words, as the oracle."""
        command = [*self._as_user(), b"rsync", b"-a", *map(os.fsencode, words)]
        ended = subprocess.run(command, cwd=self.path, env=self.environ, capture_output=True, timeout=240)
        return Completed(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))

    @property
    def state(self) -> bytes:
        return self.at("home/state/parsync")


def complains(done: Completed, code: int, *words: str) -> None:
    """Assert that a command ended with this code and one line on stderr that has these words."""
    lines = done.err.strip().splitlines()
    assert done.code == code, done
    assert len(lines) == 1, done.err
    assert lines[0].startswith("parsync: ")
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in done.err + done.out

"""How another user can run parsync: the environment of the tests may lie in folders closed to them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

ANYBODY = 65534
"""The uid and gid of the other user that tests run as."""
_LEFT_OUT = ("mypy", "ruff", "hypothesis", "pytest", "_pytest", "xdist", "pip", "setuptools", "__pycache__")


@lru_cache(maxsize=1)
def python(copies: str) -> tuple[str, str] | None:
    """Return a Python that the other user can start, and its PYTHONPATH; None where there is none.

    Where the tests' own is closed to them, the packages are copied below `copies`.
    """
    repository = str(Path(__file__).parents[2])
    packages = sysconfig.get_paths()["purelib"]
    if _runs(sys.executable, repository):
        return sys.executable, repository
    for base in (os.path.realpath(sys.executable), f"/usr/bin/python3.{sys.version_info.minor}"):
        if _runs(base, "", code="pass"):
            shutil.copytree(packages, os.path.join(copies, "packages"), ignore=_ignore)
            shutil.copytree(os.path.join(repository, "pipeline"), os.path.join(copies, "packages", "pipeline"))
            path = os.path.join(copies, "packages")
            return (base, path) if _runs(base, path) else None
    return None


def _ignore(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(_LEFT_OUT)]


def _runs(executable: str, pythonpath: str, code: str = "import luigi, msgspec, rich, pipeline.cli") -> bool:
    command = ["setpriv", f"--reuid={ANYBODY}", f"--regid={ANYBODY}", "--clear-groups", executable, "-c", code]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": pythonpath, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(command, cwd="/", env=environ, capture_output=True).returncode == 0
    except OSError:
        return False

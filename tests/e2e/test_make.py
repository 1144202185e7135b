"""`make sync`: what the user wrote is what the command gets, and a second call only starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An environment that is set up already, with a `parsync` that notes its arguments."""
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    command = folder / "bin/parsync"
    command.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > '{tmp_path}/noted'\nexit 23\n")
    command.chmod(0o755)
    (folder / "bin/python").touch()
    for name in (".installed", ".installed-test"):
        (folder / name).touch()
    return tmp_path


def make(made: Path, *words: str) -> tuple[int, list[str], str]:
    """Run `make sync`; return its exit code, what parsync was given, and what was said."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for name in ("SRC", "DEST", "ARGS", "OPTIONS"):
        environ.pop(name, None)
    command = ["make", "-C", str(REPOSITORY), "sync", f"VENV={made}/environment", *words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240)
    noted = made / "noted"
    given = noted.read_bytes().decode().split("\0")[:-1] if noted.exists() else []
    return done.returncode, given, done.stdout + done.stderr


@pytest.mark.parametrize("path", ["two words/", "`touch hit`", 'quo"te', "it's", "a;b|c&d", "(x) * [y]", "\\n"])
def test_a_path_arrives_as_it_was_written(made: Path, path: str) -> None:
    _, given, said = make(made, f"SRC={path}", f"DEST={path}")
    assert given == [path, path], said


def test_options_go_before_and_after_the_two_paths(made: Path) -> None:
    _, given, said = make(made, "SRC=a", "DEST=b", "ARGS=--id x", "OPTIONS=--delete '--exclude=*.o'")
    assert given == ["--id", "x", "a", "b", "--delete", "--exclude=*.o"], said


def test_an_environment_that_is_set_up_is_not_made_again(made: Path) -> None:
    _, given, said = make(made, "SRC=a", "DEST=b")
    assert given == ["a", "b"]
    assert "pip install" not in said
    assert "-m venv" not in said


def test_make_fails_when_the_copy_fails_and_says_its_code(made: Path) -> None:
    code, _, said = make(made, "SRC=a", "DEST=b")
    assert code == 2
    assert "Error 23" in said


@pytest.mark.parametrize("words", [(), ("SRC=a",), ("DEST=b",)])
def test_a_missing_path_is_said_and_nothing_runs(made: Path, words: tuple[str, ...]) -> None:
    code, given, said = make(made, *words)
    assert (code, given) == (2, [])
    assert "give SRC=... and DEST=..." in said

"""Imports go down only, and what only one module may do is done in one module."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MODULES = {path.stem: path for path in sorted((REPOSITORY / "pipeline").glob("*.py")) if path.stem != "__init__"}


def rows() -> dict[str, int]:
    """Return each module's row, read from ARCHITECTURE.md."""
    text = (REPOSITORY / "ARCHITECTURE.md").read_text().partition("<!-- layers -->")[2]
    lines = re.findall(r"^(\d)\. (.*): ", text, re.MULTILINE)
    return {name: int(number) for number, names in lines for name in re.findall(r"`(\w+)`", names)}


def imported(path: Path, *, top: bool = True) -> set[str]:
    """Return the modules that a module imports, from the package by their own names."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in tree.body if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "pipeline":
            found |= {f"pipeline.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_only(name: str) -> None:
    levels = rows()
    assert name in levels, f"ARCHITECTURE.md does not list {name}"
    for other in imported(MODULES[name]):
        module = other.removeprefix("pipeline.")
        if other.startswith("pipeline.") and module in MODULES:
            assert levels[module] <= levels[name], f"{name} imports {module}, which is above it"


def test_architecture_lists_no_module_that_is_gone() -> None:
    assert set(rows()) <= set(MODULES) | {"__init__"}


@pytest.mark.parametrize("name", [name for name, row in rows().items() if row <= 2 and name in MODULES])
def test_the_pure_rows_do_no_io(name: str) -> None:
    assert not imported(MODULES[name], top=False) & {"subprocess", "luigi", "socket", "tempfile", "shutil", "random"}


def users(module: str) -> set[str]:
    return {name for name, path in MODULES.items() if module in imported(path, top=False)}


def test_one_module_starts_processes() -> None:
    assert users("subprocess") == {"process"}


def naming(*functions: str) -> set[str]:
    """Return the modules that name one of these functions of `os`."""
    return {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "os" and node.attr in functions
    }


def test_one_module_makes_files_durable() -> None:
    assert naming("fsync", "fdatasync") == {"durable"}


def test_one_module_puts_finished_files_in_their_place() -> None:
    # These move what no later start relies on: a stale lock, a light that is renewed, a run that is thrown away.
    passing = {"locks", "progress", "tidy"}
    assert naming("rename", "replace", "link") - passing == {"durable"}


def test_luigi_stays_on_top() -> None:
    using = {name for name, path in MODULES.items() if any(found.split(".")[0] == "luigi" for found in imported(path))}
    assert using <= {"settings", "worker", "stage", "tasks", "sync", "building"}


def test_only_the_command_prints() -> None:
    printing = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing <= {"cli"}


def test_functions_and_modules_stay_small() -> None:
    for name, path in MODULES.items():
        text = path.read_text()
        assert text.count("\n") <= 300, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 45, f"{name}.{node.name}"

"""What the documents say is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.command_line import parser
from pipeline.errors import MEANING
from pipeline.option_table import ROWS, Class
from pipeline.report import RunReport

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()


def test_every_option_is_in_the_readme() -> None:
    for action in parser()._actions:
        for option in action.option_strings:
            assert f"`{option}" in README, option


def test_every_exit_code_is_in_the_readme() -> None:
    for code, meaning in MEANING.items():
        assert re.search(rf"^\| {int(code)} \| ", README, re.MULTILINE), (code, meaning)


def test_every_field_of_the_report_is_in_the_readme() -> None:
    table = README.partition("## Reports")[2].partition("\n## ")[0]
    for name in RunReport.__struct_fields__:
        assert f"`{name}`" in table, name


def test_the_readmes_commands_are_the_makefiles() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_row_of_what_happens_when_has_its_test() -> None:
    table = README.partition("## What happens when")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "shown by" not in line]
    tests = "".join(path.read_text() for path in (REPOSITORY / "tests").rglob("test_*.py"))
    for row in rows:
        names = re.findall(r"`(test_\w+)`", row)
        assert names, row
        for name in names:
            assert f"def {name}(" in tests, name


def test_links_between_documents_lead_somewhere() -> None:
    for document in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (REPOSITORY / document).read_text()):
            assert (REPOSITORY / target).exists(), target


def test_every_option_that_is_not_passed_on_has_a_reason() -> None:
    for row in ROWS:
        assert row.kind is Class.PASSED or row.reason, row.name


@pytest.mark.parametrize("module", ["pipeline", "pipeline.cli"])
def test_importing_is_quiet(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", f"import {module}"], capture_output=True, cwd=REPOSITORY
    )
    assert (done.returncode, done.stdout) == (0, b"")

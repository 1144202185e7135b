"""The table of options against the installed rsync: an option that one of both does not know is noticed."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import pytest

from pipeline.command_line import parser
from pipeline.option_table import BY_NAME, BY_SHORT, NEGATABLE, PARSYNCS, ROWS, SAME, Class, Role

pytestmark = pytest.mark.skipif(not shutil.which("rsync"), reason="needs rsync")

_LONG = re.compile(r"(?<![\w-])--([A-Za-z0-9][\w-]*)(=?)")
_SHORT = re.compile(r"(?<![\w-])-([A-Za-z0-9@])(?![\w-])")
_WRITTEN_OTHERWISE = frozenset({"P"})
"""Letters that the reader replaces by other options."""


@cache
def manual() -> list[str]:
    """Return the lines of `rsync --help` that begin with an option, without what it is for."""
    shown = subprocess.run(["rsync", "--help"], capture_output=True, text=True, check=True).stdout
    return [re.split(r"\s{2,}", line)[0] for line in shown.splitlines() if line.startswith("-")]


def known(name: str) -> bool:
    return name in BY_NAME or name in SAME


def unknown_to_rsync(option: str) -> bool:
    called = subprocess.run(["rsync", option, "--no-such-option"], capture_output=True, env={"LC_ALL": "C"})
    return f"{option}: unknown option".encode() in called.stderr


def test_every_option_of_the_manual_is_in_the_table() -> None:
    names = {found[1] for line in manual() for found in _LONG.finditer(line)} - {"no-OPTION"}
    assert len(names) > 100
    assert [name for name in sorted(names) if not known(name) and name.removeprefix("no-") not in NEGATABLE] == []
    letters = {found[1] for line in manual() for found in _SHORT.finditer(line)}
    assert sorted(letters - set(BY_SHORT) - _WRITTEN_OTHERWISE - {"h"}) == []


def test_options_take_a_value_where_the_manual_shows_one() -> None:
    wrong = []
    for line in manual():
        for found in _LONG.finditer(line):
            row = BY_NAME.get(SAME.get(found[1], found[1]))
            if row is not None and row.value != bool(found[2]):
                wrong.append(found[1])
    assert wrong == []


def test_letters_belong_to_the_manuals_names() -> None:
    for line in manual():
        long, short = _LONG.search(line), _SHORT.search(line)
        if long and short and known(long[1]) and short[1] in BY_SHORT and long[1] not in ("help", "protect-args"):
            assert BY_SHORT[short[1]].name == SAME.get(long[1], long[1])


def test_no_option_outside_the_list_can_be_negated() -> None:
    names = {name for row in ROWS for name in (row.name, row.short) if name} | set(SAME)
    assert names >= NEGATABLE
    assert [name for name in sorted(names - NEGATABLE) if not unknown_to_rsync(f"--no-{name}")] == []


def test_rows_are_unique_and_give_reasons() -> None:
    assert len(BY_NAME) == sum(bool(row.name) for row in ROWS)
    assert len(BY_SHORT) == sum(bool(row.short) for row in ROWS)
    assert not set(SAME) & set(BY_NAME)
    assert set(SAME.values()) <= set(BY_NAME)
    assert [row for row in ROWS if not row.reason and row.kind is not Class.PASSED] == []


def test_cp_is_never_allowed_where_an_option_selects_by_name() -> None:
    assert [row.name for row in ROWS if Role.FILTER in row.roles and Role.HARMLESS in row.roles] == []


def test_parsyncs_own_options_are_those_of_its_command_line_that_rsync_has_not() -> None:
    words = {option[2:] for action in parser()._actions for option in action.option_strings if option.startswith("--")}
    assert {word for word in words if not known(word) and word.removeprefix("no-") not in NEGATABLE} == PARSYNCS

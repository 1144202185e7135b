"""What a person sees: bars on a terminal, none of them elsewhere or with --no-progress."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tests.harness import tree
from tests.harness.command import FINE, Shop


def on_a_terminal(shop: Shop, *words: str) -> str:
    """Run parsync with stderr on a terminal of its own; return what it showed there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        shop.command(*words), cwd=shop.path, env=shop.environ | FINE | {"TERM": "xterm"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:
            pass
        assert process.wait() == 0, shown
    os.close(ours)
    return shown.decode(errors="replace")


@pytest.fixture
def slow(shop: Shop) -> Shop:
    """A copy that takes a few looks of the display."""
    tree.many(shop.at("src"), 91, 100)
    with open(shop.at("src/big"), "wb") as file:
        file.write(b"x" * 600_000)
    return shop


def test_a_terminal_shows_the_three_stages(slow: Shop) -> None:
    shown = on_a_terminal(slow, "--bwlimit=400", "--batches=4", "--parallel=2", "src/", "dst")
    for word in ("Walk", "Plan", "Sync", "/4 batches", " %, ", "/s, ", " s left", "slowest"):
        assert word in shown


def test_no_progress_shows_no_bars(slow: Shop) -> None:
    assert "Walk" not in on_a_terminal(slow, "--no-progress", "src/", "dst")


def test_elsewhere_nothing_but_the_summary_is_said(slow: Shop) -> None:
    done = slow.parsync("src/", "dst")
    assert done.err == ""
    assert done.out.startswith("run ")


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        (">/dev/full", 0, "parsync: the summary cannot be written: No space left on device\n"),
        ("| true", 0, ""),
        ("2>&1 >/dev/null | cat", 0, ""),
    ],
)
def test_a_run_ends_as_it_ends_whatever_becomes_of_its_words(
    shop: Shop, redirection: str, code: int, said: str
) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    line = f'set -o pipefail; "$@" {redirection}'
    command = [b"bash", b"-c", line.encode(), b"bash", *shop.command("src/", "dst")]
    done = subprocess.run(command, cwd=shop.path, env=shop.environ, stdin=subprocess.DEVNULL, capture_output=True)
    assert (done.returncode, done.stderr.decode()) == (code, said)
    assert os.listdir(shop.at("dst")) == [b"a"]


@pytest.mark.parametrize("words", [("--help",), ("-n", "src/", "dst", "-v")])
def test_what_nobody_can_read_is_an_error_of_one_line(shop: Shop, words: tuple[str, ...]) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            shop.command(*words), cwd=shop.path, env=shop.environ, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"parsync: No space left on device")
    assert len(done.stderr.splitlines()) == 1


def test_nothing_in_a_run_warns(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    command = [sys.executable, "-W", "error", "-m", "pipeline.cli", "src/", "dst"]
    done = subprocess.run(command, cwd=shop.path, env=shop.environ, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")

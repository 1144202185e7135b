"""Processes: their words, their limits, their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import process
from pipeline.errors import RsyncError
from pipeline.streams import KEPT_BYTES


def python(code: str, **options: object) -> process.Ended:
    return process.run((os.fsencode(sys.executable), b"-c", code.encode()), environ=os.environb, **options)  # type: ignore[arg-type]


def test_code_streams_and_lines() -> None:
    lines: list[bytes] = []
    ended = python(
        "import sys; sys.stdout.write('a\\rb\\nc\\n'); sys.stderr.write('bad'); sys.exit(3)", on_line=lines.append
    )
    assert (ended.code, ended.stdout, ended.stderr, lines) == (3, b"a\rb\nc\n", b"bad", [b"a", b"b", b"c"])


def test_large_input_and_output_do_not_dead_lock() -> None:
    data = bytes(range(256)) * 40_000
    ended = python(
        "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d); sys.stderr.buffer.write(d)", stdin=data
    )
    assert ended.code == 0
    assert ended.stdout[:1000] == data[:1000]
    assert ended.stdout[-1000:] == data[-1000:]
    assert 2 * KEPT_BYTES - 1000 < len(ended.stdout) <= 2 * KEPT_BYTES + 1


def test_a_child_that_does_not_read_is_no_error() -> None:
    assert python("pass", stdin=b"x" * 10_000_000).code == 0


def test_the_log_gets_both_streams(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("one", "two"):
        python(
            f"import sys; print('{word}'); sys.stdout.flush(); print('err {word}', file=sys.stderr)",
            log=os.fsencode(log),
        )
    text = log.read_text()
    assert "one" in text and "two" in text and "err two" in text


def test_a_group_that_moves_nothing_is_ended_as_stalled() -> None:
    ended = python("import signal; signal.pause()", stall_seconds=0.5)
    assert ended.stalled
    assert ended.code == -signal.SIGTERM


def test_an_exception_ends_the_child_first() -> None:
    pids: list[int] = []

    def fail(line: bytes) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        python("import os, signal; print(os.getpid(), flush=True); signal.pause()", on_line=fail)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed outright; its child, and the child's pipe, end by themselves."""
    child = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    parent = (
        "import os, sys; from pipeline import process\n"
        f"process.run((sys.executable.encode(), b'-c', {child.encode()!r}), environ=os.environb,"
        " on_line=lambda line: print(line.decode(), flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as started:
        assert started.stdout
        pid = int(started.stdout.readline())
        handle = os.pidfd_open(pid)
        started.kill()
    import select

    assert select.select([handle], [], [], 60)[0], "the child outlived its parent"
    os.close(handle)


def test_a_program_that_cannot_start_is_an_error_in_words() -> None:
    with pytest.raises(RsyncError, match="cannot be started"):
        process.run((b"/nonexistent/rsync",), environ=os.environb)


def test_the_installed_rsync_is_new_enough() -> None:
    assert process.version(process.which_rsync(os.environ))[0] == "3"

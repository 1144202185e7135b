"""Processes: their words, their limits, their end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import process, stall
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
        started.kill()
    assert ends(pid), "the child outlived its parent"


def ends(pid: int) -> bool:
    """Wait until a process has ended; False where it never does."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 60)[0])
    finally:
        os.close(handle)


def interrupted(code: str) -> int:
    """Run code that prints its pid, and interrupt that at its first line; return the pid."""
    pids: list[int] = []

    def fail(line: bytes) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        python(f"import os, signal, sys\n{code}", on_line=fail)
    return pids[0]


DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True)\nwhile True: signal.pause()"


def test_a_child_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.3)
    assert ends(interrupted(DEAF))


def test_the_whole_group_is_ended_even_what_outlives_the_first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """As rsync's receiver does while it removes its temporary file."""
    monkeypatch.setattr(process, "STOP_SECONDS", 0.3)
    assert ends(interrupted(f"if os.fork(): signal.pause()\n{DEAF}"))


def test_a_child_that_says_much_while_it_ends_can_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 100)
    interrupted(
        "def end(*_):\n"
        " for stream in (1, 2):\n"
        "  for _ in range(50): os.write(stream, b'x' * 60_000)\n"
        f" open({str(tmp_path / 'ended')!r}, 'w'); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print(os.getpid(), flush=True)\n"
        "while True: signal.pause()"
    )
    assert (tmp_path / "ended").exists()


def test_an_rsync_that_is_stopped_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "dst").mkdir()
    with open(tmp_path / "src" / "large", "wb") as file:
        file.truncate(1 << 30)

    def stop(_line: bytes) -> None:
        if any(name.startswith(".large.") for name in os.listdir(tmp_path / "dst")):
            raise KeyboardInterrupt

    words = (b"rsync", b"-a", b"--bwlimit=1000", b"--info=progress2", b"src/", b"dst")
    with pytest.raises(KeyboardInterrupt):
        process.run(words, environ=os.environb, cwd=os.fsencode(tmp_path), on_line=stop)
    assert os.listdir(tmp_path / "dst") == []


def test_a_background_process_that_holds_the_streams_is_not_waited_for() -> None:
    """As ssh's master connection does with ControlPersist."""
    ended = python(
        "import os, signal, sys\n"
        "pid = os.fork()\n"
        "if pid: print(pid, 'last words', flush=True); os._exit(5)\n"
        "os.setsid()\n"
        "signal.pause()",
    )
    pid, _, rest = ended.stdout.partition(b" ")
    os.kill(int(pid), signal.SIGKILL)
    assert (ended.code, rest) == (5, b"last words\n")


@pytest.mark.parametrize("work", ["pass", "os.pread(zero, 1 << 16, 0)"])
def test_a_group_that_computes_or_moves_bytes_does_not_stand_still(work: str) -> None:
    code = f"import os\nzero = os.open('/dev/zero', os.O_RDONLY)\nwhile True: {work}"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as child:
        try:
            seen = stall.activity(child.pid)
            while stall.activity(child.pid) < seen + 10 * stall.LEAST_PROGRESS:
                assert child.poll() is None
                os.sched_yield()
            assert stall.alive(child.pid)
        finally:
            child.kill()
    assert not stall.alive(child.pid)


def test_a_terminals_interrupt_does_not_reach_the_child() -> None:
    ended = python("import os; print(os.getpgid(0) == os.getpid() == os.getsid(0), os.environ['LC_ALL'])")
    assert ended.stdout == b"True C\n"


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    python("print(1)", stdin=b"x" * 100_000, log=os.fsencode(tmp_path / "log"))
    with pytest.raises(ZeroDivisionError):
        python("print(1)", on_line=lambda _line: 1 // 0, log=os.fsencode(tmp_path / "log"))
    with pytest.raises(RsyncError):
        process.run((b"/nonexistent/rsync",), environ=os.environb, log=os.fsencode(tmp_path / "log"))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_folder_that_cannot_be_entered_is_named() -> None:
    with pytest.raises(RsyncError, match="cannot start in /nonexistent"):
        process.run((b"/bin/true",), environ=os.environb, cwd=b"/nonexistent")


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (b'{\n  "program": "rsync",\n  "version": "3.2.7"\n}', "3.2.7"),
        (b"rsync  version 3.2.3  protocol version 31\nCopyright", "3.2.3"),
        (b"rsync  version v3.4.1pre1  protocol version 32\n", "3.4.1pre1"),
        (b"openrsync: protocol version 29\nrsync version 2.6.9 compatible\n", "2.6.9"),
        (b"no words of rsync", ""),
        (b"[]", ""),
    ],
)
def test_any_rsyncs_version_is_read(output: bytes, version: str) -> None:
    assert process.version_text(output) == version


@pytest.mark.parametrize(("says", "message"), [("2.6.9", "is too old"), ("unknown", "does not say which version")])
def test_an_rsync_that_will_not_do_is_an_error_that_says_what_is_needed(
    tmp_path: Path, says: str, message: str
) -> None:
    fake = tmp_path / "rsync"
    fake.write_text(f"#!/bin/sh\necho 'rsync  version {says}  protocol version 29'\n")
    fake.chmod(0o755)
    assert process.which_rsync({"PATH": str(tmp_path)}) == os.fsencode(fake)
    with pytest.raises(RsyncError, match=rf"{message}.*3\.2\.3 or later"):
        process.version(os.fsencode(fake))


def test_a_missing_rsync_is_an_error_that_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(RsyncError, match=r"rsync is not installed.*apt-get install rsync"):
        process.which_rsync({"PATH": str(tmp_path)})


def test_a_program_that_cannot_start_is_an_error_in_words() -> None:
    with pytest.raises(RsyncError, match="cannot be started"):
        process.run((b"/nonexistent/rsync",), environ=os.environb)


def test_the_installed_rsync_is_new_enough() -> None:
    assert process.version(process.which_rsync(os.environ))[0] == "3"


def test_a_process_is_looked_at_while_it_runs() -> None:
    seen: list[int] = []
    process.run(
        (b"sh", b"-c", b"printf %50000d > /dev/null; exec sleep 1.2"),
        environ=os.environb,
        on_turn=lambda pid: seen.append(stall.written(pid)),
    )
    assert seen
    assert seen[0] >= 50_000

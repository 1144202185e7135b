"""What rsync's exit codes and words mean."""

from __future__ import annotations

import pytest

from pipeline.interpret import Progress, interpret, progress, statistics, unescape
from pipeline.model import FailedPath, Outcome

SUMMARY = (
    b"rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1) [sender=3.5.0]\n"
)


@pytest.mark.parametrize(
    ("code", "stderr", "outcome", "failed"),
    [
        (0, b"", Outcome.COMPLETE, []),
        (23, b'rsync: [sender] send_files failed to open "/s/a": Permission denied (13)\n', Outcome.PARTIAL, [b"/s/a"]),
        (23, b'rsync: [sender] opendir "/s/d" failed: Permission denied (13)\n', Outcome.PARTIAL, [b"/s/d"]),
        (23, b'rsync: [receiver] mkstemp "/d/.a.Xy12Zz" failed: Permission denied (13)\n', Outcome.PARTIAL, [b"/d/a"]),
        (
            23,
            b'rsync: [generator] recv_generator: mkdir "/d/x" failed: File name too long (36)\n',
            Outcome.PARTIAL,
            [b"/d/x"],
        ),
        (23, b'rsync: [sender] link_stat "/s/gone" failed: No such file or directory (2)\n', Outcome.VANISHED, []),
        (24, b'file has vanished: "/s/a"\n', Outcome.VANISHED, []),
        (25, b"Deletions stopped due to --max-delete limit (3 skipped)\n", Outcome.COMPLETE, []),
        (12, b"rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n", Outcome.FAILED, []),
    ],
)
def test_outcomes_and_paths(code: int, stderr: bytes, outcome: Outcome, failed: list[bytes]) -> None:
    verdict = interpret(code, stderr + SUMMARY)
    assert verdict.outcome is outcome
    assert [path.path for path in verdict.failed] == failed


@pytest.mark.parametrize(
    ("line", "path", "reason"),
    [
        ("could not make way for new regular file: full/x", "full/x", "could not make way for new regular file"),
        ('symlink has no referent: "/s/dangling"', "/s/dangling", "symlink has no referent"),
        ("ERROR: a b failed verification -- update discarded.", "a b", "failed verification -- update discarded"),
        ('rsync: [receiver] rename "/d/.a.Xy12Zz" -> "/d/a": Is a directory (21)', "/d/a", "Is a directory (21)"),
        (
            'rsync: [generator] symlink "/d/l" -> "x" failed: Operation not permitted (1)',
            "/d/l",
            "Operation not permitted (1)",
        ),
        (
            'rsync: [generator] link "/d/b" => a failed: Too many links (31)',
            "/d/b",
            "Too many links (31)",
        ),
        (
            'rsync: [receiver] rsync_xal_set: lsetxattr("/d/a","user.x") failed: Operation not supported (95)',
            "/d/a",
            "Operation not supported (95)",
        ),
        (
            "rsync: [receiver] set_acl: sys_acl_set_file(d/a, ACL_TYPE_ACCESS): Operation not supported (95)",
            "d/a",
            "Operation not supported (95)",
        ),
        (
            'rsync: [sender] send_files failed to open "/s/a "b": c" (in mod): Permission denied (13)',
            '/s/a "b": c',
            "Permission denied (13)",
        ),
        (
            'rsync: [sender] send_files failed to open "/s/.config.backup": Permission denied (13)',
            "/s/.config.backup",
            "Permission denied (13)",
        ),
        ('rsync: [sender] readlink_stat("/s/l") failed: Input/output error (5)', "/s/l", "Input/output error (5)"),
        ("rsync: [sender] words of a later version", "", "[sender] words of a later version"),
    ],
)
def test_every_failure_is_named_and_never_taken_for_a_vanished_path(line: str, path: str, reason: str) -> None:
    gone = b'rsync: [sender] link_stat "/s/gone" failed: No such file or directory (2)\n'
    verdict = interpret(23, gone + line.encode() + b"\n" + SUMMARY)
    assert verdict.outcome is Outcome.PARTIAL
    assert [(found.path.decode(), found.reason) for found in verdict.failed] == [(path, reason)]
    assert verdict.vanished == (b"/s/gone",)


def test_a_source_that_was_never_there_is_a_failure() -> None:
    line = b'rsync: [sender] link_stat "/s" failed: No such file or directory (2)\n'
    noise = b"rsync: [Receiver] write error: Broken pipe (32)\n"
    verdict = interpret(23, line + SUMMARY + noise, listed=False)
    assert (verdict.outcome, [found.path for found in verdict.failed], verdict.vanished) == (
        Outcome.PARTIAL,
        [b"/s"],
        (),
    )
    assert interpret(23, line + SUMMARY + noise).outcome is Outcome.VANISHED


def test_a_listed_path_below_what_is_no_folder_any_more_has_vanished() -> None:
    line = b'rsync: [sender] link_stat "/s/d/a" failed: Not a directory (20)\n'
    assert interpret(23, line).vanished == (b"/s/d/a",)
    assert interpret(23, line, listed=False).failed == (FailedPath(b"/s/d/a", "Not a directory (20)"),)


def test_a_vanished_folder_is_a_vanished_path() -> None:
    assert interpret(24, b'directory has vanished: "/s/d"\n').vanished == (b"/s/d",)


def test_a_file_named_like_an_error_is_none() -> None:
    verdict = interpret(12, b'file has vanished: "/s/No space left on device"\n')
    assert (verdict.transient, verdict.fatal) == (True, False)


def test_a_long_line_of_quotes_is_read_at_once() -> None:
    line = b"rsync: [sender] " + b'" -> "' * 2000 + b": "
    assert interpret(23, line).outcome is Outcome.PARTIAL


def test_reasons_carry_the_error_number() -> None:
    verdict = interpret(23, b'rsync: [sender] send_files failed to open "/s/a": Permission denied (13)\n')
    assert verdict.failed[0].reason == "Permission denied (13)"


def test_names_are_unescaped() -> None:
    assert unescape(rb"a\#012b\#134#012") == b"a\nb\\#012"
    verdict = interpret(23, b'rsync: [sender] opendir "/s/a\\#012b" failed: Permission denied (13)\n')
    assert verdict.failed[0].path == b"/s/a\nb"


@pytest.mark.parametrize(
    ("code", "stderr", "transient", "fatal"),
    [
        (10, b"rsync: failed to connect to x: Connection refused (111)", True, False),
        (12, b"", True, False),
        (30, b"", True, False),
        (35, b"", True, False),
        (255, b"ssh: connect to host x port 22: Connection timed out", True, False),
        (255, b"kex_exchange_identification: Connection closed by remote host", True, False),
        (255, b"me@host: Permission denied (publickey).", False, True),
        (255, b"Host key verification failed.", False, True),
        (255, b"ssh: Could not resolve hostname x: Name or service not known", False, True),
        (255, b"ssh: Could not resolve hostname x: Temporary failure in name resolution", True, False),
        (10, b"rsync: getaddrinfo: x 873: Temporary failure in name resolution", True, False),
        (10, b"rsync: getaddrinfo: x 873: Name or service not known", False, True),
        (23, b'rsync: [receiver] mkstemp "/d/.a.Xy12Zz" failed: No space left on device (28)', False, True),
        (23, b'rsync: [receiver] mkstemp "/d/.a.Xy12Zz" failed: Disk quota exceeded (122)', False, True),
        (23, b'rsync: [receiver] mkstemp "/d/.a.Xy12Zz" failed: Read-only file system (30)', False, True),
        (5, b"@ERROR: max connections (2) reached -- try again later", True, False),
        (5, b"@ERROR: Unknown module 'x'", False, True),
        (5, b"@ERROR: auth failed on module x", False, True),
        (127, b"bash: rsync: command not found", False, True),
        (12, b"bash: line 1: rsync: command not found", False, True),
        (11, b'rsync: [receiver] write failed on "/d/a": No space left on device (28)', False, True),
        (1, b"rsync: --x: unknown option", False, True),
        (14, b"rsync: [Receiver] Failed to exec ./ssh: No such file or directory (2)", False, True),
        (20, b"", False, False),
        (-9, b"", False, False),
    ],
)
def test_what_is_worth_another_try_and_what_would_hit_all(
    code: int, stderr: bytes, transient: bool, fatal: bool
) -> None:
    verdict = interpret(code, stderr)
    assert (verdict.outcome, verdict.transient, verdict.fatal) == (Outcome.FAILED, transient, fatal)


def test_a_stall_is_worth_another_try() -> None:
    assert interpret(20, b"", stalled=True).transient


def test_the_message_is_the_telling_line() -> None:
    stderr = b"\nWarning: added x\nme@host: Permission denied (publickey).\nrsync error: unexplained (code 255)\n"
    assert interpret(255, stderr).message == "the remote shell failed: me@host: Permission denied (publickey)."


STATS = b"""
Number of files: 1,234 (reg: 1,000, dir: 200, link: 34)
Number of created files: 12 (reg: 7, dir: 2, link: 2, special: 1)
Number of deleted files: 3 (reg: 3)
Number of regular files transferred: 10
Total file size: 5,000,000 bytes
Total transferred file size: 4,000 bytes
Total bytes sent: 4,500
Total bytes received: 250
"""


def test_statistics() -> None:
    found = statistics(STATS)
    assert (found.files, found.directories, found.deleted, found.transferred) == (1034, 200, 3, 13)
    assert (found.size, found.transferred_size, found.sent, found.received) == (5_000_000, 4000, 4500, 250)
    assert statistics(b"").files == 0


def test_progress_lines() -> None:
    line = b"      1,234,567  42%   31.25MB/s    0:00:01 (xfr#12, to-chk=0/2)"
    assert progress(line) == Progress(12, 1_234_567)
    assert progress(b">f+++++++++ name 50% off") is None

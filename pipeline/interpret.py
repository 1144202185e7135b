"""What rsync's exit code and words mean: outcome, failed paths, whether to try again. Pure, for any bytes.

rsync speaks in the C locale and escapes odd bytes of names as `\\#ooo` (RSYNC.md 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.model import FailedPath, Outcome, Statistics, printable

OUTCOMES: dict[int, Outcome] = {
    0: Outcome.COMPLETE,
    23: Outcome.PARTIAL,
    24: Outcome.VANISHED,
    25: Outcome.COMPLETE,
}
"""Exit codes that let a run go on; every other one is a failure. 25: `--max-delete` stopped the deletions."""
TRANSIENT = frozenset({10, 12, 30, 35, 255})
"""Socket, protocol stream, timeouts, ssh: worth another try (RSYNC.md 17)."""
MEANINGS: dict[int, str] = {
    1: "rsync did not accept its options",
    2: "the two rsyncs speak no common protocol",
    3: "rsync could not select its files or folders",
    4: "rsync cannot do what was asked",
    5: "the daemon refused to start",
    10: "the connection failed",
    11: "reading or writing failed",
    12: "the connection broke",
    13: "rsync could not print",
    14: "rsync's processes lost each other",
    20: "rsync was stopped by a signal",
    21: "rsync's processes lost each other",
    22: "rsync had not enough memory",
    30: "the connection timed out",
    35: "the daemon did not answer in time",
    127: "the remote host has no rsync",
    255: "the remote shell failed",
}

_FATAL = re.compile(
    b"|".join(
        (
            rb"Permission denied \((?:publickey|password|keyboard)",
            rb"Host key verification failed",
            rb"Could not resolve hostname(?!.*Temporary failure)|Name or service not known",
            rb"command not found|rsync: not found|No such file or directory: .*rsync",
            rb"Read-only file system|No space left on device|Disk quota exceeded",
            rb"@ERROR: (?:auth|Unknown module|access denied|chroot failed|chdir failed)|module is read only",
            rb"unknown option|Failed to exec|Too many authentication failures",
        )
    )
)
"""Words of errors that every other process would meet as well."""
_REFUSED = ("No space left on device (28)", "Read-only file system (30)", "Disk quota exceeded (122)")
"""Of blocks or inodes: rsync goes on and ends with 23, but no other process will fare better."""
_BUSY = re.compile(rb"max connections")
_SIDE = rb"(?:rsync: )?(?:\[(?P<side>[\w ]+)\] )?"
_REASON = rb"(?P<reason>[^\"]*?)(?: \((?P<number>\d+)\))?"
_FAILURES = tuple(
    re.compile(_SIDE + words, re.DOTALL)
    for words in (
        # send_files failed to open "/s/a": Permission denied (13); rename "/d/.a.Xy12Zz" -> "/d/a": ...;
        # rsync_xal_set: lsetxattr("/d/a","user.x") failed: ...; link_stat "a" (in module) failed: ...
        rb'(?P<doing>[^"]*)"(?P<path>.*?)"(?: [-=]> ".*"|,"[^"]*"[^"]*?|[^"]*?)(?: failed)?: ' + _REASON,
        rb"set_acl: sys_acl_\w+\((?P<path>.*), ACL_TYPE_\w+\): " + _REASON,
        rb"ERROR: (?P<path>.*) (?P<reason>failed verification -- update .*)\.",
        rb"(?P<reason>(?:could not make way for|cannot convert|skipping overly long|filename overflows|"
        rb'symlink has no referent)[^:"]*): "?(?P<path>.*?)"?',
    )
)
"""How rsync names a path that it did not copy; some of these lines carry no error number."""
_UNNAMED = re.compile(
    rb"(?:rsync: |ERROR: )(?!.*(?:connection unexpectedly|(?:read|write) error:|safe_read|safe_write))", re.DOTALL
)
"""An error of rsync's that names no path in a form known here."""
_GONE = (b"2", b"20")
"""No such file or directory; not a directory, where the one that held the path is something else now."""
_VANISHED = re.compile(_SIDE + rb'\w+ has vanished: "(.*)"', re.DOTALL)
_QUOTED = re.compile(rb'"[^"\n]*"')
_TEMPORARY = re.compile(rb"(.*/|)\.([^/]+)\.[A-Za-z0-9]{6}", re.DOTALL)
_ESCAPE = re.compile(rb"\\#([0-3][0-7]{2})")
_NOISE = re.compile(
    rb"^(rsync error:|rsync warning:|\s*$|IO error encountered|sent |total size|Number of|Killed by signal)"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one rsync ended. `transient`: worth another try. `fatal`: every other process would fail alike."""

    outcome: Outcome
    failed: tuple[FailedPath, ...] = ()
    vanished: tuple[bytes, ...] = ()
    message: str = ""
    transient: bool = False
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of `--info=progress2`: files and bytes so far."""

    files: int
    size: int


def unescape(text: bytes) -> bytes:
    """Undo rsync's escapes."""
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), text)


def interpret(code: int, stderr: bytes, *, stalled: bool = False, listed: bool = True) -> Verdict:
    """Judge an exit code (negative: a signal) together with what rsync said.

    A path that was not there is a vanished one only where parsync had `listed` it; else it is the user's SRC.
    """
    if stalled:
        return Verdict(Outcome.FAILED, message="the transfer stood still", transient=True)
    outcome = OUTCOMES.get(code, Outcome.FAILED)
    failed, missing, vanished = _paths(stderr, unnamed=outcome is Outcome.PARTIAL)
    if not listed:
        failed += missing
        missing = []
    if outcome is Outcome.PARTIAL and not failed and missing:
        outcome = Outcome.VANISHED
    if outcome is Outcome.PARTIAL and any(path.reason.endswith(_REFUSED) for path in failed):
        return Verdict(Outcome.FAILED, tuple(failed), (), _message(code, stderr), fatal=True)
    if outcome is not Outcome.FAILED:
        lost = (*vanished, *(path.path for path in missing))
        return Verdict(outcome, tuple(failed) if outcome is Outcome.PARTIAL else (), lost, _message(code, stderr))
    fatal = code in (1, 2, 4, 126, 127) or bool(_FATAL.search(_QUOTED.sub(b'""', stderr)))
    transient = not fatal and (code in TRANSIENT or (code == 5 and bool(_BUSY.search(stderr))))
    return Verdict(outcome, tuple(failed), (), _message(code, stderr), transient, fatal)


def _paths(stderr: bytes, *, unnamed: bool) -> tuple[list[FailedPath], list[FailedPath], list[bytes]]:
    """Return paths that failed, listed paths that were gone at once, and paths that went during the transfer.

    With `unnamed` an error without a known path is one with an empty path, so that it is never lost.
    """
    failed: list[FailedPath] = []
    missing: list[FailedPath] = []
    vanished: list[bytes] = []
    for line in stderr.splitlines():
        if gone := _VANISHED.match(line):
            vanished.append(unescape(gone[2]))
        elif found := _failure(line):
            path, words = unescape(found["path"]), found.groupdict()
            if words.get("number") in _GONE and b"link_stat" in (words.get("doing") or b""):
                missing.append(FailedPath(path, _reason(words)))
            else:
                path = _final(path) if found["side"] == b"receiver" else path
                failed.append(FailedPath(path, _reason(words)))
        elif unnamed and _UNNAMED.match(line):
            failed.append(FailedPath(b"", printable(unescape(line)).removeprefix("rsync: ")))
    return failed, missing, vanished


def _failure(line: bytes) -> re.Match[bytes] | None:
    if _NOISE.match(line):
        return None
    return next(filter(None, (pattern.fullmatch(line) for pattern in _FAILURES)), None)


def _reason(words: dict[str, bytes | None]) -> str:
    text, number = printable(words["reason"] or b""), words.get("number")
    return f"{text} ({number.decode()})" if number else text


def _final(path: bytes) -> bytes:
    """Return the name that a receiver's temporary file `.name.XXXXXX` was to have."""
    found = _TEMPORARY.fullmatch(path)
    return found[1] + found[2] if found else path


def _message(code: int, stderr: bytes) -> str:
    """Return the most telling line: one that is fatal, else the first that is not rsync's own closing words."""
    if code == 0:
        return ""
    lines = [line for line in stderr.splitlines() if not _NOISE.match(line)]
    fatal = (line for line in lines if _FATAL.search(_QUOTED.sub(b'""', line)))
    telling = next(fatal, lines[0] if lines else b"")
    said = printable(unescape(telling)).removeprefix("rsync: ")
    meaning = MEANINGS.get(
        code, f"rsync ended with code {code}" if code >= 0 else f"rsync was killed by signal {-code}"
    )
    if code in (23, 24, 25):
        return said
    return f"{meaning}: {said}" if said else meaning


_COUNTS: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (name, re.compile(rb"^" + words + rb": ([\d,.]+)", re.MULTILINE))
    for name, words in (
        ("files", rb"Number of files"),
        ("deleted", rb"Number of deleted files"),
        ("transferred", rb"Number of regular files transferred"),
        ("size", rb"Total file size"),
        ("transferred_size", rb"Total transferred file size"),
        ("sent", rb"Total bytes sent"),
        ("received", rb"Total bytes received"),
    )
)
_DIRECTORIES = re.compile(rb"^Number of files: [^(\n]*\([^)\n]*\bdir: ([\d,]+)", re.MULTILINE)
_MADE = re.compile(rb"^Number of created files: [^(\n]*\(([^)\n]*)\)", re.MULTILINE)
_NOT_REGULAR = re.compile(rb"\b(?:link|dev|special): ([\d,]+)")


def statistics(stdout: bytes) -> Statistics:
    """Read rsync's `--stats`; zeros where it did not come to print them.

    Files are all that are no directories: `transferred` has the links and devices that were made, too.
    """
    found = {name: _number(pattern.search(stdout)) for name, pattern in _COUNTS}
    directories = _number(_DIRECTORIES.search(stdout))
    found["files"] = max(0, found["files"] - directories)
    if made := _MADE.search(stdout):
        found["transferred"] += sum(_number(kind) for kind in _NOT_REGULAR.finditer(made[1]))
    return Statistics(**found, directories=directories)


def _number(match: re.Match[bytes] | None) -> int:
    digits = re.sub(rb"\D", b"", match[1]) if match else b""
    return int(digits[:18] or b"0")


_PROGRESS = re.compile(rb"\s*([\d,.]+)\s+\d+%\s+\S+\s+\S+(?:\s+\((?:xfr#(\d+))?)?")


def progress(line: bytes) -> Progress | None:
    """Read one line of `--info=progress2`; None for any other line."""
    found = _PROGRESS.match(line)
    if found is None:
        return None
    size = re.sub(rb"\D", b"", found[1])
    return Progress(int((found[2] or b"0")[:18]), int(size[:18] or b"0"))

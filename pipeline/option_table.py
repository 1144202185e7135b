"""Every option of rsync, and what it means to a run of several processes (DESIGN section 6). Pure data.

A test compares the table with `rsync --help` of the installed version, so that a new option is noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag, auto


class Class(Enum):
    """What is done with an option."""

    PASSED = "passed on"
    UNDERSTOOD = "understood"
    ONE_BATCH = "one batch"
    REFUSED = "refused"


class Role(Flag):
    """What an option is about; a stage takes or leaves options by it."""

    NONE = 0
    FILTER = auto()
    """Selects by name, so rsync must list the source."""
    TRANSPORT = auto()
    """Every process that connects needs it."""
    DELETION = auto()
    OUTPUT = auto()
    MOVES = auto()
    """About moving files' contents: without a meaning where no file moves."""
    HARMLESS = auto()
    """cp may move a new subtree although this is given: what rsync makes of it afterwards is the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """One option: long name without dashes, short letter, whether it takes a value, class, reason, roles."""

    name: str
    short: str = ""
    value: bool = False
    kind: Class = Class.PASSED
    reason: str = ""
    roles: Role = Role.NONE


_F, _T, _D, _O, _M, _H = Role.FILTER, Role.TRANSPORT, Role.DELETION, Role.OUTPUT, Role.MOVES, Role.HARMLESS


def _passed(name: str, short: str = "", *, value: bool = False, roles: Role = Role.NONE) -> Row:
    return Row(name, short, value, Class.PASSED, "", roles)


def _understood(name: str, short: str = "", reason: str = "", *, value: bool = False, roles: Role = Role.NONE) -> Row:
    return Row(name, short, value, Class.UNDERSTOOD, reason, roles)


def _one_batch(name: str, short: str, reason: str, *, value: bool = False, roles: Role = Role.NONE) -> Row:
    return Row(name, short, value, Class.ONE_BATCH, reason, roles)


def _refused(name: str, short: str, reason: str, *, value: bool = False) -> Row:
    return Row(name, short, value, Class.REFUSED, reason)


_PER_DIRECTORY = "what a per-directory filter file means depends on the directories that one process sees"
_TIME = "a stopped rsync would look like a failed one; use timeout(1) on parsync, which stops in order"
_BATCH_FILE = "one file records one process"

ROWS: tuple[Row, ...] = (
    # What is selected by name.
    _passed("exclude", value=True, roles=_F),
    _passed("include", value=True, roles=_F),
    _understood("filter", "f", "rules in further files may be per directory", value=True, roles=_F),
    _passed("exclude-from", value=True, roles=_F),
    _passed("include-from", value=True, roles=_F),
    _one_batch("", "F", _PER_DIRECTORY, roles=_F),
    _one_batch("cvs-exclude", "C", _PER_DIRECTORY, roles=_F),
    _passed("from0", "0"),
    # What is selected by other things.
    _passed("max-size", value=True, roles=_F),
    _passed("min-size", value=True, roles=_F),
    _passed("update", "u"),
    _passed("existing"),
    _passed("ignore-existing"),
    _passed("ignore-times", "I", roles=_M),
    _passed("size-only"),
    _passed("checksum", "c", roles=_M),
    _passed("modify-window", "@", value=True),
    _one_batch("remove-source-files", "", "removing changes the times of directories that others still copy"),
    _passed("ignore-missing-args", roles=_H),
    _one_batch("prune-empty-dirs", "m", "whether a directory is empty is known to the process that sees all of it"),
    # Recursion and structure.
    _passed("archive", "a", roles=_H),
    _passed("recursive", "r", roles=_H),
    _passed("inc-recursive", roles=_H),
    _one_batch("relative", "R", "parsync itself sends relative names; yours would mean others"),
    _understood("implied-dirs", reason="parsync prepares the directories that several processes share", roles=_H),
    _one_batch("dirs", "d", "one level is not worth several processes"),
    _one_batch("old-dirs", "", "one level is not worth several processes"),
    _passed("mkpath", roles=_H),
    _understood("one-file-system", "x", "the walk stays on the source's file system too"),
    # Links.
    _passed("links", "l"),
    _understood("copy-links", "L", "rsync itself lists the source"),
    _understood("copy-dirlinks", "k", "rsync itself lists the source"),
    _passed("copy-unsafe-links", roles=_F),
    _passed("safe-links", roles=_F),
    _passed("insecure-links"),
    _passed("confine-root", value=True),
    _passed("munge-links"),
    _passed("keep-dirlinks", "K"),
    _understood("hard-links", "H", "all names of an inode travel in one batch"),
    # Attributes.
    _understood("perms", "p", "without it, modes of shared directories could not be put back", roles=_H),
    _passed("executability", "E"),
    _passed("chmod", value=True),
    _passed("acls", "A"),
    _passed("xattrs", "X"),
    _passed("owner", "o"),
    _passed("group", "g"),
    _passed("devices"),
    _passed("copy-devices"),
    _passed("write-devices"),
    _passed("specials"),
    _passed("drop-D"),
    _passed("", "D", roles=_H),
    _passed("times", "t"),
    _passed("atimes", "U"),
    _passed("open-noatime"),
    _passed("crtimes", "N"),
    _passed("omit-dir-times", "O"),
    _passed("omit-link-times", "J"),
    _passed("super"),
    _passed("fake-super"),
    _passed("numeric-ids", roles=_H),
    _passed("usermap", value=True),
    _passed("groupmap", value=True),
    _passed("chown", value=True),
    _refused("copy-as", "", "every process would change its user; run parsync as that user", value=True),
    # How data moves.
    _passed("inplace"),
    _passed("append", roles=_M),
    _passed("append-verify", roles=_M),
    _passed("sparse", "S"),
    _passed("preallocate"),
    _passed("whole-file", "W", roles=_H),
    _passed("checksum-choice", value=True, roles=_H),
    _passed("block-size", "B", value=True, roles=_H),
    _passed("partial", roles=_H),
    _passed("partial-dir", value=True),
    _one_batch("delay-updates", "", "its files appear together, at the end of one process"),
    _passed("temp-dir", "T", value=True, roles=_H),
    _passed("fuzzy", "y", roles=_M),
    _passed("fsync"),
    _passed("compress", "z", roles=_H),
    _passed("compress-choice", value=True, roles=_H),
    _passed("compress-level", value=True, roles=_H),
    _passed("compress-threads", value=True, roles=_H),
    _passed("skip-compress", value=True, roles=_H),
    _passed("old-compress", roles=_H),
    _passed("new-compress", roles=_H),
    _passed("qsort", roles=_H),
    _passed("max-alloc", value=True, roles=_H),
    _passed("checksum-seed", value=True, roles=_H),
    _passed("bwlimit", value=True),
    _understood("backup", "b", "parsync deletes with it too"),
    _passed("backup-dir", value=True),
    _passed("suffix", value=True),
    # Reference directories.
    _understood("link-dest", "", "must exist; linked files are counted", value=True, roles=_M),
    _understood("copy-dest", "", "must exist", value=True, roles=_M),
    _understood("compare-dest", "", "must exist", value=True, roles=_M),
    # Deletion.
    _understood("delete", "", "a stage of its own, after all copies", roles=_D | _H),
    _one_batch("delete-before", "", "its user lacks the space to delete later", roles=_D),
    _understood("delete-during", "", "a stage of its own, after all copies", roles=_D | _H),
    _understood("delete-delay", "", "a stage of its own, after all copies", roles=_D | _H),
    _understood("delete-after", "", "a stage of its own, after all copies", roles=_D | _H),
    _understood("delete-excluded", "", "a stage of its own, after all copies", roles=_D),
    _refused("delete-missing-args", "", "parsync plans the arguments itself, and none is missing"),
    _understood("ignore-errors", "", "opens the gates of the deletion", roles=_D | _H),
    _understood("force", "", "directories give way to files, as with --delete", roles=_D | _H),
    _understood("max-delete", "", "counted over the whole run", value=True, roles=_D | _H),
    # Output.
    _understood("verbose", "v", "rsync's words are in the run's log", roles=_O | _H),
    _understood("quiet", "q", "parsync has its own output", roles=_O | _H),
    _understood("itemize-changes", "i", "rsync's words are in the run's log", roles=_O | _H),
    _understood("out-format", "", "rsync's words are in the run's log", value=True, roles=_O | _H),
    _understood("progress", "", "parsync shows its own", roles=_O | _H),
    _understood("stats", "", "the report has them", roles=_O | _H),
    _understood("human-readable", "h", "parsync reads the numbers", roles=_O | _H),
    _understood("info", "", "parsync reads its own choice", value=True, roles=_O | _H),
    _passed("debug", value=True, roles=_O | _H),
    _understood("stderr", "", "parsync reads the errors", value=True, roles=_O | _H),
    _understood("msgs2stderr", "", "parsync reads the errors", roles=_O | _H),
    _understood("8-bit-output", "8", "parsync escapes names itself", roles=_O | _H),
    _understood("outbuf", "", "parsync reads the output", value=True, roles=_O | _H),
    _passed("log-file", value=True),
    _passed("log-file-format", value=True),
    _passed("motd", roles=_H),
    # Connections.
    _passed("rsh", "e", value=True, roles=_T | _H),
    _passed("rsync-path", value=True, roles=_T | _H),
    _passed("password-file", value=True, roles=_T | _H),
    _passed("early-input", value=True, roles=_T | _H),
    _passed("remote-option", "M", value=True, roles=_T),
    _passed("timeout", value=True, roles=_T | _H),
    _passed("contimeout", value=True, roles=_T | _H),
    _passed("address", value=True, roles=_T | _H),
    _passed("port", value=True, roles=_T | _H),
    _passed("sockopts", value=True, roles=_T | _H),
    _passed("blocking-io", roles=_T | _H),
    _one_batch("protocol", "", "an old protocol knows less than parsync's calls need", value=True, roles=_T),
    _one_batch("old-args", "", "a remote shell makes what it likes of a path", roles=_T),
    _passed("secluded-args", "s", roles=_T | _H),
    _passed("trust-sender", roles=_T | _H),
    _passed("ipv4", "4", roles=_T | _H),
    _passed("ipv6", "6", roles=_T | _H),
    _one_batch("iconv", "", "names differ between the ends", value=True, roles=_T),
    # Another kind of call.
    _one_batch("dry-run", "n", "shown by one plain rsync"),
    _refused("files-from", "", "parsync plans what to copy; give SRC, or use --include and --exclude", value=True),
    _refused("read-batch", "", _BATCH_FILE, value=True),
    _refused("write-batch", "", _BATCH_FILE, value=True),
    _refused("only-write-batch", "", _BATCH_FILE, value=True),
    _refused("list-only", "", "nothing is copied; use rsync itself"),
    _refused("stop-after", "", _TIME, value=True),
    _refused("stop-at", "", _TIME, value=True),
    _refused("time-limit", "", _TIME, value=True),
    _refused("daemon", "", "nothing is copied; use rsync itself"),
    _refused("server", "", "rsync says this to itself"),
    _refused("sender", "", "rsync says this to itself"),
    _refused("config", "", "it is the daemon's", value=True),
    _refused("version", "V", "nothing is copied; use rsync itself"),
    _refused("help", "", "nothing is copied; use parsync --help or rsync --help"),
)

BY_NAME: dict[str, Row] = {row.name: row for row in ROWS if row.name}
BY_SHORT: dict[str, Row] = {row.short: row for row in ROWS if row.short}
SAME: dict[str, str] = {
    "cc": "checksum-choice",
    "del": "delete-during",
    "i-d": "implied-dirs",
    "i-r": "inc-recursive",
    "ignore-non-existing": "existing",
    "log-format": "out-format",
    "old-d": "old-dirs",
    "protect-args": "secluded-args",
    "remove-sent-files": "remove-source-files",
    "zc": "compress-choice",
    "zl": "compress-level",
    "zt": "compress-threads",
}
"""Second names of options, some of them left out of the manual."""
_AFTER_NO = (
    "8 8-bit-output A acls append atimes backup blocking-io bwlimit c checksum compress contimeout crtimes D d "
    "delay-updates devices dirs drop-D force from0 fuzzy g group H h hard-links human-readable i i-d i-r iconv "
    "ignore-errors implied-dirs inc-recursive inplace insecure-links itemize-changes J l links m mkpath motd "
    "msgs2stderr munge-links N numeric-ids O o old-args omit-dir-times omit-link-times one-file-system "
    "open-noatime owner p partial perms progress protect-args prune-empty-dirs R r recursive relative S s "
    "secluded-args sparse specials super t timeout times U v verbose W whole-file write-devices X x xattrs y z"
)
NEGATABLE: frozenset[str] = frozenset(_AFTER_NO.split())
"""Names and letters that rsync 3.5 takes after `--no-`; any other such word is unknown to it."""

_OWN = "batches full-every groups id incremental keep-runs parallel retries scheduler stall-timeout verify work-dir"
PARSYNCS: frozenset[str] = frozenset(_OWN.split())
"""Options of parsync that rsync has not; after DEST they would be taken for rsync's."""


def _names(role: Role) -> frozenset[str]:
    return frozenset(f"--{row.name}" for row in ROWS if row.name and role in row.roles)


DELETION_NAMES = _names(Role.DELETION)
OUTPUT_NAMES = _names(Role.OUTPUT)
MOVING_NAMES = _names(Role.MOVES)

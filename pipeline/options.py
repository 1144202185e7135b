"""The user's rsync options: read once, refused or understood, and given to each stage in the right selection. Pure.

Reads them as rsync does: short clusters, values in either form, `--no-X`; the later of two wins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.errors import UsageError
from pipeline.model import printable
from pipeline.option_table import BY_NAME, BY_SHORT, DELETION_NAMES, NEGATABLE, PARSYNCS, SAME, Class, Role, Row

_PER_DIRECTORY_RULE = re.compile(rb":|dir-merge|(?:\.|merge)(?![^ _]*[-+])")
"""Filter rules that read a file in each directory, or further rules that may (rsync(1), "FILTER RULES").

A file merged with the modifier `-` or `+` holds patterns only.
"""

_STDIN_RULE = re.compile(rb"(?:\.|merge)[^ _]*[ _]-")
_FROM_FILES = frozenset({"--exclude-from", "--include-from", "--password-file"})

_WHEN = {f"--delete-{when}": f"--delete-{when}" for when in ("before", "during", "after")}
_WHEN["--delete-delay"] = "--delete-during"
"""When rsync deletes; it takes one of them only."""

_SECRETS = (
    (re.compile(rb"(sshpass\s+-p\s*)(?:'[^']*'|\"[^\"]*\"|\S+)"), rb"\1***"),
    (re.compile(rb"(rsync://[^:/@\s]+:)[^@/\s]+@"), rb"\1***@"),
    (re.compile(rb"(?i)((?:pass|password|passwd|secret|token)=)\S+"), rb"\1***"),
)


@dataclass(frozen=True, slots=True)
class Given:
    """One option as given: its row (None: unknown, rsync judges), its value, `--no-` or not, the words to pass."""

    row: Row | None
    value: bytes | None
    negated: bool
    words: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """The long name with dashes; the letter where there is no long one."""
        if self.row is None:
            return os.fsdecode(self.words[0])
        return f"--{self.row.name}" if self.row.name else f"-{self.row.short}"


@dataclass(frozen=True)
class Reference:
    """A `--link-dest`, `--copy-dest` or `--compare-dest` directory, as given."""

    option: str
    path: bytes


@dataclass(frozen=True)
class Options:
    """All options of a run in the order given; what follows from them is computed when it is asked for."""

    given: tuple[Given, ...]

    def has(self, name: str, default: bool = False) -> bool:
        """Say whether an option without a value holds in the end: the last of `--X` and `--no-X` wins."""
        for given in reversed(self.given):
            if given.row is not None and given.row.name == name:
                return not given.negated
        return default

    def mentions(self, name: str) -> bool:
        """Say whether an option was given at all, or denied."""
        return any(given.row is not None and given.row.name == name for given in self.given)

    def value(self, name: str) -> bytes | None:
        """Return the last value given to an option, None for none."""
        values = [given.value for given in self.given if given.row is not None and given.row.name == name]
        return values[-1] if values else None

    def _any(self, role: Role) -> bool:
        return any(given.row is not None and role in given.row.roles and not given.negated for given in self.given)

    @cached_property
    def hard_links(self) -> bool:
        return self.has("hard-links")

    @cached_property
    def one_file_system(self) -> bool:
        return self.has("one-file-system")

    @cached_property
    def copy_links(self) -> bool:
        return self.has("copy-links")

    @cached_property
    def copy_dirlinks(self) -> bool:
        return self.has("copy-dirlinks")

    @cached_property
    def perms(self) -> bool:
        return self.has("perms", default=True) or self.has("acls")

    @cached_property
    def ignore_errors(self) -> bool:
        return self.has("ignore-errors")

    @cached_property
    def dry_run(self) -> bool:
        return self.has("dry-run")

    @cached_property
    def talks(self) -> bool:
        """Whether the user asked rsync to say what it does."""
        return self.has("verbose") or self.has("itemize-changes") or self.value("out-format") is not None

    @cached_property
    def delete(self) -> bool:
        """Whether extras are to be deleted, in whatever spelling."""
        spellings = [name for name in DELETION_NAMES if name.startswith("--del")]
        return any(given.name in spellings and not given.negated for given in self.given)

    @cached_property
    def max_delete(self) -> int | None:
        value = self.value("max-delete")
        return None if value is None else max(0, int(value))

    @cached_property
    def filtered(self) -> bool:
        """Whether options decide by name or size what belongs to the source."""
        return self._any(Role.FILTER)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        names = ("--link-dest", "--copy-dest", "--compare-dest")
        return tuple(Reference(given.name, given.value or b"") for given in self.given if given.name in names)

    @cached_property
    def plain(self) -> bool:
        """Whether cp may move new subtrees: no option selects, changes or links files."""
        return all(
            given.row is not None and not given.negated and Role.HARMLESS in given.row.roles for given in self.given
        )

    @cached_property
    def one_batch(self) -> tuple[str, ...]:
        """Why the whole tree must travel in one process; empty when it need not."""
        reasons = [
            f"{given.name}: {given.row.reason}"
            for given in self.given
            if given.row is not None and given.row.kind is Class.ONE_BATCH and not given.negated
        ]
        if self._mounts_left_out:
            reasons.append("--one-file-system twice: mount points are left out, rather than not entered")
        if not self.has("recursive", default=True):
            reasons.append("--no-recursive: one level is not worth several processes")
        if any(given.name == "--filter" and _PER_DIRECTORY_RULE.match(given.value or b"") for given in self.given):
            reasons.append(f"--filter: {BY_NAME['filter'].reason}")
        return tuple(dict.fromkeys(reasons))

    @property
    def _mounts_left_out(self) -> bool:
        """Whether the last word is `-xx`."""
        times = 0
        for given in self.given:
            if given.name == "--one-file-system":
                times = 0 if given.negated else times + 1
        return times > 1

    @cached_property
    def transport(self) -> tuple[bytes, ...]:
        """The words of the options that say how to reach the other end."""
        wanted = (given for given in self.given if given.row is not None and Role.TRANSPORT in given.row.roles)
        return tuple(word for given in wanted for word in given.words)

    @cached_property
    def hidden(self) -> tuple[bytes, ...]:
        """All words as given, for logs and reports: without passwords."""
        return hide_secrets([word for given in self.given for word in given.words])

    def words(self, *, drop: frozenset[str] = frozenset()) -> tuple[bytes, ...]:
        """Return the words to pass to rsync, in order, without those options that `drop` names."""
        return tuple(word for given in self.given if given.name not in drop for word in given.words)


def parse(arguments: Sequence[bytes]) -> Options:
    """Read the options that follow DEST; UsageError for one that is refused, lacks its value or is no option."""
    options = Options(tuple(_read(list(arguments))))
    for given in options.given:
        if given.row is not None and given.row.kind is Class.REFUSED:
            raise UsageError(f"rsync option {given.name} is refused: {given.row.reason}")
        if _reads_stdin(given):
            raise UsageError(
                f"rsync option {given.name} is refused with standard input: several processes need it", "give a file"
            )
        if given.name == "--max-delete" and not re.fullmatch(rb"-?\d{1,9}", given.value or b""):
            raise UsageError(f"--max-delete needs a number, not {printable(given.value or b'')!r}")
    whens = {_WHEN[given.name] for given in options.given if given.name in _WHEN}
    if len(whens) > 1:
        raise UsageError(f"{' and '.join(sorted(whens))} exclude each other", "give one, or --delete alone")
    return options


def _reads_stdin(given: Given) -> bool:
    """Say whether an option takes its lines from standard input, which rsync processes of parsync do not have."""
    value = given.value or b""
    if given.name == "--filter":
        return bool(_STDIN_RULE.fullmatch(value))
    return given.name in _FROM_FILES and value == b"-"


def _read(words: list[bytes]) -> Iterator[Given]:
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        following = words[position] if position < len(words) else None
        if word.startswith(b"--") and len(word) > 2:
            given = _long(word, following)
            position += len(given.words) - 1
            yield given
        elif word.startswith(b"-") and len(word) > 1 and word != b"--":
            found = list(_cluster(word, following))
            position += len(found[-1].words) - 1
            yield from found
        else:
            shown = printable(word)
            raise UsageError(
                f"{shown!r} after DEST is no rsync option", "quote names with spaces; parsync takes one SRC"
            )


def _long(word: bytes, following: bytes | None) -> Given:
    name, equals, value = word[2:].partition(b"=")
    text = os.fsdecode(name)
    row, negated = _by_name(text), False
    if row is None and text.startswith("no-") and text[3:] in NEGATABLE:
        row, negated = _by_name(text[3:]) or BY_SHORT[text[3:]], True
    if row is None and text in PARSYNCS:
        raise UsageError(f"--{text} after DEST goes to rsync, which has no such option", "give it before SRC")
    if row is None:
        return Given(None, None, False, (word,))
    if negated or not row.value:
        if equals:
            raise UsageError(f"rsync option --{text} takes no value")
        return Given(row, None, negated, (word,))
    if equals:
        return Given(row, value, False, (word,))
    if following is None:
        raise UsageError(f"rsync option --{text} needs a value")
    return Given(row, following, False, (word, following))


def _by_name(text: str) -> Row | None:
    return BY_NAME.get(SAME.get(text, text))


def _cluster(word: bytes, following: bytes | None) -> Iterator[Given]:
    """Yield the options of a short cluster such as `-aHe CMD`, `-eCMD` or `-P`, each with words of its own."""
    letters = word[1:]
    for position in range(len(letters)):
        letter = letters[position : position + 1]
        row = BY_SHORT.get(os.fsdecode(letter))
        if letter == b"P":
            yield Given(BY_NAME["partial"], None, False, (b"--partial",))
            yield Given(BY_NAME["progress"], None, False, (b"--progress",))
        elif row is None or not row.value:
            yield Given(row, None, False, (b"-" + letter,))
        else:
            attached = letters[position + 1 :]
            value = attached.removeprefix(b"=")
            if attached:
                yield Given(row, value, False, (b"-" + letter + (value or attached),))
            elif following is not None:
                yield Given(row, following, False, (b"-" + letter, following))
            else:
                raise UsageError(f"rsync option -{os.fsdecode(letter)} needs a value")
            return


def hide_secrets(words: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the words with what looks like a password replaced by `***`."""
    hidden = []
    for word in words:
        for pattern, replacement in _SECRETS:
            word = pattern.sub(replacement, word)
        hidden.append(word)
    return tuple(hidden)

"""rsync's options as users write them: read, refused, understood, rendered again."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.option_table import DELETION_NAMES, OUTPUT_NAMES, ROWS, Class
from pipeline.options import hide_secrets, parse


def words(text: str) -> tuple[bytes, ...]:
    return tuple(word.encode() for word in text.split())


@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        ("-aH", "-a -H"),
        ("-avve ssh", "-a -v -v -e ssh"),
        ("-essh", "-essh"),
        ("-aHe=ssh", "-a -H -essh"),
        ("-ae= --rsh=", "-a -e= --rsh="),
        ("--rsh ssh", "--rsh ssh"),
        ("--rsh=ssh", "--rsh=ssh"),
        ("-P", "--partial --progress"),
        ("--exclude a --exclude=b -f x", "--exclude a --exclude=b -f x"),
        ("--no-times --no-p", "--no-times --no-p"),
        ("--unheard-of --what=x", "--unheard-of --what=x"),
        ("-T /tmp -B 700", "-T /tmp -B 700"),
    ],
)
def test_options_are_passed_on_as_given(given: str, rendered: str) -> None:
    assert parse(words(given)).words() == words(rendered)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.kind is Class.REFUSED and row.name], ids=lambda row: row.name
)
def test_refused_options_say_why(row: object) -> None:
    with pytest.raises(UsageError, match=r"refused: .{10,}"):
        parse([f"--{row.name}".encode(), *([b"x"] if row.value else [])])  # type: ignore[attr-defined]


@pytest.mark.parametrize("given", ["--exclude", "-e", "-aHf", "--link-dest"])
def test_a_missing_value_is_said(given: str) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        parse(words(given))


@pytest.mark.parametrize("given", ["--stats=1", "--delete=yes", "--no-links=5", "--no-timeout=5", "--archive="])
def test_a_value_too_many_is_said(given: str) -> None:
    with pytest.raises(UsageError, match="takes no value"):
        parse(words(given))


@pytest.mark.parametrize("given", ["--no-delete", "--no-stats", "--no-b", "--no-archive", "--dele", "--recurs"])
def test_what_rsync_does_not_know_is_left_for_it_to_refuse(given: str) -> None:
    options = parse(words(given))
    assert not options.delete
    assert options.words(drop=DELETION_NAMES | OUTPUT_NAMES) == words(given)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("--del", "--delete-during"),
        ("--log-format=%n", "--out-format"),
        ("--no-i-r", "--inc-recursive"),
        ("--cc=md5", "--checksum-choice"),
    ],
)
def test_second_names_count_as_the_first(alias: str, name: str) -> None:
    options = parse(words(alias))
    assert [given.name for given in options.given] == [name]
    assert options.words() == words(alias)


@pytest.mark.parametrize("given", ["SRC2", "-a SRC2", "-", "--"])
def test_a_bare_word_is_no_option(given: str) -> None:
    with pytest.raises(UsageError, match="no rsync option"):
        parse(words(given))


@pytest.mark.parametrize(
    "spelling", ["--delete", "--del", "--delete-during", "--delete-delay", "--delete-after", "--delete-excluded"]
)
def test_every_spelling_of_delete_deletes(spelling: str) -> None:
    options = parse(words(spelling))
    assert options.delete
    assert options.one_batch == ()
    assert options.words(drop=DELETION_NAMES) == ()


@pytest.mark.parametrize(
    "given",
    ["--delete-before", "-m", "-F", "-C", "-R", "-d", "--no-r", "--iconv=utf8,latin1", "-n", "--filter=:_.rules",
     "--filter=dir-merge_.rules", "--filter=merge_rules", "--filter=._rules", "--filter=:C"],
)  # fmt: skip
def test_options_whose_meaning_needs_one_process_say_so(given: str) -> None:
    reasons = parse([given.replace("_", " ").encode()]).one_batch
    assert len(reasons) == 1
    assert ":" in reasons[0]


@pytest.mark.parametrize(
    "given",
    [
        "--exclude=:x",
        "--filter=- *.o",
        "--filter=merge,- rules",
        "--filter=.+ rules",
        "-a",
        "--delete -H -x",
        "--no-m -m --no-m",
    ],
)
def test_other_options_do_not(given: str) -> None:
    assert parse([given.encode()] if given.startswith("--filter") else words(given)).one_batch == () or "-m" in given


def test_the_later_of_two_wins() -> None:
    assert not parse(words("-H --no-H")).hard_links
    assert parse(words("--no-hard-links -H")).hard_links
    assert not parse(words("--no-perms")).perms
    assert parse(words("--no-perms -p")).perms
    assert parse(words("--no-perms -A")).perms


def test_cp_moves_only_where_every_option_is_harmless() -> None:
    assert parse(words("-avP --stats --delete -W")).plain
    for option in (
        "-H",
        "-A",
        "-X",
        "--exclude=x",
        "-S",
        "--chmod=a+r",
        "-x",
        "--no-times",
        "--unheard-of",
        "-u",
        "--log-file=x",
    ):
        assert not parse([option.encode()]).plain, option


def test_max_delete_is_a_number() -> None:
    assert parse(words("--max-delete=5")).max_delete == 5
    assert parse(words("--max-delete 0")).max_delete == 0
    assert parse(words("--max-delete=-1")).max_delete == 0
    for number in ("x", "", "1e3", "9" * 5000):
        with pytest.raises(UsageError, match="needs a number"):
            parse([b"--max-delete", number.encode()])


@pytest.mark.parametrize(
    "word",
    [
        "sshpass -p opensesame ssh",
        "sshpass -p 'now opensesame' ssh",
        "SSHPASS=opensesame ssh",
        "rsync://me:opensesame@host/x",
        "ssh -o password=opensesame",
    ],
)
def test_passwords_are_hidden(word: str) -> None:
    assert b"opensesame" not in hide_secrets([word.encode()])[0]
    assert b"***" in hide_secrets([word.encode()])[0]


@pytest.mark.parametrize("given", ["--delete-after --del", "--delete-before --delete-delay", "--delete-before --del"])
def test_two_times_of_deletion_exclude_each_other(given: str) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        parse(words(given))
    assert parse(words("--del --delete-delay --delete-delay")).delete

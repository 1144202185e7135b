"""How lines of a dry run are shown."""

from __future__ import annotations

import pytest

from pipeline.dry_run import shown


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b">f+++++++++ a", ">f+++++++++ a"),
        ("\u00e9".encode(), "\u00e9"),
        (b"a\xff\\#012b", "a\\#377\\#012b"),
        (b"a\x1b[31m", "a\\x1b[31m"),
    ],
)
def test_a_line_is_shown_as_rsync_shows_it_in_a_terminal(line: bytes, text: str) -> None:
    assert shown(line) == text

"""SRC and DEST as rsync reads them."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.location import absolute, contents, expands, parse_destination, parse_source, plain, split
from pipeline.model import Ends


@pytest.mark.parametrize(
    ("text", "ends", "host", "path"),
    [
        ("/a/b", Ends.LOCAL, "", "/a/b"),
        ("b", Ends.LOCAL, "", "/cwd/b"),
        ("b/", Ends.LOCAL, "", "/cwd/b/"),
        (".", Ends.LOCAL, "", "/cwd/"),
        ("./a:b", Ends.LOCAL, "", "/cwd/a:b"),
        ("/x/a:b", Ends.LOCAL, "", "/x/a:b"),
        ("host:path", Ends.SSH, "host", "path"),
        ("me@host:/p/", Ends.SSH, "me@host", "/p/"),
        ("host:", Ends.SSH, "host", ""),
        ("[::1]:/p", Ends.SSH, "[::1]", "/p"),
        ("me@[fe80::1]:p", Ends.SSH, "me@[fe80::1]", "p"),
        ("host::mod/p", Ends.DAEMON, "host", "mod/p"),
        ("me@host::mod", Ends.DAEMON, "me@host", "mod"),
        ("[]:p", Ends.LOCAL, "", "/cwd/[]:p"),
        ("a[1]:p", Ends.LOCAL, "", "/cwd/a[1]:p"),
        ("rsync://me@[::1]:873/mod", Ends.DAEMON, "me@[::1]:873", "mod"),
        ("rsync://host:873/mod/p/", Ends.DAEMON, "host:873", "mod/p/"),
    ],
)
def test_locations(text: str, ends: Ends, host: str, path: str) -> None:
    location = parse_destination(text.encode(), b"/cwd")
    assert (location.ends, location.host, location.path) == (ends, host.encode(), path.encode())
    if ends is not Ends.LOCAL:
        assert location.argument() == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":p",
        "me@:p",
        "-oProxyCommand=x:p",
        "host::",
        "rsync://",
        "rsync://host",
        "a\0b",
        "-x@host:p",
        "rsync://:873/mod",
        "rsync://host:port/mod",
        "rsync://-x/mod",
    ],
)
def test_what_is_no_location(text: str) -> None:
    with pytest.raises(UsageError):
        parse_source(text.encode(), b"/cwd")


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="--password-file") as error:
        parse_source(b"rsync://me:opensesame@host/mod", b"/cwd")
    assert "opensesame" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "root", "start"),
    [
        ("/a/b/", "/a/b/", ""),
        ("/a/b", "/a", "b"),
        ("/a/*", "/a/", ""),
        ("*", "/cwd/", ""),
        ("/a", "/", "a"),
        ("/", "/", ""),
        (".", "/cwd/", ""),
        ("a/..", "/cwd/a/..", ""),
        ("host:b", ".", "b"),
        ("host:", "", ""),
        ("host:/a/b", "/a", "b"),
        ("host::mod", "mod", ""),
        ("host::mod/b", "mod", "b"),
    ],
)
def test_what_travels_below_which_root(text: str, root: str, start: str) -> None:
    location, found = split(parse_source(text.encode(), b"/cwd"))
    assert (location.path, found) == (root.encode(), start.encode())


def test_absolute_paths_have_no_dots_that_rsync_would_cut_at() -> None:
    assert absolute(b"a/./b//c/", b"/cwd/./x") == b"/cwd/x/a/b/c/"
    assert absolute(b"..", b"/cwd") == b"/cwd/.."


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (b"*", b"./"),
        (b"a/*", b"a/"),
        (b"/*", b"/"),
        (b"h:*", b"h:"),
        (b"h:a/*", b"h:a/"),
        (b"d/a:*", b"d/a:*"),
        (b"a*", b"a*"),
    ],
)
def test_a_last_star_means_the_contents(text: bytes, read: bytes) -> None:
    assert contents(text) == read


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        (b"h:a*", True),
        (b"h:a/[b]/c", True),
        (b"h::m/?", True),
        (b"h:~", True),
        (b"h:~/a", False),
        (b"h:a/*", False),
        (b"a?", False),
    ],
)
def test_wildcards_count_at_the_far_end_only(text: bytes, expanded: bool) -> None:
    assert expands(parse_source(text, b"/cwd")) == expanded


@pytest.mark.parametrize(
    ("path", "same"),
    [(b"/a/b/", b"/a/b"), (b"//a/./b/.", b"/a/b"), (b"a//b", b"a/b"), (b"", b""), (b"/", b"/"), (b"a/../b", b"a/../b")],
)
def test_spellings_of_one_path(path: bytes, same: bytes) -> None:
    assert plain(path) == same

"""SRC and DEST as rsync reads them. Pure: nothing is looked up.

A colon before any slash makes a location remote; two colons, or `rsync://`, name a daemon.
"""

from __future__ import annotations

import os
import re

from pipeline.errors import UsageError
from pipeline.model import Ends, Location, printable

_REMOTE = re.compile(rb"((?:[^/:@\[]*@)?(?:\[[^\]/]+\]|[^/:\[]*)):(:?)(.*)", re.DOTALL)
_ALL = re.compile(rb"((?:.*/|[^/]*:)?)\*", re.DOTALL)
_WILD = re.compile(rb"[*?\[\\]")
_URL = re.compile(rb"rsync://([^/]*)(?:/(.*))?", re.DOTALL | re.IGNORECASE)
_URL_HOST = re.compile(rb"(?:[^:@\[]*@)?(?:\[[^\]]+\]|[^:@\[]*)(?::\d{1,5})?")


def parse_source(text: bytes, cwd: bytes, *, relative: bool = False) -> Location:
    """Read SRC; a last component that is exactly `*` counts as the folder's contents, as for the original script.

    With `relative` (`-R`) the path as given is what arrives: `/./` marks where it begins.
    """
    location = _parse(contents(text), cwd, "source")
    if not relative or location.remote:
        return location
    given = contents(text)
    marked = given if given.startswith(b"/") or b"/./" in given else b"./" + given
    return location.with_path(os.path.join(cwd, marked))


def contents(text: bytes) -> bytes:
    """Return SRC without a last component that is exactly `*`."""
    found = _ALL.fullmatch(text)
    return (found[1] or b"./") if found else text


def parse_destination(text: bytes, cwd: bytes) -> Location:
    """Read DEST."""
    return _parse(text, cwd, "destination")


def split(location: Location) -> tuple[Location, bytes]:
    """Return the folder below which everything lies, and the one path in it that travels (`b""` for all of it).

    `SRC/` and `SRC/.` mean the contents; `SRC` means SRC itself, below its parent.
    """
    path = location.path
    if path in (b"", b".", b"..") or path.endswith((b"/", b"/.", b"/..")):
        return location, b""
    if location.ends is Ends.DAEMON and b"/" not in path:
        return location, b""
    parent, name = os.path.split(path)
    return location.with_path(parent or (b"/" if path.startswith(b"/") else b".")), name


def expands(location: Location) -> bool:
    """Say whether the far end may make other names, or several, of a remote path, as a shell does."""
    path = location.path
    home = path.startswith(b"~") and b"/" not in path
    return location.remote and (home or _WILD.search(path) is not None)


def _parse(text: bytes, cwd: bytes, what: str) -> Location:
    shown = printable(text)
    if not text:
        raise UsageError(f"the {what} is empty", "give a path; '.' is the current directory")
    if b"\0" in text:
        raise UsageError(f"the {what} contains a NUL byte")
    if url := _URL.fullmatch(text):
        if not _URL_HOST.fullmatch(url[1]):
            # rsync would take what it cannot read for a host named "rsync", and start ssh.
            raise UsageError(
                f"the {what} has an rsync:// address that rsync cannot read",
                "write rsync://[user@]host[:port]/module/path; give a password with --password-file",
            )
        return _daemon(url[1], url[2] or b"", url=True, shown=shown, what=what)
    found = _REMOTE.fullmatch(text)
    if found is None or not found[1]:
        if found is not None and text.startswith(b":"):
            raise UsageError(f"{what} {shown} has no host", "write ./ before a path that begins with a colon")
        return Location(Ends.LOCAL, absolute(text, cwd))
    host, double, path = found.groups()
    _check_host(host, shown, what)
    if double:
        return _daemon(host, path, url=False, shown=shown, what=what)
    return Location(Ends.SSH, path, host)


def _daemon(host: bytes, path: bytes, *, url: bool, shown: str, what: str) -> Location:
    _check_host(host, shown, what)
    path = path.lstrip(b"/")
    if not path:
        raise UsageError(f"{what} {shown} names no module", "write host::module/path")
    return Location(Ends.DAEMON, path, host, url)


def _check_host(host: bytes, shown: str, what: str) -> None:
    """Refuse what ssh would take for an option (`-oProxyCommand=...`), and no host at all."""
    name = host.rpartition(b"@")[2]
    if not name or name.startswith(b":"):
        raise UsageError(f"{what} {shown} has no host", "write host:path")
    if name.startswith(b"-") or host.startswith(b"-"):
        raise UsageError(f"{what} {shown} has a host that begins with a dash", "write ./ before a local path")


def plain(path: bytes) -> bytes:
    """Return a path without empty components, `.`, and a last slash."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    return (b"/" if path.startswith(b"/") else b"") + b"/".join(parts)


def absolute(path: bytes, cwd: bytes) -> bytes:
    """Return a local path from the root, without `.` and empty components, its last slash kept; links as they are."""
    full = os.path.join(cwd, path)
    parts = [part for part in full.split(b"/") if part not in (b"", b".")]
    contents = full.endswith((b"/", b"/.")) or not parts
    return b"/" + b"/".join(parts) + (b"/" if contents and parts else b"")

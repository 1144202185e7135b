"""rsync's own list of a source against what the file system says."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from pipeline.errors import SourceError
from pipeline.listing import collect
from pipeline.model import Ends, Location
from pipeline.options import parse
from pipeline.process import which_rsync
from pipeline.tree import Node, join
from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.servers import Rsyncd, Sshd


def collected(source: Location, *words: bytes, start: bytes = b"", cwd: bytes = b"/", floor: float = 0.0) -> list[Node]:
    count = 0

    def one() -> None:
        nonlocal count
        count += 1

    nodes, _ = collect(which_rsync(os.environ), parse(list(words)), source, start, floor, cwd=cwd, on_entry=one)
    assert count > 0
    return nodes


def paths(nodes: Sequence[Node]) -> tuple[set[bytes], set[bytes]]:
    """Return all directories and all other entries that the nodes name; the top is not among them."""
    entries = {join(node.path, entry.name) for node in nodes for entry in node.entries}
    return {node.path for node in nodes[:-1]}, entries


def on_disk(root: bytes) -> tuple[set[bytes], set[bytes]]:
    directories: set[bytes] = set()
    entries: set[bytes] = set()
    for folder, below, names in os.walk(root):
        inside = os.path.relpath(folder, root) if folder != root else b""
        links = [name for name in below if os.path.islink(os.path.join(folder, name))]
        directories |= {join(inside, name) for name in below if name not in links}
        entries |= {join(inside, name) for name in [*names, *links]}
    return directories, entries


def local(path: bytes) -> Location:
    return Location(Ends.LOCAL, path)


def test_every_name_of_a_local_source_is_listed(shop: Shop) -> None:
    root = tree.odd_names(shop.at("src"))
    nodes = collected(local(root + b"/"))
    assert paths(nodes) == on_disk(root)
    assert nodes[-1].path == b""


def test_every_name_of_a_daemons_source_is_listed(rsyncd: Rsyncd) -> None:
    root = tree.odd_names(os.path.join(os.fsencode(rsyncd.data), b"tree"))
    for url in (False, True):
        source = Location(Ends.DAEMON, b"data/tree/", b"127.0.0.1", url=url)
        assert paths(collected(source, rsyncd.option.encode())) == on_disk(root)


def test_a_bare_module_is_listed_from_its_root(rsyncd: Rsyncd) -> None:
    tree.build(os.fsencode(rsyncd.data), {b"a": {b"f": b"1"}, b"g": b"2"})
    assert paths(collected(Location(Ends.DAEMON, b"data", b"127.0.0.1"), rsyncd.option.encode())) == (
        {b"a"},
        {b"a/f", b"g"},
    )


@pytest.mark.root
def test_every_name_of_a_source_over_ssh_is_listed(shop: Shop, sshd: Sshd) -> None:
    root = tree.odd_names(shop.at("src"))
    source = Location(Ends.SSH, root + b"/", sshd.host.encode())
    assert paths(collected(source, sshd.option.encode())) == on_disk(root)


def test_a_source_without_a_slash_is_listed_below_its_name(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"d": {b"f": b"1"}, b"g": b"2"})
    nodes = collected(local(b"src"), start=b"src", cwd=shop.path)
    assert [node.path for node in nodes] == [b"src/d", b"src"]


def test_times_of_any_year_hide_nothing(shop: Shop) -> None:
    years = {b"%d" % year: year for year in (-3000, -1, 0, 99, 999, 1969, 9999, 10_000, 20_000)}
    root = tree.build(shop.at("src"), dict.fromkeys(years, b"x"))
    for name, year in years.items():
        seconds = (year - 1970) * 31_556_952
        os.utime(os.path.join(root, name), (seconds, seconds))
    assert paths(collected(local(root + b"/"))) == (set(), set(years))


def test_sizes_are_exact(shop: Shop) -> None:
    root = tree.build(shop.at("src"), {b"none": b"", b"some": b"x" * 12_345})
    os.truncate(os.path.join(root, b"none"), 5_000_000_000)
    (top,) = collected(local(root + b"/"))
    assert {entry.name: entry.size for entry in top.entries} == {b"none": 5_000_000_000, b"some": 12_345}


def test_special_files_are_listed(shop: Shop) -> None:
    root = tree.special(shop.at("src"), as_root=os.geteuid() == 0)
    assert paths(collected(local(root + b"/"))) == on_disk(root)


def test_filters_decide_what_is_listed(shop: Shop) -> None:
    root = tree.build(shop.at("src"), {b"keep": {b"f": b"", b"f.tmp": b""}, b"skip": {b"g": b""}, b"h.tmp": b""})
    nodes = collected(local(root + b"/"), b"--exclude=*.tmp", b"--filter=- /skip")
    assert paths(nodes) == ({b"keep"}, {b"keep/f"})


def test_links_are_entries_unless_they_are_followed(shop: Shop) -> None:
    root = tree.build(shop.at("src"), {b"d": {b"f": b""}, b"to-d": "d", b"to-f": "d/f"})
    assert paths(collected(local(root + b"/"))) == ({b"d"}, {b"d/f", b"to-d", b"to-f"})
    followed = ({b"d", b"to-d"}, {b"d/f", b"to-d/f", b"to-f"})
    assert paths(collected(local(root + b"/"), b"-L")) == followed
    assert paths(collected(local(root + b"/"), b"-k")) == followed


def test_a_light_tree_is_one_node(shop: Shop) -> None:
    root = tree.many(shop.at("src"), 3, 300)
    (top,) = collected(local(root + b"/"), floor=1e9)
    directories, entries = on_disk(root)
    assert (top.files, top.directories) == (len(entries), len(directories) + 1)


def test_a_directory_that_cannot_be_read_is_named_and_hides_only_what_is_in_it(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    root = tree.build(anyone.at("src"), {b"closed": {b"f": b""}, b"open": {b"g": b""}, b"h": b""})
    os.chmod(os.path.join(root, b"closed"), 0)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setuid(anyone.user)
            rsync, options = which_rsync(os.environ), parse([])
            nodes, failed = collect(rsync, options, local(root + b"/"), b"", 0.0, cwd=b"/", on_entry=int)
            assert paths(nodes) == ({b"closed", b"open"}, {b"open/g", b"h"})
            assert [lost.path for lost in failed] == [os.path.join(root, b"closed")]
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_source_that_is_not_there_is_an_error_that_names_it(shop: Shop) -> None:
    with pytest.raises(SourceError, match=r"nowhere.*cannot be listed"):
        collected(local(shop.at("nowhere") + b"/"))


def test_an_unknown_module_and_a_closed_port_are_errors_that_name_the_source(rsyncd: Rsyncd) -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1::other.*Unknown module"):
        collected(Location(Ends.DAEMON, b"other", b"127.0.0.1"), rsyncd.option.encode())
    with pytest.raises(SourceError, match=r"127\.0\.0\.1::data.*cannot be listed"):
        collected(Location(Ends.DAEMON, b"data", b"127.0.0.1"), b"--port=1")


def test_a_daemons_greeting_is_no_entry(rsyncd: Rsyncd) -> None:
    greeting = "drwxr-xr-x             40 2026/11/23 16:06:03 greeting\n"
    rsyncd.config.with_name("motd").write_text(greeting)
    rsyncd.config.write_text(f"motd file = {rsyncd.config.with_name('motd')}\n" + rsyncd.config.read_text())
    tree.build(os.fsencode(rsyncd.data), {b"f": b"1"})
    nodes = collected(Location(Ends.DAEMON, b"data/", b"127.0.0.1"), rsyncd.option.encode())
    assert paths(nodes) == (set(), {b"f"})

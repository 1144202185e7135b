"""Any name survives the way through rsync's list, and any tree comes out of it as it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.listing import Listed, ListFolder, read_line
from pipeline.tree import Node, join

names = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.lists(
        st.sampled_from([b"\\#012", b"\\#", b"\\", b"#", b" -> ", b" ", b"\n", b"\xff", b"a", b"7"]), min_size=1
    ).map(b"".join),
).filter(lambda name: not set(name) & {0, ord("/")} and name not in (b".", b".."))
trees = st.recursive(st.integers(0, 10**13), lambda inner: st.dictionaries(names, inner, max_size=4), max_leaves=12)


def escape(name: bytes) -> bytes:
    """Write a name as rsync's log.c does in the C locale: odd bytes, and a backslash that would be misread."""
    out = b""
    for at, byte in enumerate(name):
        misread = byte == ord("\\") and name[at + 1 : at + 2] == b"#" and name[at + 2 : at + 5].isdigit()
        misread = misread and len(name[at + 2 : at + 5]) == 3
        odd = (byte < 32 and byte != 9) or byte > 126
        out += b"\\#%03o" % byte if odd or misread else bytes([byte])
    return out


@given(names, st.integers(0, 10**17), st.booleans())
@settings(max_examples=150)
def test_any_name_comes_back_as_it_was(name: bytes, size: int, directory: bool) -> None:
    line = b"%srw-r--r-- %11d 2026/01/02 03:04:05 %s" % (b"d" if directory else b"-", size, escape(name))
    assert read_line(line) == Listed(name, directory, size)


def listed(tree: dict[bytes, object], path: bytes = b"") -> list[Listed]:
    """List a tree in rsync's order: files before directories, each directory before what is in it."""
    found = [Listed(join(path, name), False, size) for name, size in sorted(tree.items()) if isinstance(size, int)]  # type: ignore[type-var]
    for name, inner in sorted(tree.items(), key=lambda item: item[0] + b"/"):
        if isinstance(inner, dict):
            found += [Listed(join(path, name), True, 0), *listed(inner, join(path, name))]
    return found


@given(st.dictionaries(names, trees, max_size=5), st.sampled_from([0.0, 1e-4, 1e9]))
@settings(max_examples=100)
def test_any_tree_is_folded_without_loss(tree: dict[bytes, object], floor: float) -> None:
    entries = listed(tree)
    nodes: list[Node] = []
    folder = ListFolder(b"", floor, nodes.append)
    for entry in entries:
        folder.add(entry)
    folder.close()
    top = nodes[-1]
    assert top.path == b""
    assert top.files == sum(not entry.directory for entry in entries)
    assert top.directories == 1 + sum(entry.directory for entry in entries)
    assert top.size == sum(entry.size for entry in entries)
    seen = {join(node.path, entry.name) for node in nodes for entry in node.entries}
    light = sum(child.files for node in nodes for child in node.light) + (top.files if top.collapsed else 0)
    assert seen <= {entry.path for entry in entries if not entry.directory}
    assert len(seen) + light == top.files

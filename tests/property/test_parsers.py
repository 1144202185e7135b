"""No bytes make a reader of foreign words fail in any way but the documented one."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline import durable
from pipeline.errors import StateError, UsageError
from pipeline.interpret import interpret, progress, statistics, unescape
from pipeline.listing import read_line
from pipeline.location import parse_source, split
from pipeline.model import printable
from pipeline.options import parse
from pipeline.records import BatchRecord, PlanRecord, RunRecord, WalkRecord
from pipeline.tree import Node

lines = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                b'rsync: [sender] link_stat "',
                b'"',
                b" failed: ",
                b"(13)",
                b"\n",
                b"\\#012",
                b"\xff",
                b"file has vanished: ",
            ]
        ),
        max_size=12,
    ).map(b"".join),
)


@given(code=st.integers(-70, 300), stderr=lines)
def test_interpreting_never_fails(code: int, stderr: bytes) -> None:
    verdict = interpret(code, stderr)
    assert verdict.message.isprintable()
    assert not (verdict.transient and verdict.fatal)


@given(lines)
def test_reading_rsyncs_output_never_fails(line: bytes) -> None:
    statistics(line)
    progress(line)
    read_line(line)
    unescape(line)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=8),
            st.sampled_from([b"-e", b"--exclude", b"-aHe", b"--no-", b"--", b"-", b"--max-delete=9", b"-f:", b"-P"]),
        ),
        max_size=5,
    )
)
def test_the_command_lines_options_are_read_or_refused(words: list[bytes]) -> None:
    try:
        options = parse(words)
    except UsageError:
        return
    again = parse(options.words())
    assert [(given.name, given.value, given.negated) for given in again.given] == [
        (given.name, given.value, given.negated) for given in options.given
    ]
    assert (again.one_batch, again.max_delete, again.delete) == (options.one_batch, options.max_delete, options.delete)


@given(st.binary(max_size=40))
def test_locations_are_read_or_refused(text: bytes) -> None:
    try:
        location = parse_source(text, b"/cwd")
    except UsageError:
        return
    root, start = split(location)
    assert b"/" not in start
    assert not root.host.startswith(b"-")
    assert parse_source(location.argument(), b"/cwd") == location


@given(st.binary(max_size=50))
def test_printable_text_is_printable_and_plain_text_is_kept(path: bytes) -> None:
    assert printable(path).isprintable()


@given(st.binary(max_size=300), st.sampled_from([BatchRecord, PlanRecord, RunRecord, WalkRecord]))
def test_noise_is_no_checkpoint(data: bytes, kind: type) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        try:
            assert durable.load(os.fsencode(path), kind) is None
        except StateError:
            pass
        else:
            raise AssertionError("noise was believed")


@given(flip=st.integers(0, 10**6), to=st.integers(1, 255))
def test_a_flipped_byte_of_a_stream_is_never_believed(flip: int, to: int) -> None:
    node = Node(b"a", 1, 2, 3, 4.0, [])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file").encode()
        durable.write_records(path, [node, node], Node)
        data = bytearray(Path(os.fsdecode(path)).read_bytes())
        data[flip % len(data)] ^= to
        Path(os.fsdecode(path)).write_bytes(data)
        with suppress(StateError):
            assert list(durable.read_records(path, Node)) == [node, node]

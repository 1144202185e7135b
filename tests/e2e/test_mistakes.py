"""Every mistake gets one clear line on stderr, a documented exit code, no traceback, and nothing is written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.command import Shop, complains
from tests.harness.compare import differences
from tests.harness.servers import Rsyncd, Sshd


@pytest.fixture
def source(shop: Shop) -> Shop:
    tree.build(shop.at("src"), {b"a": b"1", b"d": {b"b": b"2"}})
    return shop


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "required: SRC, DEST (see"),
        (("src/",), 2, "required: DEST (see"),
        (("nowhere/", "dst"), 1, "nowhere/ does not exist"),
        (("src/a/", "dst"), 1, "is not a directory"),
        (("src/", "src/inside"), 2, "is inside source"),
        (("src/d", "."), 0, ""),
        (("src/d", "src"), 2, "is inside destination"),
        (("one:src", "two:dst"), 2, "both remote"),
        (("--", "-oProxyCommand=x:src", "dst"), 2, "dash"),
        ((":src", "dst"), 2, "no host"),
        (("host::", "dst"), 2, "names no module"),
        (("--id", "../x", "src/", "dst"), 2, "--id"),
        (("--id", "", "src/", "dst"), 0, ""),
        (("--parallel", "0", "src/", "dst"), 2, "--parallel must be 1 or more"),
        (("--parallel", "x", "src/", "dst"), 2, "whole number"),
        (("--bwlimit", "-5", "src/", "dst"), 2, "--bwlimit"),
        (("--bwlimit", "fast", "src/", "dst"), 2, "--bwlimit"),
        (("--batches", "3000", "src/", "dst"), 2, "--batches must be at most"),
        (("--stall-timeout", "soon", "src/", "dst"), 2, "number of seconds"),
        (("src/", "dst", "--files-from=x"), 2, "--files-from is refused"),
        (("src/", "dst", "--daemon"), 2, "--daemon is refused"),
        (("src/", "dst", "more"), 2, "no rsync option"),
        (("src/", "dst", "--exclude"), 2, "needs a value"),
        (("src/", "dst", "--max-delete=x"), 2, "needs a number"),
        (("src/", "dst", "--link-dest=nowhere"), 2, "--link-dest"),
        (("src/", "dst", "--no-such-option"), 1, "unknown option"),
        (("--work-dir", "src/a", "src/", "dst"), 1, "is not a directory"),
        (("--unknown", "src/", "dst"), 2, "no option of parsync: --unknown"),
        (("--delete", "src/", "dst"), 2, "--delete; options of rsync go after DEST"),
        (("src/", "dst", "--parallel", "8"), 2, "--parallel after DEST goes to rsync"),
    ],
)
def test_a_mistake_is_one_line(source: Shop, words: tuple[str, ...], code: int, said: str) -> None:
    done = source.parsync(*words)
    if code == 0:
        assert done.code == 0, done
    else:
        complains(done, code, said)
        assert not os.path.exists(source.at("dst")) or not os.listdir(source.at("dst"))


def test_a_missing_rsync_is_said(source: Shop) -> None:
    source.extra["PATH"] = os.fsdecode(source.at("empty"))
    complains(source.parsync("src/", "dst"), 1, "rsync is not installed")


def test_an_old_rsync_is_said(source: Shop) -> None:
    fake(source, "#!/bin/sh\necho 'rsync  version 3.1.3  protocol version 31'\n")
    complains(source.parsync("src/", "dst"), 1, "rsync 3.1.3 is too old", "3.2.3")


def fake(shop: Shop, text: str) -> None:
    """Put a program named rsync in front of the real one."""
    folder = Path(os.fsdecode(shop.at("bin")))
    folder.mkdir()
    (folder / "rsync").write_text(text)
    (folder / "rsync").chmod(0o755)
    shop.extra["PATH"] = f"{folder}:{os.environ['PATH']}"


@pytest.mark.root
def test_an_unreadable_source_and_an_unwritable_destination(anyone: Shop) -> None:
    if anyone.user is None:
        pytest.skip("root may read and write everything")
    tree.build(anyone.at("src"), {b"a": b"1"})
    os.mkdir(anyone.at("closed"), 0o700)
    complains(anyone.parsync("closed/", "dst"), 1, "cannot be read")
    complains(anyone.parsync("src/", "closed/dst"), 1, "cannot be written")


def test_an_unknown_host_is_said_once(source: Shop) -> None:
    done = source.parsync("--retries=0", "src/", "no-such-host.invalid:dst", "--rsh=ssh -o BatchMode=yes")
    complains(done, 1)
    assert "no-such-host.invalid" in done.err


def test_a_refused_key_is_said_once_and_not_tried_again(source: Shop, sshd: Sshd) -> None:
    known = sshd.rsh.partition("-F ")[2].rpartition("/")[0] + "/known"
    rsh = f"ssh -F none -p {sshd.port} -o BatchMode=yes -o UserKnownHostsFile={known} -o IdentityFile=/none"
    done = source.parsync("src/", f"127.0.0.1:{os.fsdecode(source.at('dst'))}", f"--rsh={rsh}")
    complains(done, 1, "Permission denied")


def test_a_read_only_module_is_said(source: Shop, rsyncd: Rsyncd) -> None:
    complains(source.parsync("src/", "127.0.0.1::ro/x", rsyncd.option), 1, "read only")


def test_an_unknown_module_is_said(source: Shop, rsyncd: Rsyncd) -> None:
    complains(source.parsync("127.0.0.1::nothing/x/", "dst", rsyncd.option), 1, "nothing")


def test_an_empty_source_does_not_empty_a_destination(shop: Shop) -> None:
    os.mkdir(shop.at("src"))
    tree.build(shop.at("dst"), {b"a": b"1"})
    complains(shop.parsync("src/", "dst", "--delete"), 1, "is empty", "--ignore-errors")
    assert os.listdir(shop.at("dst")) == [b"a"]
    assert shop.parsync("src/", "dst", "--delete", "--ignore-errors").code == 0
    assert os.listdir(shop.at("dst")) == []


def test_the_state_is_not_deleted_as_an_extra(source: Shop) -> None:
    complains(source.parsync("src/", "home", "--delete"), 2, "is inside destination", "--work-dir", "--exclude")
    assert not os.path.exists(source.state)
    assert source.parsync("src/", "home").code == 0
    assert source.parsync("src/", "home", "--delete", "--exclude=/state").code == 0
    assert source.parsync("--work-dir=elsewhere", "src/", "home", "--delete").code == 0
    assert differences(source.at("src"), source.at("home")) == []


def test_passwords_are_not_shown_when_options_differ(source: Shop) -> None:
    secret = "--rsh=sshpass -p opensesame ssh"
    assert source.parsync("--id=x", "src/", "dst", secret).code == 0
    complains(source.parsync("--id=x", "src/", "dst"), 2, "rsync options --rsh=sshpass -p *** ssh, not none")


@pytest.mark.parametrize(("words", "full"), [(("src/", "dst"), 0), (("-n", "src/", "dst"), 1), (("--help",), 1)])
def test_a_closed_or_full_output_is_no_traceback(source: Shop, words: tuple[str, ...], full: int) -> None:
    """A run has ended as it has, whether its summary can be written or not; what is only words has failed then."""
    command = os.fsdecode(b" ".join(source.command(*words)))
    for ending, code in (("> /dev/full", full), (">&-", 0), (">&- 2>&- <&-", 0)):
        done = subprocess.run(
            ["sh", "-c", f"{command} {ending}"], cwd=source.path, env=source.environ, capture_output=True, text=True
        )
        assert done.returncode == code, (ending, done.stderr)
        assert done.stderr.count("\n") == (1 if ending == "> /dev/full" else 0)
    if "dst" in words and "-n" not in words:
        assert differences(source.at("src"), source.at("dst")) == []


def test_help_shows_examples_and_exit_codes(shop: Shop) -> None:
    done = shop.parsync("--help")
    assert done.code == 0
    assert "examples:" in done.out
    assert "23  finished, but some paths" in done.out

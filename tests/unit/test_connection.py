"""Which remote shells share a connection, and by which words."""

from __future__ import annotations

import pytest

from pipeline.connection import Connection, between

SOCKET = b"/state/run/ssh"


@pytest.mark.parametrize("shell", [b"ssh", b"/usr/bin/ssh -p 2222 -F /some/config", b"ssh -o Ciphers=aes128-ctr -4"])
def test_plain_ssh_shares(shell: bytes) -> None:
    found = between(b"user@host", shell, SOCKET)
    assert found == Connection(tuple(shell.split()), b"user", b"host", SOCKET)
    assert found.opening[-3:] == (b"-l", b"user", b"host")
    assert b"BatchMode=yes" in found.opening
    assert found.shell == shell + b" -o ControlMaster=no -o ControlPath=/state/run/ssh"


@pytest.mark.parametrize(
    "shell",
    [
        b"",
        b"rsh",
        b"sshpass -p x ssh",
        b"my-ssh",
        b"ssh -S none",
        b"ssh -xM",
        b"ssh -o ControlPath=none",
        b"ssh -oControlMaster=auto",
        b"ssh -o 'ProxyCommand=a b'",
        b"ssh -o ProxyCommand=$HOME/x",
    ],
)
def test_any_other_remote_shell_is_left_alone(shell: bytes) -> None:
    assert between(b"host", shell, SOCKET) is None


@pytest.mark.parametrize("socket", [b"/state/" + b"x" * 90, b"/state/with a space/ssh", b"/state/it's/ssh"])
def test_a_socket_that_ssh_or_rsync_could_not_name_is_not_used(socket: bytes) -> None:
    assert between(b"host", b"ssh", socket) is None


def test_signs_that_ssh_expands_and_brackets_are_seen_to() -> None:
    found = between(b"me@[::1]", b"ssh", b"/state/100%/ssh")
    assert found is not None
    assert found.host == b"::1"
    assert found.shell.endswith(b"ControlPath=/state/100%%/ssh")

"""Real servers on loopback for tests: sshd, rsync's daemon, luigid. Started on free ports, ended by pid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 60.0
"""Seconds to wait for a server that ought to answer at once; a loaded machine may need some."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


@contextmanager
def served(command: list[str], ready: Callable[[], bool], log: Path) -> Iterator[int]:
    """Run a server until the block ends; yields its pid once it is ready."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        until = time.monotonic() + PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Sshd:
    """A running sshd: the remote shell's command, a host name for it, and its log."""

    rsh: str
    host: str
    port: int
    pid: int
    log: Path

    def logins(self) -> int:
        """Return how many logins it has let in so far."""
        return self.log.read_text(errors="replace").count("Accepted publickey")

    @property
    def option(self) -> str:
        return f"--rsh={self.rsh}"


def have_sshd() -> bool:
    return Path("/usr/sbin/sshd").exists() and os.geteuid() == 0


@contextmanager
def sshd(
    folder: Path,
    startups: str = "100:30:200",
    sessions: int = 50,
    *,
    address: str = "127.0.0.1",
    inside: Sequence[str] = (),
) -> Iterator[Sshd]:
    """Run sshd with keys of its own; only the running user may log in. `inside` is a command to run it by."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    port = free_port()
    for name in ("host", "key"):
        path = folder / name
        path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized")
    (folder / "known").write_text(f"[{address}]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "sshd_config").write_text(
        f"ListenAddress {address}\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n"
        f"MaxStartups {startups}\nMaxSessions {sessions}\nPrintMotd no\nClientAliveInterval 2\n"
        f"LogLevel INFO\nSubsystem sftp internal-sftp\n"
    )
    (folder / "ssh_config").write_text(
        f"Host box\n  HostName {address}\n  Port {port}\n  User root\n  IdentityFile {folder}/key\n"
        "  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known\n  BatchMode yes\n  StrictHostKeyChecking yes\n"
    )
    os.makedirs("/run/sshd", exist_ok=True)
    command = [*inside, "/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    with served(command, lambda: answers(port, address), folder / "sshd.log") as pid:
        yield Sshd(f"ssh -F {folder}/ssh_config", "box", port, pid, folder / "sshd.log")


@dataclass(frozen=True)
class Rsyncd:
    """A running rsync daemon: modules `data` (writable), `ro` and `secret` (with a password)."""

    port: int
    data: Path
    config: Path

    @property
    def option(self) -> str:
        return f"--port={self.port}"


@contextmanager
def rsyncd(folder: Path, extra: str = "") -> Iterator[Rsyncd]:
    """Run a daemon; as root it serves as root, so that owners arrive."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (folder / "secrets").write_text("someone:opensesame\n")
    (folder / "secrets").chmod(0o600)
    owner = "uid = root\ngid = root\n" if os.geteuid() == 0 else ""
    (folder / "rsyncd.conf").write_text(
        f"port = {port}\naddress = 127.0.0.1\nuse chroot = no\nmunge symlinks = no\n{owner}"
        f"log file = {folder}/rsyncd.log\nlock file = {folder}/lock\n{extra}"
        f"[data]\npath = {data}\nread only = no\n[ro]\npath = {data}\nread only = yes\n"
        f"[secret]\npath = {data}\nread only = no\nauth users = someone\nsecrets file = {folder}/secrets\n"
    )
    command = ["rsync", "--daemon", "--no-detach", f"--config={folder}/rsyncd.conf"]
    with served(command, lambda: answers(port), folder / "start.log"):
        yield Rsyncd(port, data, folder / "rsyncd.conf")


@contextmanager
def luigid(folder: Path, config: Path, port: int = 0) -> Iterator[str]:
    """Run a central scheduler with the given configuration; yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    luigi_daemon = Path(sys.executable).with_name("luigid")
    command = ["env", f"LUIGI_CONFIG_PATH={config}", str(luigi_daemon), "--address", "127.0.0.1", "--port", str(port)]
    command += ["--state-path", str(folder / "state")]
    with served(command, lambda: answers(port), folder / "luigid.log"):
        yield f"http://127.0.0.1:{port}"

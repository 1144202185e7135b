"""Fixtures of all tests: folders on a memory file system that are gone afterwards, and Hypothesis' profile."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.harness import otheruser, servers
from tests.harness.command import Shop
from tests.harness.tree import remove

EXAMPLES = int(os.environ.get("PARSYNC_EXAMPLES", "0"))
"""So many random examples instead of the few fixed ones that the gate runs."""

settings.register_profile(
    "gate",
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    **({"max_examples": EXAMPLES} if EXAMPLES else {}),
)
settings.load_profile("gate")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("needs root")


def memory() -> str | None:
    """Return a folder on a memory file system, None where there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A folder of its own for one test."""
    path = os.fsencode(tempfile.mkdtemp(prefix="parsync-test-", dir=memory()))
    os.chmod(path, 0o755)
    yield Shop(path)
    remove(path)


@pytest.fixture(scope="session")
def other_python() -> Iterator[tuple[str, str] | None]:
    """A Python, and its path, that another user can start."""
    copies = tempfile.mkdtemp(prefix="parsync-test-", dir=memory())
    os.chmod(copies, 0o755)
    yield otheruser.python(copies) if os.geteuid() == 0 else None
    remove(os.fsencode(copies))


@pytest.fixture(params=["root", "user"])
def anyone(request: pytest.FixtureRequest, other_python: tuple[str, str] | None) -> Iterator[Shop]:
    """A folder of its own, owned by the user that its commands run as: root, then another."""
    path = os.fsencode(tempfile.mkdtemp(prefix="parsync-test-", dir=memory()))
    os.chmod(path, 0o755)
    if request.param == "root":
        yield Shop(path)
    else:
        if os.geteuid() != 0 or other_python is None:
            pytest.skip("needs root, and a Python that another user can start")
        os.chown(path, otheruser.ANYBODY, otheruser.ANYBODY)
        yield Shop(path, otheruser.ANYBODY, *other_python)
    remove(path)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Sshd]:
    """A real sshd on loopback."""
    if not servers.have_sshd():
        pytest.skip("needs root and openssh-server")
    with servers.sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def rsyncd(shop: Shop) -> Iterator[servers.Rsyncd]:
    """A real rsync daemon on loopback, with its module in the test's folder."""
    with servers.rsyncd(Path(os.fsdecode(shop.at("daemon")))) as running:
        yield running

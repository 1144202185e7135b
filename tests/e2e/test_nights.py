"""Nightly runs: the crontab's line, the wrapper and the units, in the bare environment that cron and systemd give."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def bare(shop: Shop) -> dict[str, str]:
    """The environment of cron: a home, a short path, and on it nothing of ours but `parsync`."""
    tree.many(shop.at("src"), 71, 60)
    folder = Path(os.fsdecode(shop.at("bin")))
    folder.mkdir()
    command = folder / "parsync"
    command.write_text(f'#!/bin/sh\nexec env PYTHONPATH={shop.pythonpath} {sys.executable} -m pipeline.cli "$@"\n')
    command.chmod(0o755)
    return {"HOME": os.fsdecode(shop.at("home")), "PATH": f"{folder}:/usr/bin:/bin"}


def test_the_crontabs_line_copies_under_a_dated_id(shop: Shop, bare: dict[str, str]) -> None:
    line = next(line for line in (CONFIG / "crontab").read_text().splitlines() if re.match(r"\d", line))
    command = line.split(maxsplit=5)[5]
    assert not re.search(r"(?<!\\)%", command), "cron takes a bare percent sign for a newline"
    command = (
        command.replace("\\%", "%").replace("/srv/data/", "src/").replace("backup.example.org:/backup/data/", "dst")
    )
    for _ in range(2):
        done = subprocess.run(["/bin/sh", "-c", command], cwd=shop.path, env=bare, capture_output=True, text=True)
        assert done.returncode == 0, done
    assert "nothing to do" in done.stdout
    assert differences(shop.at("src"), shop.at("dst")) == []
    runs = os.listdir(shop.at("home/.local/state/parsync"))
    assert any(re.fullmatch(rb"nightly-\d{4}-\d\d-\d\d", name) for name in runs)


def test_the_wrapper_names_the_run_by_its_date(shop: Shop, bare: dict[str, str]) -> None:
    command = [str(CONFIG / "parsync-nightly"), "mirror", "src/", "dst", "--delete"]
    done = subprocess.run(command, cwd=shop.path, env=bare, capture_output=True, text=True)
    assert done.returncode == 0, done
    assert re.search(r"mirror-\d{4}-\d\d-\d\d", done.stdout)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    for name in ("parsync-nightly.service", "parsync-nightly.timer"):
        text = (CONFIG / name).read_text().replace("/usr/local/bin/parsync-nightly", "/bin/true")
        (tmp_path / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", *map(str, tmp_path.iterdir())], capture_output=True, text=True)
    assert "parsync" not in done.stderr, done.stderr


def test_the_service_starts_the_wrapper_and_the_environment_has_what_it_reads() -> None:
    service = (CONFIG / "parsync-nightly.service").read_text()
    names = set(re.findall(r"\$\{?([A-Z]+)", service.partition("ExecStart=")[2].splitlines()[0]))
    given = {line.partition("=")[0] for line in (CONFIG / "nightly.env").read_text().splitlines()}
    assert names <= given
    assert (CONFIG / "parsync-nightly").stat().st_mode & 0o111

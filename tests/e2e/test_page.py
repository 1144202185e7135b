"""The report's page in a real browser: it opens by itself, and names do nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness import tree
from tests.harness.command import Shop

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--virtual-time-budget=2000",
)  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_report_opens_in_a_browser(anyone: Shop, tmp_path: Path) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.build(anyone.at("src"), {b"<img src=x onerror=document.title='hacked'>": b"1", b"d": {b"f": b"2"}})
    os.chmod(anyone.at("src/<img src=x onerror=document.title='hacked'>"), 0)
    done = anyone.parsync("--batches=3", "--id=page", "src/", "dst")
    assert done.code == 23, done
    page = Path(os.fsdecode(anyone.state)) / "page/report.html"
    shutil.copy(page, tmp_path / "report.html")
    command = [
        str(CHROMIUM),
        *FLAGS,
        f"--user-data-dir={tmp_path}/profile",
        "--dump-dom",
        f"file://{tmp_path}/report.html",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert "page: <span" in shown.stdout.replace('class="partial"', ""), shown.stderr[-500:]
    assert "<rect" in shown.stdout
    assert "hacked" in shown.stdout
    assert "<title>hacked" not in shown.stdout
    assert "<img" not in shown.stdout

"""The Luigi form, and a central luigid."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.harness import tree
from tests.harness.command import FINE, Shop, complains
from tests.harness.compare import differences
from tests.harness.servers import free_port, luigid

REPOSITORY = Path(__file__).parents[2]


def luigi(shop: Shop, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [Path(sys.executable).with_name("luigi"), "--module", "pipeline", "Sync", *words]
    return subprocess.run(command, cwd=shop.path, env=shop.environ | FINE, capture_output=True, timeout=240)


def test_luigi_copies_from_any_directory(shop: Shop) -> None:
    tree.many(shop.at("src"), 4, 150)
    words = ("--src", "src/", "--dest", "dst", "--local-scheduler", "--workers", "3", "--id", "x")
    done = luigi(shop, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert b"run      x: the destination is exact\n" in done.stderr
    again = luigi(shop, *words)
    assert (again.returncode, again.stderr.count(b"nothing to do")) == (0, 1)
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_luigi_hands_options_to_rsync(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": b"1", b"b.o": b"2"})
    tree.build(shop.at("dst"), {b"extra": b"1"})
    options = json.dumps(["--delete", "--exclude=*.o"])
    done = luigi(shop, "--src", "src/", "--dest", "dst", "--local-scheduler", "--rsync-args", options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert os.listdir(shop.at("dst")) == [b"a"]


def test_luigi_ends_with_an_error_when_a_path_was_not_copied(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": {b"x" * 200: b"1"}})
    os.makedirs(shop.at("dst/a/" + "x" * 200 + "/full"))
    done = luigi(shop, "--src", "src/", "--dest", "dst", "--local-scheduler")
    assert done.returncode != 0


def test_a_central_luigid_shows_the_tasks_of_a_run(shop: Shop) -> None:
    tree.many(shop.at("src"), 5, 150)
    with luigid(Path(os.fsdecode(shop.at("luigid"))), REPOSITORY / "config/luigid.cfg") as url:
        done = shop.parsync("--batches=4", "--groups=2", "--parallel=2", "--scheduler", url, "src/", "dst")
        assert done.code == 0, done
        query = "/api/task_list?data=" + urllib.request.quote('{"status":"DONE","upstream_status":""}')
        with urllib.request.urlopen(url + query) as answer:
            names = {task.partition("(")[0].partition("_")[0] for task in json.load(answer)["response"]}
    assert {"WalkSource", "PlanGroup", "MergeTasks", "RsyncBatch", "SettleDirectories", "Sync"} <= names
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_a_central_luigid_shows_how_far_a_batch_is_and_where_its_log_lies(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"big": b"x" * 2_500_000, b"small": b"1"})
    with luigid(Path(os.fsdecode(shop.at("luigid"))), REPOSITORY / "config/luigid.cfg") as url:
        done = shop.parsync("--parallel=1", "--bwlimit=500", "--scheduler", url, "src/", "dst")
        assert done.code == 0, done
        query = "/api/task_list?data=" + urllib.request.quote('{"status":"DONE","upstream_status":""}')
        with urllib.request.urlopen(url + query) as answer:
            tasks = json.load(answer)["response"]
    batches = [task for task in tasks.values() if task["name"] == "RsyncBatch" and task["status_message"]]
    assert batches, tasks
    for task in batches:
        assert re.fullmatch(r"\d+ %, log: /\S+", task["status_message"])
        assert 0 <= task["progress_percentage"] <= 100


def test_a_luigid_that_forgot_the_run_gets_it_again(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"d%d" % number: {b"f": b"x" * 300_000} for number in range(6)})
    folder, config, port = Path(os.fsdecode(shop.path)), REPOSITORY / "config/luigid.cfg", free_port()
    with luigid(folder / "one", config, port) as url:
        running = shop.start(
            "--parallel=1", "--batches=6", "--bwlimit=500", "--id=x", "--scheduler", url, "src/", "dst"
        )
        while not os.path.exists(shop.at("home/state/parsync/x/batch/0000.json")):
            assert running.poll() is None
            time.sleep(0.05)
    with luigid(folder / "two", config, port):
        out, err = running.communicate(timeout=240)
    assert running.returncode == 0, (out, err)
    assert err == b""
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_a_luigid_that_does_not_answer_is_one_line_and_nothing_is_done(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": b"1"})
    complains(shop.parsync("--scheduler", f"http://127.0.0.1:{free_port()}", "src/", "dst"), 1, "Connection refused")
    complains(shop.parsync("--scheduler", "somewhere", "src/", "dst"), 2, "http://127.0.0.1:8082")
    assert not os.path.exists(shop.state)

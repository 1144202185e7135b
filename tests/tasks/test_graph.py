"""The Luigi graph, built in this process: static, complete when done, its state where it belongs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import luigi
import pytest
from luigi.scheduler import Scheduler

from pipeline import context
from pipeline.sync import Sync
from pipeline.tasks import DeleteExtras, Finish, PlanGroup, RsyncBatch
from pipeline.worker import Factory
from tests.harness import tree
from tests.harness.command import Shop
from tests.harness.compare import differences


@pytest.fixture
def built(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sync]:
    monkeypatch.setenv("XDG_STATE_HOME", os.fsdecode(shop.at("state")))
    monkeypatch.setenv("PARSYNC_GRAIN", "0")
    monkeypatch.chdir(os.fsdecode(shop.path))
    luigi.task_register.Register.clear_instance_cache()
    context.load.cache_clear()
    tree.many(shop.at("src"), 61, 120)
    root = Sync(src="src/", dest="dst", rsync_args=("--delete",), batches=6, groups=3, processes=2)
    yield root
    root.opened.close()
    luigi.task_register.Register.clear_instance_cache()
    context.load.cache_clear()


def tasks(root: luigi.Task) -> set[luigi.Task]:
    found = {root}
    pending = [root]
    while pending:
        for task in luigi.task.flatten(pending.pop().requires()):
            if task not in found:
                found.add(task)
                pending.append(task)
    return found


def test_all_tasks_are_known_before_anything_runs(built: Sync) -> None:
    names = [type(task).__name__ for task in tasks(built)]
    assert names.count("RsyncBatch") == 6
    assert names.count("PlanGroup") == 3
    assert names.count("DeleteExtras") == 6
    assert not any(task.complete() for task in tasks(built))


def test_a_built_graph_is_complete_and_exact(built: Sync, shop: Shop) -> None:
    done = luigi.build([built], local_scheduler=True, workers=1, detailed_summary=True, log_level="CRITICAL")
    assert done.status is luigi.LuigiStatusCode.SUCCESS, done.summary_text
    assert all(task.complete() for task in tasks(built))
    assert differences(shop.at("src"), shop.at("dst")) == []


def test_only_what_changes_the_copy_is_significant(built: Sync) -> None:
    same = Sync(
        src="src/", dest="dst", rsync_args=("--delete",), batches=6, groups=3, processes=9, retries=1, bwlimit=5
    )
    assert same.task_id == built.task_id
    other = Sync(src="src/", dest="dst", rsync_args=(), batches=6, groups=3)
    assert other.task_id != built.task_id


def test_larger_batches_come_first(built: Sync) -> None:
    path = built.opened.path
    priorities = [RsyncBatch(run_path=path, number=number).priority for number in range(6)]
    assert priorities == sorted(priorities, reverse=True)
    assert PlanGroup(run_path=path, number=0).priority > priorities[0]
    assert isinstance(Finish(run_path=path).requires(), list)
    assert DeleteExtras(run_path=path, number=0).output().path.startswith(os.fsencode(path))


class Never(luigi.Task):
    def complete(self) -> bool:
        return False

    def run(self) -> None:
        raise AssertionError("was started")


def test_a_task_that_is_given_out_while_a_signal_comes_is_not_started() -> None:
    worker = Factory().create_worker(Scheduler(), 2)
    with worker:
        worker.add(Never())
        worker.stop_in_order()
        worker._run_task(Never().task_id)
        assert not worker._running_tasks

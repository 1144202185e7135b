"""Let Luigi carry out a run: with a scheduler in this process, or a central luigid.

Imported while ssh logs in, since Luigi takes 0.13 s to import.
"""

from __future__ import annotations

import os

import luigi
from luigi.rpc import RPCError

from pipeline import durable, fatal, overview
from pipeline.command_line import Command
from pipeline.interrupts import Stop
from pipeline.opening import Opened
from pipeline.records import FinishRecord
from pipeline.sync import Sync
from pipeline.terminal import display, has_bars
from pipeline.worker import Factory, unreachable

SUBMISSIONS = 5
"""So often a run is handed to a central luigid that forgets it; each time it goes on where it stopped."""


def build(opened: Opened, command: Command, stop: Stop) -> str:
    """Let Luigi carry out the run, until it ends or `stop` is asked; return what the first task that failed said."""
    root = Sync(**parameters(command))
    root.opened = opened
    factory = Factory()
    stop.end = factory.stop
    bars = has_bars(wanted=command.progress)
    notice = ""

    def show(text: str) -> None:
        nonlocal notice
        notice = text

    if bars:
        stop.tell = show
    options: dict[str, object] = {"workers": command.request.parallel, "log_level": "CRITICAL"}
    options |= {"scheduler_url": command.scheduler} if command.scheduler else {"local_scheduler": True}
    with display(lambda: overview.snapshot(opened.run, notice), bars=bars):
        try:
            for _ in range(SUBMISSIONS if command.scheduler else 1):
                luigi.build([root], worker_scheduler_factory=factory, **options)
                if stop.asked or not _forgotten(opened):
                    break
        except RPCError as error:
            raise unreachable(command.scheduler, error, "start it and the same command again to go on") from None
    return factory.worker.failure if factory.worker else ""


def parameters(command: Command) -> dict[str, object]:
    """Return the parameters of the root task that this command line means."""
    request = command.request
    return {
        "src": os.fsdecode(request.source),
        "dest": os.fsdecode(request.destination),
        "rsync_args": tuple(os.fsdecode(word) for word in request.options),
        "id": request.run_id,
        "work_dir": os.fsdecode(request.work_dir),
        "groups": request.groups,
        "batches": request.batches,
        "incremental": request.incremental,
        "full_every": request.full_every,
        "verify": request.verify,
        "bwlimit": request.bwlimit,
        "retries": request.retries,
        "stall_timeout": request.stall_timeout,
        "keep_runs": request.keep_runs,
        "processes": request.parallel,
    }


def _forgotten(opened: Opened) -> bool:
    """Say whether the run neither came to its end nor failed: so it is when luigid was started anew meanwhile."""
    if durable.load(opened.run.directory.finished, FinishRecord) is not None:
        return False
    return fatal.note(opened.run) is None and not any(overview.failures(opened.run))

"""What every Luigi task of a run has in common: its run, its checkpoint, its progress.

A stage is complete when its checkpoint can be read; a damaged one is named and done again, never believed.
"""

from __future__ import annotations

import html
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any, Generic, TypeVar

import luigi
from luigi.rpc import RPCError

from pipeline import context, durable, fatal
from pipeline.context import Run
from pipeline.errors import Interrupted, ParsyncError, StateError
from pipeline.interrupts import interruptible
from pipeline.model import printable
from pipeline.progress import Beacon

Record = TypeVar("Record")
REPORT_SECONDS = 2.0
"""How often a task tells luigid how far it is; each call takes 1 to 2 ms and blocks while luigid is away."""

logger = logging.getLogger("parsync")


class Checkpoint(luigi.Target, Generic[Record]):
    """A checkpoint file as Luigi's target."""

    def __init__(self, path: bytes, kind: type[Record]) -> None:
        self.path = path
        self.kind = kind

    def read(self) -> Record | None:
        """Return the record; None where there is none, or a damaged one, which is then put out of the way."""
        try:
            return durable.load(self.path, self.kind)
        except StateError as error:
            logger.warning("%s; doing this part again", error)
            durable.discard(self.path)
            return None

    def exists(self) -> bool:
        return self.read() is not None

    def write(self, record: Record) -> None:
        durable.save(self.path, record)


class Stage(luigi.Task):
    """A task of one run, which it finds by the run's work directory."""

    run_path = luigi.Parameter(description="work directory of the run")

    @property
    def context(self) -> Run:
        return context.load(self.run_path)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do, so that no process is worth its start."""
        return False

    @property
    def name(self) -> str:
        """A name for people and for the beacon's file."""
        number = getattr(self, "number", None)
        return type(self).__name__ if number is None else f"{type(self).__name__}-{number:04}"

    def output(self) -> Checkpoint[Any]:
        raise NotImplementedError

    def complete(self) -> bool:
        return self.output().exists()

    @contextmanager
    def beacon(self, files: int = 0, size: int = 0) -> Iterator[Beacon]:
        """Show progress in the work directory and on luigid's page while the block runs."""
        fatal.check(self.context)
        path = self.context.directory.beacon(self.name)
        beacon = Beacon(path, stage=type(self).__name__, number=getattr(self, "number", 0), files=files, size=size)
        done = threading.Event()
        teller = threading.Thread(target=self._tell, args=(beacon, done), daemon=True)
        teller.start()
        try:
            with interruptible():
                yield beacon
        except (Interrupted, fatal.BatchFailed):
            raise
        except ParsyncError as error:
            fatal.leave_note(self.context, error.message, error.hint)
            raise
        finally:
            done.set()
            beacon.close()

    def _tell(self, beacon: Beacon, done: threading.Event) -> None:
        """Tell luigid how far the task is, until it is done; one that is away costs the picture only."""
        log = printable(self.context.directory.log(self.name))
        while not done.wait(REPORT_SECONDS):
            percentage = beacon.percentage
            if self.set_status_message and self.set_progress_percentage:
                with suppress(RPCError, HTTPException, OSError, ValueError):
                    self.set_status_message(html.escape(f"{percentage} %, log: {log}"))
                    self.set_progress_percentage(percentage)

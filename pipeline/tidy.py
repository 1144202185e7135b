"""Remove the state of old runs; never of one that is unfinished or could still be needed (retention.py)."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from pipeline import durable
from pipeline.context import Run, transfer_of
from pipeline.errors import StateError
from pipeline.model import Outcome
from pipeline.records import FinishRecord, RunRecord
from pipeline.retention import Past, superfluous
from pipeline.workdir import WorkDirectory, identity

_DOOMED = b".removed-"


def tidy(run: Run) -> None:
    """Remove what `--keep-runs` does not keep. A run goes under another name first, so that none is half there."""
    root = os.path.dirname(run.directory.path)
    for name in superfluous(_past(root), run.pace.keep_runs):
        doomed = os.path.join(root, _DOOMED + os.fsencode(name))
        with suppress(OSError):
            os.rename(os.path.join(root, os.fsencode(name)), doomed)
    for entry in os.listdir(root):
        if entry.startswith(_DOOMED):
            shutil.rmtree(os.path.join(root, entry), ignore_errors=True)


def _past(root: bytes) -> list[Past]:
    """Return the runs below `root`; what is no run, or cannot be read, is left alone."""
    found = []
    for name in os.listdir(root):
        directory = WorkDirectory(os.path.join(root, name))
        with suppress(StateError):
            record = durable.load(directory.run, RunRecord)
            if record is not None:
                finish = durable.load(directory.finished, FinishRecord)
                exact = finish is not None and finish.outcome is Outcome.COMPLETE
                transfer = identity(transfer_of(record))
                found.append(Past(os.fsdecode(name), transfer, finish.ended if finish else None, exact))
    return found

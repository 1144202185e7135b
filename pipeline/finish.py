"""The end of a run: add up its records, write the report, say how it ended."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import msgspec

from pipeline import boot, durable, indexing, weights
from pipeline.context import Run
from pipeline.errors import ParsyncError
from pipeline.metrics import metrics
from pipeline.model import FailedPath, Outcome, Statistics, printable, worst
from pipeline.page import page
from pipeline.records import BatchRecord, FinishRecord, exit_code
from pipeline.report import BatchReport, FailedPathRecord, RunReport


class Incomplete(ParsyncError):
    """A run ended short of exact; the report names what is missing."""


def finish(run: Run) -> FinishRecord:
    """Write report.json, report.html and the metrics; return how the run ended."""
    found = records(run)
    report = gather(run, found)
    durable.write(run.directory.report, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    if report.exit_code in (0, 24):
        weights.keep(run, report.files)
    if _accounted_for(report):
        everything = [record for stage in found.values() for record in stage]
        indexing.leave(run, [path for record in everything for path in _lost(record)])
    durable.write(run.directory.page, page(report).encode())
    durable.write(run.directory.metrics, metrics(report).encode())
    return FinishRecord(outcome=Outcome(report.outcome), code=report.exit_code, ended=report.ended, boot=boot.boot_id())


def _accounted_for(report: RunReport) -> bool:
    """Say whether everything but the named paths is as it should be, and every extra is gone."""
    named = report.exit_code in (0, 24) or (report.exit_code == 23 and report.failed)
    return bool(named and not report.warnings and not report.differences)


def _lost(record: BatchRecord) -> Iterator[bytes]:
    yield from (failed.path for failed in record.failed)
    yield from record.vanished


def report_of(run: Run) -> RunReport | None:
    """Return the report that a finished run left."""
    return durable.load_plain(run.directory.report, RunReport)


def message(run: Run) -> str:
    """Return one line on a run that ended short of exact."""
    report = report_of(run)
    if report is None:
        return "the run did not end"
    return f"finished with exit code {report.exit_code}: {len(report.failed)} paths not copied"


def records(run: Run) -> dict[str, list[BatchRecord]]:
    """Return the records of this run by stage; what was not begun is left out."""
    directory = run.directory
    batches = range(len(run.plan.weights))
    paths = {
        "prepare": [directory.prepared],
        "copy": [directory.outcome(number) for number in batches],
        "approve": [directory.approval],
        "delete": [directory.deleted(number) for number in batches],
        "settle": [directory.settled],
        "verify": [directory.verified(number) for number in batches],
    }
    return {stage: list(_read(files)) for stage, files in paths.items()}


def _read(files: list[bytes]) -> Iterator[BatchRecord]:
    for path in files:
        record = durable.load(path, BatchRecord)
        if record is not None:
            yield record


def gather(run: Run, found: dict[str, list[BatchRecord]]) -> RunReport:
    """Add up everything that the run's tasks recorded, by stage."""
    everything = [record for stage in found.values() for record in stage]
    copies = found["copy"]
    totals = sum((record.statistics for record in copies), Statistics())
    withheld = [record.withheld for record in (*copies, *found["approve"]) if record.withheld]
    unlisted = Outcome.PARTIAL if run.walked.failed else Outcome.COMPLETE
    outcome = worst([unlisted, *(record.outcome for record in everything)])
    code = exit_code(outcome)
    if any(record.code == 25 for record in copies) or any("--max-delete" in reason for reason in withheld):
        code = 25 if code in (0, 24) else code
    known = run.plan.counted
    return RunReport(
        version=run.record.version,
        run_id=run.record.run_id,
        source=run.record.source.display(),
        destination=run.record.destination.display(),
        options=[printable(word) for word in run.options.hidden],
        outcome=outcome.value,
        exit_code=code,
        started=run.record.created,
        ended=time.time(),
        files=run.plan.files if known else totals.files,
        directories=run.plan.directories or totals.directories,
        size=run.plan.size if known else totals.size,
        transferred=totals.transferred,
        transferred_size=totals.transferred_size,
        deleted=totals.deleted + sum(record.statistics.deleted for record in found["delete"]),
        linked=totals.linked,
        vanished=[printable(path) for record in everything for path in record.vanished],
        failed=_failed([*run.walked.failed, *(failed for record in everything for failed in record.failed)]),
        batches=[_batch(run, record) for record in copies],
        parallel=run.pace.parallel,
        reasons=list(run.plan.reasons),
        incremental=run.plan.incremental,
        stages=_seconds(run, found),
        warnings=[f"nothing was deleted: {reason}" for reason in withheld],
        differences=[printable(line) for record in found["verify"] for line in record.differences],
    )


def _failed(everything: list[FailedPath]) -> list[FailedPathRecord]:
    """Return the failed paths once each, in order."""
    seen: dict[bytes, FailedPath] = {}
    for failed in everything:
        seen.setdefault(failed.path, failed)
    return [FailedPathRecord(path=printable(failed.path), reason=failed.reason) for failed in seen.values()]


def _batch(run: Run, record: BatchRecord) -> BatchReport:
    weight = run.plan.weights[record.number]
    return BatchReport(
        number=record.number,
        files=weight.files,
        size=weight.size,
        seconds=record.ended - record.started,
        cpu_seconds=record.cpu_seconds,
        started=record.started,
        ended=record.ended,
        outcome=record.outcome.value,
        attempts=record.attempts,
        rsyncs=record.rsyncs,
        transferred=record.statistics.transferred,
        transferred_size=record.statistics.transferred_size,
        earlier=record.session != run.pace.session,
        failed=len(record.failed),
        log=os.fsdecode(run.directory.log(f"RsyncBatch-{record.number:04}")),
    )


def _seconds(run: Run, found: dict[str, list[BatchRecord]]) -> dict[str, float]:
    """Return wall seconds by stage, from the records' own clocks."""
    walk = max(0.0, run.walked.ended - run.record.created)
    plan = max(0.0, run.plan.ended - run.walked.ended)
    spans = {
        stage: max(record.ended for record in stage_records) - min(record.started for record in stage_records)
        for stage, stage_records in found.items()
        if stage_records
    }
    return {"walk": walk, "plan": plan, **spans}

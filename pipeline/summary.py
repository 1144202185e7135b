"""The text a person reads at the end of a start. Pure."""

from __future__ import annotations

from pipeline.report import RunReport

NAMED = 10
"""So many failed paths are named; the report has all of them."""

_HEADLINES = {
    "complete": "the destination is exact",
    "vanished": "done; some source paths vanished meanwhile",
    "partial": "done, but not everything could be copied",
    "failed": "failed",
}


def size(count: float) -> str:
    """Return bytes in decimal units, as disks and networks are sold."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def duration(seconds: float) -> str:
    """Return seconds for people: `4.2 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def counted(number: int, one: str, more: str = "") -> str:
    """Return a number with its noun: `1 file`, `4,359 files`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def contents(report: RunReport) -> str:
    """Return what the source holds."""
    directories = counted(report.directories, "directory", "directories")
    return f"{counted(report.files, 'file')}, {directories}, {size(report.size)}"


def copied(report: RunReport) -> str:
    """Return what was copied."""
    return f"{counted(report.transferred, 'file')}, {size(report.transferred_size)}"


def summary(report: RunReport, folder: str, seconds: float) -> str:
    """Return the summary of a finished run; `seconds` is how long this start took."""
    rows = [
        ("run", f"{report.run_id}: {_HEADLINES[report.outcome]}"),
        ("source", contents(report)),
        ("copied", copied(report)),
        ("time", _time(report, seconds)),
        ("batches", _batches(report)),
    ]
    if report.linked:
        rows.append(("linked", f"{counted(report.linked, 'file')} to a reference directory"))
    if report.deleted:
        rows.append(("deleted", f"{report.deleted:,}"))
    if report.vanished:
        rows.append(("vanished", f"{len(report.vanished):,}"))
    rows += [("failed", f"{failed.path}: {failed.reason}") for failed in report.failed[:NAMED]]
    if len(report.failed) > NAMED:
        rows.append(("failed", f"and {len(report.failed) - NAMED:,} more, in the report"))
    rows += [("differs", line) for line in report.differences[:NAMED]]
    if len(report.differences) > NAMED:
        rows.append(("differs", f"and {len(report.differences) - NAMED:,} more, in the report"))
    rows += [("note", text) for text in (*report.warnings, *report.reasons)]
    rows += [("log", f"{folder}/log"), ("report", f"{folder}/report.html")]
    return "".join(f"{name:<9}{text}\n" for name, text in rows)


def _time(report: RunReport, seconds: float) -> str:
    """Return how long this start took, and the rates of what it copied itself."""
    ours = [batch for batch in report.batches if not batch.earlier]
    files, whole = sum(batch.transferred for batch in ours), max(seconds, 0.001)
    if not files:
        return duration(seconds)
    megabytes = sum(batch.transferred_size for batch in ours) / 1e6
    return f"{duration(seconds)}, {files / whole:,.0f} files/s, {megabytes / whole:,.1f} MB/s"


def _batches(report: RunReport) -> str:
    rsyncs = counted(sum(batch.rsyncs for batch in report.batches), "rsync process", "rsync processes")
    if len(report.batches) < 2:
        return f"{len(report.batches)} ({rsyncs})"
    earlier = sum(batch.earlier for batch in report.batches)
    again = f", {earlier} of them by earlier starts" if earlier else ""
    return f"{len(report.batches)} ({rsyncs}, {report.parallel} at once){again}"


def nothing_to_do(run_id: str, folder: str) -> str:
    """Return what a start of a finished run says."""
    return f"run {run_id} is finished, nothing to do (another --id starts anew; report: {folder}/report.html)\n"


def interrupted(done: int, planned: int) -> str:
    """Return what an interrupted start says."""
    batches = f", {done} of {planned} batches done" if planned else ""
    return f"interrupted{batches} (start the same command again to go on)"

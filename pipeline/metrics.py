"""A finished run for Prometheus: the text format that node_exporter's textfile collector reads. Pure."""

from __future__ import annotations

from pipeline.report import RunReport

_HELP = {
    "parsync_run_success": "1 when the destination was exact at the end",
    "parsync_run_exit_code": "exit code of the run",
    "parsync_files": "files of the source",
    "parsync_bytes": "bytes of the source",
    "parsync_transferred_files": "files that were copied",
    "parsync_transferred_bytes": "bytes that were copied",
    "parsync_deleted": "entries that were deleted",
    "parsync_failed_paths": "paths that could not be copied",
    "parsync_duration_seconds": "seconds from the start of the run to its end",
    "parsync_end_timestamp_seconds": "when the run ended",
}


def metrics(report: RunReport) -> str:
    """Return one gauge per figure, labelled with source and destination."""
    values = (
        int(report.exit_code == 0),
        report.exit_code,
        report.files,
        report.size,
        report.transferred,
        report.transferred_size,
        report.deleted,
        len(report.failed),
        round(report.ended - report.started, 3),
        round(report.ended, 3),
    )
    labels = f'source="{_escape(report.source)}",destination="{_escape(report.destination)}"'
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} gauge\n{name}{{{labels}}} {value}\n"
        for (name, text), value in zip(_HELP.items(), values, strict=True)
    )


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

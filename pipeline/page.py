"""`report.html`: one self-contained page with totals, the timeline of batches, and what failed. Pure.

No script and no outside request; every text is escaped, names are printable already.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterable

from pipeline.report import BatchReport, RunReport
from pipeline.summary import contents, copied, counted, duration, size

SLOWEST = 15
NAMED = 1000
"""Failed paths on the page; report.json has all of them."""
_WIDTH = 960
_LANE = 14

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --dim: #66727f; --paper: #fff; --line: #d7dde3; --bar: #3b7dd8;
        --good: #1d7f4e; --bad: #b3261e; --warn: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --dim: #97a3af; --paper: #14191f; --line: #303a44;
        --bar: #6aa5f0; --good: #5cc492; --bad: #ff8a80; --warn: #e0b050 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.complete { color: var(--good) } .partial, .failed { color: var(--bad) } .vanished { color: var(--warn) }
.dim { color: var(--dim) } table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left;
border-bottom: 1px solid var(--line) } .n { text-align: right; white-space: nowrap } code { overflow-wrap: anywhere }
a { color: var(--bar) }
.scroll { overflow-x: auto } svg { width: 100%; height: auto } rect { fill: var(--bar) } rect.partial, rect.failed
{ fill: var(--bad) } rect.vanished { fill: var(--warn) } text { fill: var(--dim); font-size: 11px }
"""


def page(report: RunReport) -> str:
    """Return the whole page."""
    title = f"parsync {report.run_id}: {report.outcome}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f'<h1>{html.escape(report.run_id)}: <span class="{report.outcome}">{report.outcome}</span></h1>',
        f"<p><code>{html.escape(report.source)}</code> to <code>{html.escape(report.destination)}</code>",
        f' <span class="dim">{html.escape(" ".join(report.options))}</span></p>',
        _totals(report),
        _notes(report.warnings + report.reasons),
        "<h2>Batches over time</h2>",
        _timeline(report.batches),
        _slowest(report.batches),
        _failed(report),
        _list("Differences", report.differences),
        _list("Vanished", report.vanished),
        f'<p class="dim">parsync {html.escape(report.version)}, exit code {report.exit_code}</p></body></html>\n',
    ]
    return "".join(parts)


def _totals(report: RunReport) -> str:
    ended = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report.ended))
    rows = [
        ("Source", contents(report)),
        ("Copied", copied(report)),
        ("Deleted", f"{report.deleted:,}"),
        ("Not copied", counted(len(report.failed), "path")),
        ("Ended", f"{ended}, {duration(report.ended - report.started)} after the start"),
        ("Stages", ", ".join(f"{name} {duration(seconds)}" for name, seconds in report.stages.items())),
        ("Processes", f"{report.parallel} at once"),
    ]
    return _table(rows)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{body}</table>"


def _notes(notes: list[str]) -> str:
    return "".join(f'<p class="vanished">{html.escape(note)}</p>' for note in notes)


def _timeline(batches: list[BatchReport]) -> str:
    """Return one bar per batch of the last start, in as many lanes as ran at once."""
    earlier = sum(batch.earlier for batch in batches)
    batches = [batch for batch in batches if not batch.earlier]
    note = f'<p class="dim">Earlier starts had done {earlier} more.</p>' if earlier else ""
    if not batches:
        return note or '<p class="dim">No batch was needed.</p>'
    first = min(batch.started for batch in batches)
    span = max(max(batch.ended for batch in batches) - first, 0.001)
    lanes: list[float] = []
    bars = []
    for batch in sorted(batches, key=lambda batch: batch.started):
        lane = next((number for number, free in enumerate(lanes) if free <= batch.started), len(lanes))
        lanes[lane:] = [batch.ended, *lanes[lane + 1 :]]
        x = (batch.started - first) / span * _WIDTH
        width = max(1.0, batch.seconds / span * _WIDTH - 0.5)
        title = f"batch {batch.number}: {counted(batch.files, 'file')}, {size(batch.size)}, {duration(batch.seconds)}"
        bars.append(
            f'<rect class="{batch.outcome}" x="{x:.1f}" y="{lane * _LANE}" width="{width:.1f}" height="{_LANE - 2}">'
            f"<title>{html.escape(title)}</title></rect>"
        )
    height = len(lanes) * _LANE
    low = height + 13
    axis = f'<text x="0" y="{low}">0</text><text x="{_WIDTH}" y="{low}" text-anchor="end">{duration(span)}</text>'
    opening = f'<svg viewBox="0 0 {_WIDTH} {height + 18}" role="img" aria-label="Timeline of batches">'
    return f"{opening}{''.join(bars)}{axis}</svg>{note}"


def _slowest(batches: list[BatchReport]) -> str:
    """Return a table; links to logs are relative, so that the run's folder may be looked at from elsewhere."""
    columns = ("Batch", "Files", "Size", "Time", "CPU", "Tries")
    head = "".join(f"<th class=n>{name}</th>" for name in columns) + "<th></th><th>Log</th>"
    rows = "".join(
        f"<tr><td class=n>{batch.number}</td><td class=n>{batch.files:,}</td>"
        f"<td class=n>{size(batch.size)}</td><td class=n>{duration(batch.seconds)}</td>"
        f"<td class=n>{duration(batch.cpu_seconds)}</td><td class=n>{batch.attempts}</td>"
        f"<td class={batch.outcome}>{batch.outcome}</td><td>{_log(batch)}</td></tr>"
        for batch in sorted(batches, key=lambda batch: -batch.seconds)[:SLOWEST]
    )
    return f'<h2>Slowest batches</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>' if rows else ""


def _log(batch: BatchReport) -> str:
    name = html.escape(batch.log.rpartition("/")[2])
    return f'<a href="log/{name}">{name}</a>'


def _failed(report: RunReport) -> str:
    return _list("Not copied", [f"{failed.path}: {failed.reason}" for failed in report.failed])


def _list(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li><code>{html.escape(line)}</code></li>" for line in lines[:NAMED])
    rest = f'<p class="dim">and {len(lines) - NAMED:,} more in report.json</p>' if len(lines) > NAMED else ""
    return f"<h2>{html.escape(title)} ({len(lines):,})</h2><ul>{items}</ul>{rest}"

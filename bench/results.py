"""bench/RESULTS.md and its plot, from the figures."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

COLOURS = {"parsync": "#3b7dd8", "rsync -a": "#8a94a0"}


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the table and the plot."""
    lines = [
        "# Results",
        "",
        f"Made by `bench/run.py` on {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, {_version()}. Source and destination on a memory file system. Medians of",
        "interleaved rounds; CPU seconds of the command and its children (not of the servers); memory is the peak of all",
        "processes together. `wrong` counts entries that differ from the source afterwards. The ratio is against",
        "`rsync -a` in the same rounds: above 1 is faster.",
        "",
        "![ratios](ratios.svg)",
        "",
    ]
    for name, case in results.items():
        scale = f", scale {case['scale']:g}" if case["scale"] != 1 else ""
        wanted = f", wanted {case['wanted']:g}" if case["wanted"] else ""
        lines += [f"## {name}", "", f"{case['rounds']} rounds{scale}{wanted}", ""]
        lines += ["| tool | seconds | ratio | CPU s | memory | wrong |", "|---|---|---|---|---|---|"]
        base = case["tools"].get("rsync -a", {}).get("seconds", 0)
        for tool, one in case["tools"].items():
            ratio = f"{base / one['seconds']:.2f}" if one["seconds"] else "-"
            memory = f"{one['memory'] / 1e6:.0f} MB" if one["memory"] else "-"
            lines.append(f"| {tool} | {one['seconds']} | {ratio} | {one['cpu']} | {memory} | {one['differences']} |")
        lines.append("")
    (folder / "RESULTS.md").write_text("\n".join(lines))
    (folder / "ratios.svg").write_text(plot(results))


def _version() -> str:
    return subprocess.run(["rsync", "--version"], capture_output=True, text=True).stdout.split("  protocol")[0]


def plot(results: dict[str, Any]) -> str:
    """Return a bar per case: how many times faster than `rsync -a` parsync was, and what is wanted."""
    rows = []
    for name, case in results.items():
        base = case["tools"].get("rsync -a", {}).get("seconds", 0)
        ours = next((one for tool, one in case["tools"].items() if tool.startswith("parsync")), None)
        if ours and base:
            rows.append((name, base / ours["seconds"], case["wanted"]))
    most = max((max(ratio, wanted) for _, ratio, wanted in rows), default=1.0)
    width, left, height = 900, 430, 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height * len(rows) + 30}" font-family="sans-serif" font-size="12">'
    ]
    scale = (width - left - 60) / most
    for number, (name, ratio, wanted) in enumerate(rows):
        y = number * height + 4
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name.replace("&", "&amp;")}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{ratio * scale:.1f}" height="14" fill="#3b7dd8"/>')
        parts.append(f'<text x="{left + ratio * scale + 4:.1f}" y="{y + 12}">{ratio:.2f}</text>')
        if wanted:
            x = left + wanted * scale
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 2}" y2="{y + 16}" stroke="#b3261e" stroke-width="2"/>'
            )
    one = left + scale
    parts.append(
        f'<line x1="{one:.1f}" x2="{one:.1f}" y1="0" y2="{height * len(rows)}" stroke="#8a94a0" stroke-dasharray="3"/>'
    )
    parts.append(f'<text x="{one:.1f}" y="{height * len(rows) + 16}" text-anchor="middle">rsync -a</text></svg>')
    return "\n".join(parts)

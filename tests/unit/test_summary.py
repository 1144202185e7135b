"""What a person reads at the end, from a report alone."""

from __future__ import annotations

import msgspec

from pipeline.page import page
from pipeline.report import BatchReport, RunReport
from pipeline.summary import counted, duration, interrupted, size, summary


def batch(number: int, *, earlier: bool = False) -> BatchReport:
    return BatchReport(
        number=number,
        files=100,
        size=10**7,
        seconds=2.0,
        cpu_seconds=1.0,
        started=1e9 - 40_000 * earlier,
        ended=1e9 + 2 - 40_000 * earlier,
        outcome="complete",
        attempts=1,
        rsyncs=1,
        transferred=100,
        transferred_size=10**7,
        failed=0,
        earlier=earlier,
        log=f"/state/x/log/RsyncBatch-{number:04}.log",
    )


def report(*batches: BatchReport) -> RunReport:
    return RunReport(
        version="1",
        run_id="x",
        source="/a/",
        destination="/b",
        options=[],
        outcome="complete",
        exit_code=0,
        started=1e9 - 40_000,
        ended=1e9 + 2,
        files=100 * len(batches),
        directories=1,
        size=10**7 * len(batches),
        transferred=100 * len(batches),
        transferred_size=10**7 * len(batches),
        deleted=0,
        linked=0,
        parallel=4,
        vanished=[],
        failed=[],
        batches=list(batches),
        reasons=[],
        stages={},
        warnings=[],
        differences=[],
    )


def test_the_rates_of_a_resumed_run_are_those_of_its_last_start() -> None:
    text = summary(report(batch(0, earlier=True), batch(1), batch(2)), "/state/x", 2.0)
    assert "copied   300 files, 30.0 MB" in text
    assert "time     2.0 s, 100 files/s, 10.0 MB/s" in text
    assert "batches  3 (3 rsync processes, 4 at once), 1 of them by earlier starts" in text


def test_one_of_anything_is_no_plural() -> None:
    text = summary(report(batch(0)), "/state/x", 1.0)
    assert "source   100 files, 1 directory, 10.0 MB" in text
    assert "batches  1 (1 rsync process)" in text
    assert (counted(1, "file"), counted(0, "file"), counted(4359, "file")) == ("1 file", "0 files", "4,359 files")


def test_where_nothing_was_copied_there_is_no_rate() -> None:
    idle = msgspec.structs.replace(batch(0), transferred=0, transferred_size=0)
    assert "time     1.0 s\n" in summary(report(idle), "/state/x", 1.0)


def test_the_page_shows_the_batches_of_the_last_start_over_time() -> None:
    text = page(report(batch(0, earlier=True), batch(1), batch(2)))
    assert text.count("<rect") == 2
    assert "Earlier starts had done 1 more." in text
    assert ">2.0 s</text>" in text
    assert '<a href="log/RsyncBatch-0001.log">' in text


def test_numbers_for_people() -> None:
    assert [size(999), size(1000), size(1.5e9)] == ["999 B", "1.0 kB", "1.5 GB"]
    assert [duration(4.21), duration(185), duration(7800)] == ["4.2 s", "3 min 05 s", "2 h 10 min"]


def test_an_interruption_says_how_to_go_on() -> None:
    assert interrupted(3, 8) == "interrupted, 3 of 8 batches done (start the same command again to go on)"
    assert interrupted(0, 0) == "interrupted (start the same command again to go on)"

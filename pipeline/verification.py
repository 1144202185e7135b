"""`--verify`: compare source and destination again, by checksum and attributes, with rsync's own dry run."""

from __future__ import annotations

import msgspec

from pipeline import durable, rsync
from pipeline.context import Run
from pipeline.execution import Tally, carry_out
from pipeline.interpret import unescape
from pipeline.model import Outcome, Unit
from pipeline.process import Ended
from pipeline.progress import Beacon
from pipeline.records import BatchRecord


def verify(run: Run, number: int, beacon: Beacon) -> BatchRecord:
    """Compare one batch, and with the first also the shared directories; differences make the outcome partial."""
    tally = Tally()
    differences: list[bytes] = []

    def read(ended: Ended) -> None:
        differences.extend(unescape(line) for line in ended.stdout.splitlines() if _differs(line))

    if run.plan.whole:
        calls = iter([rsync.verifying_whole(run.transfer, run.options)])
    else:
        units = tuple(durable.read_records(run.directory.units(number), Unit))
        calls = rsync.verifying(run.transfer, run.options, units, run.plan.shared if number == 0 else ())
    carry_out(run, calls, tally, run.directory.log(f"VerifyBatch-{number:04}"), beacon, read)
    record = tally.record(run, number)
    if differences and record.outcome.done:
        record = msgspec.structs.replace(record, outcome=Outcome.PARTIAL, message="source and destination differ")
    return msgspec.structs.replace(record, differences=differences)


def _differs(line: bytes) -> bool:
    """Say whether an itemized line names a difference: eleven characters, a space, a name."""
    return len(line) > 12 and line[11:12] == b" " and line[:1] in b"<>ch.*"

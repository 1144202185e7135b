"""rsync's command lines, one per stage of a run: argument tuples from transfer, options and paths.

Pure. Why each call looks as it does is in ARCHITECTURE.md ("How a unit travels"); the traps are rsync's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.calls import Call, directories, listed_from, over
from pipeline.location import contents
from pipeline.model import Kind, Transfer, Unit
from pipeline.option_table import DELETION_NAMES, MOVING_NAMES, OUTPUT_NAMES
from pipeline.options import Options

COUNTED = (b"--stats", b"--info=progress2", b"--no-human-readable")
"""Makes rsync count what it does and print its progress in plain numbers."""
_COUNTED_LINKS = (b"-ii", b"--out-format=%i")
LINKED = b"hf"
"""With `--link-dest` rsync is asked for a line per entry; one that begins so is a file linked to a reference."""
QUIET = OUTPUT_NAMES
_SHAPE = frozenset({"--relative", "--implied-dirs"})
"""Options that say how paths travel, which is parsync's to say: `--no-relative` would flatten a plan that is cut."""
_STRUCTURE = QUIET | DELETION_NAMES | MOVING_NAMES | _SHAPE | {"--hard-links"}
"""Options without a meaning for calls that move no file."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a run may push: `bwlimit` is KiB/s of this process, None for no limit.

    `max_delete` is how much this process may delete that is in a file's way, None for no limit.
    """

    bwlimit: int | None = None
    max_delete: int | None = None

    def words(self) -> tuple[bytes, ...]:
        return () if self.bwlimit is None else (b"--bwlimit=%d" % self.bwlimit,)


def share(bwlimit: int, processes: int) -> int | None:
    """Divide the run's bandwidth (KB/s) over processes; never rounded to 0, which rsync takes for no limit."""
    return max(1, bwlimit // max(1, processes)) if bwlimit else None


def whole(transfer: Transfer, options: Options, pace: Pace, files: int | None = None) -> Call:
    """Return the plain call: what the user would have typed. `files` is how many there are, None where unknown."""
    words = options.words(drop=QUIET)
    ends = (transfer.source.argument(), transfer.destination.argument())
    words += _listing(transfer, options, files)
    return Call((b"-a", *words, *_counted(options), *pace.words(), *_parents(transfer), b"--", *ends))


def _counted(options: Options) -> tuple[bytes, ...]:
    return (*COUNTED, *(_COUNTED_LINKS if options.value("link-dest") else ()))


def dry(source: bytes, destination: bytes, options: Options, *, parents: bool) -> Call:
    """Return the plain call of a dry run, with the output that the user asked for, or else a line per change.

    Ends are as the user gave them, since rsync names them; with `parents` it imagines those that are missing.
    """
    more = (*((b"--mkpath",) if parents else ()), *(() if options.talks else (b"-i",)))
    return Call((b"-a", *options.words(), b"-n", b"-8", *more, b"--", contents(source), destination))


def _listing(transfer: Transfer, options: Options, files: int | None) -> tuple[bytes, ...]:
    """Return what makes rsync list everything at once: over a wire its incremental recursion waits for answers.

    Nothing changed, 10^6 files, 20 ms: 34.5 s with and 6.1 s without (RSYNC.md). It costs about 80 bytes a file.
    """
    remote = transfer.source.remote or transfer.destination.remote
    small = files is not None and files <= LISTED_AT_ONCE
    return (b"--no-inc-recursive",) if remote and small and not options.mentions("inc-recursive") else ()


LISTED_AT_ONCE = 2_000_000


def copying(
    transfer: Transfer, options: Options, units: Iterable[Unit], pace: Pace, *, deletion: tuple[bytes, ...] = ()
) -> Iterator[Call]:
    """Yield the calls that copy units below directories that exist already (RSYNC.md 7).

    `deletion` is what makes them delete as well, in trees.
    """
    units = tuple(units)
    head = _moving(transfer, options, pace, deletion, files=sum(unit.files for unit in units))
    yield from over(transfer, head, paths(units, Kind.TREE, Kind.ENTRIES), together=options.hard_links)
    yield from single(transfer, options, paths(units, Kind.DIRECTORIES), pace)


def single(
    transfer: Transfer, options: Options, names: Sequence[bytes], pace: Pace, *, deletion: tuple[bytes, ...] = ()
) -> Iterator[Call]:
    """Yield the calls over single names, without recursion: entries, directories, with a `/` what is directly in them.

    `deletion` is what makes them delete as well: in directories with a `/`, or names that the source has not.
    """
    head = _moving(transfer, options, pace, deletion, files=0)
    yield from over(transfer, (*head, b"--no-r", b"-d"), names, recursive=False, together=options.hard_links)


def _moving(
    transfer: Transfer, options: Options, pace: Pace, deletion: tuple[bytes, ...], *, files: int
) -> tuple[bytes, ...]:
    """Return the words of a call that moves files."""
    drop = QUIET | DELETION_NAMES | _SHAPE
    words = options.words(drop=drop - _KEPT_FOR_DELETION if deletion else drop)
    force = _force(options)
    limit = (b"--max-delete=%d" % pace.max_delete,) if force and pace.max_delete is not None else ()
    head = (b"-aR", b"--no-implied-dirs", *words, *_listing(transfer, options, files), *deletion, *force, *limit)
    return (*head, *_counted(options), *pace.words())


def paths(units: Iterable[Unit], *kinds: Kind) -> list[bytes]:
    """Return the paths of all units of these kinds."""
    return [path for unit in units if unit.kind in kinds for path in unit.paths]


def preparing(transfer: Transfer, options: Options, shared: Sequence[bytes], *, open_modes: bool) -> Iterator[Call]:
    """Yield the calls that create the shared directories, without contents, writable for their owner.

    `open_modes` is for a destination user who is not root: a directory of mode 0555 would refuse the next process.
    """
    words = (*options.words(drop=_STRUCTURE), *_force(options))
    opened = (b"--chmod=Du+rwx",) if open_modes else ()
    yield from directories(transfer, (*words, *opened, *_parents(transfer)), shared)


def settling(transfer: Transfer, options: Options, shared: Sequence[bytes]) -> Iterator[Call]:
    """Yield the calls that give the shared directories their final modes and times."""
    yield from directories(transfer, (*options.words(drop=_STRUCTURE), *_force(options)), shared)


def _force(options: Options) -> tuple[bytes, ...]:
    """Return what lets a file take a directory's place, as it may with `--delete`."""
    return (b"--force",) if options.delete or options.has("force") else ()


def deleting(
    transfer: Transfer,
    options: Options,
    trees: Sequence[bytes],
    levels: Sequence[bytes],
    *,
    dry_run: bool = False,
) -> Iterator[Call]:
    """Yield the calls that delete extras below `trees` and directly in `levels`, and copy nothing (RSYNC.md 11)."""
    words = options.words(drop=_STRUCTURE - _KEPT_FOR_DELETION)
    head = (
        b"-aR",
        b"--no-implied-dirs",
        *words,
        b"--delete",
        b"--existing",
        b"--ignore-existing",
        b"--stats",
    )
    head += (b"--no-human-readable", b"--out-format=%i %n")
    if dry_run:
        head += (b"-n",)
    yield from over(transfer, (*head, b"-r"), trees, ending=b"/")
    yield from over(transfer, (*head, b"--no-r", b"-d"), levels, ending=b"/", recursive=False)


_KEPT_FOR_DELETION = frozenset({"--delete-excluded", "--ignore-errors", "--force"})


def listing_afar(
    transfer: Transfer, options: Options, trees: Sequence[bytes], levels: Sequence[bytes]
) -> Iterator[Call]:
    """Yield the calls that list what looks like rsync's temporary files at a remote destination."""
    start, below = listed_from(transfer.destination)
    only = (b"--include=*/", b"--include=.*.??????", b"--include=.??????", b"--exclude=*")
    head = (b"--list-only", b"--no-human-readable", *only, *options.transport)
    for paths, how in ((trees, (b"-r",)), (levels, (b"--no-r", b"-d"))):
        if paths:
            names = [below + path + b"/" if path else below for path in paths]
            stdin = b"".join(name + b"\0" for name in names)
            yield Call((*head, *how, b"--from0", b"--files-from=-", b"--", start, b"."), stdin)


def deleting_missing(transfer: Transfer, options: Options, names: Sequence[bytes]) -> Iterator[Call]:
    """Yield the calls that delete at the destination names which the source has not."""
    head = (b"-aR", b"--no-implied-dirs", b"--delete-missing-args", *options.transport, b"--no-r", b"-d")
    yield from over(transfer, head, names, recursive=False)


def verifying_whole(transfer: Transfer, options: Options) -> Call:
    """Return the comparison of a run that was one plain rsync."""
    ends = (transfer.source.argument(), transfer.destination.argument())
    return Call((b"-a", *_comparing(options, frozenset()), b"--", *ends))


def verifying(transfer: Transfer, options: Options, units: Iterable[Unit], shared: Sequence[bytes]) -> Iterator[Call]:
    """Yield dry runs that compare by checksum and attributes and print a line per difference."""
    compare = _comparing(options, _SHAPE)
    units = tuple(units)
    yield from over(transfer, (b"-aR", b"--no-implied-dirs", *compare), paths(units, Kind.TREE, Kind.ENTRIES))
    yield from directories(transfer, compare, [*shared, *paths(units, Kind.LEVELS, Kind.DIRECTORIES)])


def _comparing(options: Options, drop: frozenset[str]) -> tuple[bytes, ...]:
    words = options.words(drop=drop | QUIET | DELETION_NAMES | {"--remove-source-files"})
    return (*words, b"-n", b"-c", b"--out-format=%i %n%L", b"--no-human-readable")


def _parents(transfer: Transfer) -> tuple[bytes, ...]:
    """Return what makes rsync create missing parents of a remote destination; local ones are made beforehand."""
    return (b"--mkpath",) if transfer.destination.remote else ()

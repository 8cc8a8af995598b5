"""Replay: what was read before goes through the pipeline again, under its first positions.

Each replay is a source over what is kept (dead letters, an archive, the store, a topic) and the
runner of one machine. The ledger knows the positions, so that nothing is doubled, and each batch
is one transaction, so that an interrupted replay is completed by the same call.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from gueststar.contracts import Source
from gueststar.errors import BadInput
from gueststar.pipeline import Pipeline
from gueststar.run.config import Config
from gueststar.run.ingest import Ledger, default_workers
from gueststar.run.local import Progress, Skip, run
from gueststar.run.parts import KafkaConfig
from gueststar.sinks.archive import Archive
from gueststar.sinks.archived import ArchivedAlerts
from gueststar.sinks.store import StoreSink
from gueststar.store import Store
from gueststar.store.again import DeadLetters, StoredAlerts

if TYPE_CHECKING:
    from gueststar.sources.kafka import KafkaSource


@dataclass
class Replayed:
    """The account of a replay.

    Parameters
    ----------
    read : int
        What was read again: dead letters, alerts, or messages.
    stored, duplicate, dead_letter : int
        Positions that the ledger did not know as alerts before, and how they ended.
    revived : int
        Of those stored or duplicate: dead letters of before.
    still_dead : int
        Dead letters that were read and are dead letters still.
    without_bytes : int
        Of those still dead: of them nothing is kept that could be tried.
    known : int
        Positions that the ledger knew as they are.
    scores : int
        Scores that the store did not have.
    modules : dict of str
        Versions of the modules that scored, by name.
    seconds : float
        Wall clock.
    interrupted : bool
        It was stopped early; the same call completes it.
    """

    read: int = 0
    stored: int = 0
    duplicate: int = 0
    dead_letter: int = 0
    revived: int = 0
    still_dead: int = 0
    without_bytes: int = 0
    known: int = 0
    scores: int = 0
    modules: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {**vars(self), "seconds": round(self.seconds, 3)}

    def plus(self, other: Replayed) -> Replayed:
        """Return the account of two replays, one after the other."""
        sums = {
            f.name: getattr(self, f.name) + getattr(other, f.name)
            for f in fields(self)
            if f.name not in {"modules", "interrupted"}
        }
        either = self.interrupted or other.interrupted
        return Replayed(**sums, modules={**self.modules, **other.modules}, interrupted=either)


@dataclass(frozen=True)
class Job:
    """Where a replay goes, and how.

    Parameters
    ----------
    store : Store
    pipeline : Pipeline
    archive : Archive, optional
        Gets the alerts that are new to the store.
    workers : int, optional
        Threads that decode and score.
    progress, stop
        See :func:`gueststar.run.local.run`.
    """

    store: Store
    pipeline: Pipeline
    archive: Archive | None = None
    workers: int | None = None
    progress: Progress | None = None
    stop: threading.Event | None = None

    def run(self, source: Source, skip: Skip | None = None) -> Replayed:
        """Run a source through the pipeline into the store, and count."""
        sink, start, read = StoreSink(self.store, self.archive), time.perf_counter(), 0

        def count(source: Source, rows: int) -> None:
            nonlocal read
            read += rows
            if self.progress is not None:
                self.progress(source, rows)

        skipped = run(
            source,
            self.pipeline,
            [sink],
            workers=self.workers or default_workers(),
            skip=skip,
            progress=count,
            stop=self.stop,
        )
        report = sink.report
        return Replayed(
            read=read,
            stored=report.stored,
            duplicate=report.duplicate,
            dead_letter=report.dead_letter,
            revived=report.revived,
            known=report.known + skipped,
            scores=report.scores,
            modules={module.name: module.version for module in self.pipeline.modules},
            seconds=time.perf_counter() - start,
            interrupted=bool(self.stop and self.stop.is_set()),
        )


def replay_dead_letters(
    job: Job, *, reason: str | None = None, source: str | None = None
) -> Replayed:
    """Try dead letters again, after a fix.

    What can be read becomes an alert and is a dead letter no more; what cannot stays one, with
    the reason of today.

    Parameters
    ----------
    job : Job
    reason : str, optional
        Only packets with a reason like this (SQL LIKE).
    source : str, optional
        Only from this source of the ledger, file or topic.

    Raises
    ------
    BadInput
        If the store has no such source.
    GueststarError
        Whatever the store raises; the same call completes the work.
    """
    letters = DeadLetters(job.store, reason=reason, source=source)
    done = job.run(letters)
    dead = letters.done - done.revived
    known = max(0, done.known - (dead - letters.without_bytes))
    return replace(
        done,
        read=letters.done,
        still_dead=dead,
        without_bytes=letters.without_bytes,
        known=known,
    )


def replay_archive(job: Job, archive: Archive, *, nights: Collection[int] = ()) -> Replayed:
    """Put the alerts of an archive into a store, with the scores they had and those asked for.

    Parameters
    ----------
    job : Job
    archive : Archive
        Read from; ``job.archive`` may be another one, to write to.
    nights : collection of int
        All when empty.

    Raises
    ------
    BadInput
        If there is nothing to read.
    ArchiveError
        If a file cannot be read.
    """
    if job.archive is not None and job.archive.folder == archive.folder:
        raise BadInput(f"{archive.folder} cannot be read from and written to at once")
    return job.run(ArchivedAlerts(archive, nights), Ledger(job.store, job.pipeline).knows)


def rescore(
    job: Job,
    *,
    nights: Collection[int] = (),
    objects: Collection[str] = (),
    everything: bool = False,
) -> Replayed:
    """Score stored alerts by the modules of today; older scores stay beside.

    Parameters
    ----------
    job : Job
    nights, objects : collection of int, of str
        Only alerts of these; of all when empty.
    everything : bool
        Also alerts that have scores of these versions: a null is replaced where there is a
        score now.

    Raises
    ------
    BadInput
        If there is no module, night or object of a name.
    """
    modules = {module.name: module.version for module in job.pipeline.modules}
    if not modules:
        raise BadInput("rescore needs a module: name one by --modules")
    _check_there(job.store, nights, objects)
    alerts = StoredAlerts(
        job.store,
        nights=nights,
        objects=objects,
        lacking=None if everything else modules,
        columns={name for module in job.pipeline.modules for name in module.needs},
    )
    return job.run(alerts)


def _check_there(store: Store, nights: Collection[int], objects: Collection[str]) -> None:
    there = store.nights().column("night").to_pylist()
    for night in nights:
        if night not in there:
            listed = ", ".join(str(known) for known in there[:10]) or "none"
            raise BadInput(f"no night {night} in this store; the newest are {listed}")
    for name in objects:
        store.light_curve(name)  # raises when there is none, and names the nearest


def replay_stream(
    job: Job,
    config: Config,
    since: datetime,
    until: datetime | Literal["caught-up"] = "caught-up",
) -> Replayed:
    """Read the topics of a broker again from a moment on, and store what is missing.

    Parameters
    ----------
    job : Job
    config : Config
        Of the broker; its consumer group is left as it is.
    since : datetime
        Messages that were sent before it are not read.
    until : datetime or 'caught-up'
        Messages that are sent from then on are not read; or: all that is there now.

    Raises
    ------
    StreamError
        If Kafka does not answer.
    """
    end = until.timestamp() if isinstance(until, datetime) else math.inf
    clusters = [one for one in config.sources if isinstance(one, KafkaConfig)]
    if not clusters:
        raise BadInput("no [[source]] of these settings is a Kafka: there is no stream to replay")
    skip, total = Ledger(job.store, job.pipeline).knows, Replayed()
    for given in clusters:
        source = _Untouched(_kafka(given, since, until), since.timestamp(), end)
        total = total.plus(job.run(source, skip))
    return total


def _kafka(
    given: KafkaConfig, since: datetime, until: datetime | Literal["caught-up"]
) -> KafkaSource:
    """Open a broker's topics as a group of its own; its name begins as access rules ask."""
    from gueststar.sources.kafka import KafkaSource

    return KafkaSource(
        given.servers,
        given.topics,
        group=f"{given.group}-replay-{uuid.uuid4().hex[:12]}",
        start=since,
        until=until,
        batch_size=given.batch_size,
        options=given.options,
    )


class _Untouched:
    """A Kafka source whose group commits nothing, so that Kafka forgets it when it ends.

    Kafka finds a moment in a partition only roughly, so messages that were sent at another time
    are left out here.
    """

    def __init__(self, source: Any, since: float, until: float) -> None:
        self._source, self._since, self._until = source, since, until

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._source:
            sent = batch.column("arrived")
            there = pc.and_(pc.greater_equal(sent, self._since), pc.less(sent, self._until))
            yield batch.filter(pc.fill_null(there, True))

    def commit(self, batch: pa.RecordBatch) -> None:
        """Commit nothing: a replay begins at its moment whenever it is run."""

    def close(self) -> None:
        """Leave the group."""
        self._source.close()

    @property
    def size(self) -> int | None:
        """Messages that are there."""
        return getattr(self._source, "size", None)

    @property
    def done(self) -> int:
        """Messages read."""
        return int(self._source.done)

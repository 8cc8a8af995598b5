"""The main job: sources into a store, and an account of what happened."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.batch import POSITION, POSITION_NAMES, AlertBatch, is_dead_letters
from gueststar.contracts import Source
from gueststar.pipeline import Pipeline
from gueststar.run.local import Progress, run
from gueststar.sinks.archive import Archive
from gueststar.sinks.store import StoreSink
from gueststar.sources.tar import plain
from gueststar.store import Store
from gueststar.surveys.avro import count_records


@dataclass
class Account:
    """What an ingest did: ``received = known + stored + duplicate + dead_letter``.

    Parameters
    ----------
    received : int
        Input positions that were read.
    known : int
        Positions that the ledger knew from an earlier run; nothing was done for them.
    stored, duplicate, dead_letter : int
        What became of the others.
    ignored : list of str
        Files that are no alert files.
    modules : dict of str
        Versions of the modules that scored, by name.
    seconds : float
        Wall clock.
    """

    received: int = 0
    known: int = 0
    stored: int = 0
    duplicate: int = 0
    dead_letter: int = 0
    ignored: list[str] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def alerts_per_s(self) -> float:
        """Input positions a second."""
        return self.received / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {**vars(self), "alerts_per_s": round(self.alerts_per_s, 1)}


def default_workers() -> int:
    """Threads for decoding and scoring: one a core but one, which reads and stores; at most six."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(6, (cores or 2) - 1))


def ingest(
    sources: Sequence[Source],
    pipeline: Pipeline,
    store: Store,
    *,
    archive: Archive | None = None,
    catalogs: Collection[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Account:
    """Read sources, score every alert, store and archive it, keep the ledger.

    Parameters
    ----------
    sources : sequence of Source
    pipeline : Pipeline
    store : Store
    archive : Archive, optional
        Parquet files beside the store.
    catalogs : collection of str, optional
        Catalogues of the store that objects are matched with, all when None.
    workers : int, optional
        Threads that decode and score; see :func:`default_workers`.
    progress, stop
        See :func:`gueststar.run.local.run`.

    Returns
    -------
    Account

    Raises
    ------
    GueststarError
        If a source cannot be read or the store cannot be written. What was committed stays;
        the same call completes the rest.
    """
    account = Account(modules={module.name: module.version for module in pipeline.modules})
    sink = StoreSink(store, archive, catalogs)
    ledger = Ledger(store, pipeline)
    start = time.perf_counter()
    for source in sources:
        account.known += run(
            source,
            pipeline,
            [sink],
            workers=workers or default_workers(),
            skip=ledger.knows,
            progress=progress,
            stop=stop,
        )
        account.ignored += [plain(str(path)) for path in getattr(source, "ignored", [])]
    report = sink.report
    account.stored, account.duplicate = report.stored, report.duplicate
    account.dead_letter, account.known = report.dead_letter, account.known + report.known
    account.received = account.known + report.stored + report.duplicate + report.dead_letter
    account.seconds = time.perf_counter() - start
    account.interrupted = bool(stop and stop.is_set())
    return account


class Ledger:
    """Tells whether a source batch needs no work: every position known, every module run."""

    def __init__(self, store: Store, pipeline: Pipeline) -> None:
        self._store = store
        self._modules = {module.name: module.version for module in pipeline.modules}

    def knows(self, batch: pa.RecordBatch) -> bool:
        """Tell whether a source batch needs no work."""
        if is_dead_letters(batch):
            return False
        if "alert_id" in batch.schema.names:  # decoded before, with scores of its own
            ways = (AlertBatch(batch).modules, self._modules)
            return all(
                bool(np.all(self._store.known(batch, modules=modules, records=True)))
                for modules in ways
            )
        if not np.all(self._store.known(batch, modules=self._modules)):
            return False
        return "packet" not in batch.schema.names or self._complete(batch)

    def _complete(self, batch: pa.RecordBatch) -> bool:
        """Look for each record of packets of several: an archive may have given some of them."""
        counts = count_records(batch.column("packet"))
        many = np.flatnonzero(counts > 1)
        if counts.sum() > batch.nbytes:  # it claims what cannot be: decoding will say so
            return False
        if not len(many):
            return True
        records = np.concatenate([np.arange(n, dtype=np.int32) for n in counts[many]])
        packets = batch.select(POSITION_NAMES).take(pa.array(np.repeat(many, counts[many])))
        at = packets.schema.get_field_index("record")
        positions = packets.set_column(at, POSITION.field("record"), pa.array(records))
        return bool(np.all(self._store.known(positions, records=True)))

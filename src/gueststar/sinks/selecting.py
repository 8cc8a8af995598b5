"""Sinks that get only what a filter selects; each filter runs once a batch.

:class:`Selecting` stands before all sinks of a runner and writes the filters' answers into columns
``filter:<name>``; :class:`Chosen` and :class:`Archives` read them. The store gets every alert,
whatever the filters say.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Sequence

import pyarrow as pa

from gueststar.alarms import alarm
from gueststar.batch import AlertBatch, is_dead_letters
from gueststar.contracts import Filter, Sink
from gueststar.pipeline import run_filter
from gueststar.sinks.archive import Archive
from gueststar.store.moves import Move

log = logging.getLogger(__name__)

QUIET_S = 30.0  # the same filter's failures are told no more often than this


def column_of(name: str) -> str:
    """Return the column of a filter's answers; no module can give one of this name."""
    return f"filter:{name}"


class Selecting:
    """Runs filters over alerts, then hands them to sinks, with the answers beside.

    A row on which a filter fails has null as its answer: it is not sent by the outputs of that
    filter, and it is counted and told. The other sinks get it as any other.

    Parameters
    ----------
    filters : sequence of Filter
    sinks : sequence of Sink

    Attributes
    ----------
    failed : dict of int
        Rows on which each filter failed.
    """

    def __init__(self, filters: Sequence[Filter], sinks: Sequence[Sink]) -> None:
        self.filters, self.sinks = tuple(filters), tuple(sinks)
        self.failed = {filter.name: 0 for filter in filters}
        self._told = dict.fromkeys(self.failed, -math.inf)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch of alerts or of dead letters."""
        if not is_dead_letters(batch):
            batch = self._answered(AlertBatch(batch)).arrow
        for sink in self.sinks:
            sink.write(batch)

    def flush(self) -> None:
        """Flush the sinks, in order; what has been flushed does nothing when this is repeated."""
        for sink in self.sinks:
            sink.flush()

    def _answered(self, batch: AlertBatch) -> AlertBatch:
        masks = {}
        for filter in self.filters:
            mask, reasons = run_filter(filter, batch)
            masks[column_of(filter.name)] = mask
            if reasons:
                self._tell(filter.name, mask, reasons[0])
        if not masks:
            return batch
        return batch.with_columns(pa.RecordBatch.from_pydict(masks))

    def _tell(self, name: str, mask: pa.BooleanArray, reason: str) -> None:
        self.failed[name] += mask.null_count
        now = time.monotonic()
        if now - self._told[name] < QUIET_S:
            return
        self._told[name] = now
        alarm(
            log,
            "filter %r failed on %d of %d alerts (%d so far). They are stored, and not sent by its "
            "outputs: %s",
            *(name, mask.null_count, len(mask), self.failed[name], reason),
        )


class Chosen:
    """A sink that gets the alerts which a filter selects, and no dead letters.

    Parameters
    ----------
    sink : Sink
    name : str
        Of a filter that a :class:`Selecting` before it runs.
    """

    def __init__(self, sink: Sink, name: str) -> None:
        self.sink, self.name = sink, name

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch with the filters' answers."""
        if not is_dead_letters(batch):
            self.sink.write(selected(AlertBatch(batch), self.name).arrow)

    def flush(self) -> None:
        """Flush the sink."""
        self.sink.flush()


class Archives(Archive):
    """Several archives beside one store, each with its own selection, all in step with it.

    Parameters
    ----------
    parts : sequence of (Archive, str or None)
        Archives, and the filters that say what is theirs; None: everything.
    """

    def __init__(self, parts: Sequence[tuple[Archive, str | None]]) -> None:
        super().__init__(parts[0][0].folder)
        self.parts = tuple(parts)

    def prepare(self, batches: Sequence[AlertBatch], owner: str = "sink") -> list[Move]:
        """Write files of every archive aside; see :meth:`Archive.prepare`."""
        moves: list[Move] = []
        try:
            for archive, name in self.parts:
                mine = batches if name is None else [selected(batch, name) for batch in batches]
                moves += archive.prepare([batch for batch in mine if len(batch)], owner)
        except BaseException:
            self.forget(moves)
            raise
        return moves

    def forget(self, moves: Iterable[Move]) -> None:
        """Remove files that were written aside."""
        for move in moves:
            move.temporary.unlink(missing_ok=True)

    def clean(self, owner: str) -> None:
        """Remove what killed writers have left aside, in every archive."""
        for archive, _ in self.parts:
            archive.clean(owner)


def selected(batch: AlertBatch, name: str) -> AlertBatch:
    """Return the rows that a filter has selected."""
    return AlertBatch(batch.arrow.filter(batch.column(column_of(name))))

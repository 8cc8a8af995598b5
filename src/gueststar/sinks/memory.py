"""A sink in memory: for tests, notebooks and trying a module."""

from __future__ import annotations

import pyarrow as pa

from gueststar.batch import AlertBatch, is_dead_letters


class MemorySink:
    """Keeps what it is given in lists.

    Attributes
    ----------
    batches : list of AlertBatch
        Alerts, each id once.
    dead : list of pyarrow.RecordBatch
        Dead letters.
    flushed : int
        How many alerts were there at the last :meth:`flush`.

    Examples
    --------
    >>> sink = MemorySink()
    >>> sink.write(AlertBatch.from_columns(alert_id=[1, 2, 1]).arrow)
    >>> len(sink)
    2
    """

    def __init__(self) -> None:
        self.batches: list[AlertBatch] = []
        self.dead: list[pa.RecordBatch] = []
        self.flushed = 0
        self._seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; alerts that are here already are left out."""
        if is_dead_letters(batch):
            self.dead.append(batch)
            return
        fresh = []
        for alert_id in AlertBatch(batch).column("alert_id").to_pylist():
            fresh.append(alert_id not in self._seen)
            self._seen.add(alert_id)
        if any(fresh):
            self.batches.append(AlertBatch(batch.filter(pa.array(fresh))))

    def flush(self) -> None:
        """Note how many alerts are here."""
        self.flushed = len(self._seen)

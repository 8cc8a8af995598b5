"""What a store holds, as sources: its dead letters, and its alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.batch import ORIGIN, PACKETS, VOCABULARY, origins

if TYPE_CHECKING:
    from gueststar.store.interface import Store

IPC = b"\xff\xff\xff\xff"  # an Arrow stream begins so, and no alert packet does


class DeadLetters:
    """The bytes of dead letters under their first positions, to be tried again.

    A packet comes once, whatever number of its records are dead: its other records are known to
    the ledger. Records without a packet (rows of Parquet, alerts that the store refused) come as
    the columns that they were kept as.

    Parameters
    ----------
    store : Store
    reason, source, batch_size
        See :meth:`gueststar.store.interface.Store.dead_letters`.

    Attributes
    ----------
    size : int
        Dead letters that the store has.
    done : int
        Dead letters read.
    without_bytes : int
        Of those, in packets of which nothing is kept: they cannot be tried.
    """

    def __init__(
        self,
        store: Store,
        *,
        reason: str | None = None,
        source: str | None = None,
        batch_size: int = 250,
    ) -> None:
        self._store, self._reason, self._source = store, reason, source
        self._batch_size = batch_size
        counted = store.sql("SELECT count(*) AS n FROM dead_letters")
        self.size = int(counted.column("n")[0].as_py())
        self.done = self.without_bytes = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield packets, records and alerts."""
        self.done = self.without_bytes = 0
        found = self._store.dead_letters(
            reason=self._reason, source=self._source, batch_size=self._batch_size
        )
        for letters in found:
            self.done += letters.num_rows
            yield from self._sorted(letters)

    def commit(self, batch: pa.RecordBatch) -> None:
        """Do nothing: what was revived is no dead letter now."""

    def _sorted(self, letters: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        packets: list[int] = []
        records: dict[pa.Schema, list[tuple[int, pa.RecordBatch]]] = defaultdict(list)
        for rows in _packets_of(letters):
            kept = [(row, letters.column("packet")[row].as_py()) for row in rows]
            rest = []
            for row, content in kept:
                record = _record(content)
                if record is not None:
                    records[record.schema].append((row, record))
                elif content:
                    rest.append(row)
            packets += rest[:1]  # all its records are in it
            self.without_bytes += len(rows) if not any(content for _, content in kept) else 0
        if packets:
            yield _whole_packets(letters.take(pa.array(packets)))
        for some in records.values():
            yield _rows(letters, some)


def _packets_of(letters: pa.RecordBatch) -> list[list[int]]:
    """Rows of the same source, partition and offset."""
    found: dict[tuple[object, ...], list[int]] = defaultdict(list)
    names = ("source", "partition", "offset")
    columns = (letters.column(name).to_pylist() for name in names)
    for row, key in enumerate(zip(*columns, strict=True)):
        found[key].append(row)
    return list(found.values())


def _record(content: bytes | None) -> pa.RecordBatch | None:
    """Return the row that was kept as an Arrow stream; None when it is something else."""
    if not content or not content.startswith(IPC):
        return None
    try:
        with pa.ipc.open_stream(content) as stream:
            batch = stream.read_next_batch()
        batch.validate(full=True)
    except (pa.ArrowException, OSError, StopIteration):
        return None
    return batch if batch.num_rows == 1 and _is_ours(batch.schema) else None


def _is_ours(schema: pa.Schema) -> bool:
    """Tell a row that we kept from a stream that somebody has sent as a message."""
    if "native" in schema.names and not pa.types.is_struct(schema.field("native").type):
        return False
    if schema.names == ["native"]:
        return True
    wanted = [field for field in VOCABULARY if field.name != "arrived"]
    at = [schema.get_field_index(field.name) for field in wanted]
    return all(k >= 0 and schema.field(k).type == f.type for k, f in zip(at, wanted, strict=True))


def _whole_packets(letters: pa.RecordBatch) -> pa.RecordBatch:
    """Packets begin with record 0, whichever of their records was dead."""
    records = pa.array([0] * letters.num_rows, pa.int32())
    arrays = [records if f.name == "record" else letters.column(f.name) for f in PACKETS]
    return pa.RecordBatch.from_arrays(arrays, schema=PACKETS)


def _rows(letters: pa.RecordBatch, some: Sequence[tuple[int, pa.RecordBatch]]) -> pa.RecordBatch:
    """Give kept rows of one schema the positions of their letters."""
    kept = pa.concat_batches([record for _, record in some])
    positions = origins(letters.take(pa.array([row for row, _ in some])))
    for name, array in zip(ORIGIN.names, positions.columns, strict=True):
        at = kept.schema.get_field_index(name)
        if at >= 0:
            kept = kept.set_column(at, ORIGIN.field(name), array)
        else:
            kept = kept.append_column(ORIGIN.field(name), array)
    return kept


class StoredAlerts:
    """The alerts of a store, to be scored again.

    Parameters
    ----------
    store : Store
    nights, objects, lacking, columns, batch_size
        See :meth:`gueststar.store.interface.Store.alert_batches`.

    Attributes
    ----------
    size, done : int
        Alerts of these nights and objects, and alerts read, for a progress bar; of those that
        lack nothing none is read.
    """

    def __init__(
        self,
        store: Store,
        *,
        nights: Collection[int] = (),
        objects: Collection[str] = (),
        lacking: Mapping[str, str] | None = None,
        columns: Collection[str] | None = None,
        batch_size: int = 250,
    ) -> None:
        self._batches = lambda: store.alert_batches(
            nights=nights,
            objects=objects,
            lacking=lacking,
            columns=columns,
            batch_size=batch_size,
        )
        self.size = _number(store, nights, objects)
        self.done = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of the vocabulary under their first positions."""
        self.done = 0
        for batch in self._batches():
            self.done += len(batch)
            yield batch.arrow

    def commit(self, batch: pa.RecordBatch) -> None:
        """Do nothing: the store knows which scores it has."""


def _number(store: Store, nights: Collection[int], objects: Collection[str]) -> int:
    """Count alerts for the progress bar."""
    if objects:
        return sum(store.object(name).alerts.num_rows for name in objects)
    table = store.nights()
    counts = dict(zip(*(table.column(n).to_pylist() for n in ("night", "n_alerts")), strict=True))
    return sum(count for night, count in counts.items() if not nights or night in nights)

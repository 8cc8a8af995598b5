"""The first stage: what a source gives becomes alerts and dead letters.

Every input record ends in exactly one place: a row of an alert batch, or a dead letter with its
reason. What cannot be used never raises and never touches its neighbours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gueststar.batch import (
    ORIGIN,
    VOCABULARY,
    AlertBatch,
    dead_letters,
    origins,
    stream_bytes,
)
from gueststar.errors import BadPacket, UnknownSchema
from gueststar.surveys import columns, recognise, sky
from gueststar.surveys.avro import Decoded, read_containers, read_messages
from gueststar.surveys.schemas import Schemas, find_schemas

CONTAINER = b"Obj\x01"
FRAME = 5  # bytes: a zero, then the schema's id, big endian (Confluent wire format)
_SHOWN = 24  # bytes of a stranger that its reason quotes
_NOTHING = AlertBatch(pa.RecordBatch.from_pylist([], schema=VOCABULARY))


@dataclass(frozen=True)
class Decoding:
    """What became of a batch.

    Parameters
    ----------
    alerts : list of AlertBatch
        One a writer schema; columns of :data:`~gueststar.batch.VOCABULARY` and ``native``.
    dead : pyarrow.RecordBatch or None
        Columns of :data:`~gueststar.batch.DEAD_LETTERS`. Of a packet with several dead records
        the first holds the bytes.
    """

    alerts: list[AlertBatch]
    dead: pa.RecordBatch | None


@dataclass
class _Graveyard:
    """Dead records of one input batch: input row, record, reason."""

    rows: list[int] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def bury(self, rows: Iterable[int], records: Iterable[int], reasons: Iterable[str]) -> None:
        self.rows.extend(int(row) for row in rows)
        self.records.extend(int(record) for record in records)
        self.reasons.extend(reasons)

    def letters(self, batch: pa.RecordBatch) -> pa.RecordBatch | None:
        if not self.rows:
            return None
        order = np.lexsort((self.records, self.rows))
        rows, records = np.array(self.rows)[order], np.array(self.records)[order]
        reasons = [self.reasons[i] for i in order]
        first = np.diff(rows, prepend=-1) != 0
        return dead_letters(_positions(batch, rows, records), _kept(batch, rows, first), reasons)


def decode(
    batch: pa.RecordBatch, *, schemas: str | os.PathLike[str] | Schemas | None = None
) -> Decoding:
    """Decode what a source gives.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        Packets (:data:`~gueststar.batch.PACKETS`: Avro containers or Confluent-framed messages,
        mixed at will), or records that are columns already (``native`` and the positions).
    schemas : path, URL or callable, optional
        Where the schemas of framed messages are; see
        :func:`~gueststar.surveys.schemas.find_schemas`.

    Returns
    -------
    Decoding
        The alerts and the dead letters.

    Raises
    ------
    BadInput
        If the folder of schemas does not exist, or the registry cannot be reached
        (:class:`~gueststar.errors.RegistryUnavailable`): nothing of the batch is lost, it can be
        decoded again.
    """
    dead = _Graveyard()
    if "packet" not in batch.schema.names:
        alerts = list(_from_records(batch, dead))
    else:
        alerts = list(_from_packets(batch, find_schemas(schemas), dead))
    return Decoding([a for a in alerts if len(a)], dead.letters(batch))


def _from_records(batch: pa.RecordBatch, dead: _Graveyard) -> Iterator[AlertBatch]:
    native = batch.column("native")
    names = [f.name for f in native.type]
    arrays = [columns.field(native, name) for name in names]
    rows = np.arange(batch.num_rows)
    if names:
        group = pa.RecordBatch.from_arrays(arrays, names=names)
        yield _alerts(batch, group, rows, np.zeros(len(rows), np.int32), dead)
    else:
        dead.bury(rows, rows * 0, ["a record without fields"] * len(rows))


def _from_packets(
    batch: pa.RecordBatch, schemas: Schemas, dead: _Graveyard
) -> Iterator[AlertBatch]:
    heads = _heads(batch.column("packet"))
    container = (heads[:, :4] == np.frombuffer(CONTAINER, np.uint8)).all(axis=1)
    framed = (heads[:, 0] == 0) & (heads[:, FRAME] >= 0)
    if (rows := np.flatnonzero(container)).size:
        yield from _groups(batch, rows, read_containers(_bodies(batch, rows)), dead)
    if framed.any():
        yield from _framed(batch, np.flatnonzero(framed), heads, schemas, dead)
    strangers = np.flatnonzero(~container & ~framed)
    dead.bury(strangers, strangers * 0, [_stranger(batch, int(row)) for row in strangers])


def _heads(packets: pa.Array) -> np.ndarray:
    """First bytes of every packet, shape ``(n, 6)``; -1 after its end."""
    packets = packets.cast(pa.large_binary())
    _, offsets, data = packets.buffers()
    edges = np.frombuffer(offsets, np.int64)[packets.offset : packets.offset + len(packets) + 1]
    octets = np.frombuffer(data or b"", np.uint8)
    places = edges[:-1, None] + np.arange(FRAME + 1)
    inside = places < edges[1:, None]
    heads = np.full(places.shape, -1, dtype=np.int16)
    heads[inside] = octets[places[inside]]
    return heads


def _framed(
    batch: pa.RecordBatch, rows: np.ndarray, heads: np.ndarray, schemas: Schemas, dead: _Graveyard
) -> Iterator[AlertBatch]:
    ids = heads[rows, 1:FRAME].astype(np.int64) @ (256 ** np.arange(FRAME - 2, -1, -1))
    for schema_id in np.unique(ids).tolist():
        some = rows[ids == schema_id]
        try:
            decoded = read_messages(_bodies(batch, some), schemas(schema_id), skip=FRAME)
        except (UnknownSchema, BadPacket) as error:
            dead.bury(some, some * 0, [str(error)] * len(some))
        else:
            yield from _groups(batch, some, decoded, dead)


def _groups(
    batch: pa.RecordBatch, rows: np.ndarray, decoded: Decoded, dead: _Graveyard
) -> Iterator[AlertBatch]:
    """Alerts of each writer schema; ``rows`` are the input rows that were decoded."""
    for error in decoded.errors:
        dead.bury([rows[error.row]], [error.record], [error.reason])
    seen = [group.row for group in decoded.groups] + [np.array([e.row for e in decoded.errors])]
    empty = np.setdiff1d(np.arange(len(rows)), np.concatenate(seen).astype(np.int64))
    dead.bury(rows[empty], empty * 0, ["an Avro container that holds no record"] * len(empty))
    for group in decoded.groups:
        yield _alerts(batch, group.batch, rows[group.row], group.record, dead)


def _alerts(
    batch: pa.RecordBatch,
    group: pa.RecordBatch,
    rows: np.ndarray,
    records: np.ndarray,
    dead: _Graveyard,
) -> AlertBatch:
    """Map one group of records of one schema; ``rows`` and ``records`` say where each was."""
    survey = recognise(group.schema.names)
    if survey is None:
        fields = ", ".join(group.schema.names)
        reason = f"no survey that we know has these fields: {fields}"
        dead.bury(rows, records, [reason] * len(rows))
        return _NOTHING
    try:
        alerts = survey.alerts(group)
    except pa.ArrowException as error:
        reason = f"a {survey.name} record with types that do not fit: {error}"
        dead.bury(rows, records, [reason] * len(rows))
        return _NOTHING
    return _complete(batch, alerts, rows, records, dead)


def _complete(
    batch: pa.RecordBatch,
    alerts: pa.RecordBatch,
    rows: np.ndarray,
    records: np.ndarray,
    dead: _Graveyard,
) -> AlertBatch:
    """Bury the rows without a required value, give the others their positions."""
    reasons = _missing(alerts)
    if lost := sorted(reasons):
        dead.bury(rows[lost], records[lost], [reasons[row] for row in lost])
        kept = np.setdiff1d(np.arange(len(rows)), lost)
        alerts, rows, records = alerts.take(pa.array(kept)), rows[kept], records[kept]
    positions = _positions(batch, rows, records)
    schema = pa.schema([*VOCABULARY, alerts.schema.field("native")])
    arrays = [*alerts.columns[:-1], *positions.columns, alerts.column("native")]
    return AlertBatch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def _missing(alerts: pa.RecordBatch) -> dict[int, str]:
    """Reasons of the rows that cannot be alerts, by row."""
    reasons: dict[int, str] = {}
    ra, dec = (alerts.column(name).to_numpy(zero_copy_only=False) for name in ("ra", "dec"))
    for row in np.flatnonzero(~sky.on_the_sky(ra, dec)):
        reasons[int(row)] = f"no position on the sky: ra={ra[row]}, dec={dec[row]}"
    wanted = {"night": "night", "mjd_tai": "time of observation", "alert_id": "alert id"}
    for name, what in wanted.items():
        nulls = alerts.column(name).is_null().to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(nulls):
            reasons[int(row)] = f"no {what} in the record"
    return reasons


def _positions(batch: pa.RecordBatch, rows: np.ndarray, records: np.ndarray) -> pa.RecordBatch:
    some = origins(batch).take(pa.array(rows, pa.int64()))
    base = some.column("record").to_numpy(zero_copy_only=False)
    record = pa.array((base + records).astype(np.int32))
    return some.set_column(ORIGIN.get_field_index("record"), ORIGIN.field("record"), record)


def _bodies(batch: pa.RecordBatch, rows: np.ndarray) -> pa.LargeBinaryArray:
    packets = batch.column("packet").cast(pa.large_binary())
    return packets if len(rows) == len(packets) else packets.take(pa.array(rows))


def _kept(batch: pa.RecordBatch, rows: np.ndarray, first: np.ndarray) -> pa.Array:
    """Bytes to keep of dead rows: the packet (once), or the record as a one-row Arrow stream."""
    if "packet" in batch.schema.names:
        packets = batch.column("packet").cast(pa.large_binary())
        return packets.take(pa.array(rows, mask=~first))
    native = batch.select(["native"])
    return pa.array([stream_bytes(native.slice(row, 1)) for row in rows], pa.large_binary())


def _stranger(batch: pa.RecordBatch, row: int) -> str:
    packet = batch.column("packet")[row].as_py() or b""
    if not packet:
        return "not an alert packet: it is empty"
    start = ascii(packet[:_SHOWN].decode("latin-1"))
    return f"not an alert packet: {len(packet)} bytes that start with {start}"

"""Our own messages read back: from a topic that a broker writes, to batches of alerts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby
from typing import Any

import fastavro
import orjson
import pyarrow as pa

from gueststar.batch import HISTORY, VOCABULARY, AlertBatch
from gueststar.errors import BadPacket
from gueststar.pipeline import Pipeline
from gueststar.score import CLASS_KEY

log = logging.getLogger(__name__)

_HEAD = 2_000  # bytes of a container in which the name of its schema stands
_OURS = b"gueststar.v"
_FACTS = (
    "alert_id", "object_id", "survey", "band", "mjd_tai", "night", "ra", "dec", "flux",
    "flux_err", "published_rb", "program",
)  # fmt: skip
_SCHEMA = pa.schema(
    [*(VOCABULARY.field(name) for name in _FACTS), pa.field("history", pa.list_(HISTORY))]
)
Record = dict[str, Any]
#: What a message raises that is damaged, or none of ours.
UNREADABLE = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, EOFError,
    StopIteration, pa.ArrowException,
)  # fmt: skip


def batches_of(packets: pa.RecordBatch) -> Iterator[AlertBatch]:
    """Read messages of gueststar (Avro, JSON), or packets of a survey.

    Parameters
    ----------
    packets : pyarrow.RecordBatch
        Columns of :data:`gueststar.batch.PACKETS`, as a Kafka source gives them.

    Yields
    ------
    AlertBatch
        In the order of the messages; those with the same modules and versions together. A message
        that cannot be read is left out, with a warning that says where it is.
    """
    rows = [is_ours(packet.as_py() or b"") for packet in packets.column("packet")]
    start = 0
    for ours, group in groupby(rows):
        count = len(list(group))
        part = packets.slice(start, count)
        start += count
        yield from _ours(part) if ours else _decoded(part)


def is_ours(packet: bytes) -> bool:
    """Tell a message of ours from a packet of a survey."""
    return packet.startswith(b"{") or (packet.startswith(b"Obj\x01") and _OURS in packet[:_HEAD])


def _decoded(packets: pa.RecordBatch) -> Iterator[AlertBatch]:
    for batch in Pipeline([]).one(packets):
        if "alert_id" in batch.schema.names:
            yield AlertBatch(batch)
        else:
            for row in batch.to_pylist():
                _warn(row, row["reason"])


def _ours(packets: pa.RecordBatch) -> Iterator[AlertBatch]:
    records = []
    for row in packets.to_pylist():
        try:
            records.append((row, read(row["packet"])))
        except BadPacket as error:
            _warn(row, str(error))
    for _, alike in groupby(records, key=lambda one: _modules(one[1])):
        group = list(alike)
        try:
            yield _batch([record for _, record in group])
        except UNREADABLE:
            yield from _one_by_one(group)


def _one_by_one(group: list[tuple[Record, Record]]) -> Iterator[AlertBatch]:
    """Find the messages whose values cannot be."""
    for row, record in group:
        try:
            yield _batch([record])
        except UNREADABLE as error:
            _warn(row, f"no message of gueststar: {error}")


def _warn(row: Record, reason: str) -> None:
    log.warning("%s %s %s: %s", row["source"], row["partition"], row["offset"], reason)


def read(packet: bytes) -> Record:
    """Read one message of ours.

    Raises
    ------
    BadPacket
        If it is none, or damaged.
    """
    try:
        if packet.startswith(b"{"):
            record: Record = orjson.loads(packet)
        else:
            record = next(iter(fastavro.reader(BytesIO(packet))))  # type: ignore[assignment]
        record["alert_id"] = int(record["alert_id"])
        _modules(record)
    except UNREADABLE as error:
        raise BadPacket(f"no message of gueststar: {error or type(error).__name__}") from error
    return record


def _modules(record: Record) -> tuple[tuple[str, str, str], ...]:
    scores: Sequence[Record] = record.get("scores") or ()
    return tuple((one["module"], one["version"], one["class"]) for one in scores)


def _batch(records: list[Record]) -> AlertBatch:
    rows = [{name: record.get(name) for name in _SCHEMA.names} for record in records]
    fields, columns = list(_SCHEMA), list(pa.RecordBatch.from_pylist(rows, _SCHEMA).columns)
    modules = _modules(records[0])
    for place, (module, _, label) in enumerate(modules):
        values = [record["scores"][place]["value"] for record in records]
        fields.append(pa.field(f"{module}_{label}", pa.float32(), metadata={CLASS_KEY: label}))
        columns.append(pa.array(values, pa.float32()))
    for module in dict.fromkeys(module for module, _, _ in modules):
        at = next(place for place, one in enumerate(modules) if one[0] == module)
        fields.append(pa.field(f"{module}_reason", pa.string()))
        columns.append(pa.array([r["scores"][at]["reason"] for r in records], pa.string()))
    batch = AlertBatch(pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)))
    for module, version, _ in modules:
        batch = batch.with_module(module, version)
    return batch

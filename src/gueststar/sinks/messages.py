"""Alerts as messages for others: Avro containers of one record, or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.batch import AlertBatch, history_rows, magnitude
from gueststar.score import long_scores
from gueststar.sinks import avro

#: Version of the schema; a change that an old reader cannot follow raises the first number.
VERSION = "1.0"
_SYNC = b"gueststar-alert1"  # 16 bytes; any will do in a container of one block
_CHUNK = 512  # alerts that are encoded at a time: Arrow's offsets end at 2 GB
_POINT = {
    "mjd_tai": "double", "band": "string", "flux": "float", "flux_err": "float",
    "total_flux": "float", "total_flux_err": "float", "limit": "float", "kind": "string",
}  # fmt: skip
_FIELDS = {
    "object_id": ("string", "ZTF objectId, LSST diaObjectId"),
    "survey": ("string", "ztf, lsst"),
    "band": ("string", ""),
    "mjd_tai": ("double", "d, mid-exposure, TAI"),
    "night": ("int", "YYYYMMDD"),
    "ra": ("double", "deg, ICRS"),
    "dec": ("double", "deg, ICRS"),
    "flux": ("float", "nJy, difference flux with its sign"),
    "flux_err": ("float", "nJy"),
    "mag": ("float", "AB mag of the difference flux; null where it is not positive"),
    "published_rb": ("float", "the survey's own score"),
    "program": ("int", "ZTF programid"),
    "source": ("string", "where the packet came from"),
    "partition": ("string", ""),
    "offset": ("long", ""),
}


def _nullable(kind: Any) -> dict[str, Any]:
    return {"type": ["null", kind], "default": None}


#: The schema of our Avro messages.
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "alert",
    "namespace": f"gueststar.v{VERSION.replace('.', '_')}",
    "version": VERSION,
    "fields": [
        {"name": "alert_id", "type": "long", "doc": "ZTF candid, LSST diaSourceId"},
        *({"name": n, **_nullable(t), "doc": doc} for n, (t, doc) in _FIELDS.items()),
        {
            "name": "scores",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "score",
                    "fields": [
                        {"name": "module", "type": "string"},
                        {"name": "version", "type": "string"},
                        {"name": "class", "type": "string"},
                        {"name": "value", **_nullable("float")},
                        {"name": "reason", **_nullable("string")},
                    ],
                },
            },
        },
        {
            "name": "history",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "point",
                    "fields": [{"name": n, **_nullable(t)} for n, t in _POINT.items()],
                },
            },
        },
    ],
}


def avro_messages(batch: AlertBatch) -> Iterator[bytes]:
    """Give every alert as an Avro container file of one record, as ZTF does."""
    before, after = pa.scalar(_header() + b"\x02"), pa.scalar(_SYNC)  # one record in the block
    for start in range(0, len(batch), _CHUNK):
        bodies = _bodies(batch.slice(start, _CHUNK))
        sizes = avro.longs(pc.binary_length(bodies).to_numpy())
        whole = pc.binary_join_element_wise(before, sizes, bodies, after, b"")
        yield from whole.to_pylist()


def _bodies(batch: AlertBatch) -> pa.BinaryArray:
    """Encode the record of every alert, column by column."""
    ids = avro.pieces(batch.column("alert_id"), "long")
    mag = pa.array(magnitude(batch.numpy("flux")), from_pandas=True)
    fields = [
        avro.nullable(mag if name == "mag" else batch.column(name), kind)
        for name, (kind, _) in _FIELDS.items()
    ]
    return avro.record([ids, *fields, _score_arrays(batch), _history_arrays(batch)])


def _score_arrays(batch: AlertBatch) -> pa.BinaryArray:
    rows, scores = len(batch), long_scores(batch)
    kinds = scores.num_rows // rows
    # The long form has one class after another; an alert's own scores must be neighbours.
    near = scores.take(pa.array(np.arange(kinds * rows).reshape(kinds, rows).T.ravel()))
    plain = [avro.pieces(near.column(name), "string") for name in ("module", "version", "class")]
    value = avro.nullable(near.column("value"), "float")
    reason = avro.nullable(near.column("reason"), "string")
    return avro.array(avro.record([*plain, value, reason]), np.arange(rows + 1) * kinds)


def _history_arrays(batch: AlertBatch) -> pa.BinaryArray:
    row, points = history_rows(batch.column("history"))
    offsets = np.searchsorted(row, np.arange(len(batch) + 1))
    items = avro.record([avro.nullable(points.column(n), kind) for n, kind in _POINT.items()])
    return avro.array(items, offsets)


def json_messages(batch: AlertBatch) -> Iterator[bytes]:
    """Give every alert as a JSON object; ids are strings, NaN is null."""
    for record in records(batch):
        yield orjson.dumps({**record, "alert_id": str(record["alert_id"])})


def encoded(form: str, batch: AlertBatch) -> Iterator[tuple[int, bytes | Exception]]:
    """Give the message of every row, or what is wrong with the row.

    A batch that cannot be encoded is tried in halves, until the rows that cannot stand alone.

    Parameters
    ----------
    form : {'avro', 'json'}
    batch : AlertBatch
    """
    starts = reversed(range(0, len(batch), _CHUNK))
    parts = [(start, min(_CHUNK, len(batch) - start)) for start in starts]
    while parts:
        start, rows = parts.pop()
        try:
            messages = list(FORMS[form](batch.slice(start, rows)))
        except UNENCODABLE as error:
            if rows == 1:
                yield start, error
            else:
                parts += [(start + rows // 2, rows - rows // 2), (start, rows // 2)]
        else:
            yield from enumerate(messages, start)


#: What an encoder raises because of a value; everything else is a fault of ours.
UNENCODABLE = (ValueError, TypeError, ArithmeticError, pa.ArrowException)

FORMS: dict[str, Callable[[AlertBatch], Iterator[bytes]]] = {
    "avro": avro_messages,
    "json": json_messages,
}


def records(batch: AlertBatch) -> Iterator[dict[str, Any]]:
    """Give every alert as a dictionary of the fields of :data:`SCHEMA`."""
    mag = pa.array(magnitude(batch.numpy("flux")), from_pandas=True)
    names = ["alert_id", *(name for name in _FIELDS if name != "mag")]
    columns = {name: batch.column(name).to_pylist() for name in names}
    columns |= {"mag": mag.to_pylist(), "scores": _scores(batch), "history": _history(batch)}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _scores(batch: AlertBatch) -> list[list[dict[str, Any]]]:
    scores = long_scores(batch).drop_columns(["alert_id"]).to_pylist()
    return [scores[row :: len(batch)] for row in range(len(batch))]


def _history(batch: AlertBatch) -> list[list[dict[str, Any]]]:
    return [points or [] for points in batch.column("history").to_pylist()]


@cache
def _header() -> bytes:
    head = BytesIO()
    fastavro.writer(head, fastavro.parse_schema(SCHEMA), [], sync_marker=_SYNC)
    return head.getvalue()


__all__ = ["FORMS", "SCHEMA", "VERSION", "avro_messages", "encoded", "json_messages", "records"]

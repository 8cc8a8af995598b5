"""Alerts as messages for others: Avro containers of one record, or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
import orjson
import pyarrow as pa

from gueststar.batch import AlertBatch, magnitude
from gueststar.score import long_scores

#: Version of the schema; a change that an old reader cannot follow raises the first number.
VERSION = "1.0"
_SYNC = b"gueststar-alert1"  # 16 bytes; any will do in a container of one block
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
    schema, header = _prepared()
    for record in records(batch):
        body = BytesIO()
        fastavro.schemaless_writer(body, schema, record)
        data = body.getvalue()
        yield header + b"\x02" + _long(len(data)) + data + _SYNC


def json_messages(batch: AlertBatch) -> Iterator[bytes]:
    """Give every alert as a JSON object; ids are strings, NaN is null."""
    for record in records(batch):
        yield orjson.dumps({**record, "alert_id": str(record["alert_id"])})


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
def _prepared() -> tuple[Any, bytes]:
    schema = fastavro.parse_schema(SCHEMA)
    head = BytesIO()
    fastavro.writer(head, schema, [], sync_marker=_SYNC)
    return schema, head.getvalue()


def _long(value: int) -> bytes:
    """Encode a number as Avro does: zigzag, seven bits a byte."""
    value, out = value << 1, bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


__all__ = ["FORMS", "SCHEMA", "VERSION", "avro_messages", "json_messages", "records"]

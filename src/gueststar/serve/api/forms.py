"""Forms of answers: which one a request wants, and tables in each of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import orjson
import pyarrow as pa
from litestar.exceptions import HTTPException

from gueststar.columns import units_of
from gueststar.export.flat import rows_of
from gueststar.export.writers import WRITERS, About
from gueststar.store.matching import CONTEXT_KEY
from gueststar.store.selection import next_of

TRUNCATED = b"gueststar.truncated"
TOTAL = b"gueststar.total"

MEDIA_TYPES = {
    "json": "application/json",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv",
    "votable": "application/x-votable+xml",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "fits": "application/fits",
    "png": "image/png",
    "npy": "application/x-npy",
}


def wanted(form: str | None, accept: str, among: tuple[str, ...]) -> str:
    """Return the form that a request wants.

    Parameters
    ----------
    form : str or None
        Of the parameter ``format``, which wins.
    accept : str
        The header; empty when there is none.
    among : tuple of str
        Forms that there are, the default first.

    Raises
    ------
    litestar.exceptions.HTTPException
        406, when none of them is acceptable.

    Examples
    --------
    >>> wanted(None, "text/csv, application/json;q=0.5", ("json", "csv"))
    'csv'
    """
    if form is not None:
        return form
    weights = _weights(accept)
    best = max(among, key=lambda one: _weight(weights, MEDIA_TYPES[one]))
    if weights and _weight(weights, MEDIA_TYPES[best]) <= 0:
        kinds = ", ".join(MEDIA_TYPES[one].partition(";")[0] for one in among)
        raise HTTPException(
            f"accept: {accept[:100]!r} is not what there is: {kinds}", status_code=406
        )
    return best


def _weights(accept: str) -> dict[str, float]:
    found = {}
    for part in accept.split(","):
        kind, *rest = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in rest if piece.startswith("q=")), "1")
        if kind:
            found[kind] = float(quality) if quality.replace(".", "", 1).isdigit() else 0.0
    return found


def _weight(weights: Mapping[str, float], media_type: str) -> float:
    kind = media_type.partition(";")[0]
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if pattern in weights:
            return weights[pattern]
    return 0.0


def table_in(form: str, table: pa.Table) -> bytes:
    """Write a table as JSON, Arrow IPC stream, CSV, VOTable or Parquet."""
    return _TABLES[form](table)


def _arrow(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def _written(form: str) -> Callable[[pa.Table], bytes]:
    """Write a table as an export of it would be."""

    def write(table: pa.Table) -> bytes:
        sink = io.BytesIO()
        with closing(WRITERS[form](sink, table.schema, About("an answer of the API"), None)) as one:
            one.write(table)
            one.finish()
        return sink.getvalue()

    return write


def _json(table: pa.Table) -> bytes:
    metadata = table.schema.metadata or {}
    answer: dict[str, Any] = {
        "rows": rows_of(table),
        "count": table.num_rows,
        "next": next_of(table),
        "units": units_of(table.column_names),
    }
    if TRUNCATED in metadata:
        answer["truncated"] = metadata[TRUNCATED] == b"1"
    if TOTAL in metadata:
        answer["total"] = int(metadata[TOTAL])
    if CONTEXT_KEY in metadata:
        answer["context"] = metadata[CONTEXT_KEY].decode()
    return orjson.dumps(answer)


_TABLES: dict[str, Callable[[pa.Table], bytes]] = {
    "json": _json,
    "arrow": _arrow,
    **{form: _written(form) for form in ("csv", "votable", "parquet")},
}

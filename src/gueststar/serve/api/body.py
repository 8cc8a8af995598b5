"""Bodies of requests: JSON objects and CSV tables, with a sentence for what cannot be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from typing import Any

import orjson
from litestar.exceptions import HTTPException

from gueststar.errors import BadInput, did_you_mean

JSON, CSV = "application/json", "text/csv"


def json_object(body: bytes, media_type: str, known: Collection[str]) -> dict[str, Any]:
    """Read a JSON object whose names are known.

    Raises
    ------
    BadInput
        If it is no JSON object, or has a name that is not known.
    litestar.exceptions.HTTPException
        415, if it says that it is something else.
    """
    if media_type not in ("", JSON):
        raise HTTPException(f"content-type: send {JSON}, not {media_type}", status_code=415)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"body: this is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput(f"body: send a JSON object with {', '.join(known)}")
    for name in value:
        if name not in known:
            raise BadInput(f"{name[:64]!r} is not known in this body.{did_you_mean(name, known)}")
    return value


def csv_columns(body: bytes, names: Collection[str], optional: Collection[str]) -> dict[str, Any]:
    """Read named columns of numbers from CSV; others are left alone.

    Raises
    ------
    BadInput
        If a column is missing or a value is no number.
    """
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        there = [name for name in reader.fieldnames or () if name]
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"body: this is no CSV: {error}") from None
    for name in names:
        if name not in there:
            raise BadInput(f"{name}: no such column in the CSV.{did_you_mean(name, there)}")
    wanted = [*names, *(name for name in optional if name in there)]
    return {name: [_number(row[name], name, k) for k, row in enumerate(rows)] for name in wanted}


def _number(text: str | None, name: str, row: int) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise BadInput(f"{name}: {text!r} in row {row} is not a number") from None

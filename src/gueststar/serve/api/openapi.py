"""The OpenAPI document, built from the declared questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from gueststar import __version__
from gueststar.columns import COLUMNS, IDS
from gueststar.serve.api.forms import MEDIA_TYPES
from gueststar.serve.api.operation import Field, Operation
from gueststar.serve.api.routing import PREFIX

ABOUT = (
    "What a store of alerts can be asked. Times are MJD, TAI, at mid-exposure; positions ICRS, "
    "deg; fluxes nJy, AB (zero point 31.4), with their sign. Unknown is null. Ids are strings: "
    "they exceed what a JSON number holds exactly.\n\n"
    "Tables come as JSON, Arrow IPC stream, CSV, VOTable or Parquet, by `Accept` or `?format=`; "
    "answers are packed with zstd or gzip, and carry an ETag. An error is "
    "`{error: {status, title, field, message}}`."
)
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["status", "title", "field", "message"],
            "properties": {
                "status": {"type": "integer"},
                "title": {"type": "string"},
                "field": {"type": ["string", "null"], "description": "what is to blame"},
                "message": {"type": "string", "description": "a sentence with the way out"},
            },
        }
    },
}
_JSON_TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "whole": {"type": "integer"},
    "text": {"type": "string"},
    "time": {"type": "string"},
    "choice": {"type": "string"},
    "yes or no": {"type": "string", "enum": ["yes", "no"]},
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        of_path = paths.setdefault(PREFIX + operation.path, {})
        of_path[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gueststar",
            "version": __version__,
            "summary": "Alerts of ZTF and Rubin/LSST: search, light curves, cutouts, scores, SQL",
            "description": ABOUT,
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [_parameter(field, "query") for field in operation.all_fields]
    parameters += [_parameter(place, "path") for place in operation.places]
    about: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.group],
        "parameters": parameters,
        "responses": _responses(operation),
    }
    if operation.text:
        about["description"] = operation.text
    if operation.body:
        about["requestBody"] = _body(operation)
    return about


def _parameter(field: Field, place: str) -> dict[str, Any]:
    schema: dict[str, Any] = dict(_JSON_TYPES[field.kind])
    if field.kind in ("number", "whole"):
        schema |= {"minimum": field.low, "maximum": field.high}
    if field.kind == "text" and place == "query":
        schema["maxLength"] = field.longest
    if field.among:
        schema["enum"] = list(field.among)
    if field.default is not None:
        schema["default"] = field.default
    parameter = {
        "name": field.name,
        "in": place,
        "required": field.required or place == "path",
        "description": field.text,
        "schema": schema,
    }
    if field.example is not None:
        parameter["example"] = field.example
    return parameter


def _body(operation: Operation) -> dict[str, Any]:
    assert operation.body is not None
    content: dict[str, Any] = {
        "application/json": {"schema": operation.body.schema, "example": operation.body.example}
    }
    for media_type in operation.body.media_types:
        content.setdefault(media_type, {"schema": {"type": "string"}})
    return {"required": True, "content": content}


def _responses(operation: Operation) -> dict[str, Any]:
    content = {
        MEDIA_TYPES[form].partition(";")[0]: {"schema": _schema(operation, form)}
        for form in operation.forms
    }
    ok: dict[str, Any] = {"description": operation.summary, "content": content}
    if not operation.streams:
        ok["headers"] = {
            "ETag": {"description": "name of the answer", "schema": {"type": "string"}}
        }
    responses: dict[str, Any] = {
        "200": ok,
        "400": _problem("a parameter cannot be used; `field` names it"),
        "406": _problem("none of the forms there are is acceptable"),
        "429": _too_many(operation),
        "503": _problem("the store cannot be read now"),
    }
    if operation.enters:
        responses["401"] = _problem("who asks could not be made out")
        responses["404"] = _problem("this server has no accounts")
    if operation.writes:
        responses["403"] = _problem("it is not yours to change, or another site sent this")
    elif operation.body is None and not operation.streams:
        responses["304"] = {"description": "the answer is the one that you have (If-None-Match)"}
    if operation.body is None:
        responses["414"] = {"description": "the address is longer than the server takes"}
    else:
        responses["413"] = _problem(f"the body is larger than {operation.body.largest:,} bytes")
        responses["415"] = _problem("the body is of another type")
    if operation.missing:
        responses["404"] = _problem("there is no such thing; the message names the nearest")
    return dict(sorted(responses.items()))


def _too_many(operation: Operation) -> dict[str, Any]:
    attempts = ", or too many attempts failed" if operation.enters else ""
    text = f"you ask more than one client may{attempts}; Retry-After says when to go on"
    meanings = {
        "Retry-After": "s",
        "RateLimit-Limit": "tokens at once",
        "RateLimit-Remaining": "tokens that are left",
        "RateLimit-Reset": "s until all are back",
    }
    headers = {
        name: {"description": meaning, "schema": {"type": "integer"}}
        for name, meaning in meanings.items()
    }
    return {**_problem(text), "headers": headers}


def _problem(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _schema(operation: Operation, form: str) -> dict[str, Any]:
    if form in ("csv", "jsonl"):
        return {"type": "string"}
    if form != "json":
        return {"type": "string", "format": "binary"}
    row = _struct(operation.answer) if operation.answer is not None else {"type": "object"}
    if operation.answer is not None and "csv" not in operation.forms:
        return row  # one thing, not a table
    if "csv" not in operation.forms:
        return {}
    return {
        "type": "object",
        "required": ["rows", "count", "next", "units"],
        "properties": {
            "rows": {"type": "array", "items": row},
            "count": {"type": "integer"},
            "next": {"type": ["string", "null"], "description": "`after` of the next page"},
            "units": {"type": "object", "additionalProperties": {"type": "string"}},
            "truncated": {"type": "boolean", "description": "there are more rows than the limit"},
            "total": {"type": "integer"},
            "context": {"type": "string", "description": "what surrounds an object"},
        },
    }


def _struct(fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {f.name: _column(f.name, f.type) for f in fields}}


def _column(name: str, kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return {"type": "array", "items": _struct(kind.value_type)}
    meaning = COLUMNS.get(name)
    column: dict[str, Any] = {"type": [_json_type(name, kind), "null"]}
    if pa.types.is_list(kind):
        column = {"type": "array", "items": {"type": _json_type(name, kind.value_type)}}
    if meaning:
        column["description"] = f"{meaning.text}{f'; {meaning.unit}' if meaning.unit else ''}"
    return column


def _json_type(name: str, kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_integer(kind):
        return "string" if name in IDS else "integer"
    return "string"

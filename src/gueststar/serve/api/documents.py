"""``/api`` and ``/api/openapi.json``: what can be asked, for people and for programs."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Any

import orjson
from litestar import Request, Response

from gueststar.serve.api.answers import packed
from gueststar.serve.api.openapi import document
from gueststar.serve.api.questions import QUESTIONS
from gueststar.serve.api.routing import PREFIX
from gueststar.serve.portal.house import house_of
from gueststar.serve.portal.routing import reads

OPERATIONS = tuple(question.operation for question in QUESTIONS)


@cache
def openapi_text() -> bytes:
    """Return the OpenAPI document as JSON."""
    return orjson.dumps(document(OPERATIONS))


@reads(f"{PREFIX}/openapi.json")
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Answer the document."""
    return packed(request, openapi_text(), "json", {})


@reads(PREFIX)
def index(request: Request[Any, Any, Any]) -> Response[str]:
    """Show what can be asked, with its parameters."""
    groups = [(name, list(of)) for name, of in groupby(OPERATIONS, key=lambda one: one.group)]
    return house_of(request).page("api.html", here="api", prefix=PREFIX, groups=groups)

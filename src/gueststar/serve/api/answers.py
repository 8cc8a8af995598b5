"""Answers: media type, ETag, compression, the next page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import cramjam
import orjson
import pyarrow as pa
from litestar import Request, Response

from gueststar.serve.api.forms import MEDIA_TYPES, table_in, wanted
from gueststar.serve.api.operation import Operation
from gueststar.serve.portal.assets import digest
from gueststar.store.selection import next_of

WORTH_PACKING = 1_000  # bytes
_PACKED_ALREADY = ("png", "parquet")


def answer(
    request: Request[Any, Any, Any], operation: Operation, form: str | None, made: Any
) -> Response[bytes]:
    """Answer a table in the form that the request wants, or bytes by form.

    Parameters
    ----------
    made : pyarrow.Table or callable
        A callable is given the form and returns the bytes.
    """
    form = wanted(form, request.headers.get("accept", ""), operation.forms)
    is_table = isinstance(made, pa.Table)
    headers = _paging(request, made) if is_table else {}
    return packed(request, table_in(form, made) if is_table else made(form), form, headers)


def fresh(
    request: Request[Any, Any, Any], operation: Operation, form: str | None, made: dict[str, Any]
) -> Response[bytes]:
    """Answer what nobody may keep: tokens."""
    wanted(form, request.headers.get("accept", ""), operation.forms)
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(made), media_type=MEDIA_TYPES["json"], headers=headers)


def packed(
    request: Request[Any, Any, Any], body: bytes, form: str, headers: dict[str, str]
) -> Response[bytes]:
    """Answer a body: 304 when the client has it, and compressed as it accepts."""
    encoding = None
    if len(body) >= WORTH_PACKING and form not in _PACKED_ALREADY:
        encoding = _encoding(request.headers.get("accept-encoding", ""))
    etag = f'"{digest(body)}.{form}{f".{encoding}" if encoding else ""}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Accept-Encoding",
        **headers,
    }
    asked = {one.strip().removeprefix("W/") for one in _if_none_match(request).split(",")}
    if request.method in ("GET", "HEAD") and asked & {etag, "*"}:
        return Response(b"", status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
        body = bytes(_PACK[encoding](body))
    return Response(body, status_code=200, media_type=MEDIA_TYPES[form], headers=headers)


def _if_none_match(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("if-none-match", "")


_PACK = {
    "zstd": lambda body: cramjam.zstd.compress(body, level=3),
    "gzip": lambda body: cramjam.gzip.compress(body, level=4),
}


def _encoding(accepted: str) -> str | None:
    """Choose zstd before gzip; what is refused (``q=0``) is not chosen."""
    taken = set()
    for part in accepted.lower().split(","):
        name, _, quality = part.partition(";")
        if quality.replace(" ", "").rstrip("0.") != "q=":
            taken.add(name.strip())
    return next((name for name in _PACK if name in taken), None)


def _paging(request: Request[Any, Any, Any], table: pa.Table) -> dict[str, str]:
    """Say where the next page is, for forms that have no room for it."""
    following = next_of(table)
    if following is None:
        return {}
    query = {k: v for k, v in request.query_params.items() if k != "after"}
    address = f"{request.url.path}?{urlencode({**query, 'after': following})}"
    return {"X-Next": following, "Link": f'<{address}>; rel="next"'}

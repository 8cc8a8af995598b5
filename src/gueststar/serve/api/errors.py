"""What a program is told when a question cannot be answered: status, field, sentence."""

from __future__ import annotations

import re
from http import HTTPStatus

import orjson
from litestar import Response

_FIELD = re.compile(r"([a-z_]{1,40}(?:, [a-z_]{1,40})*): ")
_UNKNOWN = re.compile(r"'([^']{1,64})' is (?:no parameter|not known)")


#: For what the router refuses by itself.
_SENTENCES = {
    404: "there is nothing at this address; /api lists what can be asked",
    405: "this address does not take this method; /api lists what can be asked",
    413: "body: it is larger than this question takes; send it in parts",
}


def problem(status: int, message: str) -> Response[bytes]:
    """Answer an error as JSON.

    Parameters
    ----------
    status : int
    message : str
        Begins with the name of the field, where one is to blame.
    """
    title = HTTPStatus(status).phrase
    if message in (title, "There is no such page."):
        message = _SENTENCES.get(status, message)
    found = _FIELD.match(message) or _UNKNOWN.match(message)
    error = {
        "status": status,
        "title": title,
        "field": found[1] if found else None,
        "message": message,
    }
    return Response(
        orjson.dumps({"error": error}),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )

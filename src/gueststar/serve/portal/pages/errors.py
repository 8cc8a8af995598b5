"""What a visitor sees when something cannot be shown: a sentence, and the way out."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any

import orjson
from litestar import Request, Response
from litestar.exceptions import HTTPException

from gueststar.errors import BadInput, NotAllowed, NotKnown, StoreError, TooSoon
from gueststar.serve.api.errors import problem
from gueststar.serve.api.routing import PREFIX
from gueststar.serve.portal.house import NoStore, house_of
from gueststar.serve.visitors import visitor

_log = logging.getLogger(__name__)
_MACHINES = (".json", ".csv", ".f32")
WAYS_OUT = {
    400: "Correct it in the address above, or search again.",
    403: "Some pages and data are for people who have an account here.",
    404: "Names are case-sensitive. Search by object, alert id or position.",
    500: "This is a fault of gueststar; the server's log has the details.",
    503: "Reload the page when it is mended.",
}


def bad_input(request: Request[Any, Any, Any], error: BadInput) -> Response[Any]:
    """Answer 400: a parameter cannot be used."""
    return _answer(request, 400, "That cannot be asked", str(error))


def not_allowed(request: Request[Any, Any, Any], error: NotAllowed) -> Response[Any]:
    """Answer 403: it is somebody else's."""
    return _answer(request, 403, "That is not yours to do", str(error))


def not_known(request: Request[Any, Any, Any], error: NotKnown) -> Response[Any]:
    """Answer 401: who asks could not be made out."""
    answer = _answer(request, 401, "That does not let you in", str(error))
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def too_soon(request: Request[Any, Any, Any], error: TooSoon) -> Response[Any]:
    """Answer 429: it was tried too often."""
    answer = _answer(request, 429, "That was tried too often", str(error))
    answer.headers["Retry-After"] = str(math.ceil(error.wait_s))
    return answer


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer what a page or the router has raised, 404 above all."""
    status = error.status_code
    if status == 404:
        detail = str(error.detail) if error.detail != "Not Found" else "There is no such page."
        return _answer(request, 404, "Not found", detail)
    return _answer(request, status, HTTPStatus(status).phrase, str(error.detail))


def store_error(request: Request[Any, Any, Any], error: StoreError) -> Response[Any]:
    """Answer 503: the store cannot be read now; or teach, where there is none yet."""
    if isinstance(error, NoStore) and request.url.path == "/":
        house = house_of(request)
        return house.page("empty.html", why=str(error), store=house.store_url, here="night")
    return _answer(request, 503, "The store cannot be read", str(error))


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer 500, and tell only the log what happened."""
    _log.error("%s failed", request.url.path, exc_info=error)
    return _answer(request, 500, "Something went wrong", "This could not be answered.")


def _asks_the_api(request: Request[Any, Any, Any]) -> bool:
    return f"{request.url.path}/".startswith(f"{PREFIX}/")


def _answer(
    request: Request[Any, Any, Any], status: int, headline: str, sentence: str
) -> Response[Any]:
    if _asks_the_api(request):
        return problem(status, sentence)
    if request.url.path.endswith(_MACHINES):
        body = orjson.dumps({"error": sentence})
        return Response(body, status_code=status, media_type="application/json")
    if not sentence.split(maxsplit=1)[0].endswith((":", ",")):  # fields keep their spelling
        sentence = sentence[:1].upper() + sentence[1:]
    house = house_of(request)
    return house.page(
        "error.html",
        status=status,
        headline=headline,
        sentence=sentence if sentence.endswith((".", "?")) else f"{sentence}.",
        way_out=WAYS_OUT.get(status, ""),
        q=request.query_params.get("q", "")[:200],
        log_in=house.accounts and not visitor().browses and status in (401, 403, 404),
    )

"""``/login``, ``/login/refresh`` and ``/logout``: programs of people who have accounts."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from litestar.exceptions import HTTPException

from gueststar.errors import BadInput
from gueststar.serve import jwts
from gueststar.serve.api.body import JSON, json_object
from gueststar.serve.api.operation import Body, Operation
from gueststar.serve.api.routing import asks
from gueststar.serve.lobby import Lobby
from gueststar.store.logins import Login
from gueststar.store.passwords import MOST

_LARGEST = 8 << 10  # bytes of a body
_TOKENS = pa.schema(
    [
        ("access_token", pa.string()),
        ("token_type", pa.string()),
        ("expires_in", pa.int64()),
        ("refresh_token", pa.string()),
    ]
)
_ENDED = pa.schema([("state", pa.string())])
_HOW: dict[str, Any] = {"forms": ("json",), "group": "Access", "enters": True}
_REFRESH = {"type": "string", "maxLength": 200}


def _body(required: bool = True, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties) if required else [],
        "additionalProperties": False,
        "properties": properties,
    }


@asks(
    Operation(
        "/login",
        "log_in",
        "Exchange name and password for tokens",
        "`access_token` is a JWT for the header `Authorization: Bearer`; it counts `expires_in` "
        "seconds. `refresh_token` gets another. For scripts, personal tokens are simpler.",
        answer=_TOKENS,
        body=Body(
            _body(
                name={"type": "string", "maxLength": 200},
                password={"type": "string", "maxLength": MOST},
            ),
            {"name": "Ann", "password": "correct horse battery"},
            _LARGEST,
        ),
        effort="login",
        **_HOW,
    )
)
def log_in(lobby: Lobby, given: dict[str, Any], body: bytes, media_type: str) -> dict[str, Any]:
    """Begin a login."""
    sent = _strings(body, media_type, ("name", "password"))
    login, secret = lobby.log_in(sent["name"], sent["password"], "program")
    return _tokens(lobby, login, secret)


@asks(
    Operation(
        "/login/refresh",
        "refresh_login",
        "Exchange a refresh token for new tokens",
        "Each counts once. One that was used before ends its login: it was stolen.",
        answer=_TOKENS,
        body=Body(_body(refresh_token=_REFRESH), {"refresh_token": "gsr_..."}, _LARGEST),
        effort="write",
        **_HOW,
    )
)
def refresh(lobby: Lobby, given: dict[str, Any], body: bytes, media_type: str) -> dict[str, Any]:
    """Go on with a login."""
    sent = _strings(body, media_type, ("refresh_token",))
    return _tokens(lobby, *lobby.store.renew_login(sent["refresh_token"]))


@asks(
    Operation(
        "/logout",
        "log_out",
        "End a login: that of the JWT in the header, or that of a refresh token",
        answer=_ENDED,
        body=Body(_body(False, refresh_token=_REFRESH), {"refresh_token": "gsr_..."}, _LARGEST),
        effort="write",
        **_HOW,
    )
)
def log_out(lobby: Lobby, given: dict[str, Any], body: bytes, media_type: str) -> dict[str, Any]:
    """End a login; twice is allowed."""
    sent = _strings(body, media_type, ("refresh_token",), required=False)
    if "refresh_token" in sent:
        lobby.store.end_login_of(sent["refresh_token"], "program")
    elif lobby.who.login is not None and lobby.who.login.kind == "program":
        lobby.store.end_login(lobby.who.login.login_id)
    else:
        raise BadInput("refresh_token: must be given, or a JWT in the header Authorization")
    return {"state": "ended"}


def _tokens(lobby: Lobby, login: Login, secret: str) -> dict[str, Any]:
    return {
        "access_token": jwts.issue(lobby.house.signing_key, login),
        "token_type": "Bearer",
        "expires_in": jwts.SECONDS,
        "refresh_token": secret,
    }


def _strings(
    body: bytes, media_type: str, names: tuple[str, ...], *, required: bool = True
) -> dict[str, str]:
    """Read a body of texts; a page of another site cannot send one that says that it is JSON."""
    if media_type != JSON:
        raise HTTPException(f"content-type: send {JSON}", status_code=415)
    sent = json_object(body, media_type, names)
    for name in names:
        if not isinstance(sent.get(name, ""), str) or (required and name not in sent):
            raise BadInput(f"{name}: send a string")
    return sent

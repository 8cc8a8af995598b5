"""``/login`` and ``/logout``: how people come in and go, where a server has accounts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.datastructures import Cookie

from gueststar.errors import BadInput, NotKnown, TooSoon
from gueststar.serve.lobby import Lobby, lobby_of
from gueststar.serve.portal.routing import Form, reads, takes
from gueststar.store.logins import LONGEST

_ENTRANCE = ("/login", "/logout")


@reads("/login")
def login_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Show the form; who is logged in already goes on."""
    lobby, following = lobby_of(request), own_path(request.query_params.get("next", ""))
    if lobby.who.browses:
        return see(following)
    return _form(lobby, following)


@takes("/login", "name", "password", "next", effort="login")
def log_in(request: Request[Any, Any, Any], form: Form) -> Response[Any]:
    """Begin a login, in a cookie of its own, and go on."""
    lobby, following = lobby_of(request), own_path(form["next"])
    secure = lobby.house.site.secure
    if secure and request.headers.get("origin", "").startswith("http:"):
        raise BadInput(
            "this server keeps logins over https only: open it so, or let its operator start it "
            "with --public-url http://HOST"
        )
    try:
        _, secret = lobby.log_in(form["name"], form["password"], "browser")
    except (NotKnown, TooSoon) as error:
        status = 429 if isinstance(error, TooSoon) else 401
        return _form(lobby, following, status=status, name=form["name"][:200], wrong=str(error))
    if lobby.who.browses and lobby.who.login is not None:
        lobby.store.end_login(lobby.who.login.login_id)
    return see(following, cookie=cookie(lobby, secret))


@reads("/logout")
def logout_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Ask: only the form logs out."""
    return lobby_of(request).house.page("logout.html", here="account")


@takes("/logout")
def log_out(request: Request[Any, Any, Any], form: Form) -> Response[Any]:
    """End the login of this browser, and let it forget what it was shown."""
    lobby = lobby_of(request)
    if lobby.who.browses and lobby.who.login is not None:
        lobby.store.end_login(lobby.who.login.login_id)
    answer = see("/", cookie=cookie(lobby, None))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def own_path(text: str) -> str:
    """Return a path of this server to go on to; any other address becomes ``/``.

    Examples
    --------
    >>> own_path("/sky?night=20230225"), own_path("//evil.org"), own_path("/login")
    ('/sky?night=20230225', '/', '/')
    """
    plain = text.isascii() and text.isprintable() and "\\" not in text and " " not in text
    if not plain or not text.startswith("/") or text.startswith("//"):
        return "/"
    return "/" if urlsplit(text).path.rstrip("/") in _ENTRANCE else text


def see(path: str, *, cookie: Cookie | None = None) -> Response[Any]:
    """Send a browser to another page."""
    headers = {"Location": path, "Cache-Control": "no-store"}
    cookies = [cookie] if cookie else []
    return Response(b"", status_code=303, headers=headers, cookies=cookies)


def cookie(lobby: Lobby, secret: str | None) -> Cookie:
    """Return the cookie of a login; None takes it away.

    No script reads it, and no page of another site sends it with what writes.
    """
    site = lobby.house.site
    return Cookie(
        key=site.cookie,
        value=secret or "",
        path="/",
        max_age=0 if secret is None else int(LONGEST["browser"]),
        secure=site.secure,
        httponly=True,
        samesite="lax",
    )


def _form(
    lobby: Lobby, following: str, *, status: int = 200, name: str = "", wrong: str = ""
) -> Response[str]:
    return lobby.house.page(
        "login.html", status=status, here="account", next=following, name=name, wrong=wrong
    )

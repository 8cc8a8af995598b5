"""``/account``: who is logged in, what he may, his tokens, his password."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response

from gueststar.errors import BadInput, TooSoon
from gueststar.serve.lobby import Lobby, lobby_of
from gueststar.serve.portal import formats
from gueststar.serve.portal.pages.login import cookie, see
from gueststar.serve.portal.routing import Form, reads, takes
from gueststar.store import passwords
from gueststar.store.accounts import Account
from gueststar.store.grants import ROLES, from_words, in_words
from gueststar.store.tokens import Token

DAYS = 90


@reads("/account")
def account_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Show the account of who is logged in; others are sent to the login."""
    lobby = lobby_of(request)
    account = _account(lobby)
    return _login() if account is None else _page(lobby, account)


@takes("/account/tokens", "label", "role", "programs", "days")
def make_token(request: Request[Any, Any, Any], form: Form) -> Response[Any]:
    """Make a token, and show it this once."""
    lobby = lobby_of(request)
    account = _account(lobby)
    if account is None:
        return _login()
    try:
        _, secret = lobby.store.create_token_of(
            account.account_id,
            form["label"].strip(),
            form["role"],  # type: ignore[arg-type]  # checked there
            programs=from_words(form["programs"]),
            days=_days(form["days"]),
        )
    except BadInput as error:
        return _page(lobby, account, status=400, wrong_token=str(error), typed=form)
    return _page(lobby, account, secret=secret)


@takes("/account/tokens/{token_id:str}/revoke")
def revoke_token(request: Request[Any, Any, Any], form: Form) -> Response[Any]:
    """Take the power of a token away."""
    lobby = lobby_of(request)
    account = _account(lobby)
    if account is None:
        return _login()
    text = str(request.path_params["token_id"])
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadInput(f"no token {text[:40]!r} of yours: they have numbers")
    lobby.store.revoke_token(int(text), account_id=account.account_id)
    return see("/account#tokens")


@takes("/account/password", "old", "new", "again", effort="login")
def change_password(request: Request[Any, Any, Any], form: Form) -> Response[Any]:
    """Change the password: all logins end, and this browser gets a new one."""
    lobby = lobby_of(request)
    account = _account(lobby)
    if account is None:
        return _login()
    try:
        if form["new"] != form["again"]:
            raise BadInput("password: the two new ones differ")
        _, secret = lobby.set_password(account, form["old"], form["new"])
    except BadInput as error:
        status = 429 if isinstance(error, TooSoon) else 400
        return _page(lobby, account, status=status, wrong_password=str(error))
    answer = _page(lobby, account, changed=True)
    answer.cookies.append(cookie(lobby, secret))
    return answer


def _account(lobby: Lobby) -> Account | None:
    """Return whose browser this is; a token opens no account."""
    login = lobby.who.login
    return None if login is None or not lobby.who.browses else login.account


def _login() -> Response[Any]:
    return see(f"/login?next={quote('/account', safe='')}")


def _days(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"days: {text[:40]!r} is not a number") from None


def _page(lobby: Lobby, account: Account, *, status: int = 200, **more: Any) -> Response[str]:
    typed = {"label": "", "role": "reader", "programs": in_words(account.programs), "days": DAYS}
    shown: dict[str, Any] = {
        "secret": None, "wrong_token": "", "wrong_password": "", "changed": False,
        "typed": typed,
        **more,
    }  # fmt: skip
    tokens = lobby.house.whole.tokens(account.account_id)
    return lobby.house.page(
        "account.html",
        status=status,
        here="account",
        account=account,
        programs=in_words(account.programs),
        roles=ROLES[: ROLES.index(account.role) + 1],
        tokens=[_shown(one) for one in reversed(tokens)],
        least=passwords.LEAST,
        **shown,
    )


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.token_id,
        "label": token.label,
        "start": token.start,
        "role": token.role,
        "programs": in_words(token.programs),
        "made": formats.moment(token.at),
        "until": None if token.expires_at is None else formats.moment(token.expires_at),
        "state": token.state,
    }

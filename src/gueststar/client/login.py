"""Logging in from Python: name and password are exchanged for tokens, which stay in memory."""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx

from gueststar.errors import BadInput, NotKnown, ServerError, ServerUnavailable, TooSoon

MARGIN_S = 60.0  # before its end a JWT is exchanged for another

#: Posts a body to a path of the API: the answer, or a sentence why there is none.
Post = Callable[[str, dict[str, str]], httpx.Response | str]


class Secret:
    """A text that is neither shown nor pickled.

    Examples
    --------
    >>> Secret("correct horse battery")
    <hidden>
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("passwords and tokens are not pickled: log in again where it is unpickled")


@dataclass(frozen=True)
class Credentials:
    """A name and its password."""

    user: str
    password: Secret


def credentials_of(
    address: str, user: str | None, password: Secret | None, *, insecure: bool
) -> Credentials | None:
    """Check what was given to log in with; ask for a password that was not.

    Parameters
    ----------
    address : str
        Of the server.
    user : str or None
        None for no login.
    password : Secret or None
    insecure : bool
        Send it to another machine without encryption, too.

    Raises
    ------
    BadInput
        If it cannot be, or somebody on the way could read it.
    """
    if user is None:
        if password is not None:
            raise BadInput("user: a password needs its name, too: Broker(url, user=..., ...)")
        return None
    if not user.strip():
        raise BadInput("user: it is empty: give the name of an account")
    parts = _parts(address)
    if "@" in parts.netloc:
        raise BadInput("where: the address has a name of its own: take it out, and give user=...")
    if parts.scheme != "https" and not insecure and not _is_here(parts.hostname or ""):
        raise BadInput(
            f"password: to {parts.hostname} it would go over http, for everybody on the way to "
            "read: use https://, or insecure=True where nobody else is on the way"
        )
    return Credentials(user, password or _asked_for(user, parts.netloc))


def _parts(address: str) -> Any:
    try:
        return urlsplit(address)
    except ValueError as error:
        raise BadInput(f"{address!r} is no address of a server: {error}") from None


def _is_here(host: str) -> bool:
    """Tell whether a host is this machine, by its name alone: nobody is asked."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761


def _asked_for(user: str, where: str) -> Secret:
    try:
        text = getpass.getpass(f"Password of {user} at {where}: ")
    except EOFError:
        text = ""
    if not text:
        raise BadInput("password: none was given: type it, or give password=...")
    return Secret(text)


class Login:
    """A login at a server, which lasts as long as it is used.

    One of many threads renews it, and the others wait: a refresh token counts once.

    Parameters
    ----------
    post : callable
        Posts to the API; it must not repeat what was answered.
    credentials : Credentials
    """

    def __init__(self, post: Post, credentials: Credentials) -> None:
        self._post, self._who = post, credentials
        self._lock = threading.Lock()
        self._jwt: Secret | None = None
        self._refresh: Secret | None = None
        self._until = 0.0
        self._over: str | None = None  # why it is not tried again

    def __repr__(self) -> str:
        return f"<Login of {self._who.user!r}>"

    def header(self) -> str:
        """Return what a request shows; log in or go on with the login where that is needed.

        Raises
        ------
        NotKnown
            If name and password are not those of an account. They are not sent again: guessing
            is slowed down.
        TooSoon
            If there was too much guessing before.
        BadInput
            If the server has no accounts.
        ServerError
            If it does not answer, or not as it should.
        """
        with self._lock:
            ending = self._jwt is None or time.monotonic() >= self._until
            if ending and not self._renewed():
                self._begin()
            assert self._jwt is not None
            return f"Bearer {self._jwt.reveal()}"

    def refused(self, header: str) -> None:
        """Take note that what was shown counts no more; another may be there already."""
        with self._lock:
            if self._jwt is not None and header == f"Bearer {self._jwt.reveal()}":
                self._jwt = None

    def end(self) -> None:
        """Log out, if the server can be reached: it forgets the login by itself, too."""
        with self._lock:
            if self._refresh is not None:
                self._post("/logout", {"refresh_token": self._refresh.reveal()})
            self._jwt = self._refresh = None

    def _renewed(self) -> bool:
        """Exchange the refresh token; it is gone then, whatever comes of it."""
        if self._refresh is None:
            return False
        spent, self._refresh = self._refresh, None
        answer = self._post("/login/refresh", {"refresh_token": spent.reveal()})
        if isinstance(answer, str) or not answer.is_success:
            return False
        self._take(answer)
        return True

    def _begin(self) -> None:
        if self._over is not None:
            raise NotKnown(self._over)
        answer = self._post(
            "/login", {"name": self._who.user, "password": self._who.password.reveal()}
        )
        if isinstance(answer, str):
            raise ServerUnavailable(answer)
        if not answer.is_success:
            self._explain(answer)
        self._take(answer)

    def _explain(self, answer: httpx.Response) -> NoReturn:
        where, status = answer.url.copy_with(path="/"), answer.status_code
        try:
            message = str(answer.json()["error"]["message"])
        except (ValueError, KeyError, TypeError):
            raise ServerError(
                f"{where} answers {status} to a login, and not as a gueststar server does: check "
                "the address and the port"
            ) from None
        if status == 401:
            self._over = f"user, password: {message} ({where}); they are not sent again"
            raise NotKnown(self._over)
        if status == 429:
            after = answer.headers.get("retry-after", "")
            raise TooSoon(f"user: {message}", float(after) if after.isdigit() else 60.0)
        if answer.is_client_error:
            raise BadInput(f"user: {message}")
        raise ServerUnavailable(f"{where}: {message}")

    def _take(self, answer: httpx.Response) -> None:
        try:
            given = answer.json()
            self._jwt = Secret(str(given["access_token"]))
            self._refresh = Secret(str(given["refresh_token"]))
            seconds = float(given["expires_in"])
        except (ValueError, KeyError, TypeError):
            self._jwt = self._refresh = None
            raise ServerError(
                f"{answer.url} answers no tokens: check the address and the port"
            ) from None
        self._until = time.monotonic() + max(seconds - MARGIN_S, seconds / 2)

"""Questions to a server: tried again while it is busy, and its errors as our own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pyarrow as pa

from gueststar import __version__
from gueststar.client.login import Credentials, Login
from gueststar.errors import BadInput, NotAllowed, ServerError, ServerUnavailable

ARROW = "application/vnd.apache.arrow.stream"
BUSY = frozenset((429, 502, 503, 504))
TOO_MANY = 429
PATIENCE_S = 120.0  # for turns of our own, where a server says that we ask too much
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 20.0


class Server:
    """A server's API.

    Parameters
    ----------
    address : str
        As ``http://127.0.0.1:8765``.
    timeout : float
        Seconds without an answer after which a try counts as failed.
    retries : int
        Tries after the first one, while the server cannot be reached or says that it is busy. Where
        it says that we ask too much, and when to go on (429), it is asked again all the same.
        Asking again changes nothing: questions read, and what is written names its request.
    token : str, optional
        Says who asks.
    credentials : Credentials, optional
        Of who logs in, at once.

    Raises
    ------
    BadInput
        If the address or the token cannot be, or the login is refused.
    ServerError
        If it does not answer a login.
    """

    def __init__(
        self,
        address: str,
        timeout: float,
        retries: int,
        token: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.address = address.rstrip("/")
        self._retries = retries
        try:
            self._client = httpx.Client(
                base_url=f"{self.address}/api",
                timeout=timeout,
                headers={"User-Agent": f"gueststar/{__version__}", **_shown(token)},
            )
        except httpx.InvalidURL as error:
            raise BadInput(f"{address!r} is no address of a server: {error}") from None
        self._login = None if credentials is None else Login(self._enter, credentials)
        try:
            if self._login is not None:
                self._login.header()
        except BaseException:
            self._client.close()
            raise

    def close(self) -> None:
        """Log out and close the connections."""
        if self._login is not None and not self._client.is_closed:
            self._retries = 0  # nobody waits for a server that is away
            self._login.end()
        self._client.close()

    def table(self, path: str, **given: Any) -> pa.Table:
        """Ask for a table; parameters that are None are left out."""
        return _table(self._ask("GET", path, {"Accept": ARROW}, given))

    def post(self, path: str, body: dict[str, Any], **given: Any) -> pa.Table:
        """Send a body and read a table; parameters that are None are left out."""
        content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        headers = {"Accept": ARROW, "Content-Type": "application/json"}
        return _table(self._ask("POST", path, headers, given, content))

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> pa.Table:
        """Change something, and read what it is now; a body of None is left away."""
        headers, content = {"Accept": ARROW}, None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = orjson.dumps(body)
        return _table(self._ask(method, path, headers, {}, content))

    def json(self, path: str) -> Any:
        """Ask for JSON."""
        return orjson.loads(self._ask("GET", path, {"Accept": "application/json"}, {}).content)

    def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        given: dict[str, Any],
        content: bytes | None = None,
    ) -> httpx.Response:
        params = {name: value for name, value in given.items() if value is not None}

        def ask() -> httpx.Response:
            shown = {} if self._login is None else {"Authorization": self._login.header()}
            return self._client.request(
                method, path, params=params, headers={**headers, **shown}, content=content
            )

        answer = self._tried(ask)
        if answer.status_code == 401 and self._login is not None:
            self._login.refused(answer.request.headers["Authorization"])
            answer = self._tried(ask)
        return self._checked(answer)

    def _tried(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        turn, patience = 0, PATIENCE_S
        while True:
            last = turn == self._retries
            try:
                answer = ask()
            except httpx.TransportError as error:
                if last:
                    raise ServerUnavailable(self._unreachable(error, turn)) from error
                time.sleep(_wait(turn, None))
                turn += 1
                continue
            wait = _turn_of_ours(answer, patience)
            if wait is not None:
                patience -= wait
                time.sleep(wait)
                continue
            if answer.status_code not in BUSY or last:
                return answer
            time.sleep(_wait(turn, answer.headers.get("retry-after")))
            turn += 1

    def _enter(self, path: str, body: dict[str, str]) -> httpx.Response | str:
        """Post what is about logins; a password or a token of it is in no error.

        Sent again is what has not arrived, or was turned away because the server is busy; where
        it was too much guessing (429) that would make it worse.
        """
        for turn in range(self._retries + 1):
            wait = None
            try:
                answer = self._client.post(path, json=body, headers={"Accept": "application/json"})
                if answer.status_code not in BUSY - {429} or turn == self._retries:
                    return answer
                wait = answer.headers.get("retry-after")
            except httpx.TransportError as error:
                arrived = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if arrived or turn == self._retries:
                    return self._unreachable(error, turn)
            time.sleep(_wait(turn, wait))
        raise AssertionError("the last turn returns")

    def _unreachable(self, error: Exception, turn: int) -> str:
        return (
            f"no answer from {self.address} after {turn + 1} {'tries' if turn else 'try'} "
            f"({error or type(error).__name__}): is `gueststar serve` running there?"
        )

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        message = _message(answer)
        if message is None:
            raise ServerError(
                f"{self.address} answers {answer.status_code} and not as a gueststar server does: "
                "check the address and the port"
            )
        if answer.is_client_error and answer.status_code not in BUSY:
            raise (NotAllowed if answer.status_code in (401, 403) else BadInput)(message)
        kind = ServerUnavailable if answer.status_code in BUSY else ServerError
        raise kind(f"{self.address}: {message}")


def _shown(token: str | None) -> dict[str, str]:
    """Return the header that shows a token.

    Raises
    ------
    BadInput
        If it cannot stand in a header; the sentence does not repeat it.
    """
    if token is None:
        return {}
    if not (token.isascii() and token.isprintable()) or " " in token.strip():
        raise BadInput("token: it holds what no token does: copy it once more")
    return {"Authorization": f"Bearer {token.strip()}"}


def _wait(turn: int, asked: str | None) -> float:
    """Return seconds to wait: what the server asks for, else twice as long each turn."""
    if asked is not None and asked.isdigit():
        return min(float(asked), LONGEST_WAIT_S)
    return min(FIRST_WAIT_S * 2.0**turn * random.uniform(0.5, 1.5), LONGEST_WAIT_S)


def _turn_of_ours(answer: httpx.Response, patience: float) -> float | None:
    """Return seconds to wait where we asked too much, and are told when to go on; else None.

    That is no failure, and not one of the tries; those who wait do not all come back at once.
    """
    asked = answer.headers.get("retry-after", "")
    if answer.status_code != TOO_MANY or not asked.isdigit() or float(asked) > patience:
        return None
    return float(asked) + random.uniform(0.1, 0.5)


def _message(answer: httpx.Response) -> str | None:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return None


def _table(answer: httpx.Response) -> pa.Table:
    try:
        with pa.ipc.open_stream(answer.content) as stream:
            return stream.read_all()
    except pa.ArrowInvalid as error:
        raise ServerError(f"{answer.url} answers no Arrow stream: {error}") from None

"""What a store offers for tokens; each method opens a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from gueststar.store import tokens
from gueststar.store.session import Session
from gueststar.store.tokens import Role, Token


class _Store(Protocol):
    _lock: threading.Lock

    def _reading(self) -> AbstractContextManager[Session]: ...

    def _commit(self, work: Callable[[Session], Any]) -> Any: ...

    def _operators_only(self, what: str) -> None: ...


class Admitting:
    """Gives a store its tokens; the store gives ``_reading`` and ``_commit``."""

    def create_token(
        self: _Store,
        name: str,
        role: Role = "reader",
        *,
        programs: Iterable[int] | None = (1,),
        days: float | None = 365.0,
    ) -> tuple[Token, str]:
        """Make a token.

        Parameters
        ----------
        name : str
            Whose it is.
        role : {"reader", "annotator", "operator"}
        programs : iterable of int, optional
            Survey programs that it shows; None is everything.
        days : float, optional
            How long it counts; None is for good.

        Returns
        -------
        token : Token
        secret : str
            What is shown to a server; it cannot be had again.

        Raises
        ------
        BadInput
            If name, role, programs or days cannot be.
        """
        with self._lock:
            made: tuple[Token, str] = self._commit(
                lambda c: tokens.create(c, name, role, programs, days)
            )
        return made

    def tokens(self: _Store) -> list[Token]:
        """Return all tokens, oldest first, also those that count no more."""
        self._operators_only("tokens")
        with self._reading() as connection:
            return tokens.listing(connection)

    def revoke_token(self: _Store, token_id: int) -> Token:
        """Take a token's power away at once, for good; twice is allowed.

        Raises
        ------
        BadInput
            If there is none.
        """
        with self._lock:
            gone: Token = self._commit(lambda c: tokens.revoke(c, token_id))
        return gone

    def admit(self: _Store, secret: str) -> Token:
        """Return the token that somebody shows.

        Raises
        ------
        BadInput
            If it is not known, was revoked, or has expired.
        """
        self._operators_only("tokens")
        with self._reading() as connection:
            return tokens.admit(connection, secret)

"""What a store offers for tokens; each method opens a transaction."""

from __future__ import annotations

from collections.abc import Iterable

from gueststar.store import tokens
from gueststar.store.tokens import Role, Token
from gueststar.store.transactions import Transactions


class Admitting:
    """Gives a store its tokens; the store gives ``_reading`` and ``_commit``."""

    def create_token(
        self: Transactions,
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

    def tokens(self: Transactions) -> list[Token]:
        """Return all tokens, oldest first, also those that count no more."""
        self._operators_only("tokens")
        with self._reading() as connection:
            return tokens.listing(connection)

    def revoke_token(self: Transactions, token_id: int) -> Token:
        """Take a token's power away at once, for good; twice is allowed.

        Raises
        ------
        BadInput
            If there is none.
        """
        with self._lock:
            gone: Token = self._commit(lambda c: tokens.revoke(c, token_id))
        return gone

    def admit(self: Transactions, secret: str) -> Token:
        """Return the token that somebody shows.

        Raises
        ------
        BadInput
            If it is not known, was revoked, or has expired.
        """
        self._operators_only("tokens")
        with self._reading() as connection:
            return tokens.admit(connection, secret)

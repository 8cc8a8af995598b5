"""What a store offers for tokens; each method opens a transaction."""

from __future__ import annotations

from collections.abc import Iterable

from gueststar.store import accounts, audit, tokens
from gueststar.store.grants import Role
from gueststar.store.session import Session
from gueststar.store.tokens import Token
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

        def work(connection: Session) -> tuple[Token, str]:
            made = tokens.create(connection, name, role, programs, days)
            audit.note(connection, "create_token", _about(made[0]))
            return made

        with self._lock:
            made: tuple[Token, str] = self._commit(work)
        return made

    def create_token_of(
        self: Transactions,
        account_id: int,
        label: str,
        role: Role = "reader",
        *,
        programs: Iterable[int] | None = (1,),
        days: float | None = 365.0,
    ) -> tuple[Token, str]:
        """Make a token of an account, for its own programs.

        Parameters
        ----------
        account_id : int
        label : str
            What it is called.
        role, programs, days
            As of :meth:`create_token`; not more than the account may.

        Raises
        ------
        BadInput
            If the account may less, or one of them cannot be.
        """

        def work(connection: Session) -> tuple[Token, str]:
            account = accounts.by_id(connection, account_id)
            made = tokens.create_for(connection, account, label, role, programs, days)
            audit.note(connection, "create_token_of", _about(made[0]))
            return made

        with self._lock:
            made: tuple[Token, str] = self._commit(work)
        return made

    def tokens(self: Transactions, account_id: int | None = None) -> list[Token]:
        """Return all tokens, or those of an account, oldest first, also what counts no more."""
        self._operators_only("tokens")
        with self._reading() as connection:
            return tokens.listing(connection, account_id)

    def revoke_token(self: Transactions, token_id: int, *, account_id: int | None = None) -> Token:
        """Take a token's power away at once, for good; twice is allowed.

        Raises
        ------
        BadInput
            If there is none, or it is not the account's that is given.
        """

        def work(connection: Session) -> Token:
            gone = tokens.revoke(connection, token_id, account_id)
            audit.note(connection, "revoke_token", _about(gone))
            return gone

        with self._lock:
            gone: Token = self._commit(work)
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


def _about(token: Token) -> str:
    return f"token {token.start}... of {token.name}, {token.role}"

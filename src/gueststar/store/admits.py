"""Who may ask a server, as every store keeps it: accounts, their logins, and tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gueststar.store.accounts import Account
from gueststar.store.grants import Role
from gueststar.store.logins import Kind, Login
from gueststar.store.tokens import Token


class Admits(Protocol):
    """The admitting part of :class:`gueststar.store.interface.Store`."""

    def create_token(
        self,
        name: str,
        role: Role = "reader",
        *,
        programs: Iterable[int] | None = (1,),
        days: float | None = 365.0,
    ) -> tuple[Token, str]:
        """Make a token; return what is known of it, and the secret, which is shown once."""
        ...

    def create_token_of(
        self,
        account_id: int,
        label: str,
        role: Role = "reader",
        *,
        programs: Iterable[int] | None = (1,),
        days: float | None = 365.0,
    ) -> tuple[Token, str]:
        """Make a token of an account, which may what the account may, at most."""
        ...

    def tokens(self, account_id: int | None = None) -> list[Token]:
        """Return all tokens, or those of an account, oldest first."""
        ...

    def revoke_token(self, token_id: int, *, account_id: int | None = None) -> Token:
        """Take a token's power away; only of an account, where one is given."""
        ...

    def admit(self, secret: str) -> Token:
        """Return the token that somebody shows; raise BadInput if it does not count."""
        ...

    def add_account(
        self,
        name: str,
        password: str,
        role: Role = "reader",
        *,
        programs: Iterable[int] | None = (1,),
    ) -> Account:
        """Make an account."""
        ...

    def accounts(self) -> list[Account]:
        """Return all accounts, oldest first."""
        ...

    def set_password(self, name: str, password: str, *, old: str | None = None) -> Account:
        """Give an account another password, which ends its logins."""
        ...

    def change_account(
        self,
        name: str,
        *,
        role: Role | None = None,
        programs: Iterable[int] | bool | None = False,
    ) -> Account:
        """Give an account another role, or other programs."""
        ...

    def disable_account(self, name: str, disabled: bool = True) -> Account:
        """Take an account's power away, or give it back."""
        ...

    def log_in(self, name: str, password: str, kind: Kind) -> tuple[Login, str]:
        """Begin a login; raise NotKnown if name and password are not one account's."""
        ...

    def login_of(self, secret: str) -> Login | None:
        """Return the login that a browser's secret stands for."""
        ...

    def login(self, login_id: int) -> Login | None:
        """Return a program's login."""
        ...

    def renew_login(self, secret: str) -> tuple[Login, str]:
        """Exchange a program's secret for another; raise NotKnown if it does not count."""
        ...

    def touch_login(self, login_id: int) -> None:
        """Say that a login was seen now."""
        ...

    def end_login(self, login_id: int) -> None:
        """End a login."""
        ...

    def end_login_of(self, secret: str, kind: Kind) -> None:
        """End the login that a secret stands for, if it does."""
        ...

    def signing_key(self) -> bytes:
        """Return the random key that this store's servers sign with."""
        ...

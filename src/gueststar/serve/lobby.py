"""Where people log in and out, on pages and through the API; see :mod:`.guesses`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.exceptions import NotFoundException

from gueststar.serve.portal.house import House, house_of
from gueststar.serve.visitors import Visitor, visitor
from gueststar.store import Store
from gueststar.store.accounts import Account, key_of
from gueststar.store.audit import actor
from gueststar.store.logins import Kind, Login


@dataclass(frozen=True)
class Lobby:
    """What a request about logins has before it.

    Parameters
    ----------
    house : House
        One with accounts.
    who : Visitor
    address : str
        Where the request comes from.
    """

    house: House
    who: Visitor
    address: str

    @property
    def store(self) -> Store:
        """The whole store, for writing."""
        return self.house.writable

    def log_in(self, name: str, password: str, kind: Kind) -> tuple[Login, str]:
        """Begin a login.

        Raises
        ------
        TooSoon
            If too much was guessed.
        NotKnown
            If name and password are not those of an account.
        """
        key = key_of(name[:200])
        if (now := actor()) is not None:
            now.about = f"account {name[:200]}"
        self.house.guesses.attempt(key, self.address)
        begun = self.store.log_in(name, password, kind)
        self.house.guesses.succeeded(key, self.address)
        return begun

    def set_password(self, account: Account, old: str, new: str) -> tuple[Login, str]:
        """Change a password, end all logins with the old one, and begin one.

        Raises
        ------
        TooSoon
            If too much was guessed.
        NotKnown
            If the old one is wrong.
        BadInput
            If the new one cannot be.
        """
        self.house.guesses.attempt(key_of(account.name), self.address)
        self.store.set_password(account.name, new, old=old)
        self.house.guesses.succeeded(key_of(account.name), self.address)
        return self.store.log_in(account.name, new, "browser")


def lobby_of(request: Request[Any, Any, Any]) -> Lobby:
    """Return the lobby.

    Raises
    ------
    litestar.exceptions.NotFoundException
        404, where there are no accounts.
    """
    house = house_of(request)
    if not house.accounts:
        raise NotFoundException("this server has no accounts: everybody who reaches it is let in")
    return Lobby(house, visitor(), house.addresses.of(request.scope))

"""What a store offers for accounts and their logins; each method opens transactions."""

from __future__ import annotations

from collections.abc import Iterable

from gueststar.errors import NotKnown
from gueststar.store import accounts, audit, logins, passwords
from gueststar.store.accounts import Account
from gueststar.store.grants import Role, in_words
from gueststar.store.logins import Kind, Login
from gueststar.store.session import Session
from gueststar.store.transactions import Transactions

WRONG = "name and password are not those of an account here"
ENDED = "refresh_token: it does not count: log in again"
_WHAT = "accounts"


class Enrolling:
    """Gives a store its accounts; the store gives ``_reading`` and ``_commit``.

    Passwords are worked on outside of transactions: it takes a tenth of a second.
    """

    def add_account(
        self: Transactions,
        name: str,
        password: str,
        role: Role = "reader",
        *,
        programs: Iterable[int] | None = (1,),
    ) -> Account:
        """Make an account.

        Parameters
        ----------
        name : str
            The author of what is written under it; names differ in more than case.
        password : str
            12 characters at least, 1,024 bytes at most.
        role : {"reader", "annotator", "operator"}
        programs : iterable of int, optional
            Survey programs that it shows; None is everything.

        Raises
        ------
        BadInput
            If one of them cannot be, or there is such an account.
        """
        digest = passwords.digest_of(password)

        def work(connection: Session) -> Account:
            made = accounts.create(connection, name, digest, role, programs)
            audit.note(connection, "add_account", _about(made))
            return made

        with self._lock:
            made: Account = self._commit(work)
        return made

    def accounts(self: Transactions) -> list[Account]:
        """Return all accounts, oldest first, also those that are disabled."""
        self._operators_only(_WHAT)
        with self._reading() as connection:
            return accounts.listing(connection)

    def set_password(
        self: Transactions, name: str, password: str, *, old: str | None = None
    ) -> Account:
        """Give an account another password, which ends its logins; its tokens stay.

        Parameters
        ----------
        name, password : str
        old : str, optional
            Must be the password until now.

        Raises
        ------
        BadInput
            If there is no such account, or the password cannot be.
        NotKnown
            If the old one is another.
        """
        self._operators_only(_WHAT)
        with self._reading() as connection:
            found = accounts.find(connection, name)
        if old is not None and not passwords.verify(found and found[1], old):
            raise NotKnown("old: this is not your password")
        digest, before = passwords.digest_of(password), found[1] if found and old else None

        def work(connection: Session) -> Account:
            account = accounts.named(connection, name)
            if not accounts.set_digest(connection, account.account_id, digest, before):
                raise NotKnown("old: this is not your password any more")
            logins.end_all(connection, account)
            audit.note(connection, "set_password", f"password of account {account.name}")
            return account

        with self._lock:
            changed: Account = self._commit(work)
        return changed

    def change_account(
        self: Transactions,
        name: str,
        *,
        role: Role | None = None,
        programs: Iterable[int] | bool | None = False,
    ) -> Account:
        """Give an account another role, or other programs; its tokens and logins may no more.

        Parameters
        ----------
        name : str
        role : {"reader", "annotator", "operator"}, optional
        programs : iterable of int, or None for everything
            False leaves them.

        Raises
        ------
        BadInput
            If there is no such account, or role or programs cannot be.
        """

        def work(connection: Session) -> Account:
            account = accounts.named(connection, name)
            seen = account.programs if isinstance(programs, bool) else programs
            changed = accounts.change(connection, account, role or account.role, seen)
            audit.note(connection, "change_account", _about(changed))
            return changed

        with self._lock:
            changed: Account = self._commit(work)
        return changed

    def disable_account(self: Transactions, name: str, disabled: bool = True) -> Account:
        """Take an account's power away at once, with its logins and tokens, or give it back.

        Logins that were ended stay so; tokens that were not revoked count again.

        Raises
        ------
        BadInput
            If there is no such account.
        """

        def work(connection: Session) -> Account:
            account = accounts.named(connection, name)
            logins.end_all(connection, account)
            now = accounts.disable(connection, account, disabled)
            audit.note(connection, "disable_account", f"{_about(now)}, {now.state}")
            return now

        with self._lock:
            changed: Account = self._commit(work)
        return changed

    def log_in(self: Transactions, name: str, password: str, kind: Kind) -> tuple[Login, str]:
        """Begin a login.

        It costs the same work whether there is such an account or not. A password that was
        digested with other parameters than those of today is digested anew.

        Returns
        -------
        login : Login
        secret : str
            Stands for it from now on.

        Raises
        ------
        NotKnown
            If name and password are not those of one account; the sentence does not say which
            is wrong. Or if that account is disabled.
        """
        self._operators_only(_WHAT)
        with self._reading() as connection:
            account, digest = accounts.find(connection, name) or (None, None)
        if not passwords.verify(digest, password) or account is None or digest is None:
            raise NotKnown(WRONG)
        if account.disabled_at is not None:
            raise NotKnown("this account is disabled: ask the operators of this server")
        number = account.account_id
        newer = passwords.digest_of(password) if passwords.is_outdated(digest) else digest

        def work(connection: Session) -> tuple[Login, str]:
            now = accounts.by_id(connection, number)
            same = accounts.set_digest(connection, number, newer, digest)
            if not same or now.disabled_at is not None:
                raise NotKnown(WRONG)  # it was changed a moment ago
            begun = logins.start(connection, now, kind)
            audit.note(connection, "log_in", f"login of {now.name}, {kind}", who=now.name)
            return begun

        with self._lock:
            begun: tuple[Login, str] = self._commit(work)
        return begun

    def login_of(self: Transactions, secret: str) -> Login | None:
        """Return the login that a browser's secret stands for; None if it does not count."""
        self._operators_only(_WHAT)
        with self._reading() as connection:
            return logins.of_secret(connection, secret, "browser")

    def login(self: Transactions, login_id: int) -> Login | None:
        """Return a program's login; None if it does not count."""
        self._operators_only(_WHAT)
        with self._reading() as connection:
            return logins.by_id(connection, login_id, "program")

    def renew_login(self: Transactions, secret: str) -> tuple[Login, str]:
        """Exchange a program's secret for another.

        Raises
        ------
        NotKnown
            If it does not count. If it was used before, its login ends with it.
        """

        def work(connection: Session) -> tuple[Login, str] | None:
            renewed = logins.renew(connection, secret)
            if renewed is not None:
                name = renewed[0].account.name
                audit.note(connection, "renew_login", f"login of {name}", who=name)
            return renewed

        with self._lock:
            renewed: tuple[Login, str] | None = self._commit(work)
        if renewed is None:
            raise NotKnown(ENDED)
        return renewed

    def touch_login(self: Transactions, login_id: int) -> None:
        """Say that a login was seen now."""
        with self._lock:
            self._commit(lambda c: logins.touch(c, login_id))

    def end_login(self: Transactions, login_id: int) -> None:
        """End a login; twice is allowed."""

        def work(connection: Session) -> None:
            name = logins.name_of(connection, login_id)
            logins.end(connection, login_id)
            if name is not None:
                audit.note(connection, "end_login", f"login of {name}", who=name)

        with self._lock:
            self._commit(work)

    def end_login_of(self: Transactions, secret: str, kind: Kind) -> None:
        """End the login that a secret stands for, if it does."""

        def work(connection: Session) -> None:
            login = logins.of_secret(connection, secret, kind)
            if login is not None:
                logins.end(connection, login.login_id)
                name = login.account.name
                audit.note(connection, "end_login_of", f"login of {name}", who=name)

        with self._lock:
            self._commit(work)

    def signing_key(self: Transactions) -> bytes:
        """Return the random key that this store's servers sign JWTs with, 32 bytes."""
        with self._lock:
            key: bytes = self._commit(lambda c: logins.signing_key(c, "jwt"))
        return key


def _about(account: Account) -> str:
    seen = in_words(account.programs)
    return f"account {account.name}, {account.role}, programs {seen}"

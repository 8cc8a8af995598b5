"""Accounts: people who log in with a password, what they may do, and which programs they see."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from gueststar.errors import BadInput
from gueststar.rights import Rights
from gueststar.store.grants import (
    Programs,
    Role,
    check_name,
    check_role,
    read,
    rights_of,
    written,
)
from gueststar.store.session import Session


class Account(NamedTuple):
    """What is known of an account.

    Parameters
    ----------
    account_id : int
    name : str
        The author of what is written under it.
    role : {"reader", "annotator", "operator"}
    programs : tuple of int or None
        Survey programs that it shows; None is everything.
    at : float
        When it was made, Unix time, s.
    disabled_at : float or None
        Unix time, s.
    """

    account_id: int
    name: str
    role: Role
    programs: Programs
    at: float
    disabled_at: float | None

    @property
    def rights(self) -> Rights:
        """What it shows."""
        return rights_of(self.programs)

    @property
    def state(self) -> Literal["counts", "disabled"]:
        """Whether it counts."""
        return "counts" if self.disabled_at is None else "disabled"


def tables(number: str) -> str:
    """Return the statements that make the tables; ``number`` counts up by itself.

    Of what is shown to a server (``digest``) only SHA-256 or Argon2id is kept.
    """
    return f"""
CREATE TABLE account_rows (
    account_id {number}, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL,
    role TEXT NOT NULL, programs TEXT, at DOUBLE PRECISION NOT NULL,
    disabled_at DOUBLE PRECISION);
CREATE TABLE login_rows (
    login_id BIGINT PRIMARY KEY, account_id BIGINT NOT NULL, kind TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL, seen_at DOUBLE PRECISION NOT NULL);
CREATE INDEX login_by_account ON login_rows (account_id);
CREATE TABLE login_secrets (
    digest TEXT PRIMARY KEY, login_id BIGINT NOT NULL, spent_at DOUBLE PRECISION);
CREATE INDEX secret_by_login ON login_secrets (login_id);
CREATE TABLE signing_keys (name TEXT PRIMARY KEY, value TEXT NOT NULL);
ALTER TABLE token_rows ADD COLUMN account_id BIGINT;
ALTER TABLE token_rows ADD COLUMN label TEXT;
"""


ROW = "a.account_id, a.name, a.role, a.programs, a.at, a.disabled_at"


def account_of(row: tuple[Any, ...]) -> Account:
    """Return an account of the columns :data:`ROW`."""
    account = Account(*row)
    return account._replace(programs=read(row[3]))


def key_of(name: str) -> str:
    """Return what two names have in common that people would take for one.

    Examples
    --------
    >>> key_of("Ann") == key_of("ANN")
    True
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def create(
    connection: Session, name: str, digest: str, role: Role, programs: Iterable[int] | None
) -> Account:
    """Make one; see :meth:`gueststar.store.admits.Admits.add_account`."""
    check_name(name)
    check_role(role)
    values = (name, key_of(name), digest, role, written(programs), time.time())
    query = """INSERT INTO account_rows (name, key, digest, role, programs, at)
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING account_id"""
    made = connection.execute(query, values).fetchall()
    if not made:
        raise BadInput(f"name: there is an account {named(connection, name).name!r} already")
    return by_id(connection, made[0][0])


def listing(connection: Session) -> list[Account]:
    """Return all accounts, oldest first."""
    query = f"SELECT {ROW} FROM account_rows AS a ORDER BY a.account_id"
    return [account_of(row) for row in connection.execute(query).fetchall()]


def find(connection: Session, name: str) -> tuple[Account, str] | None:
    """Return an account and the digest of its password; None where there is none."""
    if not name.isprintable():  # no engine need ever see it
        return None
    query = f"SELECT {ROW}, a.digest FROM account_rows AS a WHERE a.key = ?"
    row = connection.execute(query, (key_of(name),)).fetchone()
    return None if row is None else (account_of(row[:-1]), row[-1])


def named(connection: Session, name: str) -> Account:
    """Return an account.

    Raises
    ------
    BadInput
        If there is none.
    """
    found = find(connection, name)
    if found is None:
        raise BadInput(f"no account {name[:64]!r} in this store: `gueststar users list` shows them")
    return found[0]


def by_id(connection: Session, account_id: int) -> Account:
    """Return an account.

    Raises
    ------
    BadInput
        If there is none.
    """
    query = f"SELECT {ROW} FROM account_rows AS a WHERE a.account_id = ?"
    row = connection.execute(query, (account_id,)).fetchone()
    if row is None:
        raise BadInput(f"no account {account_id} in this store")
    return account_of(row)


def set_digest(connection: Session, account_id: int, digest: str, before: str | None) -> bool:
    """Keep another password; where ``before`` is given, only if that is the one it still has."""
    query = """UPDATE account_rows SET digest = ?
               WHERE account_id = ? AND digest = coalesce(?, digest) RETURNING account_id"""
    return bool(connection.execute(query, (digest, account_id, before)).fetchall())


def change(
    connection: Session, account: Account, role: Role, programs: Iterable[int] | None
) -> Account:
    """Give it another role or other programs."""
    check_role(role)
    query = "UPDATE account_rows SET role = ?, programs = ? WHERE account_id = ?"
    connection.execute(query, (role, written(programs), account.account_id))
    return by_id(connection, account.account_id)


def disable(connection: Session, account: Account, disabled: bool) -> Account:
    """Take its power away, or give it back."""
    at = (account.disabled_at or time.time()) if disabled else None
    query = "UPDATE account_rows SET disabled_at = ? WHERE account_id = ?"
    connection.execute(query, (at, account.account_id))
    return by_id(connection, account.account_id)

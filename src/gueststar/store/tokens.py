"""Tokens: who may ask a server, in which role, and which programs they see.

A token is 256 random bits, shown once. The store keeps its SHA-256, from which it cannot be found
again, and its first letters, by which people know it. One that an account has made may what the
account may, at most: also later, when the account is given less.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from gueststar.errors import BadInput
from gueststar.rights import Rights
from gueststar.store import grants
from gueststar.store.accounts import Account
from gueststar.store.grants import Programs, Role, rights_of
from gueststar.store.session import Session

State = Literal["counts", "expired", "revoked", "disabled"]
START = "gst_"
MOST = 100  # that count, of one account
_SHOWN = len(START) + 6  # letters that are kept readable: 36 of the bits
_DAY = 86_400.0


class Token(NamedTuple):
    """What is known of a token.

    Parameters
    ----------
    token_id : int
    name : str
        Whose it is: the author of what is written with it.
    role : {"reader", "annotator", "operator"}
    programs : tuple of int or None
        Survey programs that it shows; None is everything.
    start : str
        Its first letters.
    at : float
        When it was made, Unix time, s.
    expires_at, revoked_at : float or None
        Unix time, s.
    account_id : int or None
        Which account has made it; role and programs are what both may.
    label : str or None
        What its account has called it.
    disabled : bool
        Whether its account is.
    """

    token_id: int
    name: str
    role: Role
    programs: Programs
    start: str
    at: float
    expires_at: float | None
    revoked_at: float | None
    account_id: int | None = None
    label: str | None = None
    disabled: bool = False

    @property
    def rights(self) -> Rights:
        """What it shows."""
        return rights_of(self.programs)

    @property
    def state(self) -> State:
        """Whether it counts now."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= time.time():
            return "expired"
        return "disabled" if self.disabled else "counts"


def tables(number: str) -> str:
    """Return the statement that makes the table; ``number`` counts up by itself."""
    return f"""
CREATE TABLE token_rows (
    token_id {number}, name TEXT NOT NULL, role TEXT NOT NULL, programs TEXT, start TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE, at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION);
"""


_FIND = """
SELECT t.token_id, t.name, t.role, t.programs, t.start, t.at, t.expires_at, t.revoked_at,
       t.account_id, t.label, a.name, a.role, a.programs, a.disabled_at
FROM token_rows AS t LEFT JOIN account_rows AS a ON a.account_id = t.account_id"""


def create(
    connection: Session,
    name: str,
    role: Role,
    programs: Iterable[int] | None,
    days: float | None,
) -> tuple[Token, str]:
    """Make one; see :meth:`gueststar.store.admits.Admits.create_token`."""
    grants.check_name(name)
    return _create(connection, (name, None, None), role, programs, days)


def create_for(
    connection: Session,
    account: Account,
    label: str,
    role: Role,
    programs: Iterable[int] | None,
    days: float | None,
) -> tuple[Token, str]:
    """Make one for an account; see :meth:`gueststar.store.admits.Admits.create_token_of`."""
    grants.check_name(label)
    grants.check_role(role)
    if grants.lower(role, account.role) != role:
        raise BadInput(f"role: you are {account.role}: a token of yours cannot be {role}")
    asked = rights_of(None if programs is None else tuple(programs))
    if asked & account.rights != asked:
        seen = grants.in_words(account.programs)
        raise BadInput(f"programs: you see {seen}: a token of yours shows no more")
    counting = [t for t in listing(connection, account.account_id) if t.state == "counts"]
    if len(counting) >= MOST:
        raise BadInput(f"you have {MOST} tokens that count: revoke one")
    whose = (account.name, account.account_id, label)
    return _create(connection, whose, role, asked.programs, days)


def _create(
    connection: Session,
    whose: tuple[str, int | None, str | None],
    role: Role,
    programs: Iterable[int] | None,
    days: float | None,
) -> tuple[Token, str]:
    grants.check_role(role)
    if days is not None and not 0 < days <= 36_500:
        raise BadInput(f"days: {days} cannot be: give a number above 0, at most 36,500")
    secret, now = START + secrets.token_urlsafe(32), time.time()
    values = (
        *whose, role, grants.written(programs), secret[:_SHOWN], digest_of(secret), now,
        None if days is None else now + days * _DAY,
    )  # fmt: skip
    query = """INSERT INTO token_rows (name, account_id, label, role, programs, start, digest, at,
                                       expires_at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING token_id"""
    number = connection.execute(query, values).fetchall()[0][0]
    return _token(connection.execute(f"{_FIND} WHERE t.token_id = ?", (number,)).fetchone()), secret


def listing(connection: Session, account_id: int | None = None) -> list[Token]:
    """Return all tokens, or those of an account, oldest first."""
    where, values = ("", ()) if account_id is None else ("WHERE t.account_id = ?", (account_id,))
    rows = connection.execute(f"{_FIND} {where} ORDER BY t.token_id", values).fetchall()
    return [_token(row) for row in rows]


def revoke(connection: Session, token_id: int, account_id: int | None = None) -> Token:
    """Take a token's power away, for good; twice is allowed.

    Parameters
    ----------
    connection : Session
    token_id : int
    account_id : int, optional
        Only if it is this account's.

    Raises
    ------
    BadInput
        If there is none.
    """
    found = connection.execute(f"{_FIND} WHERE t.token_id = ?", (token_id,)).fetchone()
    if found is None or account_id not in (None, _token(found).account_id):
        where = "in this store: `gueststar tokens list` shows them"
        raise BadInput(f"no token {token_id} {where if account_id is None else 'of yours'}")
    query = "UPDATE token_rows SET revoked_at = coalesce(revoked_at, ?) WHERE token_id = ?"
    connection.execute(query, (time.time(), token_id))
    return _token(connection.execute(f"{_FIND} WHERE t.token_id = ?", (token_id,)).fetchone())


def admit(connection: Session, secret: str) -> Token:
    """Return the token that somebody shows.

    Raises
    ------
    BadInput
        If there is none, or it counts no more. The sentence does not repeat it.
    """
    found = connection.execute(f"{_FIND} WHERE t.digest = ?", (digest_of(secret),)).fetchone()
    if found is None:
        raise BadInput("authorization: this token is not known here")
    token = _token(found)
    if token.state == "revoked":
        raise BadInput(f"authorization: the token {token.start}... was revoked")
    if token.state == "expired":
        raise BadInput(f"authorization: the token {token.start}... has expired: ask for a new one")
    if token.state == "disabled":
        raise BadInput(f"authorization: the account of the token {token.start}... is disabled")
    return token


def digest_of(secret: str) -> str:
    """Return what the store keeps of 256 random bits: their SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: tuple[Any, ...]) -> Token:
    """Return a token with what it and its account both may."""
    token = Token(*row[:10])
    token = token._replace(programs=grants.read(row[3]))
    name, role, programs, disabled_at = row[10:]
    if name is None:
        return token
    both = token.rights & rights_of(grants.read(programs))
    return token._replace(
        name=name,
        role=grants.lower(token.role, role),
        programs=grants.programs_of(both),
        disabled=disabled_at is not None,
    )

"""Tokens: who may ask a server, in which role, and which programs they see.

A token is 256 random bits, shown once. The store keeps its SHA-256, from which it cannot be found
again, and its first letters, by which people know it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from gueststar.errors import BadInput, did_you_mean
from gueststar.rights import UNRESTRICTED, Rights
from gueststar.store.session import Session

Role = Literal["reader", "annotator", "operator"]
State = Literal["counts", "expired", "revoked"]
START = "gst_"
LONGEST_NAME = 100
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
    """

    token_id: int
    name: str
    role: Role
    programs: tuple[int, ...] | None
    start: str
    at: float
    expires_at: float | None
    revoked_at: float | None

    @property
    def rights(self) -> Rights:
        """What it shows."""
        return UNRESTRICTED if self.programs is None else Rights.of(self.programs)

    @property
    def state(self) -> State:
        """Whether it counts now."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= time.time():
            return "expired"
        return "counts"


def tables(number: str) -> str:
    """Return the statement that makes the table; ``number`` counts up by itself."""
    return f"""
CREATE TABLE token_rows (
    token_id {number}, name TEXT NOT NULL, role TEXT NOT NULL, programs TEXT, start TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE, at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION);
"""


_ROW = "token_id, name, role, programs, start, at, expires_at, revoked_at"


def create(
    connection: Session,
    name: str,
    role: Role,
    programs: Iterable[int] | None,
    days: float | None,
) -> tuple[Token, str]:
    """Make one; see :meth:`gueststar.store.admitting.Admitting.create_token`."""
    _check(name, role, days)
    rights = UNRESTRICTED if programs is None else Rights.of(programs)
    secret = START + secrets.token_urlsafe(32)
    text = None if rights.programs is None else ",".join(map(str, sorted(rights.programs)))
    now = time.time()
    values = (
        name, role, text, secret[:_SHOWN], _digest(secret), now,
        None if days is None else now + days * _DAY,
    )  # fmt: skip
    query = f"""INSERT INTO token_rows (name, role, programs, start, digest, at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_ROW}"""
    return _token(connection.execute(query, values).fetchall()[0]), secret


def _check(name: str, role: str, days: float | None) -> None:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise BadInput(f"name: {name[:64]!r} cannot be: 1 to {LONGEST_NAME} printable signs")
    if role not in get_args(Role):
        raise BadInput(f"role: no role {role!r}.{did_you_mean(role, get_args(Role))}")
    if days is not None and not 0 < days <= 36_500:
        raise BadInput(f"days: {days} cannot be: give a number above 0, at most 36,500")


def listing(connection: Session) -> list[Token]:
    """Return all tokens, oldest first."""
    rows = connection.execute(f"SELECT {_ROW} FROM token_rows ORDER BY token_id").fetchall()
    return [_token(row) for row in rows]


def revoke(connection: Session, token_id: int) -> Token:
    """Take a token's power away, for good; twice is allowed.

    Raises
    ------
    BadInput
        If there is none.
    """
    query = """UPDATE token_rows SET revoked_at = coalesce(revoked_at, ?)
               WHERE token_id = ?"""
    connection.execute(query, (time.time(), token_id))
    query = f"SELECT {_ROW} FROM token_rows WHERE token_id = ?"
    found = connection.execute(query, (token_id,)).fetchone()
    if found is None:
        raise BadInput(f"no token {token_id} in this store: `gueststar tokens list` shows them")
    return _token(found)


def admit(connection: Session, secret: str) -> Token:
    """Return the token that somebody shows.

    Raises
    ------
    BadInput
        If there is none, or it counts no more. The sentence does not repeat it.
    """
    query = f"SELECT {_ROW} FROM token_rows WHERE digest = ?"
    found = connection.execute(query, (_digest(secret),)).fetchone()
    if found is None:
        raise BadInput("authorization: this token is not known here")
    token = _token(found)
    if token.state == "revoked":
        raise BadInput(f"authorization: the token {token.start}... was revoked")
    if token.state == "expired":
        raise BadInput(f"authorization: the token {token.start}... has expired: ask for a new one")
    return token


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: tuple[object, ...]) -> Token:
    token = Token(*row)  # type: ignore[arg-type]
    if token.programs is None:
        return token
    return token._replace(programs=tuple(int(p) for p in str(token.programs).split(",") if p))

"""Logins: that somebody has shown his password, and the secrets that stand for it since.

A browser keeps one secret, in a cookie, as long as its login lasts. A program keeps one that is
exchanged for another at each use; who shows one that was used before has stolen it, or was stolen
from, and the login ends. Of secrets the store has the SHA-256. A login that ended is deleted.
"""

from __future__ import annotations

import secrets
import time
from typing import Literal, NamedTuple

from gueststar.store.accounts import ROW, Account, account_of
from gueststar.store.session import Session
from gueststar.store.tokens import digest_of

Kind = Literal["browser", "program"]
_HOUR, _DAY = 3_600.0, 86_400.0
#: Seconds after its last use, and after its beginning, when a login ends.
IDLE: dict[Kind, float] = {"browser": 12 * _HOUR, "program": 7 * _DAY}
LONGEST: dict[Kind, float] = {"browser": 7 * _DAY, "program": 30 * _DAY}
#: How old ``seen_at`` may get before it is written anew.
FRESH_S = 600.0
START: dict[Kind, str] = {"browser": "gsb_", "program": "gsr_"}
MOST = 100  # logins of an account; the oldest ends


class Login(NamedTuple):
    """A login that counts.

    Parameters
    ----------
    login_id : int
    account : Account
    kind : {"browser", "program"}
    at, seen_at : float
        When it began, and when it was last seen, Unix time, s.
    """

    login_id: int
    account: Account
    kind: Kind
    at: float
    seen_at: float

    @property
    def is_stale(self) -> bool:
        """Whether the store should be told that it was seen."""
        return time.time() - self.seen_at > FRESH_S


_FIND = f"""SELECT l.login_id, l.kind, l.at, l.seen_at, {ROW}
            FROM login_rows AS l JOIN account_rows AS a ON a.account_id = l.account_id
            WHERE l.login_id = ? AND a.disabled_at IS NULL"""


def start(connection: Session, account: Account, kind: Kind) -> tuple[Login, str]:
    """Begin one; those that have ended by themselves are forgotten."""
    now = time.time()
    _forget(connection, account, now)
    number = secrets.randbits(63)  # never that of a login before, for which a JWT may be about
    query = """INSERT INTO login_rows (login_id, account_id, kind, at, seen_at)
               VALUES (?, ?, ?, ?, ?)"""
    connection.execute(query, (number, account.account_id, kind, now, now))
    return Login(number, account, kind, now, now), _secret(connection, number, kind)


def of_secret(connection: Session, secret: str, kind: Kind) -> Login | None:
    """Return the login that a secret stands for; None if it does not count."""
    query = "SELECT login_id FROM login_secrets WHERE digest = ? AND spent_at IS NULL"
    row = connection.execute(query, (digest_of(secret),)).fetchone()
    return None if row is None else by_id(connection, row[0], kind)


def by_id(connection: Session, login_id: int, kind: Kind) -> Login | None:
    """Return a login of this kind; None if there is none that counts."""
    row = connection.execute(_FIND, (login_id,)).fetchone()
    if row is None or row[1] != kind:
        return None
    login, now = Login(row[0], account_of(row[4:]), *row[1:4]), time.time()
    ended = now >= login.at + LONGEST[kind] or now >= login.seen_at + IDLE[kind]
    return None if ended else login


def renew(connection: Session, secret: str) -> tuple[Login, str] | None:
    """Exchange a program's secret for another.

    One that was used before ends its login; the caller must commit that too.
    """
    query = """UPDATE login_secrets SET spent_at = ? WHERE digest = ? AND spent_at IS NULL
               RETURNING login_id"""
    digest = digest_of(secret)
    spent = connection.execute(query, (time.time(), digest)).fetchall()
    if not spent:
        query = "SELECT login_id FROM login_secrets WHERE digest = ?"
        again = connection.execute(query, (digest,)).fetchone()
        if again is not None:
            end(connection, again[0])
        return None
    login = by_id(connection, spent[0][0], "program")
    if login is None:
        return None
    touch(connection, login.login_id)
    return login, _secret(connection, login.login_id, "program")


def touch(connection: Session, login_id: int) -> None:
    """Say that a login was seen now."""
    query = "UPDATE login_rows SET seen_at = ? WHERE login_id = ?"
    connection.execute(query, (time.time(), login_id))


def end(connection: Session, login_id: int) -> None:
    """End one; twice is allowed."""
    connection.execute("DELETE FROM login_secrets WHERE login_id = ?", (login_id,))
    connection.execute("DELETE FROM login_rows WHERE login_id = ?", (login_id,))


def name_of(connection: Session, login_id: int) -> str | None:
    """Return whose a login is, whether it counts or not; None if there is none."""
    query = """SELECT a.name FROM login_rows AS l
               JOIN account_rows AS a ON a.account_id = l.account_id WHERE l.login_id = ?"""
    row = connection.execute(query, (login_id,)).fetchone()
    return None if row is None else str(row[0])


def end_all(connection: Session, account: Account) -> None:
    """End all of an account."""
    query = "SELECT login_id FROM login_rows WHERE account_id = ?"
    for (number,) in connection.execute(query, (account.account_id,)).fetchall():
        end(connection, number)


def signing_key(connection: Session, name: str) -> bytes:
    """Return a random key of the store, made when it is first asked for."""
    query = """INSERT INTO signing_keys (name, value) VALUES (?, ?)
               ON CONFLICT (name) DO NOTHING"""
    connection.execute(query, (name, secrets.token_hex(32)))
    query = "SELECT value FROM signing_keys WHERE name = ?"
    return bytes.fromhex(connection.execute(query, (name,)).fetchone()[0])


def _secret(connection: Session, login_id: int, kind: Kind) -> str:
    secret = START[kind] + secrets.token_urlsafe(32)
    query = "INSERT INTO login_secrets (digest, login_id) VALUES (?, ?)"
    connection.execute(query, (digest_of(secret), login_id))
    return secret


def _forget(connection: Session, account: Account, now: float) -> None:
    gone = []
    for kind in START:
        query = "SELECT login_id FROM login_rows WHERE kind = ? AND (at <= ? OR seen_at <= ?)"
        bounds = (kind, now - LONGEST[kind], now - IDLE[kind])
        gone += connection.execute(query, bounds).fetchall()
    query = "SELECT login_id FROM login_rows WHERE account_id = ? ORDER BY at DESC"
    gone += connection.execute(query, (account.account_id,)).fetchall()[MOST - 1 :]
    for (number,) in gone:
        end(connection, number)

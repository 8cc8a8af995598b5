"""Who changed what, when and from where: the log of writes, which holds no secret and no text.

What is noted is noted in the transaction of the write itself, where there is one. Who acts is known
further out, at a server's door or on the command line: it is said there (:func:`acting`) and read
here.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.store.selection import check_page, cursor_of, read_cursor, with_next
from gueststar.store.session import Session
from gueststar.store.tables import columns_sql, typed

LONGEST = 200  # characters of each part of a line
KEPT_REFUSALS = 100_000  # lines; the oldest go
MANY = "many"  # stands for clients that are not told apart
_OK = "ok"

AUDIT = pa.schema(
    [
        pa.field("audit_id", pa.int64(), nullable=False),
        pa.field("at", pa.float64(), nullable=False),
        pa.field("who", pa.string()),
        pa.field("address", pa.string(), nullable=False),
        pa.field("what", pa.string(), nullable=False),
        pa.field("about", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("times", pa.int64(), nullable=False),
    ]
)


@dataclass
class Actor:
    """Who acts now, until what he does has ended.

    Parameters
    ----------
    who : str or None
        Account, name of a token, or user of the system; None for somebody unknown.
    address : str
        Where from.
    what : str
        Verb and route, or command.
    about : str
        Of what, as far as it is known before it is done.
    """

    who: str | None
    address: str
    what: str
    about: str = ""


class Refusal(NamedTuple):
    """What was refused, so many times."""

    at: float
    who: str | None
    address: str
    what: str
    about: str
    outcome: str
    times: int


_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[Actor]:
    """Say who acts inside, in threads that are started there too."""
    token = _acting.set(actor)
    try:
        yield actor
    finally:
        _acting.reset(token)


def actor() -> Actor | None:
    """Return who acts; None for a program that has not said so."""
    return _acting.get()


def system_user() -> str:
    """Return the user of the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name
        return "unknown"


def tables(number: str, word: str, real: str) -> str:
    """Return the statements that make the table; ``number`` counts up by itself."""
    return f"""
CREATE TABLE audit_rows (
    audit_id {number}, at {real} NOT NULL, who {word}, address {word} NOT NULL,
    what {word} NOT NULL, about TEXT NOT NULL, outcome {word} NOT NULL,
    times INTEGER NOT NULL, refused INTEGER NOT NULL);
CREATE INDEX audit_by_time ON audit_rows (at);
CREATE INDEX audit_refused ON audit_rows (audit_id) WHERE refused = 1;
"""


_COLUMNS = ("at", "who", "address", "what", "about", "outcome", "times", "refused")


def note(
    connection: Session, done: str, about: str, *, who: str | None = None, outcome: str = _OK
) -> None:
    """Note a write, in its own transaction.

    Parameters
    ----------
    connection : Session
    done : str
        What it is called where nobody has said who acts.
    about : str
    who : str, optional
        Who it is, where that was not known before.
    outcome : str
    """
    now = _acting.get() or Actor(system_user(), "", done)
    _insert(
        connection, [(time.time(), now.who or who, now.address, now.what, about, outcome, 1, 0)]
    )


def note_refusals(connection: Session, refusals: Sequence[Refusal]) -> None:
    """Note what was refused, and forget the oldest refusals where there are very many."""
    _insert(connection, [(*one, 1) for one in refusals])
    query = """DELETE FROM audit_rows WHERE refused = 1 AND audit_id <=
                   (SELECT audit_id FROM audit_rows WHERE refused = 1
                    ORDER BY audit_id DESC LIMIT 1 OFFSET ?)"""
    connection.execute(query, (KEPT_REFUSALS,))


def _insert(connection: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" * len(_COLUMNS))
    query = f"INSERT INTO audit_rows ({', '.join(_COLUMNS)}) VALUES ({marks})"
    for at, who, *texts, times, refused in rows:
        shown = None if who is None else plain(who)
        connection.execute(query, (at, shown, *map(plain, texts), times, refused))


def find(
    connection: Session,
    since: float | None,
    who: str | None,
    what: str | None,
    after: str | None,
    limit: int,
) -> pa.Table:
    """Return one page, newest first; see :meth:`gueststar.store.audits.Audits.audit`."""
    check_page(limit)
    asked: dict[str, Any] = {"limit": limit + 1}
    where = ["1 = 1"]
    if since is not None:
        where.append("at >= :since")
        asked["since"] = since
    if who is not None:
        where.append("who = :who")
        asked["who"] = plain(who)
    if what is not None:
        where.append("lower(what) LIKE :what ESCAPE '!'")
        asked["what"] = f"%{_like(plain(what.lower()))}%"
    if after is not None:
        (asked["last"],) = read_cursor(after, (int,))
        where.append("audit_id < :last")
    query = f"""SELECT {columns_sql(AUDIT)} FROM audit_rows WHERE {" AND ".join(where)}
                ORDER BY audit_id DESC LIMIT :limit"""
    rows = connection.execute(query, asked).fetchall()
    page = typed(rows[:limit], AUDIT)
    return with_next(page, cursor_of((rows[limit - 1][0],)) if len(rows) > limit else None)


def prune(connection: Session, before: float) -> int:
    """Forget what is older, and note that."""
    query = "DELETE FROM audit_rows WHERE at < ? RETURNING audit_id"
    count = len(connection.execute(query, (before,)).fetchall())
    when = datetime.fromtimestamp(before, UTC).isoformat(timespec="seconds")
    note(connection, "prune_audit", f"{count} lines before {when}")
    return count


def plain(text: str) -> str:
    r"""Return a text as a line holds it: control characters written out, and not too long.

    Examples
    --------
    >>> plain("Ann\n\x1b[31m")
    'Ann\\n\\x1b[31m'
    """
    text = text[:LONGEST]
    if not text.isprintable():
        escaped = (c if c.isprintable() else ascii(c)[1:-1] for c in text)
        text = "".join(escaped)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def unix_of(text: str, field: str) -> float:
    """Read a moment: an ISO date or time (UTC unless it says so), or Unix seconds.

    Raises
    ------
    BadInput
        Beginning with the field.

    Examples
    --------
    >>> unix_of("2026-11-20T03:00", "since")
    1795143600.0
    """
    try:
        return float(text) if text.replace(".", "", 1).isdigit() and len(text) > 8 else _iso(text)
    except (ValueError, OverflowError):
        raise BadInput(
            f"{field}: {text[:64]!r} is no time: give it as 2026-11-20 or 2026-11-20T03:00, UTC"
        ) from None


def _iso(text: str) -> float:
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _like(text: str) -> str:
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return text

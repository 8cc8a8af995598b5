"""What people write about objects and alerts: notes and tags, changed and removed with history."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from gueststar.errors import BadInput, NotAllowed
from gueststar.store import reading
from gueststar.store.annotates import Annotation
from gueststar.store.selection import check_page, cursor_of, read_cursor, with_next
from gueststar.store.session import Session
from gueststar.store.tables import columns_sql, typed

LONGEST_TEXT = 4_000  # characters
LONGEST_TAG = 64
LONGEST_NAME = 100  # of an author, of a key
_KIND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LINES = "\n\t"  # the control characters that a note may hold

#: Types of the view ``annotations``, in its order.
ANNOTATIONS = pa.schema(
    [
        pa.field("annotation_id", pa.int64(), nullable=False),
        pa.field("object_id", pa.string()),
        pa.field("alert_id", pa.int64()),
        pa.field("author", pa.string(), nullable=False),
        pa.field("at", pa.float64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("edited_at", pa.float64()),
    ]
)

#: What became of an annotation, change by change.
HISTORY = pa.schema(
    [
        pa.field("annotation_id", pa.int64(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("at", pa.float64(), nullable=False),
        pa.field("author", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("text", pa.string()),
    ]
)
_ROW = ", ".join(Annotation._fields)


def find(
    connection: Session,
    object_id: str | None,
    conditions: dict[str, Any],
    after: str | None,
    limit: int,
) -> pa.Table:
    """Return one page; see :meth:`gueststar.store.annotates.Annotates.annotations`."""
    check_page(limit)
    asked = {name: value for name, value in conditions.items() if value is not None}
    if object_id is not None:
        reading.known_object(connection, object_id)
        asked["object_id"] = object_id
    if "alert_id" in asked:
        reading.object_of(connection, asked["alert_id"])
    (last,) = (0,) if after is None else read_cursor(after, (int,))
    where = "".join(f" AND {name} = :{name}" for name in asked)
    query = f"""SELECT {columns_sql(ANNOTATIONS)} FROM annotations
                WHERE annotation_id > :last{where} ORDER BY annotation_id LIMIT :limit"""
    rows = connection.execute(query, {**asked, "last": last, "limit": limit + 1}).fetchall()
    page = typed(rows[:limit], ANNOTATIONS)
    return with_next(page, cursor_of((rows[limit - 1][0],)) if len(rows) > limit else None)


def one(connection: Session, annotation_id: int) -> Annotation:
    """Return one, also when it was removed.

    Raises
    ------
    BadInput
        If there is none.
    """
    query = f"SELECT {_ROW} FROM annotation_rows WHERE annotation_id = ?"
    found = None
    if -(2**63) <= annotation_id < 2**63:
        found = connection.execute(query, (annotation_id,)).fetchone()
    if found is None:
        raise BadInput(f"no annotation {annotation_id} in this store")
    return Annotation(*found)


def history(connection: Session, annotation_id: int) -> pa.Table:
    """Return every change, the first writing included."""
    one(connection, annotation_id)
    query = f"""SELECT {columns_sql(HISTORY)} FROM annotation_changes
                WHERE annotation_id = ? ORDER BY number"""
    return typed(connection.execute(query, (annotation_id,)).fetchall(), HISTORY)


def write(
    connection: Session,
    object_id: str | None,
    alert_id: int | None,
    text: str,
    kind: str,
    author: str,
    key: str | None,
) -> Annotation:
    """Write one; see :meth:`gueststar.store.annotates.Annotates.annotate`."""
    text = checked_text(text, checked_kind(kind))
    for name, value in (("author", author), ("key", key)):
        _check_name(name, value)
    connection.alone("annotations")  # so that a question sent twice finds what it has written
    if key is not None:
        query = f"SELECT {_ROW} FROM annotation_rows WHERE author = ? AND request = ?"
        if found := connection.execute(query, (author, key)).fetchone():
            return Annotation(*found)
    about = _about(connection, object_id, alert_id)
    query = f"""INSERT INTO annotation_rows (object_id, alert_id, author, at, kind, text, request)
                VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_ROW}"""
    values = (about, alert_id, author, time.time(), kind, text, key)
    new = Annotation(*connection.execute(query, values).fetchall()[0])
    _note(connection, new.annotation_id, new.at, author, "written", text)
    return new


def edit(
    connection: Session, annotation_id: int, text: str, author: str, anybody: bool
) -> Annotation:
    """Change a text; see :meth:`gueststar.store.annotates.Annotates.edit_annotation`."""
    connection.alone("annotations")
    old = one(connection, annotation_id)
    _check_author(old, author, anybody)
    if old.removed_at is not None:
        raise BadInput(f"annotation {annotation_id} was removed; write a new one")
    text = checked_text(text, old.kind)
    if text == old.text:
        return old
    now = time.time()
    query = "UPDATE annotation_rows SET text = ?, edited_at = ? WHERE annotation_id = ?"
    connection.execute(query, (text, now, annotation_id))
    _note(connection, annotation_id, now, author, "edited", text)
    return old._replace(text=text, edited_at=now)


def remove(connection: Session, annotation_id: int, author: str, anybody: bool) -> Annotation:
    """Take one away; see :meth:`gueststar.store.annotates.Annotates.remove_annotation`."""
    connection.alone("annotations")
    old = one(connection, annotation_id)
    _check_author(old, author, anybody)
    if old.removed_at is not None:
        return old
    now = time.time()
    query = "UPDATE annotation_rows SET removed_at = ? WHERE annotation_id = ?"
    connection.execute(query, (now, annotation_id))
    _note(connection, annotation_id, now, author, "removed", None)
    return old._replace(removed_at=now)


def checked_kind(kind: str) -> str:
    """Return a kind, if it can be one.

    Raises
    ------
    BadInput
    """
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise BadInput(
            f"kind: {str(kind)[:64]!r} cannot be: give a short word such as note or tag "
            "(a to z, digits, - and _)"
        )
    return kind


def checked_text(text: str, kind: str) -> str:
    r"""Return a text without space around it, if it can be kept.

    Raises
    ------
    BadInput
        If it is empty, too long, or has control characters; a tag is one line.

    Examples
    --------
    >>> checked_text("  looks like a TDE\r\n", "note")
    'looks like a TDE'
    """
    if not isinstance(text, str):
        raise BadInput(f"text: a {type(text).__name__} is no text")
    text = text.replace("\r\n", "\n").strip()
    longest = LONGEST_TAG if kind == "tag" else LONGEST_TEXT
    if not text:
        raise BadInput("text: it is empty: write at least one character")
    if len(text) > longest:
        raise BadInput(f"text: {len(text):,} characters are more than the {longest:,} of a {kind}")
    for place, character in _odd(text, "" if kind == "tag" else _LINES):
        raise BadInput(
            f"text: the character U+{ord(character):04X} at {place} cannot be kept: leave it out"
        )
    return text


def _odd(text: str, allowed: str) -> Iterator[tuple[int, str]]:
    """Yield control characters and halves of characters with their places."""
    for place, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in allowed:
            yield place, character


def _check_name(name: str, value: str | None) -> None:
    if value is not None and not (0 < len(value) <= LONGEST_NAME and value.isprintable()):
        raise BadInput(f"{name}: {value[:64]!r} cannot be: 1 to {LONGEST_NAME} printable signs")


def _check_author(annotation: Annotation, author: str, anybody: bool) -> None:
    if not anybody and annotation.author != author:
        raise NotAllowed(
            f"annotation {annotation.annotation_id} is by {annotation.author!r}: "
            "only who wrote it may change it"
        )


def _about(connection: Session, object_id: str | None, alert_id: int | None) -> str | None:
    """Return the object that an annotation is about; None for an alert without one."""
    if alert_id is None:
        if object_id is None:
            raise BadInput("object_id, alert_id: an annotation needs one of them")
        reading.known_object(connection, object_id)
        return object_id
    of = reading.object_of(connection, alert_id)
    if object_id is not None and object_id != of:
        reading.known_object(connection, object_id)
        raise BadInput(f"alert_id: alert {alert_id} is one of {of!r}, not of {object_id!r}")
    return of


def _note(
    connection: Session, annotation_id: int, at: float, author: str, action: str, text: str | None
) -> None:
    query = """INSERT INTO annotation_changes (annotation_id, number, at, author, action, text)
               SELECT ?, count(*) + 1, ?, ?, ?, ? FROM annotation_changes
               WHERE annotation_id = ?"""
    values = (annotation_id, at, author, action, text, annotation_id)
    connection.execute(query, values)

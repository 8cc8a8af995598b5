"""Catalogues in the store: brought in piece by piece, listed, replaced, removed.

A catalogue that is read anew is another version, with an id of its own: it takes the place of the
old one when all of it is there, and the matches of the old one stay until their objects are
matched anew (:mod:`gueststar.store.matching`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.catalogs.declaration import Declaration
from gueststar.errors import BadInput, NotThere, did_you_mean
from gueststar.store.session import Session
from gueststar.store.tables import typed

if TYPE_CHECKING:
    from gueststar.catalogs.sources import Source

LOADING, READY, REPLACED = 0, 1, 2
LOCK = "catalogues"  # writers share it, who changes the catalogues has it alone

#: What :meth:`Store.catalogues` answers.
CATALOGUES = pa.schema(
    [
        pa.field("catalogue", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("source_kind", pa.string(), nullable=False),
        pa.field("mode", pa.string(), nullable=False),
        pa.field("radius_arcsec", pa.float64(), nullable=False),
        pa.field("kept", pa.list_(pa.string()), nullable=False),
        pa.field("n_sources", pa.int64(), nullable=False),
        pa.field("n_left_out", pa.int64(), nullable=False),
        pa.field("n_matched", pa.int64(), nullable=False),
        pa.field("n_waiting", pa.int64(), nullable=False),
        pa.field("added_unix", pa.float64(), nullable=False),
    ]
)


def tables(word: str, number: str, end: str) -> str:
    """Return the statements that make the tables.

    Parameters
    ----------
    word : str
        Type of texts that are sorted.
    number : str
        Type of a number that counts up by itself.
    end : str
        What ends a table whose primary key is its order in the file.
    """
    return f"""
CREATE TABLE catalogue_names (
    catalogue_id {number}, name {word} NOT NULL, version TEXT NOT NULL, state INTEGER NOT NULL,
    settings TEXT NOT NULL, n_sources BIGINT NOT NULL, n_left_out BIGINT NOT NULL,
    added DOUBLE PRECISION NOT NULL);
CREATE TABLE catalogue_rows (
    catalogue_id BIGINT NOT NULL, healpix29 BIGINT NOT NULL, source_id {word} NOT NULL,
    ra DOUBLE PRECISION NOT NULL, dec DOUBLE PRECISION NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (catalogue_id, healpix29, source_id)){end};
CREATE TABLE match_rows (
    object_id {word} NOT NULL, catalogue_id BIGINT NOT NULL, rank BIGINT NOT NULL,
    source_id {word} NOT NULL, ra DOUBLE PRECISION NOT NULL, dec DOUBLE PRECISION NOT NULL,
    separation_arcsec DOUBLE PRECISION NOT NULL, position_angle DOUBLE PRECISION NOT NULL,
    separation_kpc DOUBLE PRECISION, light_radii DOUBLE PRECISION, source_kind TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (object_id, catalogue_id, rank)){end};
CREATE INDEX match_by_catalogue ON match_rows (catalogue_id, source_id);
CREATE TABLE unmatched_rows (
    catalogue_id BIGINT NOT NULL, object_id {word} NOT NULL,
    PRIMARY KEY (catalogue_id, object_id)){end};
"""


@dataclass(frozen=True)
class Catalogue:
    """A catalogue in the store.

    Parameters
    ----------
    catalogue_id : int
    version : str
        Digest of content and settings.
    declaration : Declaration
    """

    catalogue_id: int
    version: str
    declaration: Declaration

    @property
    def name(self) -> str:
        """What people call it."""
        return self.declaration.name


def ready(connection: Session) -> list[Catalogue]:
    """Return the catalogues that objects are matched with, in the order of names."""
    query = f"""SELECT catalogue_id, version, settings FROM catalogue_names
                WHERE state = {READY} ORDER BY name"""
    found = connection.execute(query).fetchall()
    return [Catalogue(i, version, Declaration.from_json(text)) for i, version, text in found]


def named(connection: Session, name: str) -> Catalogue:
    """Return a catalogue.

    Raises
    ------
    NotThere
        If there is none of this name; the message names the nearest.
    """
    found = {catalogue.name: catalogue for catalogue in ready(connection)}
    _check_among(name, found)
    return found[name]


def _check_among(name: str, known: Collection[str]) -> None:
    if name not in known:
        raise NotThere(f"no catalogue {name[:64]!r}.{did_you_mean(name, known)}")


def begin(connection: Session, declaration: Declaration, version: str) -> int | None:
    """Enter a catalogue that is about to be read.

    Returns
    -------
    int or None
        Its id; None when this very version is there.
    """
    connection.alone(LOCK)
    for catalogue in ready(connection):
        if (catalogue.name, catalogue.version) == (declaration.name, version):
            return None
    for left in _unfinished(connection, declaration.name):
        drop(connection, left)
    connection.execute(
        """INSERT INTO catalogue_names
               (name, version, state, settings, n_sources, n_left_out, added)
           VALUES (?, ?, ?, ?, 0, 0, ?)""",
        (declaration.name, version, LOADING, declaration.as_json(), time.time()),
    )
    query = "SELECT max(catalogue_id) FROM catalogue_names WHERE name = ? AND version = ?"
    return int(connection.execute(query, (declaration.name, version)).fetchone()[0])


def insert(connection: Session, catalogue_id: int, sources: Sequence[Source]) -> None:
    """Write a piece; sources that are there already, by cell and id, are left as they are."""
    from gueststar.catalogs.sources import Source  # brings astropy

    _check_there(connection, catalogue_id)
    columns = ("catalogue_id", *Source._fields)
    rows = [(catalogue_id, *source) for source in sources]
    connection.insert("catalogue_rows", columns, rows, key=columns[:3])


def finish(connection: Session, catalogue_id: int, given: int, left_out: int) -> None:
    """Put a catalogue in the place of an older one of its name; all objects wait for it.

    Parameters
    ----------
    given : int
        Sources that were given.
    left_out : int
        Rows that had no position.

    Raises
    ------
    BadInput
        If two sources have one id.
    """
    connection.alone(LOCK)
    _check_there(connection, catalogue_id)
    _check_unique(connection, catalogue_id, given)
    own = "SELECT name FROM catalogue_names WHERE catalogue_id = ?"
    older = f"state = {READY} AND name = ({own})"
    query = f"SELECT catalogue_id FROM catalogue_names WHERE {older}"
    for (old,) in connection.execute(query, (catalogue_id,)).fetchall():
        _clear(connection, "catalogue_rows", old)
        _clear(connection, "unmatched_rows", old)
    connection.execute(
        f"UPDATE catalogue_names SET state = {REPLACED} WHERE {older}", (catalogue_id,)
    )
    connection.execute(
        f"""UPDATE catalogue_names SET state = {READY}, n_sources = ?, n_left_out = ?, added = ?
            WHERE catalogue_id = ?""",
        (given, left_out, time.time(), catalogue_id),
    )
    connection.execute(
        """INSERT INTO unmatched_rows (catalogue_id, object_id)
           SELECT CAST(? AS BIGINT), object_id FROM object_rows""",
        (catalogue_id,),
    )


def _check_unique(connection: Session, catalogue_id: int, given: int) -> None:
    query = """SELECT count(*), count(DISTINCT source_id) FROM catalogue_rows
               WHERE catalogue_id = ?"""
    there, distinct = connection.execute(query, (catalogue_id,)).fetchone()
    if there == distinct == given:
        return
    query = """SELECT source_id, count(*) FROM catalogue_rows WHERE catalogue_id = ?
               GROUP BY source_id HAVING count(*) > 1 ORDER BY source_id LIMIT 1"""
    twice = connection.execute(query, (catalogue_id,)).fetchone()
    example = f", {twice[0]} for one" if twice else ""
    raise BadInput(
        f"of {given:,} sources {given - distinct:,} have an id that stands before{example}: name "
        "another column with --id, or none, then the number of the row is the id"
    )


def drop(connection: Session, catalogue_id: int) -> None:
    """Remove one version of a catalogue with its matches."""
    for table in ("catalogue_rows", "unmatched_rows", "match_rows", "catalogue_names"):
        _clear(connection, table, catalogue_id)


def _clear(connection: Session, table: str, catalogue_id: int) -> None:
    connection.execute(f"DELETE FROM {table} WHERE catalogue_id = ?", (catalogue_id,))


def remove(connection: Session, name: str) -> None:
    """Remove a catalogue, all its versions, and what an interrupted reading has left of it.

    Raises
    ------
    NotThere
        If there is none of this name; the message names the nearest.
    """
    connection.alone(LOCK)
    found = connection.execute("SELECT catalogue_id, name FROM catalogue_names").fetchall()
    _check_among(name, {other for _, other in found})
    for catalogue_id, other in found:
        if other == name:
            drop(connection, catalogue_id)


def _unfinished(connection: Session, name: str) -> list[int]:
    """Return what interrupted readings of a catalogue have left."""
    query = f"SELECT catalogue_id FROM catalogue_names WHERE name = ? AND state = {LOADING}"
    return [row[0] for row in connection.execute(query, (name,)).fetchall()]


def _check_there(connection: Session, catalogue_id: int) -> None:
    """Check that nobody has removed a catalogue, or begun it anew, while it is read."""
    query = "SELECT 1 FROM catalogue_names WHERE catalogue_id = ?"
    if connection.execute(query, (catalogue_id,)).fetchone() is None:
        raise BadInput("another process has begun to read this catalogue, or has removed it")


def listing(connection: Session) -> pa.Table:
    """Return the catalogues as a table; see :data:`CATALOGUES`."""
    query = f"""SELECT settings, version, n_sources, n_left_out, added,
                    (SELECT count(DISTINCT m.object_id) FROM match_rows AS m
                     WHERE m.catalogue_id = n.catalogue_id),
                    (SELECT count(*) FROM unmatched_rows AS u
                     WHERE u.catalogue_id = n.catalogue_id)
                FROM catalogue_names AS n WHERE state = {READY} ORDER BY name"""
    rows = []
    for text, version, sources, left_out, added, matched, waiting in connection.execute(query):
        own = Declaration.from_json(text)
        settings = (own.kind, own.mode, own.radius_arcsec, list(own.facts))
        rows.append((own.name, version, *settings, sources, left_out, matched, waiting, added))
    return typed(rows, CATALOGUES)

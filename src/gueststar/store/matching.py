"""What objects match in the catalogues, kept for each object and brought up to date.

An object is matched in the write that brings it, and again in a write that moves it. Objects that
were there before a catalogue wait in ``unmatched_rows``; so do those of a writer that was told to
leave a catalogue out. :func:`drain` matches some that wait; it can be stopped anywhere, and done
again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from gueststar.catalogs.context import context_of
from gueststar.store import catalogues
from gueststar.store.catalogues import Catalogue
from gueststar.store.crossmatch import MATCH, POSITION_MATCH, Places, matches
from gueststar.store.reading import known_object
from gueststar.store.session import Session
from gueststar.store.tables import columns_sql, typed

CONTEXT_KEY = b"gueststar.context"
_COLUMNS = (
    "object_id", "catalogue_id", "rank", "source_id", "ra", "dec", "separation_arcsec",
    "position_angle", "separation_kpc", "light_radii", "source_kind", "facts",
)  # fmt: skip


def renew(connection: Session, names: Sequence[str], chosen: Collection[str] | None = None) -> None:
    """Match objects that are new or have moved.

    Parameters
    ----------
    names : sequence of str
        Objects.
    chosen : collection of str, optional
        Catalogues that they are matched with now, all when None; for the others they wait.
    """
    if not names:
        return
    connection.share(catalogues.LOCK)
    there = catalogues.ready(connection)
    wanted = [one for one in there if chosen is None or one.name in chosen]
    if wanted:
        found, places = _places(connection, names)
        for catalogue in wanted:
            _match(connection, catalogue, found, places)
    for catalogue in there:
        if catalogue not in wanted:
            rows = [(catalogue.catalogue_id, name) for name in names]
            key = ("catalogue_id", "object_id")
            connection.insert("unmatched_rows", key, rows, key=key)


def drain(connection: Session, name: str, most: int) -> int:
    """Match some objects that wait for a catalogue; return how many did.

    Raises
    ------
    BadInput
        If there is no such catalogue.
    """
    catalogue = catalogues.named(connection, name)
    query = """SELECT object_id FROM unmatched_rows WHERE catalogue_id = ?
               ORDER BY object_id LIMIT ?"""
    names = [row[0] for row in connection.execute(query, (catalogue.catalogue_id, most))]
    if not names:
        return 0
    connection.claim_curves("curve_rows", "object_id", names)  # as writers do that move objects
    connection.share(catalogues.LOCK)
    if catalogues.named(connection, name) != catalogue:  # replaced while we waited
        return len(names)
    _match(connection, catalogue, *_places(connection, names))
    return len(names)


def _places(connection: Session, names: Sequence[str]) -> tuple[list[str], Places]:
    query = f"""SELECT o.object_id, o.ra, o.dec, o.last_mjd_tai FROM {connection.wanted("text")}
                CROSS JOIN object_rows AS o WHERE o.object_id = wanted.value"""
    rows = connection.execute(query, (connection.pack(names),)).fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * 4
    ra, dec, mjd = (np.array(column, np.float64) for column in columns[1:])
    year = 2000.0 + (np.nan_to_num(mjd, nan=51544.5) - 51544.5) / 365.25
    return list(columns[0]), Places(ra, dec, year)


def _match(connection: Session, catalogue: Catalogue, names: Sequence[str], places: Places) -> None:
    """Write the matches of objects in one catalogue in the place of all earlier ones."""
    if not names:
        return
    packed = connection.pack(names)
    among = f"object_id IN (SELECT wanted.value FROM {connection.wanted('text')})"
    connection.execute(
        f"""DELETE FROM match_rows WHERE {among} AND catalogue_id IN
                (SELECT catalogue_id FROM catalogue_names WHERE name = ?)""",
        (packed, catalogue.name),
    )
    connection.execute(
        f"DELETE FROM unmatched_rows WHERE {among} AND catalogue_id = ?",
        (packed, catalogue.catalogue_id),
    )
    kind = catalogue.declaration.kind
    rows = [
        (names[row], catalogue.catalogue_id, *rest, kind, columns)
        for row, *rest, columns in matches(connection, catalogue, places)
    ]
    connection.insert("match_rows", _COLUMNS, rows)


def of_object(connection: Session, object_id: str) -> pa.Table:
    """Return the matches of an object, columns of :data:`~gueststar.store.crossmatch.MATCH`.

    Raises
    ------
    BadInput
        If there is no such object.
    """
    known_object(connection, object_id)
    query = f"""SELECT {columns_sql(MATCH)} FROM crossmatches WHERE object_id = ?
                ORDER BY catalogue, rank"""
    found = typed(connection.execute(query, (object_id,)).fetchall(), MATCH)
    context = context_of(found.to_pylist())
    return found.replace_schema_metadata({CONTEXT_KEY: context} if context else None)


def of_positions(
    connection: Session,
    catalogue: Catalogue,
    places: Places,
    radius: float | None = None,
    mode: str | None = None,
) -> pa.Table:
    """Return the matches of positions: columns of ``POSITION_MATCH``."""
    own = catalogue.declaration
    rows = [
        (row, catalogue.name, catalogue.version, *rest, own.kind, columns)
        for row, *rest, columns in matches(connection, catalogue, places, radius, mode)
    ]
    return typed(rows, POSITION_MATCH)

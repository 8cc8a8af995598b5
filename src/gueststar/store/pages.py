"""Alerts and objects by conditions, page by page: a page begins behind the key of the last.

A page is gathered from pieces: rows in the order asked for, of which those outside the region are
left out, until there are enough. Where pieces come from depends on the order: an index
(:mod:`gueststar.store.ordering`), the cells of the region one after the other, or rings round its
centre (:mod:`gueststar.store.rings`). So a page costs what it holds, however large the region is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.store import nightly
from gueststar.store.ordering import ALERT_SORTS, IN_SPAN, OBJECT_SORTS, Search, Sort
from gueststar.store.regions import Cone, Region, part_of_sky
from gueststar.store.selection import (
    MAX_SECONDS,
    AlertSelection,
    ObjectSelection,
    check_page,
    cursor_of,
    read_cursor,
    with_next,
)
from gueststar.store.session import Session, too_long

FEW = 50_000  # rows of a region that are sorted when they are asked for
_SMALL = 3e-5  # part of the sky, 1.2 square degrees: not so many lie there that it must be counted
_LARGEST_PIECE = 20_000  # rows
SEPARATION = pa.field("separation_arcsec", pa.float64())
Key = tuple[Any, ...]


def find_alerts(
    connection: Session,
    selection: AlertSelection,
    sort: str,
    descending: bool | None,
    after: str | None,
    limit: int,
) -> pa.Table:
    """Return one page; see :meth:`gueststar.store.interface.Store.find_alerts`."""
    name = nightly.score_name(connection, selection.module or nightly.DEFAULT_MODULE)
    search = Search.of_alerts(connection, selection, name)
    order = _chosen(ALERT_SORTS, sort, descending).within(selection)
    return _page(connection, search, selection.place, order, after, limit)


def find_objects(
    connection: Session,
    selection: ObjectSelection,
    sort: str,
    descending: bool | None,
    after: str | None,
    limit: int,
) -> pa.Table:
    """Return one page; see :meth:`gueststar.store.interface.Store.find_objects`."""
    search = Search.of_objects(connection, selection)
    order = _chosen(OBJECT_SORTS, sort, descending)
    return _page(connection, search, selection.place, order, after, limit)


def _chosen(sorts: dict[str, Sort], sort: str, descending: bool | None) -> Sort:
    if sort not in sorts:
        raise BadInput(f"sort: {sort!r} is not one of them.{did_you_mean(sort, sorts)}")
    return sorts[sort].turned(descending)


def _page(
    connection: Session,
    search: Search,
    region: Region | None,
    sort: Sort,
    after: str | None,
    limit: int,
) -> pa.Table:
    check_page(limit)
    if sort.name in ("distance", "place") and sort.down:
        raise BadInput(f"descending: by {sort.name} there is one direction")
    if sort.name == "distance" and not isinstance(region, Cone):
        raise BadInput("sort: by distance needs a cone: give ra, dec and radius")
    key = None if after is None else read_cursor(after, (str, *sort.kinds))
    if key is not None and key[0] != sort.tag:
        raise BadInput("after: it is of pages in another order: take `next` of the page before")
    with connection.within(MAX_SECONDS):
        pieces = _pieces(connection, search, region, sort, key and key[1:], limit)
        found = _gathered(pieces, region, limit, search.schema)
    page = found.slice(0, limit)
    if found.num_rows <= limit:
        return with_next(page, None)
    last = page.slice(limit - 1).select(list(sort.columns)).to_pylist()[0]
    return with_next(page, cursor_of((sort.tag, *(last[name] for name in sort.columns))))


def _gathered(
    pieces: Iterable[pa.Table], region: Region | None, limit: int, schema: pa.Schema
) -> pa.Table:
    """Take pieces until there is one row more than the page holds."""
    deadline = time.monotonic() + MAX_SECONDS
    parts, found = [], 0
    for piece in pieces:
        kept = piece if region is None else _inside(piece, region)
        parts.append(kept)
        found += kept.num_rows
        if found > limit:
            break
        if time.monotonic() > deadline:
            raise too_long(MAX_SECONDS)
    empty = schema.empty_table()
    return pa.concat_tables(parts) if parts else _inside(empty, region) if region else empty


def _inside(piece: pa.Table, region: Region) -> pa.Table:
    """Leave out what lies outside; say how far from the centre of a cone the others lie."""
    ra, dec, cell = (piece.column(name).to_numpy() for name in ("ra", "dec", "healpix29"))
    if not isinstance(region, Cone):
        return piece.filter(pa.array(region.holds(ra, dec, cell)))
    apart = region.distance(ra, dec)
    if SEPARATION.name not in piece.column_names:
        piece = piece.append_column(SEPARATION, pa.array(apart, pa.float64()))
    return piece.filter(pa.array(apart <= region.radius_arcsec))


def _pieces(
    connection: Session,
    search: Search,
    region: Region | None,
    sort: Sort,
    key: Key | None,
    limit: int,
) -> Iterator[pa.Table]:
    """Yield rows in order, beginning behind a key."""
    if sort.name == "distance" and isinstance(region, Cone):
        from gueststar.store import rings

        yield from rings.pieces(connection, search, region, key, limit)
        return
    spans = None if region is None else region.spans()
    size = limit + 1
    if sort.name == "place":
        whole = np.array([[0, 2**62]]) if spans is None else spans
        yield from _by_place(connection, search, sort, whole, key, size)
        return
    if spans is not None and _many(connection, search, spans):
        size = int(min(max(size / max(part_of_sky(spans), 1e-3), size), _LARGEST_PIECE))
        spans = None
    if spans is None:
        sort = search.narrowed(connection, sort)
    for part, start in sort.parts(search, key):
        yield from _by_key(connection, search, part, spans, start, size)


def _many(connection: Session, search: Search, spans: np.ndarray) -> bool:
    """Tell whether more rows lie in a region than should be sorted for a page."""
    if part_of_sky(spans) < _SMALL:
        return False
    query = f"""SELECT count(*) FROM (SELECT 1 FROM {connection.spans}
                CROSS JOIN {search.table} AS a WHERE {IN_SPAN} LIMIT {FEW + 1}) AS few"""
    (found,) = connection.execute(query, connection.pack_spans(spans)).fetchone()
    return bool(found > FEW)


def _by_key(
    connection: Session,
    search: Search,
    sort: Sort,
    spans: np.ndarray | None,
    key: Key | None,
    size: int,
) -> Iterator[pa.Table]:
    while True:
        rows = search.rows(connection, sort, spans, key, size)
        yield rows
        if rows.num_rows < size:
            return
        key = sort.key_of(rows)
        size = min(2 * size, _LARGEST_PIECE)


def _by_place(
    connection: Session,
    search: Search,
    sort: Sort,
    spans: np.ndarray,
    key: Key | None,
    size: int,
) -> Iterator[pa.Table]:
    """Walk the cells of a region: one range alone, since it may hold much, then more at a time."""
    width = 1
    if key is not None:
        spans = _from(spans, key[0])
    while len(spans):
        rows = search.rows(connection, sort, spans[:width], key, size)
        yield rows
        if rows.num_rows < size:
            spans, width = spans[width:], min(4 * width, 4096)
        else:
            key, width = sort.key_of(rows), 1
            spans = _from(spans, key[0])


def _from(spans: np.ndarray, cell: int) -> np.ndarray:
    """Cut ranges off that lie before a cell."""
    left = spans[spans[:, 1] > cell].copy()
    left[:1, 0] = np.maximum(left[:1, 0], cell)
    return left

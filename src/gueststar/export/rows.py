"""The rows of an export, page by page: no page depends on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.errors import BadInput
from gueststar.export.wanted import ROWS, Wanted
from gueststar.store.bulk import LIGHTCURVES
from gueststar.store.selection import AlertSelection, ObjectSelection, pages
from gueststar.store.tables import FOUND, OBJECTS, SCORES

PAGE = 5_000  # rows; of light curves, about as many points
MOST_SQL = 1_000_000  # rows of a query
_PLACES = [pa.field(name, OBJECTS.field(name).type) for name in ("ra", "dec", "healpix29")]


class Readable(Protocol):
    """What an export reads: a :class:`~gueststar.store.Store`, or one behind a server."""

    def find_alerts(
        self, selection: AlertSelection, *, after: str | None = None, limit: int = 1_000
    ) -> pa.Table:
        """See :class:`gueststar.store.searches.Searches`."""
        ...

    def find_objects(
        self, selection: ObjectSelection, *, after: str | None = None, limit: int = 1_000
    ) -> pa.Table:
        """See :class:`gueststar.store.searches.Searches`."""
        ...

    def rows_of(self, what: str, keys: Sequence[Any]) -> pa.Table:
        """See :class:`gueststar.store.Store`."""
        ...

    def sql(self, query: str, *, limit: int = 10_000) -> pa.Table:
        """See :class:`gueststar.store.Store`."""
        ...


def rows(
    store: Readable, wanted: Wanted, *, places: bool = False, most_sql: int = MOST_SQL
) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return the columns, and the rows in tables of some thousand.

    Parameters
    ----------
    store : Readable
    wanted : Wanted
    places : bool
        Give light curves and scores the position of their object or alert too.
    most_sql : int
        Rows of a query at most.

    Raises
    ------
    BadInput
        If the selection cannot be asked, or a query gives more rows than ``most_sql``.

    Notes
    -----
    Each page is read in a moment of its own: alerts that are stored meanwhile may be among them.
    """
    reader = _Reader(store, places, most_sql)
    tables = reader.tables(wanted)
    first = next(tables, None)
    if first is None:
        first = _empty(wanted.what, places)
    return first.schema.remove_metadata(), _alike(chain([first], tables), first.schema)


def _alike(tables: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    for table in tables:
        yield table.cast(schema).replace_schema_metadata(None)


def _empty(what: str, places: bool) -> pa.Table:
    schema = {"alerts": FOUND, "scores": SCORES, "lightcurves": LIGHTCURVES}.get(what, OBJECTS)
    if places and what in ("scores", "lightcurves"):
        schema = pa.schema([*schema, *_PLACES])
    return schema.empty_table()


class _Reader:
    def __init__(self, store: Readable, places: bool, most_sql: int) -> None:
        self._store, self._places, self._most_sql = store, places, most_sql

    def tables(self, wanted: Wanted) -> Iterator[pa.Table]:
        """Yield what is wanted."""
        if wanted.what == ROWS:
            yield from _slices(self._answer(wanted.sql or ""), PAGE)
        elif wanted.what == "alerts":
            yield from self._alerts(wanted)
        elif wanted.what == "scores":
            for page in self._alerts(wanted):
                yield self._with_places("scores", "alert_id", page)
        elif wanted.what == "objects":
            yield from self._objects(wanted)
        else:
            for page in self._objects(wanted):
                for some in _few_points(page):
                    yield self._with_places("lightcurves", "object_id", some)

    def _with_places(self, what: str, key: str, page: pa.Table) -> pa.Table:
        found = self._store.rows_of(what, page[key].to_pylist())
        if self._places:
            at = pc.index_in(found[key], page[key].combine_chunks())
            for field in _PLACES:
                found = found.append_column(field, page[field.name].take(at))
        return found

    def _alerts(self, wanted: Wanted) -> Iterator[pa.Table]:
        if wanted.alerts is not None:
            yield from _pages(self._store.find_alerts, wanted.alerts)
            return
        for ids in self._keys(wanted, "alert_id", "alerts"):
            yield self._store.rows_of("alerts", ids)

    def _objects(self, wanted: Wanted) -> Iterator[pa.Table]:
        if wanted.objects is not None:
            yield from _pages(self._store.find_objects, wanted.objects)
            return
        seen: set[str] = set()  # the one thing here that grows with what is exported
        for names in self._names(wanted):
            new = [name for name in dict.fromkeys(names) if name is not None and name not in seen]
            seen.update(new)
            if new:
                yield self._store.rows_of("objects", new)

    def _names(self, wanted: Wanted) -> Iterator[list[str | None]]:
        if wanted.alerts is None:
            yield from self._keys(wanted, "object_id", "objects")
            return
        for page in _pages(self._store.find_alerts, wanted.alerts):
            yield page["object_id"].to_pylist()

    def _keys(self, wanted: Wanted, column: str, what: str) -> Iterator[list[Any]]:
        """Yield the keys that a query selects."""
        answer = self._answer(wanted.sql or "")
        if column not in answer.column_names:
            raise BadInput(f"sql: to select {what} the query must give {column}")
        keys = answer[column].unique().drop_null()
        for part in _slices(pa.table({column: keys}), PAGE):
            yield part[column].to_pylist()

    def _answer(self, sql: str) -> pa.Table:
        answer = self._store.sql(sql, limit=self._most_sql)
        if (answer.schema.metadata or {}).get(b"gueststar.truncated") == b"1":
            raise BadInput(
                f"sql: it gives more than {self._most_sql:,} rows: narrow it down, or export the "
                "view by conditions"
            )
        return answer


def _pages(find: Callable[..., pa.Table], selection: Any) -> Iterator[pa.Table]:
    return pages(lambda after: find(selection, after=after, limit=PAGE))


def _slices(table: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, size):
        yield table.slice(start, size)
    if not table.num_rows:
        yield table


def _few_points(objects: pa.Table) -> Iterator[pa.Table]:
    """Cut a page of objects so that no part has many more points than a page has rows."""
    part = np.cumsum(objects["n_points"].to_numpy()) // (PAGE * 4)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    for start, end in zip(starts, [*starts[1:], objects.num_rows], strict=True):
        yield objects.slice(start, end - start)

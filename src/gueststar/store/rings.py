"""Nearest first: rings round the centre of a cone, each as wide as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from gueststar.store import sky
from gueststar.store.mocs import without
from gueststar.store.ordering import Search
from gueststar.store.regions import Cone
from gueststar.store.session import Session

_FIRST = 60.0  # arcsec: width of the innermost ring
_NARROWEST = 1 / 64  # width of a ring, as part of its radius: 3 % of the area inside
_SAFE = 1 + 1e-9


def pieces(
    connection: Session, search: Search, cone: Cone, key: tuple[Any, ...] | None, limit: int
) -> Iterator[pa.Table]:
    """Yield what lies in a cone, nearest first, beginning behind a key (distance, id)."""
    inner = 0.0 if key is None else float(key[0])
    width = max(_FIRST, inner * _NARROWEST)
    name = search.schema.names[0]
    closed = key is not None  # the ring's inner edge belongs to it
    while inner < cone.radius_arcsec or closed:
        outer = min(inner + width, cone.radius_arcsec)
        rows = search.in_spans(connection, _ring(cone, inner, outer))
        apart = cone.distance(rows.column("ra").to_numpy(), rows.column("dec").to_numpy())
        near = (apart <= outer) & ((apart >= inner) if closed or not inner else (apart > inner))
        rows, apart = rows.filter(pa.array(near)), apart[near]
        rows = rows.append_column("separation_arcsec", pa.array(apart, pa.float64()))
        rows = rows.sort_by([("separation_arcsec", "ascending"), (name, "ascending")])
        yield _behind(rows, name, key) if closed and key is not None else rows
        inner, width, closed = outer, 2 * width, False


def _behind(rows: pa.Table, name: str, key: tuple[Any, ...]) -> pa.Table:
    """Leave out what a page before has shown."""
    apart = rows.column("separation_arcsec").to_numpy()
    ids = np.array(rows.column(name).to_pylist(), object)
    return rows.filter(
        pa.array((apart > key[0]) | ((apart == key[0]) & (ids > key[1])), pa.bool_())
    )


def _ring(cone: Cone, inner: float, outer: float) -> np.ndarray:
    """Return cells that cover a ring: those of the cone without what lies inside as a whole."""
    spans = sky.ranges(cone.ra, cone.dec, outer * _SAFE / 3600.0)
    if inner < _FIRST:
        return spans
    return without(spans, sky.ranges(cone.ra, cone.dec, inner / _SAFE / 3600.0, whole=True))

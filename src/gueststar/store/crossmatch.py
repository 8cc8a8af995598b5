"""Positions against a catalogue: one query for all of them, exact distances in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa

from gueststar.catalogs import hosts
from gueststar.catalogs.angles import position_angle, separation
from gueststar.store.catalogues import Catalogue
from gueststar.store.cells import pairs, spans_of
from gueststar.store.cones import cells_of, depth_for
from gueststar.store.session import Session

DEEPEST = 18  # HEALPix order of the smallest cells that are asked for, 0.8 arcsec
AT_ONCE = 20_000  # positions of a query; fewer when the radius is large
NARROW_ARCSEC = 10.0
FASTEST_ARCSEC = 1.0  # a year: how far stars are looked for; those that move faster may be missed

#: A match, without the position that it is for.
MATCH = pa.schema(
    [
        pa.field("catalogue", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("ra", pa.float64(), nullable=False),
        pa.field("dec", pa.float64(), nullable=False),
        pa.field("separation_arcsec", pa.float64(), nullable=False),
        pa.field("position_angle", pa.float64(), nullable=False),
        pa.field("separation_kpc", pa.float64()),
        pa.field("light_radii", pa.float64()),
        pa.field("source_kind", pa.string(), nullable=False),
        pa.field("columns", pa.string(), nullable=False),
    ]
)
#: What positions match: ``row`` counts them from 0.
POSITION_MATCH = pa.schema([pa.field("row", pa.int64(), nullable=False), *MATCH])


class Places(NamedTuple):
    """Positions that matches are sought for.

    Parameters
    ----------
    ra, dec : numpy.ndarray, shape ``(n,)``
        deg.
    year : numpy.ndarray or None
        Julian years at which stars are where they were seen; None leaves them at their epoch.
    """

    ra: np.ndarray
    dec: np.ndarray
    year: np.ndarray | None = None

    def part(self, at: slice) -> Places:
        """Return some of them."""
        return Places(self.ra[at], self.dec[at], None if self.year is None else self.year[at])


class Match(NamedTuple):
    """A source that matches; ``row`` is the place in the list of positions."""

    row: int
    rank: int
    source_id: str
    ra: float
    dec: float
    separation_arcsec: float
    position_angle: float
    separation_kpc: float | None
    light_radii: float | None
    columns: str


def matches(
    connection: Session,
    catalogue: Catalogue,
    places: Places,
    radius: float | None = None,
    mode: str | None = None,
) -> list[Match]:
    """Return the sources of a catalogue that match positions, sorted by row and rank.

    Parameters
    ----------
    radius : float, optional
        arcsec; default that of the catalogue.
    mode : {"nearest", "all", "host"}, optional
        Default that of the catalogue.
    """
    own = catalogue.declaration
    radius, mode = radius or float(own.radius_arcsec or 0), mode or str(own.mode)
    step = int(max(50, AT_ONCE * min(1.0, (NARROW_ARCSEC / radius) ** 2)))
    found: list[Match] = []
    for start in range(0, len(places.ra), step):
        part = places.part(slice(start, start + step))
        found += _Search(catalogue, part, radius, mode).run(connection, start)
    return found


class _Search:
    """One query and what is made of it."""

    def __init__(self, catalogue: Catalogue, places: Places, radius: float, mode: str) -> None:
        self.catalogue, self.places, self.radius, self.mode = catalogue, places, radius, mode
        self.own = catalogue.declaration

    def run(self, connection: Session, start: int) -> Iterator[Match]:
        depth = depth_for((self.radius + self._reach()) / 3600.0, DEEPEST)
        cells, asked = cells_of(self.places.ra, self.places.dec, depth)
        self.sources = self._sources(connection, spans_of(cells, depth))
        if not self.sources:
            return iter(())
        held = np.array([source[0] for source in self.sources], np.int64)
        row, at = pairs(cells, asked, held, depth)
        ra, dec = self._positions(row, at)
        apart = separation(self.places.ra[row], self.places.dec[row], ra, dec)
        near = np.flatnonzero(apart <= self.radius)
        row, at, apart = row[near], at[near], apart[near]
        angle = position_angle(self.places.ra[row], self.places.dec[row], ra[near], dec[near])
        return self._chosen(row, at, apart, angle, start)

    def _reach(self) -> float:
        """How far stars may have moved, arcsec."""
        if self.own.epoch is None or self.places.year is None or not len(self.places.year):
            return 0.0
        return FASTEST_ARCSEC * float(np.abs(self.places.year - self.own.epoch).max())

    def _sources(self, connection: Session, wanted: np.ndarray) -> list[Any]:
        query = f"""SELECT c.healpix29, c.source_id, c.ra, c.dec, c.facts
                    FROM {connection.spans} CROSS JOIN catalogue_rows AS c
                    WHERE c.catalogue_id = :catalogue AND c.healpix29 >= span.low
                        AND c.healpix29 < span.high"""
        values = {**connection.pack_spans(wanted), "catalogue": self.catalogue.catalogue_id}
        return sorted(connection.execute(query, values))

    def _positions(self, row: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the sources, each at the time of the position that it is compared with."""
        ra, dec = (np.array([source[k] for source in self.sources])[at] for k in (2, 3))
        if self.own.epoch is None or self.places.year is None:
            return ra, dec
        years = self.places.year[row] - self.own.epoch
        east, north = (
            np.nan_to_num(self._numbers(name)[at] * years / 3.6e6)
            for name in (self.own.pm_ra, self.own.pm_dec)
        )
        return ra + east / np.cos(np.radians(dec)), np.clip(dec + north, -90.0, 90.0)

    def _numbers(self, name: str | None) -> np.ndarray:
        """Return a kept column of all sources; NaN where it is unknown."""
        if name is None:
            return np.full(len(self.sources), np.nan)
        place = self.own.facts.index(name)
        return np.array([orjson.loads(source[4])[place] for source in self.sources], np.float64)

    def _chosen(
        self, row: np.ndarray, at: np.ndarray, apart: np.ndarray, angle: np.ndarray, start: int
    ) -> Iterator[Match]:
        """Choose by the mode, and rank."""
        kpc, radii = self._distances(at, apart, angle)
        by = apart
        if self.mode == "host":
            by = np.where(np.isnan(radii), kpc / self.own.kpc, radii / hosts.MAX_DLR)
        order = np.lexsort((at, by, row))
        if self.mode == "host":
            order = order[by[order] <= 1.0]
        first = np.flatnonzero(np.diff(row[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
        if self.mode == "nearest":
            order, rank = order[first], rank[first]
        names = self.own.facts
        for k, place in zip(order.tolist(), rank.tolist(), strict=True):
            _, source_id, ra, dec, facts = self.sources[at[k]]
            columns = orjson.dumps(dict(zip(names, orjson.loads(facts), strict=True))).decode()
            yield Match(
                int(row[k]) + start, place, source_id, ra, dec, float(apart[k]), float(angle[k]),
                _known(kpc[k]), _known(radii[k]), columns,
            )  # fmt: skip

    def _distances(
        self, at: np.ndarray, apart: np.ndarray, angle: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Projected distances and light radii; see :mod:`gueststar.catalogs.hosts`."""
        unknown = np.full(len(at), np.nan)
        kpc = radii = unknown
        if self.own.redshift and len(at):
            kpc = hosts.kpc(apart, self._numbers(self.own.redshift)[at])
        if self.own.shape and len(at):
            shape = [self._numbers(name)[at] for name in self.own.shape]
            radii = hosts.light_radii(apart, angle, *shape)
        return kpc, radii


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)

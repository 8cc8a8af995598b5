"""Facts of a catalogue as columns of the live batch, for filters: a module that gives no scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import orjson
import pyarrow as pa

from gueststar.batch import AlertBatch

Match = Callable[[np.ndarray, np.ndarray], pa.Table]
_OF_CATALOGUES = ("nothing in the catalogue matches", "the catalogue does not say")
_OF_ORBITS = ("no known minor planet", "the orbits do not say")
_OWN = ("separation", "id", "kpc", "light_radii", "reason")


class CatalogueModule:
    """Gives alerts the best match of a catalogue at their own position.

    Columns, with the catalogue's name and ``_`` before each: ``separation`` (arcsec), ``id``,
    ``kpc`` and ``light_radii`` (of galaxies), every kept column as a number (text is null), and
    ``reason``, why something is null. All are null where nothing matches.

    Parameters
    ----------
    name, version : str
        Of the catalogue.
    kept : sequence of str
        Columns that it keeps.
    match : callable
        Given right ascensions and declinations, deg, returns the matches as
        :meth:`gueststar.store.Store.xmatch` does; asked once a batch.
    """

    needs: tuple[str, ...] = ("ra", "dec")

    def __init__(self, name: str, version: str, kept: Sequence[str], match: Match) -> None:
        self.name, self.version = name, version
        self._kept = [column for column in kept if column not in _OWN]
        self._match = match
        kinds = {"separation": pa.float64(), "id": pa.string(), "kpc": pa.float64()}
        kinds |= {"light_radii": pa.float64(), **dict.fromkeys(self._kept, pa.float64())}
        kinds["reason"] = pa.string()
        self.gives = pa.schema([(f"{name}_{column}", kind) for column, kind in kinds.items()])

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        """Return the columns; see :class:`gueststar.contracts.ScienceModule`."""
        ra, dec = batch.numpy("ra"), batch.numpy("dec")
        rows = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        found = self._match(ra[rows], dec[rows]).to_pylist()
        best = {int(rows[one["row"]]): one for one in found if one["rank"] == 0}
        facts = {row: orjson.loads(one["columns"]) for row, one in best.items()}
        names = ("separation_arcsec", "source_id", "separation_kpc", "light_radii")
        every = range(len(batch))
        columns = [[best[row][name] if row in best else None for row in every] for name in names]
        columns += [
            [_number(facts[row][name]) if row in facts else None for row in every]
            for name in self._kept
        ]
        reasons = [
            _reason(row in best, values, *_OF_CATALOGUES)
            for row, values in zip(every, zip(*columns, strict=True), strict=True)
        ]
        arrays = [*columns, reasons]
        return pa.RecordBatch.from_arrays(
            [pa.array(one, field.type) for one, field in zip(arrays, self.gives, strict=True)],
            schema=self.gives,
        )


def _reason(matches: bool, values: Sequence[object], nothing: str, silent: str) -> str | None:
    if not matches:
        return nothing
    return silent if None in values else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


Near = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], pa.Table]


class PlanetModule:
    """Gives alerts the nearest minor planet at their own position and time.

    Columns, with the orbits' name and ``_`` before each: ``separation`` (arcsec), ``id``,
    ``name``, ``mag`` (V), ``delta_au``, ``motion`` (arcsec/h) and ``reason``, why something is
    null. All are null where nothing matches.

    Parameters
    ----------
    name, version : str
        Of the orbits.
    near : callable
        Given right ascensions and declinations (deg), times (MJD, TAI) and surveys, returns the
        matches as :meth:`gueststar.store.Store.planets_near` does; asked once a batch.
    """

    needs: tuple[str, ...] = ("ra", "dec", "mjd_tai", "survey")

    def __init__(self, name: str, version: str, near: Near) -> None:
        self.name, self.version = name, version
        self._near = near
        texts = ("id", "name", "reason")
        self.gives = pa.schema(
            [
                (f"{name}_{column}", pa.string() if column in texts else pa.float64())
                for column in (*_OF_PLANETS, "reason")
            ]
        )

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        """Return the columns; see :class:`gueststar.contracts.ScienceModule`."""
        ra, dec, mjd = (batch.numpy(name) for name in self.needs[:3])
        surveys = np.array(batch.column("survey").to_pylist(), dtype=object)
        found = self._near(ra, dec, mjd, surveys).to_pylist()
        best = {int(one["row"]): one for one in found if one["rank"] == 0}
        every = range(len(batch))
        columns: list[list[object]] = [
            [best[row][name] if row in best else None for row in every]
            for name in _OF_PLANETS.values()
        ]
        columns.append(
            [
                _reason(row in best, values, *_OF_ORBITS)
                for row, values in zip(every, zip(*columns, strict=True), strict=True)
            ]
        )
        return pa.RecordBatch.from_arrays(
            [pa.array(one, field.type) for one, field in zip(columns, self.gives, strict=True)],
            schema=self.gives,
        )


#: What filters call the columns of a match.
_OF_PLANETS = {
    "separation": "separation_arcsec",
    "id": "designation",
    "name": "name",
    "mag": "v_mag",
    "delta_au": "delta_au",
    "motion": "motion",
}

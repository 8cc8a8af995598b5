"""Rows of a catalogue's file, checked and brought into the store's form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import astropy.units as u
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.files import TableFile
from gueststar.errors import BadInput
from gueststar.surveys.sky import healpix29

FEW = 50  # rows of which nobody can say whether their right ascensions are hours
WIDE_DEG = 30.0  # in declination: a survey that is so wide is wider than 24 deg in right ascension
_HOURS = frozenset(("h", "hr", "hour", "hours", "hourangle"))


class Source(NamedTuple):
    """A row of the table of sources.

    Parameters
    ----------
    healpix29 : int
        Cell of the position, nested, order 29.
    source_id : str
    ra, dec : float
        deg.
    facts : str
        JSON list: the values of :attr:`Declaration.facts`.
    """

    healpix29: int
    source_id: str
    ra: float
    dec: float
    facts: str


class Sources:
    """Reads the sources of a catalogue piece by piece.

    Parameters
    ----------
    declaration : Declaration
    table : TableFile

    Attributes
    ----------
    read : int
        Rows of the file so far.
    left_out : int
        Rows without a position.
    """

    def __init__(self, declaration: Declaration, table: TableFile) -> None:
        self.declaration = declaration
        self.table = table
        self.read = self.left_out = 0
        self._scale = self._degrees_of_ra()
        self._bounds = np.array([np.inf, -np.inf, np.inf, -np.inf])

    def _degrees_of_ra(self) -> float:
        """Degrees that one unit of right ascension is."""
        if self.declaration.hours is not None:
            return 15.0 if self.declaration.hours else 1.0
        unit = self.table.units.get(self.declaration.ra, "")
        return 15.0 if unit.strip().lower() in _HOURS else _degrees(unit)

    def __iter__(self) -> Iterator[list[Source]]:
        """Yield pieces, each in the order of the sky.

        Raises
        ------
        BadInput
            If there is no such column, a value is no number or not on the sky, or there are no
            sources at all; at the end, if right ascensions look like hours.
        """
        for piece in self.table.read(self.declaration.wanted):
            yield self._piece(piece)
            self.read += piece.num_rows
        self._check_whole()

    def _piece(self, piece: pa.Table) -> list[Source]:
        given = self.declaration
        ra = self._numbers(piece, given.ra) * self._scale
        dec = self._numbers(piece, given.dec) * _degrees(self.table.units.get(given.dec, ""))
        there = np.isfinite(ra) & np.isfinite(dec)
        self.left_out += int(np.count_nonzero(~there))
        self._check_places(ra, dec, there)
        rows = np.flatnonzero(there)
        self._note_bounds(ra[rows], dec[rows])
        cells = healpix29(np.mod(ra[rows], 360.0), dec[rows]).to_numpy()
        order = np.argsort(cells, kind="stable")
        rows, cells = rows[order], cells[order]
        ids = self._names(piece, rows)
        places = (np.mod(ra[rows], 360.0).tolist(), dec[rows].tolist())
        facts = self._facts(piece, rows)
        return list(map(Source, cells.tolist(), ids, *places, facts))

    def _numbers(self, piece: pa.Table, name: str) -> np.ndarray:
        column = _trimmed(piece.column(name))
        try:
            floats = pc.cast(column, pa.float64(), safe=False)
        except pa.ArrowInvalid as error:
            raise BadInput(f"{self.table.path}: {name!r} holds no numbers: {error}") from None
        except pa.ArrowNotImplementedError:
            raise BadInput(f"{self.table.path}: {name!r} holds {column.type}, no numbers") from None
        return np.asarray(floats.to_numpy(zero_copy_only=False), np.float64)

    def _check_places(self, ra: np.ndarray, dec: np.ndarray, there: np.ndarray) -> None:
        for name, values, low, high in (
            (self.declaration.ra, ra, -180.0, 360.0),
            (self.declaration.dec, dec, -90.0, 90.0),
        ):
            wrong = np.flatnonzero(there & ((values < low) | (values > high)))
            if len(wrong):
                raise BadInput(
                    f"{self.table.path}: {name!r} is {values[wrong[0]]:g} in row "
                    f"{self.read + wrong[0]:,}: it must be in {low:g} to {high:g} degrees"
                )

    def _note_bounds(self, ra: np.ndarray, dec: np.ndarray) -> None:
        if len(ra):
            seen = (ra.min(), ra.max(), dec.min(), dec.max())
            low, high = np.minimum(self._bounds, seen), np.maximum(self._bounds, seen)
            self._bounds = np.array([low[0], high[1], low[2], high[3]])

    def _names(self, piece: pa.Table, rows: np.ndarray) -> list[str]:
        if self.declaration.id is None:
            return list(map(str, (rows + self.read).tolist()))
        column = piece.column(self.declaration.id)
        if pa.types.is_binary(column.type):
            column = pc.cast(column, pa.string())
        names = column.take(pa.array(rows)).to_pylist()
        if None in names:
            raise BadInput(
                f"{self.table.path}: {self.declaration.id!r} is empty in row "
                f"{self.read + rows[names.index(None)]:,}: name a column that names every source, "
                "or none, then the number of the row is the name"
            )
        return [str(name) for name in names]

    def _facts(self, piece: pa.Table, rows: np.ndarray) -> list[str]:
        """Return the kept columns of each row as a JSON list; NaN is null."""
        if not self.declaration.facts:
            return ["[]"] * len(rows)
        for name in self.declaration.numbers:
            self._numbers(piece, name)
        picked = piece.take(pa.array(rows))
        columns = [_values(picked.column(name)) for name in self.declaration.facts]
        return [orjson.dumps(row, default=str).decode() for row in zip(*columns, strict=True)]

    def _check_whole(self) -> None:
        found = self.read - self.left_out
        if not found:
            raise BadInput(
                f"{self.table.path} has no source: {self.left_out:,} rows, none with a position"
            )
        low, high, south, north = self._bounds
        narrow = low >= 0 and high <= 24 and north - south > WIDE_DEG
        if narrow and found >= FEW and self.declaration.hours is None and self._scale == 1.0:
            raise BadInput(
                f"{self.table.path}: {self.declaration.ra!r} runs from {low:.3g} to {high:.3g} and "
                f"{self.declaration.dec!r} from {south:.3g} to {north:.3g}: are these hours? Say "
                "--ra-unit hour, or --ra-unit deg"
            )


def _degrees(unit: str) -> float:
    """Return the degrees of an angle's unit; what is none counts as degrees."""
    try:
        return float(u.Unit(unit).to(u.deg))
    except (ValueError, TypeError, u.UnitConversionError):
        return 1.0


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return values for JSON; texts of a CSV that are all numbers become numbers."""
    if _is_text(column.type):
        for kind in (pa.int64(), pa.float64()):
            try:
                return list(pc.cast(_trimmed(column), kind).to_pylist())
            except pa.ArrowInvalid:
                continue
    if pa.types.is_floating(column.type) and column.type != pa.float64():
        column = pc.cast(pc.cast(column, pa.string()), pa.float64())  # in their own digits
    return list(column.to_pylist())


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(column) if _is_text(column.type) else column

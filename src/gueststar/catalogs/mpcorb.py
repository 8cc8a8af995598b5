"""Reads MPCORB.DAT, the orbits of all minor planets that the Minor Planet Center publishes.

Columns: https://www.minorplanetcenter.net/iau/info/MPOrbitFormat.html. A file has a head, which
ends in a line of dashes, and a blank line between its parts; both are passed over, and a file of
bare lines is read as well. Angles have 5 decimals there, 0.04 arcsec.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from gueststar.catalogs.designations import epoch_of, parts_of, unpacked
from gueststar.catalogs.orbits import ORBITS
from gueststar.errors import BadInput

LINES = 20_000  # of a piece
SHORTEST = 103  # characters: up to the semi-major axis
_HEAD = 1_000  # lines in which the end of a head is looked for
_MOST_TOLD = 5  # bad lines of which the reason is kept

#: Where numbers stand: from, to (counted from 0, the end not included).
_NUMBERS = {
    "h": (8, 13),
    "g": (14, 19),
    "mean_anomaly": (26, 35),
    "perihelion": (37, 46),
    "node": (48, 57),
    "inclination": (59, 68),
    "eccentricity": (70, 79),
    "axis": (92, 103),
}
_MAY_LACK = ("h", "g")
_DESIGNATION, _EPOCH, _READABLE = slice(0, 7), slice(20, 25), slice(166, 194)


@dataclass
class MpcFile:
    """An MPCORB file, read piece by piece.

    Parameters
    ----------
    path : Path
        Plain or gzip'ed.

    Attributes
    ----------
    read : int
        Lines so far.
    left_out : int
        Lines that hold no orbit.
    told : list of str
        Why, of the first of them: ``line 12: eccentricity 1.2 ...``.
    """

    path: Path
    read: int = 0
    left_out: int = 0
    told: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[pa.Table]:
        """Yield tables of :data:`gueststar.catalogs.orbits.ORBITS`.

        Raises
        ------
        BadInput
            If the file is damaged, or has no orbits at all.
        """
        found = 0
        try:
            with self._open() as file:
                self.read = _length_of_head(self.path, self._open)
                for _ in islice(file, self.read):
                    pass
                while lines := list(islice(file, LINES)):
                    piece = self._piece(lines)
                    self.read += len(lines)
                    found += piece.num_rows
                    if piece.num_rows:
                        yield piece
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise BadInput(f"{self.path} is damaged near line {self.read:,}: {error}") from None
        if not found:
            why = f": {self.told[0]}" if self.told else ""
            raise BadInput(f"{self.path} has no orbits of the form of MPCORB.DAT{why}")

    def _open(self) -> IO[bytes]:
        with self.path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return gzip.open(self.path) if packed else self.path.open("rb")  # type: ignore[return-value]

    def _piece(self, lines: list[bytes]) -> pa.Table:
        rows = []
        for at, raw in enumerate(lines, self.read + 1):
            if not raw.strip():
                continue
            try:
                rows.append(_row(raw.decode("ascii").rstrip("\r\n")))
            except ValueError as error:  # UnicodeDecodeError is one
                self.left_out += 1
                if len(self.told) < _MOST_TOLD:
                    self.told.append(f"line {at:,}: {error}")
        columns = list(zip(*rows, strict=True)) or [()] * len(ORBITS)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, ORBITS, strict=True)]
        return pa.Table.from_arrays(arrays, schema=ORBITS)


def _length_of_head(path: Path, opened) -> int:  # type: ignore[no-untyped-def]
    with opened() as file:
        for at, line in enumerate(islice(file, _HEAD), 1):
            if line.startswith(b"----------"):
                return at
    return 0


_EPOCHS: dict[str, float] = {}


def _row(line: str) -> tuple[object, ...]:
    """Return one line as a row of ORBITS.

    Raises
    ------
    ValueError
        Saying what is wrong with it.
    """
    if len(line) < SHORTEST:
        raise ValueError(f"{len(line)} characters are less than the {SHORTEST} of an orbit")
    packed = line[_EPOCH]
    if packed not in _EPOCHS:
        _EPOCHS[packed] = epoch_of(packed)
    values = {name: _number(name, line[a:b]) for name, (a, b) in _NUMBERS.items()}
    _check(values)
    readable = line[_READABLE].strip() or unpacked(line[_DESIGNATION])
    designation, number, name = parts_of(readable)
    if number is None and designation.isdigit():
        number = int(designation)
    h, g, *elements = values.values()
    return (designation, number, name, _EPOCHS[packed], *elements, h, g)


def _number(name: str, text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        if name in _MAY_LACK and not text.strip():
            return None
        raise ValueError(f"{name} {text.strip()!r} is no number") from None


def _check(values: dict[str, float | None]) -> None:
    for name, value in values.items():
        if value is not None and not np.isfinite(value):
            raise ValueError(f"{name} {value} is no number")
    e, a = values["eccentricity"], values["axis"]
    if e is None or not 0 <= e < 1:
        raise ValueError(f"eccentricity {e} is not of an ellipse (0 to below 1)")
    if a is None or a <= 0:
        raise ValueError(f"axis {a} au is not above 0")

"""Tables as astronomers hold them: QTable with units; Arrow and pandas are a step away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, QTable
from astropy.time import Time
from astropy.units import Quantity

from gueststar.columns import COLUMNS
from gueststar.errors import BadInput, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


class Result(QTable):  # type: ignore[misc]
    """An answer: an astropy :class:`~astropy.table.QTable` with units and descriptions.

    Unknown numbers are NaN, unknown integers and texts are masked. ``meta["truncated"]`` says
    that there are more rows than were asked for.
    """

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Result:
        """Build from an Arrow table whose column names mean what they mean everywhere."""
        new = cls({name: _column(name, table.column(name)) for name in table.column_names})
        for name in table.column_names:
            if name in COLUMNS:
                new[name].info.description = COLUMNS[name].text
        metadata = table.schema.metadata or {}
        if metadata.get(b"gueststar.truncated") == b"1":
            new.meta["truncated"] = True
        return new

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table; units are in the metadata of its fields."""
        arrays, fields = [], []
        for name in self.colnames:
            array, unit = _array(self[name])
            arrays.append(array)
            metadata = {"unit": unit} if unit else None
            fields.append(pa.field(name, array.type, metadata=metadata))
        return pa.table(arrays, schema=pa.schema(fields))

    def to_pandas(self, *args: Any, **options: Any) -> pd.DataFrame:
        """Return a :class:`pandas.DataFrame`; options as :meth:`pyarrow.Table.to_pandas`."""
        return self.to_arrow().to_pandas(*args, **options)

    @property
    def coord(self) -> SkyCoord:
        """Positions, ICRS, from ``ra`` and ``dec``."""
        return SkyCoord(self._needed("ra"), self._needed("dec"))

    @property
    def time(self) -> Time:
        """Times of ``mjd_tai``, scale TAI."""
        return Time(self._needed("mjd_tai").to_value("d"), format="mjd", scale="tai")

    def _needed(self, name: str) -> Any:
        if name not in self.colnames:
            hint = did_you_mean(name, self.colnames)
            raise BadInput(f"this table has no column {name!r}.{hint}")
        return self[name]


def _column(name: str, column: pa.ChunkedArray) -> Any:
    kind = column.type
    unit = COLUMNS[name].unit if name in COLUMNS else ""
    if pa.types.is_floating(kind):
        values = column.to_numpy()
        return Quantity(values, unit, dtype=values.dtype) if unit else Column(values)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        filled = column.fill_null(False if pa.types.is_boolean(kind) else 0)
        return _masked(filled.to_numpy(), column)
    if pa.types.is_string(kind):
        return _masked(np.array(column.fill_null("").to_pylist(), dtype=str), column)
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    return Column(values)


def _masked(values: np.ndarray, column: pa.ChunkedArray) -> Column:
    if not column.null_count:
        return Column(values)
    return MaskedColumn(values, mask=column.is_null().to_numpy())


def _array(column: Any) -> tuple[pa.Array, str]:
    if isinstance(column, Quantity):
        return pa.array(column.value, from_pandas=True), str(column.unit)
    if isinstance(column, Time):
        return pa.array(column.tai.mjd), "d"
    if isinstance(column, SkyCoord):
        return pa.array(column.icrs.to_string("decimal", precision=9)), ""
    mask = getattr(column, "mask", None)
    values = np.asarray(column)
    if values.dtype.kind in "US":
        values = values.astype(str).astype(object)
    flags = None if mask is None else np.broadcast_to(np.asarray(mask), values.shape)
    from_pandas = values.dtype.kind == "f"
    return pa.array(values, mask=flags, from_pandas=from_pandas), str(column.unit or "")

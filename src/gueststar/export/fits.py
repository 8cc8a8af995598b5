"""FITS: a binary table. Its head says how many rows come, so they wait in a file until then.

See the FITS standard, version 4.0 (https://fits.gsfc.nasa.gov/fits_standard.html).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits

from gueststar.columns import COLUMNS
from gueststar.export.flat import flat_field, flattened
from gueststar.export.writers import Writer

BLOCK = 2880  # bytes
_NUMBERS = {  # FITS letter and null by Arrow type
    pa.int64(): ("K", -(2**63)),
    pa.int32(): ("J", -(2**31)),
    pa.int16(): ("I", -(2**15)),
    pa.float64(): ("D", None),
    pa.float32(): ("E", None),
    pa.bool_(): ("L", None),
}


class FitsWriter(Writer):
    """A FITS file with one binary table; unknown numbers are TNULL or NaN, texts empty."""

    def begin(self) -> None:
        """Make room for the rows."""
        self._flat = pa.schema([flat_field(field) for field in self.schema])
        self._aside = tempfile.TemporaryFile(dir=self.scratch)  # noqa: SIM115 (closed in close)
        stream = pa.schema([_stored(field) for field in self._flat])
        self._stream = pa.ipc.new_stream(self._aside, stream)
        self._stored = stream
        self._rows = 0
        self._widths = {f.name: 1 for f in self._flat if pa.types.is_string(f.type)}

    def write(self, table: pa.Table) -> None:
        """Put rows aside."""
        columns = [
            _ascii(column) if name in self._widths else column
            for name, column in zip(self._flat.names, flattened(table).columns, strict=True)
        ]
        for name, column in zip(self._flat.names, columns, strict=True):
            if name in self._widths:
                longest = pa.compute.max(pa.compute.binary_length(column)).as_py() or 0
                self._widths[name] = max(self._widths[name], longest)
        self._stream.write_table(pa.table(columns, schema=self._stored))
        self._rows += table.num_rows

    def finish(self) -> None:
        """Write the head, and the rows that waited."""
        self._stream.close()
        self._aside.seek(0)
        columns = [self._column(field) for field in self._flat]
        table = fits.BinTableHDU.from_columns(fits.ColDefs(columns), nrows=0)
        self._describe(table.header)
        self.file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        self.file.write(table.header.tostring().encode("ascii"))
        written = 0
        for data in self._data():
            self.file.write(data)
            written += len(data)
        self.file.write(bytes(-written % BLOCK))

    def close(self) -> None:
        """Drop what waits."""
        super().close()
        self._aside.close()

    def _describe(self, header: fits.Header) -> None:
        header["NAXIS2"] = self._rows
        header["EXTNAME"] = "GUESTSTAR"
        header["CREATOR"] = self.about.creator
        header["HISTORY"] = self.about.title.encode("ascii", "backslashreplace").decode()
        for number, name in enumerate(self._flat.names, 1):
            if name in COLUMNS:
                header.set(f"TCOMM{number}", COLUMNS[name].text, after=f"TFORM{number}")

    def _column(self, field: pa.Field) -> fits.Column:
        unit = COLUMNS[field.name].unit if field.name in COLUMNS else ""
        if field.name in self._widths:
            return fits.Column(field.name, f"{self._widths[field.name]}A")
        letter, null = _NUMBERS[field.type]
        return fits.Column(field.name, letter, unit=unit or None, null=null)

    def _data(self) -> Iterator[bytes]:
        kinds = [(f.name, _kind(f, self._widths.get(f.name))) for f in self._flat]
        with pa.ipc.open_stream(self._aside) as stream:
            for batch in stream:
                made = np.zeros(batch.num_rows, dtype=kinds)
                for field in self._flat:
                    made[field.name] = _values(batch.column(field.name))
                yield made.tobytes()


def _stored(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.binary() if pa.types.is_string(field.type) else field.type)


def _ascii(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """FITS has ASCII alone: other characters are written as Python writes them in a string."""
    texts = column.to_pylist()
    values = [None if t is None else t.encode("ascii", "backslashreplace") for t in texts]
    return pa.chunked_array([pa.array(values, pa.binary())])


def _kind(field: pa.Field, width: int | None) -> Any:
    if width is not None:
        return f"S{width}"
    return {"K": ">i8", "J": ">i4", "I": ">i2", "D": ">f8", "E": ">f4", "L": "S1"}[
        _NUMBERS[field.type][0]
    ]


def _values(column: pa.Array) -> Any:
    if pa.types.is_binary(column.type):
        return np.array(column.fill_null(b"").to_pylist(), dtype=object).astype(bytes)
    if pa.types.is_boolean(column.type):
        return np.array([{True: b"T", False: b"F", None: b""}[v] for v in column.to_pylist()], "S1")
    null = _NUMBERS[column.type][1]
    return column.fill_null(np.nan if null is None else null).to_numpy(zero_copy_only=False)

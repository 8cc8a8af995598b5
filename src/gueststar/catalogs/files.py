"""Tables in files, read in pieces: Parquet, FITS, CSV and VOTable."""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np
import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean

ROWS = 50_000  # of a piece


@dataclass(frozen=True)
class TableFile:
    """A table in a file.

    Parameters
    ----------
    path : Path
    names : tuple of str
        Its columns.
    pieces : callable
        Given names of columns, yields tables of at most :data:`ROWS` rows.
    units : mapping of str to str
        Units of columns, where the file tells.
    rows : int or None
        How many it has, where that is known before it is read.
    """

    path: Path
    names: tuple[str, ...]
    pieces: Callable[[Sequence[str]], Iterator[pa.Table]]
    units: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None

    def read(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield the table piece by piece.

        Raises
        ------
        BadInput
            If there is no such column, or the file is damaged.
        """
        for name in names:
            if name not in self.names:
                raise BadInput(
                    f"{self.path} has no column {name!r}.{did_you_mean(name, self.names)}"
                )
        with _damage(self.path):
            pieces = self.pieces(names)
        while True:
            with _damage(self.path):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece


_OF_DAMAGE = (
    OSError, ValueError, EOFError, TypeError, IndexError, KeyError, SyntaxError, ExpatError,
    zlib.error,
)  # fmt: skip


class _damage:
    """Turns what readers say of a damaged file into a sentence of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")  # of astropy, on units and old standards

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        self._warnings.__exit__(None, None, None)
        if isinstance(error, FileNotFoundError | PermissionError | BadInput):
            return
        if isinstance(error, _OF_DAMAGE):
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise BadInput(
                f"{self.path} is cut or damaged, or no Parquet, FITS, CSV or VOTable: {first}"
            ) from error


def open_table(path: Path) -> TableFile:
    """Open a table; its kind is told by its first bytes.

    Raises
    ------
    BadInput
        If it is empty, cut, or of another kind.
    """
    try:
        if not path.stat().st_size:
            raise BadInput(f"{path} is empty")
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    with _damage(path):
        with _plain(path) as file:
            head = file.read(512)
        return _opener(head)(path)


def _opener(head: bytes) -> Callable[[Path], TableFile]:
    if head.startswith(b"PAR1"):
        return _parquet
    if head.startswith(b"SIMPLE"):
        return _fits
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"<?xml", b"<VOTABLE")):
        return _votable
    if b"\0" in head:
        raise ValueError("it is no text")
    return _csv


def _parquet(path: Path) -> TableFile:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)

    def pieces(names: Sequence[str]) -> Iterator[pa.Table]:
        for batch in file.iter_batches(ROWS, columns=list(names)):
            yield pa.Table.from_batches([batch])

    return TableFile(path, tuple(file.schema_arrow.names), pieces, rows=file.metadata.num_rows)


#: The first line of the TNS's lists says from when they are.
_STAMP = re.compile(rb'"?\d{4}-\d\d-\d\d[\d :-]*"?')


def _csv(path: Path) -> TableFile:
    import pyarrow.csv as pc

    with _plain(path) as file:
        skipped, header = 0, file.readline()
        while header.startswith(b"#") or _STAMP.fullmatch(header.strip()):
            skipped, header = skipped + 1, file.readline()
    delimiter = max(",\t;|", key=lambda one: header.count(one.encode()))
    parsing = pc.ParseOptions(delimiter=delimiter)
    reading = pc.ReadOptions(skip_rows=skipped)

    def opened(names: Sequence[str]) -> pc.CSVStreamingReader:
        converting = pc.ConvertOptions(
            include_columns=list(names), column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
        )  # fmt: skip
        source = pa.input_stream(str(path), compression="detect")
        return pc.open_csv(
            source, read_options=reading, parse_options=parsing, convert_options=converting
        )

    def pieces(names: Sequence[str]) -> Iterator[pa.Table]:
        with opened(names) as reader:
            for batch in reader:
                yield from _cut(pa.Table.from_batches([batch]))

    with opened(()) as reader:
        names = tuple(reader.schema.names)
    return TableFile(path, names, pieces)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _plain(path: Path) -> Any:
    return gzip.open(path) if _is_packed(path) else path.open("rb")


def _cut(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, ROWS):
        yield table.slice(start, ROWS)


def _fits(path: Path) -> TableFile:
    from astropy.io import fits

    hdus = fits.open(path, memmap=True, lazy_load_hdus=True)
    table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)), None)
    if table is None:
        hdus.close()
        raise ValueError("it has no table")
    end = table.fileinfo()["datLoc"] + table.header["NAXIS1"] * table.header["NAXIS2"]
    if not _is_packed(path) and path.stat().st_size < end:
        hdus.close()
        raise ValueError(f"its table ends at byte {end:,}, the file at {path.stat().st_size:,}")
    rows = int(table.header["NAXIS2"])

    def pieces(names: Sequence[str]) -> Iterator[pa.Table]:
        with hdus:
            for start in range(0, rows, ROWS):
                part = table.data[start : start + ROWS]
                yield pa.table({name: _array(part[name]) for name in names})

    units = {column.name: column.unit for column in table.columns if column.unit}
    return TableFile(path, tuple(table.columns.names), pieces, units, rows)


def _votable(path: Path) -> TableFile:
    """VOTable is XML: it is read whole."""
    from astropy.io.votable import parse_single_table

    table = parse_single_table(str(path)).to_table(use_names_over_ids=True)
    units = {name: str(table[name].unit) for name in table.colnames if table[name].unit}

    def pieces(names: Sequence[str]) -> Iterator[pa.Table]:
        for start in range(0, len(table), ROWS):
            part = table[start : start + ROWS]
            yield pa.table({name: _array(part[name]) for name in names})

    return TableFile(path, tuple(table.colnames), pieces, units, len(table))


def _array(column: Any) -> pa.Array:
    """Return a column of astropy's as Arrow: this machine's byte order, texts decoded."""
    mask = getattr(column, "mask", None)
    values = np.asarray(column)
    if values.dtype.kind in "SU":
        values = np.char.strip(values.astype(str)).astype(object)
    elif values.dtype.byteorder not in "=|":
        values = values.astype(values.dtype.newbyteorder("="))
    if values.ndim > 1:
        raise BadInput("a column holds several numbers a row; keep another")
    flags = None if mask is None else np.broadcast_to(np.asarray(mask), values.shape)
    return pa.array(values, mask=flags)

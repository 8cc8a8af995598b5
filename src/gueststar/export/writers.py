"""The formats of an export, each a writer that is given one table after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from gueststar import __version__
from gueststar.columns import COLUMNS
from gueststar.export.flat import flat_field, flattened, rows_of

PARQUET_ROWS = 100_000  # of a row group
_CREATOR = f"gueststar {__version__}"


@dataclass(frozen=True)
class About:
    """What a file says of itself.

    Parameters
    ----------
    title : str
        What it holds, and by which conditions.
    """

    title: str
    creator: str = _CREATOR


class Writer(ABC):
    """Writes tables of one schema into one file.

    Parameters
    ----------
    file : file object
        For binary writing; it is only written forward, and not closed.
    schema : pyarrow.Schema
    about : About
    scratch : Path or None
        Folder for what must be put aside; None for the system's own.
    """

    def __init__(
        self, file: BinaryIO, schema: pa.Schema, about: About, scratch: Path | None
    ) -> None:
        self.file = Forward(file)
        self.schema, self.about, self.scratch = schema, about, scratch
        self.begin()

    def begin(self) -> None:
        """Write what stands before the rows."""
        return

    @abstractmethod
    def write(self, table: pa.Table) -> None:
        """Write some rows."""

    def finish(self) -> None:
        """Write what stands behind the rows."""
        return

    def close(self) -> None:
        """Let go of everything; what is not finished stays so."""
        self.file.abandon()


class CsvWriter(Writer):
    """CSV: a header, unknown values empty, integers in all their digits."""

    def begin(self) -> None:
        """Write the header."""
        flat = pa.schema([flat_field(field) for field in self.schema])
        self._csv = pyarrow.csv.CSVWriter(self.file, flat)

    def write(self, table: pa.Table) -> None:
        """Write some rows."""
        self._csv.write_table(flattened(table))

    def finish(self) -> None:
        """Flush."""
        self._csv.close()


class ParquetWriter(Writer):
    """Parquet with units and descriptions in the metadata of its columns."""

    def begin(self) -> None:
        """Open it."""
        self._described = described(self.schema, self.about)
        self._parquet = pq.ParquetWriter(self.file, self._described, compression="zstd")
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        """Gather rows; write them as a row group when they are enough."""
        self._waiting.append(_cast(table, self._described))
        self._rows += table.num_rows
        if self._rows >= PARQUET_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        self._parquet.write_table(pa.concat_tables(self._waiting))
        self._waiting, self._rows = [], 0

    def finish(self) -> None:
        """Write the rest and the footer."""
        if self._rows:
            self._write_group()
        self._parquet.close()


class ArrowWriter(Writer):
    """An Arrow IPC stream."""

    def begin(self) -> None:
        """Write the schema."""
        self._described = described(self.schema, self.about)
        self._stream = pa.ipc.new_stream(self.file, self._described)

    def write(self, table: pa.Table) -> None:
        """Write some rows."""
        self._stream.write_table(_cast(table, self._described))

    def finish(self) -> None:
        """Write the end mark, without which a reader knows that it lacks something."""
        self._stream.close()


class JsonLinesWriter(Writer):
    """JSON, a row a line: ids as strings, unknown values null, bytes as digits."""

    def write(self, table: pa.Table) -> None:
        """Write some rows."""
        lines = [orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows_of(table)]
        self.file.write(b"".join(lines))


class Forward:
    """A file that Arrow's writers may write to and not close: its owner does that."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._open = True
        self._at = 0

    def abandon(self) -> None:
        """Write no more: Arrow's writers end a file when they are collected, finished or not."""
        self._open = False

    def write(self, data: bytes) -> int:
        """Write on."""
        view = memoryview(data)
        if self._open:
            self._file.write(view)
        self._at += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Return how much was written."""
        return self._at

    def flush(self) -> None:
        """Leave it to the owner."""

    def close(self) -> None:
        """Leave it to the owner."""

    def writable(self) -> bool:
        """Tell that it may be written."""
        return True

    def readable(self) -> bool:
        """Tell that it may not be read."""
        return False

    def seekable(self) -> bool:
        """Tell that it goes forward alone."""
        return False


def described(schema: pa.Schema, about: About) -> pa.Schema:
    """Return a schema whose fields say unit and description; columns without a type are texts."""
    fields = []
    for field in schema:
        kind = pa.string() if pa.types.is_null(field.type) else field.type
        meaning = COLUMNS.get(field.name)
        facts = {} if meaning is None else {"unit": meaning.unit, "description": meaning.text}
        kept = {name: fact for name, fact in facts.items() if fact}
        fields.append(pa.field(field.name, kind, field.nullable, kept or None))
    return pa.schema(fields, {"title": about.title, "creator": about.creator})


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return pa.table(table.cast(schema).columns, schema=schema)


def _votable(*given: object) -> Writer:
    from gueststar.export.votable import VotableWriter  # brings astropy

    return VotableWriter(*given)  # type: ignore[arg-type]


def _fits(*given: object) -> Writer:
    from gueststar.export.fits import FitsWriter  # brings astropy

    return FitsWriter(*given)  # type: ignore[arg-type]


#: What makes a writer, by format; HATS is a folder, see :mod:`gueststar.export.hats`.
WRITERS: dict[str, Callable[[BinaryIO, pa.Schema, About, Path | None], Writer]] = {
    "parquet": ParquetWriter,
    "csv": CsvWriter,
    "votable": _votable,
    "fits": _fits,
    "arrow": ArrowWriter,
    "jsonl": JsonLinesWriter,
}
FORMATS = (*WRITERS, "hats")

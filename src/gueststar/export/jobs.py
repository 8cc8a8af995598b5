"""An export from beginning to end: read, write aside, name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from gueststar.errors import BadInput, did_you_mean
from gueststar.export.hats import ROWS, HatsWriter
from gueststar.export.rows import MOST_SQL, Readable, rows
from gueststar.export.target import new_file, new_folder
from gueststar.export.wanted import Wanted
from gueststar.export.writers import FORMATS, WRITERS, About, Writer

_ENDINGS = {
    ".parquet": "parquet", ".csv": "csv", ".vot": "votable", ".votable": "votable",
    ".xml": "votable", ".fits": "fits", ".fit": "fits", ".arrow": "arrow", ".arrows": "arrow",
    ".hats": "hats", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip

Tell = Callable[[int], None]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    path : Path
    rows : int
    form : str
    """

    path: Path
    rows: int
    form: str


def export(
    store: Readable,
    wanted: Wanted,
    to: str | Path,
    *,
    form: str | None = None,
    overwrite: bool = False,
    rows_per_file: int = ROWS,
    most_sql: int = MOST_SQL,
    tell: Tell | None = None,
) -> Exported:
    """Write what is wanted into a file, or into a folder for ``hats``.

    Parameters
    ----------
    store : Readable
        A store, or one behind a server.
    wanted : Wanted
    to : str or Path
        It appears whole or not at all.
    form : str, optional
        One of :data:`FORMATS`; default: what the name's ending says.
    overwrite : bool
        Replace what has this name.
    rows_per_file : int
        Of ``hats``: rows of one file.
    most_sql : int
        Rows of a query at most.
    tell : callable, optional
        Told of the rows of each page when they are written.

    Raises
    ------
    BadInput
        If that cannot be selected, or not be written there.
    ExportError
        If it cannot be written; nothing is left behind.

    Examples
    --------
    >>> export(store, Wanted.of("objects"), "objects.fits")      # doctest: +SKIP
    """
    path = Path(to).expanduser().absolute()
    form = form_of(path, form)
    told = tell or (lambda _: None)
    if form == "hats":
        if rows_per_file < 1:
            raise BadInput(f"rows_per_file: {rows_per_file} cannot be: give 1 or more")
        with new_folder(path, overwrite=overwrite) as folder:
            schema, tables = rows(store, wanted, places=True, most_sql=most_sql)
            kind = "object" if wanted.what == "objects" else "source"
            about = About(title_of(wanted))
            writer = HatsWriter(folder, schema, about, path.stem, kind, rows_per_file)
            count = _pour(tables, writer, told)
    else:
        with new_file(path, overwrite=overwrite) as file:
            schema, tables = rows(store, wanted, most_sql=most_sql)
            count = write_rows(file, form, schema, tables, wanted, told, path.parent)
    return Exported(path, count, form)


def write_rows(
    file: BinaryIO,
    form: str,
    schema: pa.Schema,
    tables: Iterator[pa.Table],
    wanted: Wanted,
    tell: Tell,
    scratch: Path | None = None,
) -> int:
    """Write rows into an open file, and return how many they were."""
    return _pour(tables, WRITERS[form](file, schema, About(title_of(wanted)), scratch), tell)


def _pour(tables: Iterator[pa.Table], writer: Writer | HatsWriter, tell: Tell) -> int:
    count = 0
    with closing(writer):
        for table in tables:
            writer.write(table)
            count += table.num_rows
            tell(table.num_rows)
        writer.finish()
    return count


def title_of(wanted: Wanted) -> str:
    """Say in a line what is exported.

    Examples
    --------
    >>> title_of(Wanted.of("alerts", night=20240101, band="r"))
    'alerts with night = 20240101, band = r'
    """
    if wanted.sql is not None:
        return f"{wanted.what} of the query {' '.join(wanted.sql.split())}"
    said = ", ".join(f"{name} = {value}" for name, value in wanted.conditions)
    return f"{wanted.what} with {said}" if said else wanted.what


def form_of(path: Path, form: str | None) -> str:
    """Return the format that is asked for, or that a name's ending says.

    Raises
    ------
    BadInput
        If there is no such format.
    """
    if form is None:
        form = _ENDINGS.get(path.suffix.lower())
        if form is None:
            raise BadInput(
                f"{path.name}: its ending names no format: give --format, or one of "
                f"{', '.join(_ENDINGS)}"
            )
    if form not in FORMATS:
        raise BadInput(f"format: {form!r} is not one of them.{did_you_mean(form, FORMATS)}")
    return form

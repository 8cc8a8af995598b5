"""``gueststar query`` and ``gueststar cone``: ask the store."""

from __future__ import annotations

from base64 import b64encode
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, Store, out, print_json
from gueststar.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SHOWN_ROWS = 50
LONG = frozenset({"alert_id", "healpix29"})  # may be above 2**53: strings in JSON, always


class Format(StrEnum):
    """How rows are printed."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"
    votable = "votable"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(query)
    # A negative declination looks like an option that is not known.
    app.command(context_settings={"ignore_unknown_options": True})(cone)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help='"SELECT ..." in quotes.')],
    store: Store = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    output: Annotated[
        Path | None, typer.Option(help="File for csv, parquet and votable.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 10_000,
) -> None:
    """Ask in SQL: the views alerts, scores, objects, lightcurves, ledger.

    Examples:

      gueststar query "SELECT object_id, mag FROM alerts WHERE mag < 18"

      gueststar query "SELECT module, count(*), avg(value) FROM scores GROUP BY module"
    """
    from gueststar.store import open_store

    with open_store(store, read_only=True) as source:
        table = source.sql(sql, limit=limit)
    show_rows(table, format, output)


def cone(
    ra: Annotated[float, typer.Argument(help="Right ascension, deg (ICRS).")],
    dec: Annotated[float, typer.Argument(help="Declination, deg (ICRS).")],
    radius_arcsec: Annotated[float, typer.Argument(help="Radius, arcsec.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Find the objects near a position, nearest first.

    Example:

      gueststar cone 150.1 -5.2 3
    """
    from gueststar.store import open_store

    with open_store(store, read_only=True) as source:
        table = source.cone(ra, dec, radius_arcsec)
    show_rows(table, Format.json if json else Format.table, None)


def show_rows(table: pa.Table, format: Format, output: Path | None) -> None:
    """Print a table, or write it to a file."""
    if format is Format.table:
        out.print(rich_table(table))
    elif format is Format.json:
        print_json({"columns": table.column_names, "rows": json_rows(table)})
    else:
        _write(table, format, output)


def rich_table(table: pa.Table) -> Table:
    """Lay out the first rows of a table for a terminal."""
    caption = f"{table.num_rows:,} rows"
    if table.num_rows > SHOWN_ROWS:
        caption += f", the first {SHOWN_ROWS} shown (--format csv for all)"
    shown = Table(
        *map(escape, table.column_names), box=None, caption=caption, caption_justify="left"
    )
    for row in table.slice(0, SHOWN_ROWS).to_pylist():
        shown.add_row(*(_cell(value) for value in row.values()))
    return shown


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]null[/]"
    if isinstance(value, bytes):
        return f"[dim]{len(value):,} bytes[/]"
    return f"{value:.6g}" if isinstance(value, float) and abs(value) < 1e4 else escape(str(value))


def json_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON objects; integers beyond 2**53 are strings, bytes are base64."""
    rows: list[dict[str, Any]] = _as_text(table).to_pylist()
    for row in rows:
        for name, value in row.items():
            large = isinstance(value, int) and abs(value) > 2**53
            if large or (name in LONG and value is not None):
                row[name] = str(value)
    return rows


def _as_text(table: pa.Table) -> pa.Table:
    """Give bytes as base64, for formats that hold text only."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            column = [
                None if b is None else b64encode(b).decode() for b in table[place].to_pylist()
            ]
            table = table.set_column(place, field.name, pa.array(column, pa.string()))
    return table


def _masked(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Give a column as VOTable wants it: null is NaN, a masked integer or an empty string."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_string(column.type):
        return np.array(column.fill_null("").to_pylist(), dtype=str)
    if pa.types.is_integer(column.type):
        values = column.fill_null(0).to_numpy()
        return np.ma.MaskedArray(values, mask=column.is_null().to_numpy())
    return np.asarray(column.to_numpy())


def _write(table: pa.Table, format: Format, output: Path | None) -> None:
    if format is Format.csv and output is None:
        import pyarrow as pa
        import pyarrow.csv as pc

        sink = pa.BufferOutputStream()
        pc.write_csv(_as_text(table), sink)
        typer.echo(sink.getvalue().to_pybytes().decode(), nl=False)
        return
    if output is None:
        raise BadInput(f"--format {format} needs a file: --output rows.{format}")
    _write_file(table, format, output)


def _write_file(table: pa.Table, format: Format, output: Path) -> None:
    if format is Format.parquet:
        import pyarrow.parquet as pq

        pq.write_table(table, output, compression="zstd")
    elif format is Format.csv:
        import pyarrow.csv as pc

        pc.write_csv(_as_text(table), output)
    else:
        from astropy.table import Table as AstropyTable

        columns = {name: _masked(_as_text(table)[name]) for name in table.column_names}
        AstropyTable(columns).write(output, format="votable", overwrite=True)

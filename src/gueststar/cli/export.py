"""``gueststar export``: what a store holds, into files for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gueststar.cli.options import Json, Store, print_json, said


class What(StrEnum):
    """What is exported."""

    alerts = "alerts"
    objects = "objects"
    lightcurves = "lightcurves"
    scores = "scores"


class Form(StrEnum):
    """Formats of files."""

    parquet = "parquet"
    csv = "csv"
    votable = "votable"
    fits = "fits"
    arrow = "arrow"
    hats = "hats"


def register(app: typer.Typer) -> None:
    """Add the command."""
    # A negative declination looks like an option that is not known.
    app.command(context_settings={"ignore_unknown_options": True})(export)


def _option(help: str, **more: Any) -> Any:
    return typer.Option(help=help, show_default=False, **more)


_To = Annotated[
    Path, typer.Option("--to", help="File; for hats a folder. It appears whole or not at all.")
]
_What = Annotated[
    What | None, _option("Which view. Default: alerts; with --sql the rows of the query.")
]
_Format = Annotated[
    Form | None, _option("Default: what the name's ending says (.parquet .csv .vot .fits).")
]
_Night = Annotated[int | None, _option("Only of this night, YYYYMMDD.")]
_Survey = Annotated[str | None, _option("Only of this survey: ztf, lsst.")]
_Band = Annotated[str | None, _option("Only in this filter.")]
_Since = Annotated[
    str | None, _option("Mid-exposure at this time or later: a date (UTC), MJD (TAI).")
]
_Until = Annotated[str | None, _option("Mid-exposure at this time or earlier.")]
_Module = Annotated[
    str | None, _option("Whose newest score: a module (its first class) or MODULE_CLASS.")
]
_MinScore = Annotated[float | None, _option("Only with at least this score.")]
_MaxScore = Annotated[float | None, _option("Only with at most this score.")]
_MagMin = Annotated[float | None, _option("Only as faint as this or fainter.")]
_MagMax = Annotated[float | None, _option("Only as bright as this or brighter.")]
_MinDetections = Annotated[
    int | None, _option("Of objects and light curves: at least so many detections.")
]
_Cone = Annotated[
    tuple[float, float, float] | None,
    _option("RA DEC (deg, ICRS) RADIUS (arcsec).", metavar="RA DEC RADIUS"),
]
_Sql = Annotated[
    str | None,
    _option("A SELECT: its rows, or with --what those of its alert_id or object_id."),
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
_RowsPerFile = Annotated[int, typer.Option(min=1, help="Of hats: rows of a file.")]


def export(
    to: _To,
    what: _What = None,
    format: _Format = None,
    store: Store = None,
    night: _Night = None,
    survey: _Survey = None,
    band: _Band = None,
    since: _Since = None,
    until: _Until = None,
    module: _Module = None,
    min_score: _MinScore = None,
    max_score: _MaxScore = None,
    mag_min: _MagMin = None,
    mag_max: _MagMax = None,
    min_detections: _MinDetections = None,
    cone: _Cone = None,
    sql: _Sql = None,
    overwrite: _Overwrite = False,
    rows_per_file: _RowsPerFile = 500_000,
    json: Json = False,
) -> None:
    """Write alerts, objects, light curves or scores into a file.

    Conditions on alerts also select objects and light curves: those with such an alert.

    Examples:

      gueststar export --what alerts --night 20240131 --to night.parquet

      gueststar export --what lightcurves --module rb --min-score 0.9 --to good.vot

      gueststar export --what objects --format hats --to objects.hats
    """
    from gueststar.cli.progress import rows_bar
    from gueststar.export import Wanted, export
    from gueststar.store import open_store
    from gueststar.times import mjd_tai_of

    times = {"since": since, "until": until}
    place = dict(zip(("ra", "dec", "radius_arcsec"), cone or (), strict=False))
    wanted = Wanted.of(
        what.value if what else None,
        sql=sql,
        night=night,
        survey=survey,
        band=band,
        module=module,
        min_score=min_score,
        max_score=max_score,
        mag_min=mag_min,
        mag_max=mag_max,
        min_detections=min_detections,
        **{name: mjd_tai_of(text, name) for name, text in times.items() if text is not None},
        **place,
    )
    with open_store(store, read_only=True) as source, rows_bar("exporting", json) as tell:
        done = export(
            source,
            wanted,
            to,
            form=format.value if format else None,
            overwrite=overwrite,
            rows_per_file=rows_per_file,
            tell=tell,
        )
    if json:
        print_json({"path": str(done.path), "rows": done.rows, "format": done.form})
    else:
        said.print(f"{done.rows:,} rows in {done.path}")

"""``gueststar show OBJECT``: one object in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from gueststar.cli.options import Json, Store, out, print_json
from gueststar.cli.query import json_rows, rich_table

if TYPE_CHECKING:
    from gueststar.lightcurve import LightCurve
    from gueststar.store import ObjectRecord

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60  # characters of the sketched light curve


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(show)


def show(
    object_id: Annotated[str, typer.Argument(metavar="OBJECT", help="Such as ZTF18abdgukn.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Show one object: where it is, its light curve, its alerts and their scores."""
    from gueststar.store import open_store

    with open_store(store, read_only=True) as source:
        record = source.object(object_id)
    if json:
        print_json(as_json(record))
    else:
        _print(record)


def as_json(record: ObjectRecord) -> dict[str, Any]:
    """Return an object as JSON; ids are strings."""
    import pyarrow as pa

    return {
        "object_id": record.object_id,
        "survey": record.survey,
        "ra": record.ra,
        "dec": record.dec,
        "n_detections": record.n_detections,
        "first_mjd_tai": record.first_mjd_tai,
        "last_mjd_tai": record.last_mjd_tai,
        "alerts": json_rows(record.alerts),
        "scores": json_rows(record.scores),
        "light_curve": pa.Table.from_batches([record.light_curve.to_arrow()]).to_pylist(),
    }


def _print(record: ObjectRecord) -> None:
    out.print(
        f"[bold]{escape(record.object_id)}[/]  {record.survey}  "
        f"RA {record.ra:.6f}  Dec {record.dec:+.6f} deg (ICRS)\n{_span(record)}"
    )
    for band in record.light_curve.bands:
        out.print(f"  {band}  {sketch(record.light_curve, band)}")
    wanted = [
        name
        for name in ("alert_id", "mjd_tai", "band", "mag", "published_rb")
        if name in record.alerts.column_names
    ]
    out.print(rich_table(record.alerts.select(wanted)))
    out.print(rich_table(record.scores))


def _span(record: ObjectRecord) -> str:
    first, last = record.first_mjd_tai, record.last_mjd_tai
    if first is None or last is None:
        return "no detections"
    return f"{record.n_detections} detections, MJD {first:.3f} to {last:.3f} (TAI)"


def sketch(curve: LightCurve, band: str) -> str:
    """Draw the detections of one band in a line of text, bright is high.

    Times run from the first to the last detection of the object in any band.
    """
    import numpy as np

    seen = curve.detections
    mine = seen["band"] == band
    mag, time = seen.mag[mine], seen["mjd_tai"]
    if not np.isfinite(mag).any():
        return f"{int(mine.sum())} detections, none brighter than the reference"
    span = max(float(np.ptp(time)), 1e-9)
    place = ((time[mine] - time.min()) / span * (WIDTH - 1)).astype(int)
    low, high = np.nanmax(mag), np.nanmin(mag)
    line = [" "] * WIDTH
    for x, value in zip(place, mag, strict=True):
        if np.isfinite(value):
            line[x] = BARS[round(float((low - value) / max(low - high, 1e-9)) * (len(BARS) - 1))]
    return f"{''.join(line)}  {high:.2f} to {low:.2f} mag"

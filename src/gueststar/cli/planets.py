"""``gueststar planets``: minor planets of a file of orbits, matched with alerts."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.audit import audited
from gueststar.cli.options import Json, Store, out, print_json, said
from gueststar.cli.progress import steps_bar
from gueststar.cli.stopping import stopping

app = typer.Typer(
    name="planets",
    no_args_is_help=True,
    help="Minor planets: orbits that alerts are matched with, and where a body is.",
)
_RADIUS = "How far an alert may be from a prediction, arcsec."
_Name = Annotated[
    str | None,
    typer.Option("--name", help="Which orbits, where there are several.", show_default=False),
]
_FILE = "MPCORB.DAT of the Minor Planet Center, or a part of it; also gzip'ed."


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help=_FILE)],
    name: Annotated[str, typer.Option(help="What the orbits are called.")] = "mpc",
    radius: Annotated[float, typer.Option(help=_RADIUS)] = 5.0,
    store: Store = None,
    json: Json = False,
) -> None:
    """Bring orbits into the store; those of the same name are replaced.

    New alerts are matched from then on, as seen from the survey's telescope at mid-exposure;
    match does it for the alerts that are there.

    Examples:

      gueststar planets add MPCORB.DAT.gz

      gueststar planets add NEA.txt --name nea --radius 10
    """
    found = _add(file, name, radius, store, json)
    if json:
        print_json(found)
        return
    count = f"{found['n_orbits']:,} orbits"
    if found["new"]:
        said.print(f"[bold]{escape(name)}[/] {found['version']}: {count}")
    else:
        said.print(f"[bold]{escape(name)}[/] is there already, in this version: {count}")
    for why in found["why"]:
        said.print(f"[yellow]left out: {escape(why)}[/]")
    if found["n_left_out"] > len(found["why"]):
        said.print(f"[yellow]{found['n_left_out']:,} lines left out in all[/]")
    if found["n_waiting"]:
        where = f" --store {escape(shlex.quote(store))}" if store else ""
        said.print(
            f"{found['n_waiting']:,} alerts wait: [bold]gueststar planets match{where}[/]",
            soft_wrap=True,
        )


def _add(file: Path, name: str, radius: float, store: str | None, quiet: bool) -> dict[str, Any]:
    from gueststar.catalogs.declaration import digest_of
    from gueststar.catalogs.mpcorb import MpcFile
    from gueststar.store import open_store

    version = f"{digest_of(file)[:12]}-{radius:g}"
    lines = MpcFile(file)
    with (
        open_store(store) as target,
        audited(target, "gueststar planets add", f"orbits {name} {version}"),
        steps_bar(f"reading {file.name}", quiet) as bar,
    ):
        new = target.add_orbits(
            name,
            lines,
            version,
            source=file.name,
            radius_arcsec=radius,
            left_out=lambda: lines.left_out,
            progress=lambda n: bar.advance(bar.task_ids[0], n),
        )
        rows = target.orbit_files().to_pylist()
    return {"new": new, "why": lines.told, **next(row for row in rows if row["orbits"] == name)}


@app.command("list")
def list_orbits(store: Store = None, json: Json = False) -> None:
    """List the orbits of a store, and how many alerts match a minor planet."""
    from gueststar.store import open_store

    with open_store(store, read_only=True) as opened:
        rows = opened.orbit_files().to_pylist()
    if json:
        print_json(rows)
        return
    if not rows:
        said.print("No orbits: bring them in with [bold]gueststar planets add MPCORB.DAT[/].")
        return
    names = ("name", "orbits", "epoch", "radius", "alerts", "wait", "source", "version")
    table = Table(*names, box=None)
    for row in rows:
        table.add_row(
            row["orbits"],
            f"{row['n_orbits']:,}",
            f"MJD {row['epoch_mjd_tt']:g}",
            f"{row['radius_arcsec']:g} arcsec",
            f"{row['n_matched']:,}",
            f"{row['n_waiting']:,}",
            row["source"],
            row["version"],
        )
    out.print(table)


_AGAIN = "Also alerts that older orbits have matched, or that match nothing."


@app.command()
def match(
    name: _Name = None,
    night: Annotated[
        int | None, typer.Option(help="Only this night, YYYYMMDD.", show_default=False)
    ] = None,
    again: Annotated[bool, typer.Option("--again", help=_AGAIN)] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Match the alerts that were there before the orbits, night by night.

    All orbits are carried to each night first, which takes the longer the farther it lies from
    their epoch. After a stop or a crash the same command goes on.
    """
    from gueststar.store import open_store

    stop = threading.Event()
    about = "all orbits" if name is None else f"orbits {name}"
    with (
        open_store(store) as opened,
        audited(opened, "gueststar planets match", about),
        steps_bar("matching", json) as bar,
        stopping(stop),
    ):
        waiting = sum(
            row["n_waiting"]
            for row in opened.orbit_files().to_pylist()
            if name in (None, row["orbits"])
        )
        bar.update(bar.task_ids[0], total=waiting if night is None and not again else None)
        count = opened.match_orbits(
            name,
            night=night,
            again=again,
            stop=stop,
            progress=lambda n: bar.advance(bar.task_ids[0], n),
        )
        rows = opened.orbit_files().to_pylist()
    mine = next(row for row in rows if name in (None, row["orbits"]))
    if json:
        print_json({"matched_now": count, **mine})
        return
    said.print(f"{count:,} alerts looked at; {mine['n_matched']:,} match a minor planet")
    if mine["n_waiting"]:
        said.print(f"{mine['n_waiting']:,} wait")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Orbits, as list shows them.")], store: Store = None
) -> None:
    """Remove orbits and all their matches."""
    from gueststar.store import open_store

    about = f"orbits {name}"
    with open_store(store) as opened, audited(opened, "gueststar planets remove", about):
        opened.remove_orbits(name)
    said.print(f"Removed [bold]{escape(name)}[/] and its matches")


_AT = "A date (UTC), JD (UTC) or MJD (TAI)."
CENTRE = "geocentre"
_FROM = "Site (gueststar observe --sites), its MPC code, or lon,lat,height."
_WHO = "Number, name or designation: 433, Eros, '2020 SJ88'."


@app.command()
def where(
    designation: Annotated[str, typer.Argument(help=_WHO)],
    at: Annotated[str, typer.Option(help=_AT)],
    from_: Annotated[str, typer.Option("--from", help=_FROM)] = CENTRE,
    name: _Name = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Say where a minor planet of the store's orbits is on the sky.

    Examples:

      gueststar planets where Eros --at 2026-11-20T06:00:00 --from palomar
    """
    from gueststar.catalogs.designations import called
    from gueststar.sites import site_of
    from gueststar.store import open_store
    from gueststar.times import mjd_tai_of

    mjd = mjd_tai_of(at, "--at")
    site = None if from_ == CENTRE else site_of(from_)
    with open_store(store, read_only=True) as opened:
        orbit = opened.orbit(designation, name)
    (row,) = orbit.to_pylist()
    whom = called(row["number"], row["name"], row["designation"])
    facts = _predicted(orbit, mjd, site)
    if json:
        print_json({"called": whom, **facts})
        return
    said.print(f"[bold]{escape(whom)}[/] from {site.name if site else CENTRE}, MJD {mjd:.6f} TAI")
    table = Table("", "", box=None, show_header=False)
    for label, text in _LINES.items():
        table.add_row(label, text.format(**facts))
    out.print(table)


_LINES = {
    "ra, dec": "{ra:.6f} {dec:+.6f} deg (ICRS, astrometric)",
    "V": "{mag:.2f}",
    "from the Sun": "{r_au:.4f} au",
    "from here": "{delta_au:.4f} au",
    "phase": "{phase_deg:.1f} deg",
    "elongation": "{elongation_deg:.1f} deg",
    "motion": "{motion:.2f} arcsec/h at {motion_angle:.0f} deg",
}


def _predicted(orbit: Any, mjd: float, site: Any) -> dict[str, float]:
    from dataclasses import asdict

    import numpy as np

    from gueststar.catalogs.ephemeris import ephemeris
    from gueststar.catalogs.orbits import Orbits

    orbits = Orbits.of(orbit)
    seen = ephemeris(orbits.states(), orbits.epoch, orbits.h, orbits.g, np.array([mjd]), site)
    return {
        "mjd_tai": mjd,
        "epoch_mjd_tt": float(orbits.epoch[0]),
        **{name: float(values[0]) for name, values in asdict(seen).items()},
    }

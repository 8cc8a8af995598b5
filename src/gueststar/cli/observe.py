"""``gueststar observe OBJECT``: when it can be observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, Store, out, print_json
from gueststar.cli.query import json_rows
from gueststar.errors import BadInput

if TYPE_CHECKING:
    from gueststar.client.visibility import Observability


def register(app: typer.Typer) -> None:
    """Add the command."""
    # A position with a negative declination looks like an option that is not known.
    app.command(context_settings={"ignore_unknown_options": True})(observe)


def observe(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OBJECT...", help='Names of objects, or positions: "10:12:13.4 -02:03:04".'
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            help="A name ([cyan]--sites[/] lists them), or [cyan]lon,lat,height[/] in degrees "
            "(east, north) and metres.",
            show_default=False,
        ),
    ] = None,
    night: Annotated[
        str | None,
        typer.Option(help="Date of the evening there, 2026-11-26. Default: tonight."),
    ] = None,
    sites: Annotated[bool, typer.Option("--sites", help="List the sites that have names.")] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Say how well objects can be observed in a night at a site; nothing is fetched.

    Hours are those of astronomical darkness in which the airmass is 2 at most.

    Examples:

      gueststar observe ZTF18abdgukn --site palomar --night 2026-11-26

      gueststar observe "10:12:13.4 -02:03:04" --site "-70.75,-30.24,2663"
    """
    if sites:
        _list_sites(json)
        return
    if not what or site is None:
        raise BadInput("OBJECT and --site: say what is observed, and from where (--sites)")
    _show(what, site, night, store, json)


def _show(what: list[str], site: str, night: str | None, store: str | None, json: bool) -> None:
    from gueststar.client.broker import Broker
    from gueststar.client.places import place_of
    from gueststar.client.visibility import named_positions, observability
    from gueststar.positions import Position
    from gueststar.sites import site_of

    where = site_of(site)
    if all(isinstance(place_of(one), Position) for one in what):  # then no store is needed
        seen = observability(*named_positions(what, None), where, night)
    else:
        with Broker(store) as broker:
            seen = broker.observability(what, where, night)
    if json:
        print_json({**seen.table.meta, "rows": json_rows(seen.table.to_arrow())})
    else:
        _print(seen)


def _print(seen: Observability) -> None:
    facts = seen.table.meta
    dusk, dawn = facts["dusk_utc"], facts["dawn_utc"]
    out.print(
        f"[bold]{escape(facts['site'])}[/], night of {facts['night']}: "
        f"{facts['dark_hours']:.1f} h of astronomical darkness"
        + (f", {dusk[11:16]} to {dawn[11:16]} UTC" if dusk and dawn else "")
        + f"; Moon {100 * facts['moon_illumination']:.0f} %"
    )
    shown = Table("object", "hours", "best (UTC)", "altitude", "airmass", "Moon", "", box=None)
    for row in seen.table.to_arrow().to_pylist():
        numbers = [row[one] for one in ("best_altitude", "best_airmass", "moon_distance")]
        formats = ("{:.0f}°", "{:.2f}", "{:.0f}°")
        told = ["" if n is None else f.format(n) for f, n in zip(formats, numbers, strict=True)]
        best = (row["best_utc"] or "")[11:]
        shown.add_row(escape(row["name"]), f"{row['hours']:.1f}", best, *told, row["note"])
    out.print(shown)


def _list_sites(json: bool) -> None:
    from gueststar.sites import SITES

    if json:
        print_json({name: vars(site) for name, site in SITES.items()})
        return
    shown = Table("name", "site", "lon", "lat", "m", "MPC", "time zone", box=None)
    for name, site in sorted(SITES.items()):
        numbers = f"{site.lon:.4f}", f"{site.lat:.4f}", f"{site.height:.0f}"
        shown.add_row(name, escape(site.name), *numbers, site.mpc or "", site.zone or "")
    out.print(shown)

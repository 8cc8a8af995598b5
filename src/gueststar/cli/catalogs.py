"""``gueststar catalogs``: facts from outside that objects are matched with."""

from __future__ import annotations

import re
import shlex
import threading
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.catalogs.declaration import KINDS, Declaration, columns_named
from gueststar.cli.audit import audited
from gueststar.cli.options import Json, Store, out, print_json, said
from gueststar.cli.progress import steps_bar
from gueststar.cli.stopping import stopping
from gueststar.errors import BadInput

app = typer.Typer(
    name="catalogs",
    no_args_is_help=True,
    help="Catalogues that objects are matched with: add, list, match, remove.",
)


class Unit(StrEnum):
    """What right ascensions are counted in."""

    deg = "deg"
    hour = "hour"


def _option(text: str) -> Any:
    return typer.Option(help=text, show_default=False)


_SHAPE = "Columns of galaxies' semi-axes (arcsec) and angle (deg, north over east): a,b,pa."
_MODE = "What matches: nearest, all, or host. Default: host with a redshift or a shape."


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="Parquet, FITS, CSV or VOTable; also gzip'ed.")],
    name: Annotated[str | None, _option("What it is called. Default: after the file.")] = None,
    ra: Annotated[str, typer.Option(help="Column of the right ascension, ICRS.")] = "ra",
    dec: Annotated[str, typer.Option(help="Column of the declination, ICRS.")] = "dec",
    ra_unit: Annotated[Unit | None, _option("Default: what the file says, else deg.")] = None,
    id: Annotated[str | None, _option("Column that names a source. Default: its row.")] = None,
    columns: Annotated[str | None, _option("Columns that are kept with a match: a,b,c.")] = None,
    redshift: Annotated[str | None, _option("Column of the redshift.")] = None,
    shape: Annotated[str | None, _option(_SHAPE)] = None,
    pm: Annotated[str | None, _option("Columns of the proper motion, mas/yr: pmra,pmdec.")] = None,
    epoch: Annotated[float | None, _option("Julian year of the positions, with --pm.")] = None,
    kind: Annotated[str, typer.Option(help=f"What its sources are: {', '.join(KINDS)}.")] = "other",
    mode: Annotated[str | None, _option(_MODE)] = None,
    radius: Annotated[float | None, _option("arcsec. Default: 2, of hosts 60.")] = None,
    kpc: Annotated[float, typer.Option(help="Largest projected distance of a host.")] = 30.0,
    store: Store = None,
    json: Json = False,
) -> None:
    """Bring a catalogue into the store; one of the same name is replaced.

    New alerts are matched with it from then on; match does it for the objects that are there.

    Examples:

      gueststar catalogs add gaia.parquet --columns parallax,phot_g_mean_mag --kind star

      gueststar catalogs add glade.fits --ra RAJ2000 --dec DEJ2000 --redshift z --kind galaxy
    """
    if len(motion := columns_named(pm)) not in (0, 2):
        raise BadInput("--pm: name two columns: pmra,pmdec")
    pm_ra, pm_dec = motion or (None, None)
    declaration = Declaration(
        name=name or re.sub(r"\W+", "_", file.name.partition(".")[0].lower()),
        ra=ra,
        dec=dec,
        id=id,
        columns=columns_named(columns),
        redshift=redshift,
        shape=columns_named(shape),
        pm_ra=pm_ra,
        pm_dec=pm_dec,
        epoch=epoch,
        kind=kind,
        mode=mode,  # type: ignore[arg-type]  # it checks what it is given
        radius_arcsec=radius,
        kpc=kpc,
        hours=None if ra_unit is None else ra_unit is Unit.hour,
    )
    found = _add(file, declaration, store, json)
    print_json(found) if json else _describe(found, store)


def _add(file: Path, declaration: Declaration, store: str | None, quiet: bool) -> dict[str, Any]:
    from gueststar.catalogs.declaration import digest_of
    from gueststar.catalogs.files import open_table
    from gueststar.catalogs.sources import Sources
    from gueststar.store import open_store

    table = open_table(file)
    sources = Sources(declaration, table)
    version = declaration.version_of(digest_of(file))
    about = f"catalogue {declaration.name} {version}"
    with (
        open_store(store) as target,
        audited(target, "gueststar catalogs add", about),
        steps_bar(f"reading {file.name}", quiet) as bar,
    ):
        bar.update(bar.task_ids[0], total=table.rows)
        new = target.add_catalogue(
            declaration,
            sources,
            version,
            left_out=lambda: sources.left_out,
            progress=lambda n: bar.advance(bar.task_ids[0], n),
        )
        rows = target.catalogues().to_pylist()
    return {"new": new, **next(row for row in rows if row["catalogue"] == declaration.name)}


def _describe(found: dict[str, Any], store: str | None) -> None:
    name, sources = found["catalogue"], f"{found['n_sources']:,} sources"
    if not found["new"]:
        said.print(f"[bold]{name}[/] is there already, in this version: {sources}")
    else:
        said.print(f"[bold]{name}[/] {found['version']}: {sources}")
    if found["n_left_out"]:
        said.print(f"[yellow]{found['n_left_out']:,} rows left out: they have no position[/]")
    if found["n_waiting"]:
        where = f" --store {escape(shlex.quote(store))}" if store else ""
        said.print(
            f"{found['n_waiting']:,} objects wait: [bold]gueststar catalogs match {name}{where}[/]",
            soft_wrap=True,
        )


@app.command("list")
def list_catalogues(store: Store = None, json: Json = False) -> None:
    """List the catalogues of a store, and how many objects match in each."""
    from gueststar.store import open_store

    with open_store(store, read_only=True) as opened:
        rows = opened.catalogues().to_pylist()
    if json:
        print_json(rows)
        return
    if not rows:
        said.print("No catalogue: bring one in with [bold]gueststar catalogs add[/].")
        return
    table = Table("name", "kind", "sources", "matches", "objects", "wait", "version", box=None)
    for row in rows:
        how = f"{row['mode']}, {row['radius_arcsec']:g} arcsec"
        numbers = [f"{row[name]:,}" for name in ("n_sources", "n_matched", "n_waiting")]
        table.add_row(
            row["catalogue"], row["source_kind"], numbers[0], how, *numbers[1:], row["version"]
        )
    out.print(table)


@app.command()
def match(
    name: Annotated[str, typer.Argument(help="A catalogue.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Match the objects that were there before a catalogue.

    After a stop or a crash the same command goes on; done again it changes nothing.
    """
    from gueststar.store import open_store

    stop = threading.Event()
    with (
        open_store(store) as opened,
        audited(opened, "gueststar catalogs match", f"catalogue {name}"),
        steps_bar(f"matching {name}", json) as bar,
        stopping(stop),
    ):
        before = [r for r in opened.catalogues().to_pylist() if r["catalogue"] == name]
        bar.update(bar.task_ids[0], total=before[0]["n_waiting"] if before else None)
        count = opened.match_catalogue(
            name, stop=stop, progress=lambda n: bar.advance(bar.task_ids[0], n)
        )
        (row,) = (r for r in opened.catalogues().to_pylist() if r["catalogue"] == name)
    if json:
        print_json({"matched_now": count, **row})
        return
    said.print(f"{count:,} objects looked at; {row['n_matched']:,} objects match in {name}")
    if row["n_waiting"]:
        said.print(f"[yellow]{row['n_waiting']:,} wait: run the same command again[/]")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A catalogue.")], store: Store = None) -> None:
    """Remove a catalogue and all its matches."""
    from gueststar.store import open_store

    about = f"catalogue {name}"
    with open_store(store) as opened, audited(opened, "gueststar catalogs remove", about):
        opened.remove_catalogue(name)
    said.print(f"Removed [bold]{escape(name)}[/] and its matches")

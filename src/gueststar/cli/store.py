"""``gueststar store``: what a store keeps where."""

from __future__ import annotations

import shlex
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.audit import audited
from gueststar.cli.options import Json, Store, out, print_json, said
from gueststar.cli.progress import steps_bar
from gueststar.cli.stopping import stopping

if TYPE_CHECKING:
    from gueststar.errors import CutoutsLost
    from gueststar.store import Store as Opened

app = typer.Typer(name="store", no_args_is_help=True, help="What a store keeps where: cutouts.")


@app.callback()
def group() -> None:
    """Keep the name of the one command."""


@app.command()
def cutouts(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Let new cutouts go there, and move those that there are: a folder, "
            "[cyan]s3://bucket/prefix[/] (extra [cyan]s3[/]; keys from AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY), or [cyan]database[/].",
            show_default=False,
        ),
    ] = None,
    new_only: Annotated[
        bool, typer.Option("--new-only", help="With --to: leave what there is where it is.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Look for every pack, and tell which are not whole.")
    ] = False,
    store: Store = None,
    json: Json = False,
) -> None:
    """Say where the cutouts of alerts lie, or move them.

    A move that was stopped goes on when it is asked for again; alerts may come in meanwhile.
    The exit code is 1 when cutouts are lost.

    Examples:

      gueststar store cutouts --to /data/stamps

      gueststar store cutouts --to s3://alerts/stamps?region=eu-central-1

      gueststar store cutouts --check
    """
    from gueststar.store import open_store

    with open_store(store, read_only=to is None) as opened:
        lost = _moved(opened, to, new_only, json) if to is not None else []
        lost += _checked(opened, json) if check else []
        places, left = opened.cutout_places(), opened.unmoved_cutouts()
    if json:
        print_json({"places": places, "left": left, "lost": [str(error) for error in lost]})
    else:
        _show(places, lost)
        if to is not None and left and not lost and not new_only:
            where = f" --store {shlex.quote(store)}" if store else ""
            again = f"gueststar store cutouts --to {shlex.quote(to)}{where}"
            said.print(f"[yellow]{left:,} alerts are left; go on: {escape(again)}[/]")
    if lost:
        raise typer.Exit(1)


def _moved(opened: Opened, to: str, new_only: bool, quiet: bool) -> list[CutoutsLost]:
    from gueststar.store.places import place_url

    about = f"cutouts to {place_url(to) or 'the database'}"
    with audited(opened, "gueststar store cutouts --to", about):
        return _moved_now(opened, to, new_only, quiet)


def _moved_now(opened: Opened, to: str, new_only: bool, quiet: bool) -> list[CutoutsLost]:
    opened.keep_cutouts_in(to)
    if new_only:
        return []
    stop = threading.Event()
    with steps_bar("moving cutouts", quiet) as bar, stopping(stop):
        bar.update(bar.task_ids[0], total=opened.unmoved_cutouts())
        return opened.move_cutouts(stop=stop, progress=lambda n: bar.advance(bar.task_ids[0], n))


def _checked(opened: Opened, quiet: bool) -> list[CutoutsLost]:
    with steps_bar("looking for packs", quiet) as bar:
        total = sum(one.get("packs", 0) for one in opened.cutout_places())
        bar.update(bar.task_ids[0], total=total)
        return list(opened.lost_cutouts(lambda n: bar.advance(bar.task_ids[0], n)))


def _show(places: list[dict[str, Any]], lost: list[CutoutsLost]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("place", "new ones go there", "holds"):
        table.add_column(name, overflow="fold")
    for one in places:
        holds = f"cutouts of {one['alerts']:,} alerts" if "alerts" in one else _packs(one)
        table.add_row(escape(one["place"]), "yes" if one["used"] else "", holds)
    out.print(table)
    for error in lost:
        out.print(f"  [red]lost[/] {escape(str(error))}", soft_wrap=True)


def _packs(one: dict[str, Any]) -> str:
    return f"{one['packs']:,} packs, {one['bytes'] / 1e6:,.1f} MB"

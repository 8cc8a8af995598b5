"""``gueststar ingest``: packets in; scored, stored and archived alerts out."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, Modules, Store, Workers, module_names, print_json, said
from gueststar.cli.progress import alerts_bar
from gueststar.cli.stopping import stopping

if TYPE_CHECKING:
    from gueststar.run.ingest import Account

SHOWN = 8  # lines of a long list


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ingest)


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Alert packets: a [cyan].avro[/] file, a folder, a [cyan].tar.gz[/] of the ZTF "
            "archive, a [cyan].parquet[/] sample, [cyan]simulate:N[:SEED][/], or "
            "[cyan]kafka://host:port/topic?group=...&until=caught-up[/].",
            show_default=False,
        ),
    ],
    store: Store = None,
    archive: Annotated[
        Path | None,
        typer.Option(help="Also write Parquet files by night into this folder."),
    ] = None,
    modules: Modules = None,
    catalogs: Annotated[
        str | None,
        typer.Option(
            help="Catalogues of the store to match with, comma-separated, or [cyan]none[/]. "
            "Default: all.",
            show_default=False,
        ),
    ] = None,
    workers: Workers = None,
    cutouts: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Where cutouts go from now on: a folder, [cyan]s3://bucket/prefix[/] (extra "
            "[cyan]s3[/]), or [cyan]database[/]. Default: as before.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Read alert packets, score every one, and store it.

    Running the same command again changes nothing; after a crash it completes the work.

    Examples:

      gueststar ingest ztf_public_20240101.tar.gz

      gueststar ingest packets/ --store sqlite:///night.db --archive archive/

      gueststar ingest simulate:20000:7 --json
    """
    account, health = run_command(
        sources, store, archive, modules, workers, catalogs=catalogs, cutouts=cutouts, quiet=json
    )
    if json:
        print_json({**account.as_dict(), "dead_letters": health["dead_letters"]})
    else:
        describe(account, health)
        say_what_next(account, store)


def run_command(
    sources: list[str],
    store: str | None,
    archive: Path | None,
    modules: str | None,
    workers: int | None,
    *,
    catalogs: str | None = None,
    cutouts: str | None = None,
    quiet: bool,
) -> tuple[Account, dict[str, Any]]:
    """Do the work of the command; Ctrl-C finishes what is in flight and stops."""
    from gueststar.classifiers.choose import modules_named
    from gueststar.pipeline import Pipeline
    from gueststar.run.ingest import ingest as run_ingest
    from gueststar.sinks.archive import Archive
    from gueststar.sources import open_source
    from gueststar.store import open_store
    from gueststar.surveys.avro import warm_up

    opened = open_source(sources)
    pipeline = Pipeline(modules_named(module_names(modules)))
    warm_up(None if quiet else said.print)
    stop = threading.Event()
    with open_store(store) as target, alerts_bar("ingest", quiet) as tick, stopping(stop):
        if cutouts is not None:
            target.keep_cutouts_in(cutouts)
        account = run_ingest(
            opened,
            pipeline,
            target,
            archive=Archive(archive) if archive else None,
            catalogs=module_names(catalogs),
            workers=workers,
            progress=tick,
            stop=stop,
        )
        return account, target.health()


def describe(account: Account, health: dict[str, Any]) -> None:
    """Say what happened, for people."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("received", f"{account.received:,}")
    if account.known:
        table.add_row("  known from before", f"{account.known:,}")
    table.add_row("  stored", f"[green]{account.stored:,}[/]")
    table.add_row("  duplicate", f"{account.duplicate:,}")
    colour = "red" if account.dead_letter else "default"
    table.add_row("  dead letters", f"[{colour}]{account.dead_letter:,}[/]")
    said.print(table)
    said.print(
        f"{account.seconds:.1f} s, {account.alerts_per_s:,.0f} alerts/s, "
        f"modules: {', '.join(account.modules) or 'none'}"
    )
    if account.dead_letter:
        for line in health["dead_letters"][:SHOWN]:
            said.print(f"  [red]{line['count']}[/] × {escape(line['reason'])}", soft_wrap=True)
    _describe_ignored(account.ignored)


def say_what_next(account: Account, store: str | None) -> None:
    """Name the commands that follow, for the store that was written."""
    where = f" --store {escape(shlex.quote(store))}" if store else ""
    if account.interrupted:
        said.print("[yellow]Stopped early. Run the same command again to complete it.[/]")
    elif not account.received:
        said.print("[yellow]There was no alert in what was given.[/]")
    else:
        said.print(f"Look at them: [bold]gueststar serve{where}[/]", soft_wrap=True)


def _describe_ignored(ignored: list[str]) -> None:
    if not ignored:
        return
    shown = escape(", ".join(ignored[:SHOWN]))
    said.print(f"left out, not alert files: {shown}", soft_wrap=True)
    if len(ignored) > SHOWN:
        said.print(f"  and {len(ignored) - SHOWN} more")

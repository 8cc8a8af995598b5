"""``gueststar run``: a broker on a stream."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, print_json, said
from gueststar.cli.progress import count_bar
from gueststar.cli.stopping import stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gueststar.run.check import Finding
    from gueststar.run.config import Config


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    config: Annotated[Path, typer.Argument(metavar="broker.toml", help="Settings of the broker.")],
    engine: Annotated[
        Literal["local", "spark"],
        typer.Option(help="Worker processes of this machine, or Apache Spark."),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes in one consumer group.", show_default=False),
    ] = None,
    until_caught_up: Annotated[
        bool, typer.Option(help="Stop when all that is there now has been read.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Check every setting, say what would run, and start nothing."),
    ] = False,
    json: Json = False,
) -> None:
    """Run a broker: alerts in; scored, stored, archived; and those that somebody wants, out.

    Sources (Kafka, files, our archive), modules, filters and outputs stand in broker.toml; see
    docs/streams.md and docs/filters.md. A setting that cannot be is told before anything starts.

    SIGTERM or Ctrl-C finishes what is in flight, commits, and ends with exit code 0.

    Examples:

      gueststar run broker.toml --check

      gueststar run broker.toml --workers 2

      gueststar run broker.toml --engine spark --until-caught-up
    """
    from gueststar.run import logs
    from gueststar.run.check import check as checked
    from gueststar.run.config import read_config

    given = read_config(config)
    logs.set_up(given.logs)
    given = replace(given, workers=workers or given.workers)
    given = given.until_caught_up() if until_caught_up else given
    found = checked(given, engine)
    if check:
        _show(found, json)
        return
    for finding in found:
        if finding.warning:
            about = escape(f"{finding.part} {finding.what}: {finding.warning}")
            said.print(f"[yellow]{about}[/]")
    said.print(_run(given, engine))


def _run(config: Config, engine: str) -> str:
    """Run until the end or a signal; return what to say of it."""
    stop = threading.Event()
    with count_bar("run") as tell, stopping(stop):
        if engine == "spark":
            from gueststar.run.spark.broker import run_on_spark

            done = run_on_spark(config, stop, tell)
            rows = sum(one.alerts + one.dead_letters for one in done)
            return f"done; {rows:,} rows in {sum(one.rounds for one in done)} rounds"
        from gueststar.run.consumers import run_workers

        return f"done; workers started again: {run_workers(config, stop, tell)}"


def _show(found: Sequence[Finding], json: bool) -> None:
    if json:
        print_json([vars(finding) for finding in found])
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in found:
        warning = f"\n[yellow]{escape(finding.warning)}[/]" if finding.warning else ""
        table.add_row(finding.part, escape(finding.what) + warning)
    said.print(table)
    said.print("[green]all settings can be; nothing was started[/]")

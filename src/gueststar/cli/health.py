"""``gueststar health``: in = out, proven by the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, Store, out, print_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(health)


def health(store: Store = None, json: Json = False) -> None:
    """Show that nothing was lost: received = stored + duplicate + dead letters.

    The exit code is 1 when the numbers do not agree.
    """
    from gueststar.store import open_store

    with open_store(store, read_only=True) as source:
        facts = source.health()
    if json:
        print_json(facts)
    else:
        out.print(_table(facts))
        for line in facts["dead_letters"]:
            out.print(f"  [red]{line['count']}[/] × {escape(line['reason'])}", soft_wrap=True)
    if not facts["in_equals_out"]:
        raise typer.Exit(1)


def _table(facts: dict[str, object]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in (facts | {"last_write_unix": None}).items():
        if name == "in_equals_out" or value is None or isinstance(value, (list, dict)):
            continue
        table.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int) else escape(f"{value}")
        )
    table.add_row("last write", _when(facts["last_write_unix"]))
    agrees = facts["in_equals_out"]
    table.add_row("in = out", "[green]yes[/]" if agrees else "[red]NO: please report this[/]")
    return table


def _when(unix: object) -> str:
    if not isinstance(unix, (int, float)):
        return "never"
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M:%S} UTC"

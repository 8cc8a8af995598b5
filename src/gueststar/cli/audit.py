"""``gueststar audit``: who has changed what; and how other commands say who acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, Store, out, print_json, said
from gueststar.errors import BadInput, StoreError

if TYPE_CHECKING:
    from gueststar.store import Store as Opened

HERE = "command line"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    since: Annotated[
        str | None,
        typer.Option(help="From then on: 2026-11-20 or 2026-11-20T03:00, UTC.", show_default=False),
    ] = None,
    who: Annotated[
        str | None,
        typer.Option(help="Only by this account, token or system user.", show_default=False),
    ] = None,
    what: Annotated[
        str | None,
        typer.Option(
            help="Only where verb and route, or the command, hold this: [cyan]annotations[/], "
            "[cyan]gueststar users[/].",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Lines, the newest.")] = 100,
    prune: Annotated[
        str | None,
        typer.Option(
            metavar="BEFORE", help="Forget what is older; that is noted.", show_default=False
        ),
    ] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Show who has changed what, when and from where, newest first.

    It holds annotations, tokens, accounts, logins, commands that change the store, and what was
    refused; no secrets and no texts. Operators ask a server for it at /api/audit.

    Examples:

      gueststar audit --what login --since 2026-11-20

      gueststar audit --prune 2026-01-01
    """
    from gueststar.store import open_store
    from gueststar.store.audit import unix_of

    if prune is not None:
        if since is not None or who is not None or what is not None:
            raise BadInput("prune: it forgets all that is older: leave --since, --who, --what away")
        before = unix_of(prune, "prune")
        with open_store(store) as opened, audited(opened, "gueststar audit --prune"):
            count = opened.prune_audit(before)
        lines = f"{count:,} line{'' if count == 1 else 's'}"
        print_json({"pruned": count}) if json else said.print(f"Forgotten: {lines}.")
        return
    begin = None if since is None else unix_of(since, "since")
    with open_store(store, read_only=True) as opened:
        rows = opened.audit(since=begin, who=who, what=what, limit=limit).to_pylist()
    print_json(rows) if json else _show(rows)


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table("when, UTC", "who", "from", "what", "about", "ended", box=None)
    for row in rows:
        when = datetime.fromtimestamp(row["at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        ended = row["outcome"] + (f", {row['times']:,} times" if row["times"] > 1 else "")
        who = "[dim]unknown[/]" if row["who"] is None else escape(row["who"])
        texts = (row["address"], row["what"], row["about"], ended)
        table.add_row(when, who, *map(escape, texts))
    out.print(table)


@contextmanager
def audited(
    opened: Opened, command: str, about: str | None = None, *, failed: str = ""
) -> Iterator[None]:
    """Say who acts inside, and note what fails.

    Parameters
    ----------
    opened : Store
        For writing.
    command : str
    about : str, optional
        What the command changes, noted when it has ended; None where the store itself notes that.
    failed : str
        The same, for where it has failed.
    """
    from gueststar.store.audit import Actor, acting, system_user

    with acting(Actor(system_user(), HERE, command)):
        try:
            yield
        except BaseException as error:
            try:
                opened.note_audit(command, about or failed, f"error: {type(error).__name__}")
            except StoreError as other:
                said.print(f"[yellow]that could not be noted: {escape(str(other))}[/]")
            raise
        if about is not None:
            opened.note_audit(command, about)

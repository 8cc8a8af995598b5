"""``gueststar tokens``: who may ask a server, in which role, and which programs they see."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.audit import audited
from gueststar.cli.options import Json, Store, out, print_json, said

app = typer.Typer(
    name="tokens",
    no_args_is_help=True,
    help="Tokens for `gueststar serve --accounts`: create, list, revoke.",
)


class Role(StrEnum):
    """What somebody may do."""

    reader = "reader"
    annotator = "annotator"
    operator = "operator"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is: the author of what they write.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.reader,
    programs: Annotated[str, typer.Option(help="Survey programs that they see: 1,2 or all.")] = "1",
    days: Annotated[float, typer.Option(help="How long it counts; 0 is for good.")] = 365.0,
    store: Store = None,
) -> None:
    """Make a token. It is printed once and cannot be shown again."""
    from gueststar.store import open_store
    from gueststar.store.grants import from_words

    command, about = "gueststar tokens create", f"token of {name}"
    with open_store(store) as opened, audited(opened, command, failed=about):
        token, secret = opened.create_token(
            name, role.value, programs=from_words(programs), days=days or None
        )
    said.print(
        f"Token {token.token_id} of {escape(name)}, {role.value}. Keep it: it is not shown again."
    )
    typer.echo(secret)


@app.command("list")
def list_(store: Store = None, json: Json = False) -> None:
    """Show all tokens, without what makes them work."""
    from gueststar.store import open_store
    from gueststar.store.grants import in_words

    with open_store(store, read_only=True) as opened:
        tokens = opened.tokens()
    if json:
        print_json([{**one._asdict(), "state": one.state} for one in tokens])
        return
    table = Table("id", "name", "for", "role", "programs", "begins", "state")
    for one in tokens:
        shown = in_words(one.programs)
        table.add_row(
            str(one.token_id),
            escape(one.name),
            escape(one.label or ""),
            one.role,
            shown,
            f"{one.start}...",
            one.state,
        )
    out.print(table)


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(help="Its id, as `list` shows it.")],
    store: Store = None,
) -> None:
    """Take a token's power away, at once and for good."""
    from gueststar.store import open_store

    command, about = "gueststar tokens revoke", f"token {token_id}"
    with open_store(store) as opened, audited(opened, command, failed=about):
        token = opened.revoke_token(token_id)
    said.print(f"Token {token.token_id} of {escape(token.name)} counts no more.")

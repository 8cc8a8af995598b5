"""``gueststar users``: accounts of people who log in to a server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.audit import audited
from gueststar.cli.options import Json, Store, out, print_json, said
from gueststar.cli.tokens import Role
from gueststar.errors import BadInput

if TYPE_CHECKING:
    from gueststar.store.accounts import Account

app = typer.Typer(
    name="users",
    no_args_is_help=True,
    help="Accounts for `gueststar serve --accounts`: add, list, change, password, disable, enable.",
)
Name = Annotated[str, typer.Argument(help="Of the account.")]
FromStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password as one line of standard input."),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The author of what they write.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.reader,
    programs: Annotated[str, typer.Option(help="Survey programs that they see: 1,2 or all.")] = "1",
    password_stdin: FromStdin = False,
    store: Store = None,
) -> None:
    """Make an account. Its password is asked for twice, and not shown."""
    from gueststar.store import open_store
    from gueststar.store.grants import from_words

    seen = from_words(programs)
    with open_store(store) as opened:
        password = _password(password_stdin)
        with audited(opened, "gueststar users add", failed=f"account {name}"):
            _say(opened.add_account(name, password, role.value, programs=seen), "is made")


@app.command("list")
def list_(store: Store = None, json: Json = False) -> None:
    """Show all accounts."""
    from gueststar.store import open_store
    from gueststar.store.grants import in_words

    with open_store(store, read_only=True) as opened:
        accounts = opened.accounts()
    if json:
        print_json([{**one._asdict(), "state": one.state} for one in accounts])
        return
    table = Table("id", "name", "role", "programs", "state")
    for one in accounts:
        shown = in_words(one.programs)
        table.add_row(str(one.account_id), escape(one.name), one.role, shown, one.state)
    out.print(table)


@app.command()
def password(name: Name, password_stdin: FromStdin = False, store: Store = None) -> None:
    """Give an account another password; who is logged in with the old one is so no more."""
    from gueststar.store import open_store

    with open_store(store) as opened:
        password = _password(password_stdin)
        with audited(opened, "gueststar users password", failed=f"account {name}"):
            _say(opened.set_password(name, password), "has a new password")


@app.command()
def change(
    name: Name,
    role: Annotated[Role | None, typer.Option(help="What they may do.")] = None,
    programs: Annotated[
        str | None, typer.Option(help="Survey programs that they see: 1,2 or all.")
    ] = None,
    store: Store = None,
) -> None:
    """Give an account another role or other programs, at once; its tokens may no more than it."""
    from gueststar.store import open_store
    from gueststar.store.grants import from_words

    if role is None and programs is None:
        raise BadInput("nothing to change: give --role or --programs")
    command, about = "gueststar users change", f"account {name}"
    with open_store(store) as opened, audited(opened, command, failed=about):
        account = opened.change_account(
            name,
            role=None if role is None else role.value,
            programs=False if programs is None else from_words(programs),
        )
    _say(account, "is changed")


@app.command()
def disable(name: Name, store: Store = None) -> None:
    """Take an account's power away, at once, with its logins and tokens."""
    from gueststar.store import open_store

    command, about = "gueststar users disable", f"account {name}"
    with open_store(store) as opened, audited(opened, command, failed=about):
        _say(opened.disable_account(name), "is disabled")


@app.command()
def enable(name: Name, store: Store = None) -> None:
    """Give a disabled account its power back."""
    from gueststar.store import open_store

    command, about = "gueststar users enable", f"account {name}"
    with open_store(store) as opened, audited(opened, command, failed=about):
        _say(opened.disable_account(name, False), "counts again")


def _say(account: Account, what: str) -> None:
    from gueststar.store.grants import in_words

    shown = f"{account.role}, programs {in_words(account.programs)}"
    said.print(f"The account {escape(account.name)} ({shown}) {what}.")


def _password(from_stdin: bool) -> str:
    """Ask for a password, so that it is in no list of processes and in no history."""
    from gueststar.store.passwords import MOST

    if from_stdin:
        return sys.stdin.readline(2 * MOST).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadInput("password: there is no terminal to ask at: give --password-stdin")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked

"""The command line: ``gueststar --help``."""

from __future__ import annotations

import sys

import typer

from gueststar.cli import (
    audit,
    bench,
    catalogs,
    demo,
    export,
    health,
    ingest,
    models,
    observe,
    planets,
    query,
    replay,
    run,
    serve,
    show,
    simulate,
    store,
    tokens,
    train,
    users,
)
from gueststar.errors import GueststarError

app = typer.Typer(
    name="gueststar",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help=(
        "An open astronomical alert broker with deep learning inside.\n\n"
        "Start with [bold]gueststar demo[/]: a simulated night, scored, stored, in your browser. "
        "Then bring your own packets: [bold]gueststar ingest night.tar.gz[/], and look at them "
        "with [bold]gueststar serve[/]."
    ),
)
for command in (demo, ingest, run, serve, show, query, observe, export, health, audit, bench):
    command.register(app)
for group in (simulate, replay, catalogs, planets, store, users, tokens, models, train):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line; an error is one sentence on stderr and exit code 1."""
    try:
        app()
    except GueststarError as error:
        sys.stderr.write(f"gueststar: {error}\n")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:  # a folder that is not there, a file that may not be written
        where = f"{error.filename}: {error.strerror}" if error.filename else f"{error}"
        sys.stderr.write(f"gueststar: {where}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("gueststar: interrupted; run the same command again to go on\n")
        sys.exit(130)

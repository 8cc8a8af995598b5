"""``gueststar serve``: the portal in the browser."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from gueststar.cli.options import Port, Store, said

NICE = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    store: Store = None,
    port: Port = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the portal in the browser.")
    ] = False,
    nice: Annotated[
        int,
        typer.Option(
            min=0, max=19, help="Let other work of this machine, such as an ingest, go before."
        ),
    ] = NICE,
) -> None:
    """Look at the alerts of a store in the browser.

    The portal listens on this machine only. It reads; an ingest may write meanwhile.
    """
    step_back(nice)
    run_portal_command(store, port, browser)


def step_back(nice: int) -> None:
    """Lower the priority of this process and of what it starts."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(nice)


def run_portal_command(store: str | None, port: int | None, browser: bool) -> None:
    """Serve until Ctrl-C."""
    from gueststar.serve.portal.run import run_portal
    from gueststar.store import store_exists, store_name

    if not store_exists(store):
        name = store_name(store)
        said.print(f"[yellow]No store at {name} yet:[/] the portal waits for an ingest into it.")

    def ready(url: str) -> None:
        said.print(f"The portal is at [bold]{url}[/]  (Ctrl-C stops it)")

    run_portal(store, port=port, open_browser=browser, ready=ready)

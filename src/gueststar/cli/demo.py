"""``gueststar demo``: a simulated night, scored, stored, and opened in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gueststar.cli.ingest import describe, run_command, say_what_next
from gueststar.cli.options import Port, said
from gueststar.cli.serve import run_portal_command

FOLDER = Path("gueststar-demo")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    alerts: Annotated[int, typer.Option(min=1, help="Alerts in the simulated night.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another night.")] = 1,
    port: Port = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the portal in the browser.")
    ] = True,
) -> None:
    """Show the main job from end to end, offline, in a minute.

    A night of ZTF packets is simulated, every alert is decoded, scored by the real/bogus net and
    stored in gueststar-demo/, and the portal opens on it. Stop it with Ctrl-C.
    """
    FOLDER.mkdir(exist_ok=True)
    store = f"sqlite:///{FOLDER / f'night-{alerts}-{seed}.db'}"
    said.print(f"[bold]A simulated night of {alerts:,} alerts[/], into {store}")
    account, health = run_command(
        [f"simulate:{alerts}:{seed}"], store, FOLDER / "archive", "rb", None, quiet=False
    )
    describe(account, health)
    say_what_next(account, store)
    if not account.interrupted:
        run_portal_command(store, port, browser)

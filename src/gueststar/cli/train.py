"""``gueststar train``: train the nets that we ship, or your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gueststar.cli.options import said

app = typer.Typer(
    name="train",
    no_args_is_help=True,
    help="Train a classifier and write it as a bundle (needs pip install 'gueststar\\[train]').",
)


@app.callback()
def _group() -> None:
    """Keep ``rb`` a subcommand while it is the only one."""


@app.command()
def rb(
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")] = Path("rb"),
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Real alerts (files or folders) to tune it on and to judge it on.",
            show_default=False,
        ),
    ] = None,
    simulated: Annotated[int, typer.Option(min=320, help="Simulated triplets.")] = 20_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 6,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Train the real/bogus net on simulated stamps, and tune and judge it on real alerts.

    Writes the bundle (weights, card, golden vectors) and report.html: how well it does, on
    simulated nights held out, and on real alerts of objects that it had not seen.
    """
    from gueststar.train.rb import train_rb

    path = train_rb(out, simulated=simulated, seed=seed, epochs=epochs, data=data or [])
    said.print(f"Trained: {path}. Use it: [bold]gueststar ingest --modules {path} ...[/]")

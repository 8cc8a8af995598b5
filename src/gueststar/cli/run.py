"""``gueststar run``: a broker on a stream."""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gueststar.cli.options import said


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def run(
    config: Annotated[Path, typer.Argument(metavar="broker.toml", help="Settings of the broker.")],
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes in one consumer group.", show_default=False),
    ] = None,
    until_caught_up: Annotated[
        bool, typer.Option(help="Stop when all that is there now has been read.")
    ] = False,
) -> None:
    """Run a broker: alerts from Kafka; scored, stored, archived, and out to a topic.

    SIGTERM or Ctrl-C finishes what is in flight, commits, and ends with exit code 0.
    """
    from gueststar.run.config import read_config
    from gueststar.run.consumers import run_workers

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    given = read_config(config)
    given = replace(given, workers=workers or given.workers)
    if until_caught_up:
        given = replace(given, source=replace(given.source, until="caught-up"))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    restarts = run_workers(given, stop)
    said.print(f"done; workers started again: {restarts}")

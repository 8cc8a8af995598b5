"""``gueststar bench``: our speed beside a named rival's, in the same run."""

from __future__ import annotations

from typing import Annotated

import typer

from gueststar.cli.options import Json, out, print_json
from gueststar.errors import BadInput, did_you_mean

BENCHES = {"decode": "fastavro", "ingest": "script"}  # and whom they are measured against


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(
    name: Annotated[str, typer.Argument(help="What to measure: decode or ingest.")] = "decode",
    rival: Annotated[
        str | None,
        typer.Option(help="Whom to measure against: fastavro for decode, script for ingest."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure alerts per second beside a rival's, on this machine, in one run.

    Real packets from GUESTSTAR_DATA are used where they are, simulated ones elsewhere.
    """
    if name not in BENCHES:
        raise BadInput(f"no benchmark {name!r}.{did_you_mean(name, BENCHES)}")
    from gueststar.bench.decode import decode
    from gueststar.bench.ingest import ingest

    whom = rival or BENCHES[name]
    result = decode(whom) if name == "decode" else ingest(whom)
    if json:
        print_json(result)
    else:
        for key, value in result.items():
            out.print(
                f"{key:>16}  {value:,.1f}" if isinstance(value, float) else f"{key:>16}  {value}"
            )

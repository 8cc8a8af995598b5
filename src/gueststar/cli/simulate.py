"""``gueststar simulate``: packets, offline."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gueststar.cli.options import said
from gueststar.cli.progress import steps_bar

app = typer.Typer(
    name="simulate",
    no_args_is_help=True,
    help="Make alert packets offline: a sky of known truth, in the survey's own format.",
)


class Form(StrEnum):
    """How the packets are laid down."""

    files = "files"
    tar = "tar"


@app.callback()
def _group() -> None:
    """Keep ``night`` a subcommand while it is the only one."""


@app.command()
def night(
    alerts: Annotated[int, typer.Option(min=0, help="How many alerts.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another night.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder to write into.")] = Path("night"),
    form: Annotated[
        Form, typer.Option(help="One .avro file an alert, or night.tar.gz.")
    ] = Form.files,
) -> None:
    """Write a night of ZTF packets, and the truth beside them in truth.parquet.

    Variable stars, supernovae, active galaxies, asteroids, and artefacts of many kinds. The same
    seed writes the same bytes.
    """
    from gueststar.simulate import write_night

    with steps_bar("simulate") as bar:
        task = bar.task_ids[0]
        written = write_night(
            out,
            alerts,
            seed,
            form=form.value,
            progress=lambda done: bar.update(task, total=alerts, completed=done),
        )
    said.print(
        f"{alerts:,} alerts in {escape(str(written))}. "
        f"Next: [bold]gueststar ingest {escape(str(out))}[/]"
    )

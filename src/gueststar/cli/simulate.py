"""``gueststar simulate``: packets, offline."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gueststar.cli.options import said
from gueststar.cli.progress import steps_bar
from gueststar.cli.stopping import stopping

app = typer.Typer(
    name="simulate",
    no_args_is_help=True,
    help="Make alert packets offline: a sky of known truth, in the survey's own format.",
)


class Form(StrEnum):
    """How the packets are laid down."""

    files = "files"
    tar = "tar"


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


@app.command()
def stream(
    to: Annotated[
        str, typer.Option(metavar="kafka://HOST:PORT/TOPIC", help="Where the packets go.")
    ],
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="What is sent: files, folders, [cyan].tar.gz[/] of a night. Default: a simulated "
            "night.",
            show_default=False,
        ),
    ] = None,
    alerts: Annotated[int, typer.Option(min=0, help="Alerts of the simulated night.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another night.")] = 0,
    rate: Annotated[
        float | None,
        typer.Option(min=0.01, help="Packets a second.", show_default="as fast as it goes"),
    ] = None,
    partitions: Annotated[
        int, typer.Option(min=1, help="Of the topic, where it is made by this.")
    ] = 4,
) -> None:
    """Play a night to a Kafka topic, for trying a broker: simulated, or packets that you have.

    Examples:

      gueststar simulate stream --to kafka://localhost:9092/ztf_20261125_programid1 --rate 50

      gueststar simulate stream night.tar.gz --to kafka://localhost:9092/again
    """
    from gueststar.errors import BadInput
    from gueststar.sources import open_source
    from gueststar.sources.parse import kafka_arguments
    from gueststar.streams.send import send

    where = kafka_arguments(to)
    if len(where["topics"]) != 1:
        raise BadInput(f"--to names one topic, not {len(where['topics'])}")
    opened = open_source(source or [f"simulate:{alerts}:{seed}"])
    stop = threading.Event()

    def packets() -> Iterator[bytes]:
        for one in opened:
            for batch in one:
                if "packet" in batch.schema.names:
                    yield from (p.as_py() for p in batch.column("packet"))

    with steps_bar("send") as bar, stopping(stop):
        task, total = bar.task_ids[0], None if source else alerts
        sent = send(
            packets(),
            where["servers"],
            where["topics"][0],
            rate=rate,
            partitions=partitions,
            options=where["options"],
            progress=lambda done: bar.update(task, total=total, completed=done),
            stop=stop,
        )
    said.print(
        f"{sent:,} packets in the topic {escape(where['topics'][0])}. Next: "
        f"[bold]gueststar ingest '{escape(to)}?until=caught-up'[/]",
        soft_wrap=True,
    )

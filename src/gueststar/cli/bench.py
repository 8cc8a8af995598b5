"""``gueststar bench``: our speed beside a named rival's, in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from gueststar.cli.options import Json, out, print_json
from gueststar.cli.progress import steps_bar
from gueststar.errors import BadInput, did_you_mean

Clients = Annotated[
    int | None, typer.Option(min=1, max=1000, help="Clients of serve at once; 50 by default.")
]
Kafka = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Kafka of stream, latency and spark. Default: $GUESTSTAR_KAFKA, else one is "
        "started for the while.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Bench:
    """A benchmark: whom it is measured against, and the options that it takes."""

    rival: str
    options: tuple[str, ...] = ()


BENCHES: Mapping[str, Bench] = {
    "decode": Bench("fastavro"),
    "ingest": Bench("script", ("alerts",)),
    "stream": Bench("script", ("alerts", "archive", "kafka")),
    "latency": Bench("none", ("rate", "seconds", "workers", "archive", "kafka")),
    "spark": Bench("spark", ("alerts", "kafka")),
    "serve": Bench("none", ("alerts", "clients")),
    "archive": Bench("none", ("objects", "store")),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


def bench(
    name: Annotated[
        str,
        typer.Argument(
            help="What to measure: decode, ingest, stream, latency, spark, serve or archive."
        ),
    ] = "decode",
    rival: Annotated[
        str | None,
        typer.Option(
            help="Whom to measure against: fastavro for decode, script for ingest and stream, "
            "spark for spark."
        ),
    ] = None,
    alerts: Annotated[
        int | None,
        typer.Option(min=1, help="Simulated alerts of ingest, stream, spark and serve."),
    ] = None,
    clients: Clients = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Alerts a second of latency; 300 by default.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long latency lasts; 300 by default.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Worker processes of latency; 2 by default.")
    ] = None,
    archive: Annotated[
        bool | None,
        typer.Option(help="Write Parquet too; by default stream does not, and latency does."),
    ] = None,
    kafka: Kafka = None,
    objects: Annotated[
        int | None,
        typer.Option(min=1_000, help="Simulated objects of archive; 200,000 by default."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Store of archive, filled if it is empty. Default: a SQLite file for the while.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure alerts per second beside a rival's, on this machine, in one run.

    Real packets from GUESTSTAR_DATA are used by decode where they are, simulated ones elsewhere.

    Examples:

      gueststar bench decode

      gueststar bench stream --alerts 2000

      gueststar bench latency --rate 300 --seconds 60 --json
    """
    given = {
        "alerts": alerts, "rate": rate, "seconds": seconds, "workers": workers,
        "archive": archive, "kafka": kafka, "clients": clients, "objects": objects, "store": store,
    }  # fmt: skip
    result = measured(name, rival, {k: v for k, v in given.items() if v is not None}, json)
    if json:
        print_json(result)
    else:
        show(result)


def measured(name: str, rival: str | None, given: Mapping[str, Any], quiet: bool) -> dict[str, Any]:
    """Run a benchmark by name with those of its options that were given."""
    if name not in BENCHES:
        raise BadInput(f"no benchmark {name!r}.{did_you_mean(name, BENCHES)}")
    for option in given:
        if option not in BENCHES[name].options:
            fits = ", ".join(f"--{known}" for known in BENCHES[name].options) or "none"
            raise BadInput(f"--{option} means nothing to {name}; its options: {fits}")
    run = getattr(import_module(f"gueststar.bench.{name}"), name)
    options = {"address" if option == "kafka" else option: v for option, v in given.items()}
    whom = rival or BENCHES[name].rival
    if name in ("decode", "ingest"):
        return dict(run(whom, **options))
    with telling(quiet) as tell:
        return dict(run(whom, **options, tell=tell))


@contextmanager
def telling(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show what is going on, on a terminal."""
    with steps_bar("", quiet) as bar:
        task = bar.tasks[0].id

        def tell(what: str, done: int, total: int) -> None:
            if bar.tasks[0].description != what:
                bar.reset(task, description=what)
            bar.update(task, completed=done, total=total)

        yield tell


def show(result: Mapping[str, Any], indent: int = 0) -> None:
    """Print figures for people; what belongs together stands indented."""
    width = max([22, *map(len, result)]) + 2 - indent
    for key, value in result.items():
        name = f"{'':>{indent}}{key:<{width}}"
        if isinstance(value, Mapping):
            out.print(name.rstrip())
            show(value, indent + 2)
        else:
            out.print(f"{name}{_text(value)}", soft_wrap=True)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:,}" if type(value) is int else str(value)

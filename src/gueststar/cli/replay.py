"""``gueststar replay``: what was read before goes through the pipeline again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.audit import audited
from gueststar.cli.options import Json, Modules, Store, Workers, module_names, print_json, said
from gueststar.cli.progress import alerts_bar
from gueststar.cli.stopping import stopping

if TYPE_CHECKING:
    from gueststar.run.replay import Job, Replayed

app = typer.Typer(
    name="replay",
    no_args_is_help=True,
    help="Read again what is kept: dead letters after a fix, the archive into a store, stored "
    "alerts by a newer net, a stream from a moment on.\n\nNo alert is doubled: each comes under "
    "the position at which it was first read, which the ledger knows. Interrupted? The same "
    "command goes on.",
)

ArchiveOut = Annotated[
    Path | None,
    typer.Option("--archive", help="Alerts that are stored go into this archive, too."),
]
Nights = Annotated[
    list[int] | None,
    typer.Option("--night", help="Only this night, YYYYMMDD; may be given several times."),
]


@app.command("dead-letters")
def dead_letters(
    store: Store = None,
    archive: ArchiveOut = None,
    reason: Annotated[
        str | None,
        typer.Option(
            help="Only reasons like this; [cyan]%[/] stands for anything. Without % a part of "
            "the reason is enough.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Only from this file or Kafka topic.", show_default=False),
    ] = None,
    modules: Modules = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Try dead letters again: after an upgrade, or once a schema is known.

    What can be read now is scored and stored, and is a dead letter no more. What cannot stays
    one, with the reason of today.

    Examples:

      gueststar replay dead-letters

      GUESTSTAR_SCHEMAS=schemas/ gueststar replay dead-letters --reason 'schema 703%'
    """
    from gueststar.run.replay import replay_dead_letters

    like = f"%{reason}%" if reason and "%" not in reason else reason

    def work(job: Job) -> Replayed:
        return replay_dead_letters(job, reason=like, source=source)

    _replay("dead letters", work, store, modules, workers, archive, json, new_store=False)


@app.command()
def archive(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that --archive has written.")
    ],
    night: Nights = None,
    store: Store = None,
    modules: Modules = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Put the alerts of an archive into a store: a new one, or one that lacks some.

    They come with the scores that they were archived with, and get those of --modules that they
    lack.

    Examples:

      gueststar replay archive archive/ --store sqlite:///new.db

      gueststar replay archive archive/ --night 20240101 --modules rb
    """
    from gueststar.run.replay import replay_archive
    from gueststar.sinks.archive import Archive

    def work(job: Job) -> Replayed:
        return replay_archive(job, Archive(folder), nights=night or ())

    _replay("archive", work, store, modules, workers, None, json)


@app.command()
def rescore(
    store: Store = None,
    night: Nights = None,
    object_id: Annotated[
        list[str] | None,
        typer.Option("--object", metavar="ID", help="Only this object; may be given several times"),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also alerts that have scores of these versions: where a module could not score, "
            "it tries again.",
        ),
    ] = False,
    modules: Modules = None,
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Score stored alerts by newer modules; the older scores stay beside the new ones.

    Alerts that have the scores of these very versions are left out, so a second run does nothing.

    Examples:

      gueststar models import braai d6_m7.weights.h5 --name braai

      gueststar replay rescore --modules braai --night 20240101
    """
    from gueststar.run.replay import rescore as run_rescore

    def work(job: Job) -> Replayed:
        return run_rescore(job, nights=night or (), objects=object_id or (), everything=everything)

    _replay("rescore", work, store, modules, workers, None, json, new_store=False)


@app.command()
def stream(
    config: Annotated[Path, typer.Argument(metavar="broker.toml", help="Settings of the broker.")],
    since: Annotated[
        str, typer.Option(help="Read what was sent from then on: 2026-11-20T03:00, UTC.")
    ],
    until: Annotated[
        str, typer.Option(help="A time, or [cyan]caught-up[/]: all that is there now.")
    ] = "caught-up",
    workers: Workers = None,
    json: Json = False,
) -> None:
    """Read a broker's topics again from a moment on, and store what is missing.

    Store, archive and modules are those of broker.toml. The running broker may go on: this reads
    as a consumer group of its own and moves no offset. Nothing is sent to the output topic.

    Example:

      gueststar replay stream broker.toml --since 2026-11-20T03:00
    """
    from gueststar.errors import BadInput
    from gueststar.run.config import read_config
    from gueststar.run.replay import replay_stream
    from gueststar.sources.parse import moment

    given = read_config(config)
    begin = moment(since)
    end = None if until == "caught-up" else moment(until)
    if end is not None and end <= begin:
        raise BadInput(f"--until {until} is not after --since {since}")

    def work(job: Job) -> Replayed:
        return replay_stream(job, given, begin, end or "caught-up")

    chosen = None if given.modules is None else ",".join(given.modules)
    _replay("stream", work, given.store, chosen, workers, _path(given.archive), json)


def _path(folder: str | None) -> Path | None:
    return Path(folder) if folder else None


def _replay(
    label: str,
    work: Callable[[Job], Replayed],
    store: str | None,
    modules: str | None,
    workers: int | None,
    archive: Path | None,
    json: bool,
    *,
    new_store: bool = True,
) -> None:
    """Do the work of a command and say what came of it."""
    from gueststar.classifiers.choose import modules_named
    from gueststar.pipeline import Pipeline
    from gueststar.run.replay import Job
    from gueststar.sinks.archive import Archive
    from gueststar.store import open_store
    from gueststar.surveys.avro import warm_up

    pipeline = Pipeline(modules_named(module_names(modules)))
    if label in ("dead letters", "stream"):
        warm_up(None if json else said.print)
    kept = Archive(archive) if archive else None
    stop = threading.Event()
    if not new_store:
        open_store(store, read_only=True).close()
    about = f"modules {', '.join(pipeline.names) or 'none'}"
    with (
        open_store(store) as target,
        audited(target, f"gueststar replay {label.replace(' ', '-')}", about),
        alerts_bar(label, json) as tick,
        stopping(stop),
    ):
        done = work(Job(target, pipeline, kept, workers, tick, stop))
        agrees = target.health()["in_equals_out"]
    if json:
        print_json({**done.as_dict(), "in_equals_out": agrees})
    else:
        _describe(done)
    if not agrees:
        raise typer.Exit(1)


def _describe(done: Replayed) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("read", f"{done.read:,}")
    lines = {
        "stored": done.stored,
        "duplicate": done.duplicate,
        "of these dead letters before": done.revived,
        "still dead": done.still_dead,
        "of these without bytes to try": done.without_bytes,
        "new dead letters": done.dead_letter,
        "known, nothing to do": done.known,
        "new scores": done.scores,
    }
    for name, count in lines.items():
        if count:
            table.add_row(f"  {name}", f"{count:,}")
    said.print(table)
    modules = escape(", ".join(done.modules) or "none")
    said.print(f"{done.seconds:.1f} s, modules: {modules}")
    if done.interrupted:
        said.print("[yellow]Stopped early. Run the same command again to complete it.[/]")

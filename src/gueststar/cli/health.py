"""``gueststar health``: in = out, proven by the ledger; how streams flow; what waits on the sky."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, Store, out, print_json
from gueststar.errors import BadInput
from gueststar.times import in_words

if TYPE_CHECKING:
    from mocpy import MOC

SHOWN = 5  # alarms and gaps
_MOC_FORMS = {".fits": "fits", ".json": "json", ".txt": "ascii"}
_COLUMNS = (
    "topic", "received", "stored", "dup.", "dead", "lag", "alerts/s", "p50", "p98", "gaps",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(health)


def health(
    store: Store = None,
    json: Json = False,
    moc: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the unprocessed sky as a MOC: [cyan].fits[/], [cyan].json[/] or "
            "[cyan].txt[/].",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show that nothing was lost: received = stored + duplicate + dead letters.

    For streams also, topic by topic: lag (messages that wait), alerts a second, and the time
    from arrival to stored below which half and 98 % of the messages lie.

    The exit code is 1 when the numbers do not agree.
    """
    from gueststar.store import open_store

    with open_store(store, read_only=True) as source:
        facts, lost = source.health(), source.unprocessed()
    facts["unprocessed"] = lost.as_dict()
    if moc is not None:
        _write_moc(lost.moc(), moc)
    if json:
        print_json(facts)
    else:
        _show(facts)
    if not facts["in_equals_out"]:
        raise typer.Exit(1)


def _show(facts: dict[str, Any]) -> None:
    out.print(_table(facts))
    if facts["topics"]:
        out.print(_topics(facts["topics"]))
    for topic in facts["topics"]:
        for gap in topic["gaps"][:SHOWN]:
            out.print(
                f"  [yellow]never seen[/]: {escape(topic['topic'])}, partition "
                f"{gap['partition']}, offsets {gap['first']} to {gap['last']}"
            )
    for line in facts["dead_letters"]:
        out.print(f"  [red]{line['count']}[/] × {escape(line['reason'])}", soft_wrap=True)
    for line in facts["unsent_alerts"][:SHOWN]:
        text = f"{line['alert_id']} to {line['topic']}: {line['reason']}"
        out.print(f"  [red]not sent[/] {escape(text)}", soft_wrap=True)
    for alarm in facts["alarms"][:SHOWN]:
        text = f"{alarm['who']}: {alarm['text']}"
        out.print(f"  [red]alarm[/] {_when(alarm['at_unix'])} {escape(text)}", soft_wrap=True)


def _table(facts: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in (facts | {"last_write_unix": None}).items():
        if name == "in_equals_out" or value is None or isinstance(value, (list, dict)):
            continue
        table.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int) else escape(f"{value}")
        )
    kept = facts["cutouts"]
    table.add_row("cutouts go to", escape(kept["place"]))
    if kept["trouble"]:
        table.add_row("", f"[red]{escape(kept['trouble'])}[/]")
    lost = facts["unprocessed"]
    if lost["unscored"]:
        table.add_row("not scored, module failed", f"[red]{lost['unscored']:,}[/]")
    table.add_row("last write", _when(facts["last_write_unix"]))
    agrees = facts["in_equals_out"]
    table.add_row("in = out", "[green]yes[/]" if agrees else "[red]NO: please report this[/]")
    return table


def _topics(topics: list[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in _COLUMNS:
        first = name == "topic"
        table.add_column(
            name, justify="left" if first else "right", overflow="fold", no_wrap=not first
        )
    for topic in topics:
        counts = (topic[name] for name in ("received", "stored", "duplicate", "dead_letter"))
        rate = topic["alerts_per_s"]
        table.add_row(
            escape(topic["topic"]),
            *(f"{count:,}" for count in counts),
            _lag(topic),
            "" if rate is None else f"{rate:,.0f}",
            in_words(topic["latency_p50_s"]),
            in_words(topic["latency_p98_s"]),
            f"{topic['missing']:,}",
        )
    return table


def _lag(topic: dict[str, Any]) -> str:
    """Lag, with its age where nobody has looked for a minute."""
    if topic["lag"] is None:
        return ""
    age = time.time() - topic["lag_at_unix"]
    return f"{topic['lag']:,}" + (f" ({in_words(age)} ago)" if age > 60 else "")


def _when(unix: object) -> str:
    if not isinstance(unix, (int, float)):
        return "never"
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _write_moc(moc: MOC, path: Path) -> None:
    form = _MOC_FORMS.get(path.suffix)
    if form is None:
        raise BadInput(f"a MOC is written to a name in {', '.join(_MOC_FORMS)}, not {path.name!r}")
    moc.save(path, format=form, overwrite=True)

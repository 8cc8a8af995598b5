"""``gueststar models``: model bundles, shipped and imported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from gueststar.cli.options import Json, out, print_json, said
from gueststar.errors import BadBundle

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    help="Model bundles: list, import published weights, read a card, check the golden vectors.",
)


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the bundles that --modules can name."""
    from gueststar.models.installed import installed

    rows = [_row(name, path) for name, path in sorted(installed().items())]
    if json:
        print_json(rows)
        return
    table = Table("name", "task", "classes", "size", "digest", box=None)
    for row in rows:
        if "problem" in row:
            table.add_row(row["name"], f"[red]{escape(row['problem'])}[/]")
            continue
        size = f"{row['bytes'] / 1e6:.1f} MB"
        table.add_row(row["name"], row["task"], ", ".join(row["classes"]), size, row["digest"][:12])
    out.print(table)


def _row(name: str, path: Path) -> dict[str, Any]:
    from gueststar.models.bundle import Bundle

    try:
        bundle = Bundle.load(path)
    except BadBundle as error:
        return {"name": name, "path": str(path), "problem": str(error)}
    size = sum(file.stat().st_size for file in bundle.path.iterdir())
    card = bundle.card
    return {
        "name": name,
        "task": card.task,
        "classes": list(card.classes),
        "bytes": size,
        "digest": bundle.digest,
        "path": str(bundle.path),
    }


@app.command("import")
def import_command(
    kind: Annotated[str, typer.Argument(help="What the file holds: braai.")],
    file: Annotated[Path, typer.Argument(help="The published weight file.", exists=True)],
    name: Annotated[
        str | None,
        typer.Option(help="What --modules and the scores will call it.", show_default=False),
    ] = None,
    norm: Annotated[
        str | None,
        typer.Option(
            help="How weights that we do not know want their stamps: image or row.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Turn a published weight file into a bundle that scores the stream.

    Example:

      gueststar models import braai d6_m7.weights.h5 --name braai
    """
    from gueststar.models.importing import import_model

    path = import_model(kind, file, name=name, norm=norm)
    said.print(f"Imported as [bold]{path.name}[/] into {escape(str(path))}")
    said.print("The next gueststar ingest scores with it too.")


@app.command()
def card(bundle: Annotated[str, typer.Argument(help="Name or folder of a bundle.")]) -> None:
    """Print what a model was trained on, what it takes, and how well it does."""
    from gueststar.models.installed import find

    typer.echo((find(bundle).path / "card.toml").read_text().rstrip())


@app.command()
def check(bundle: Annotated[str, typer.Argument(help="Name or folder of a bundle.")]) -> None:
    """Check a bundle's files, card and golden vectors."""
    from gueststar.models.installed import find

    found = find(bundle)
    found.check()
    said.print(f"[green]{found.path.name}[/] gives its golden scores; digest {found.digest[:12]}")

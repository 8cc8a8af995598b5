"""Options that several commands share, and how they print."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Where alerts are kept: [cyan]sqlite:///night.db[/], or "
        "[cyan]postgresql://user:password@host:port/database[/] (extra [cyan]postgres[/]). "
        "Default: $GUESTSTAR_STORE, else sqlite:///gueststar.db here.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable JSON object.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65535,
        help="Port of the portal. Default: 8765, or the next free one.",
        show_default=False,
    ),
]

Modules = Annotated[
    str | None,
    typer.Option(
        "--modules",
        help="Science modules, comma-separated ([cyan]rb,braai_d6_m7[/]), or [cyan]none[/]. "
        "Default: rb and every imported model.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=64, help="Threads that decode and score.", show_default=False
    ),
]

#: What is said to people goes to stderr, what is asked for goes to stdout.
said = Console(stderr=True, highlight=False)
out = Console(highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON object on stdout; NaN becomes null, NumPy numbers are numbers."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY, default=str)
    typer.echo(text.decode())


def module_names(modules: str | None) -> list[str] | None:
    """Read ``--modules`` or ``--catalogs``: names with commas, ``none``, or nothing for all."""
    if modules is None:
        return None
    return [name.strip() for name in modules.split(",") if name.strip() not in {"", "none"}]

"""Show a training on a terminal; say nothing in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Watch(Protocol):
    """Told what is going on: a label, steps done, steps in all, and what to show beside."""

    def __call__(self, label: str, done: int, total: int, note: str = "") -> None:
        """Show it."""
        ...


@contextmanager
def terminal_watch() -> Iterator[Watch]:
    """Give a watch that draws one bar a stage on the terminal, with loss and time left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, int] = {}

        def watch(label: str, done: int, total: int, note: str = "") -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total, note="")
            bars.update(bars.task_ids[tasks[label]], completed=done, total=total, note=note)

        yield watch

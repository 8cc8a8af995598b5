"""Progress bars: on a terminal with rate and time left, silent in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from gueststar.cli.options import said

if TYPE_CHECKING:
    from gueststar.contracts import Source


class Tick(Protocol):
    """Called after each committed batch."""

    def __call__(self, source: Source, rows: int) -> None:
        """Advance the bar by some rows."""
        ...


@contextmanager
def alerts_bar(label: str, quiet: bool) -> Iterator[Tick]:
    """Show how much of a source has been read, the alerts so far and their rate.

    Parameters
    ----------
    label : str
        What is going on.
    quiet : bool
        Show nothing at all.
    """
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[alerts]:,} alerts"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=said, disable=quiet or not said.is_terminal, transient=True)
    with bar:
        task = bar.add_task(label, total=None, alerts=0, rate=0.0)
        count = 0

        def tick(source: Source, rows: int) -> None:
            nonlocal count
            count += rows
            elapsed = bar.tasks[0].elapsed or 1e-9
            total, done = getattr(source, "size", None), getattr(source, "done", 0)
            bar.update(task, total=total, completed=done, alerts=count, rate=count / elapsed)

        yield tick


@contextmanager
def count_bar(label: str) -> Iterator[Callable[[int], None]]:
    """Show how many alerts of an endless stream there were so far, and their rate.

    Parameters
    ----------
    label : str
        What is going on.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        TextColumn("{task.completed:,} alerts"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=said, disable=not said.is_terminal, transient=True)
    with bar:
        task = bar.add_task(label, total=None, rate=0.0)

        def tell(count: int) -> None:
            elapsed = bar.tasks[0].elapsed or 1e-9
            bar.update(task, completed=count, rate=count / elapsed)

        yield tell


@contextmanager
def rows_bar(label: str, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how many rows there were so far, and their rate; the yielded function is told of more.

    Parameters
    ----------
    label : str
        What is going on.
    quiet : bool
        Show nothing at all.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        TextColumn("{task.completed:,} rows"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
    )
    shown = said.is_terminal and not quiet
    with Progress(*columns, console=said, disable=not shown, transient=True) as bar:
        task = bar.add_task(label, total=None, rate=0.0)

        def tell(rows: int) -> None:
            count = bar.tasks[0].completed + rows
            elapsed = bar.tasks[0].elapsed or 1e-9
            bar.update(task, completed=count, rate=count / elapsed)

        yield tell


@contextmanager
def steps_bar(label: str, quiet: bool = False) -> Iterator[Progress]:
    """Show a bar for steps that a long job counts itself."""
    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=said,
        disable=quiet or not said.is_terminal,
        transient=True,
    )
    with bar:
        bar.add_task(label, total=None)
        yield bar

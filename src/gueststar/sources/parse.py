"""What a SOURCE argument of the command line means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gueststar import registry
from gueststar.contracts import Source
from gueststar.errors import BadInput
from gueststar.sources.files import FileSource


def open_source(arguments: Sequence[str], batch_size: int = 250) -> list[Source]:
    """Open sources from command-line arguments.

    Parameters
    ----------
    arguments : sequence of str
        Paths of files and folders, or ``simulate:N`` and ``simulate:N:SEED``.
    batch_size : int
        Packets a batch at most.

    Returns
    -------
    list of Source
        All paths together are one source; every other argument is its own.

    Raises
    ------
    BadInput
        If an argument means nothing; the message says what could be meant.

    Examples
    --------
    >>> open_source(["kafka://localhost:9092/ztf"])
    Traceback (most recent call last):
    ...
    gueststar.errors.BadInput: 'kafka://localhost:9092/ztf': no source named 'kafka' here...
    """
    paths = [text for text in arguments if not _scheme(text)]
    others = [_other(text, batch_size) for text in arguments if _scheme(text)]
    files: list[Source] = [FileSource(paths, batch_size)] if paths else []
    return files + others


def _scheme(text: str) -> str:
    if Path(text).exists():  # whatever its name
        return ""
    head, colon, _ = text.partition(":")
    return head if colon and head.isalnum() and len(head) > 1 else ""


def _other(text: str, batch_size: int) -> Source:
    if _scheme(text) == "simulate":
        alerts, seed = simulate_numbers(text)
        source: Source = registry.load("sources", "simulate")(alerts, seed, batch_size=batch_size)
        return source
    raise BadInput(
        f"{text!r}: no source named {_scheme(text)!r} here. Give files, folders, "
        ".tar.gz archives, .parquet files, or simulate:N[:SEED]"
    )


def simulate_numbers(text: str) -> tuple[int, int]:
    """Read ``simulate:N[:SEED]``.

    Examples
    --------
    >>> simulate_numbers("simulate:2000:7"), simulate_numbers("simulate:50")
    ((2000, 7), (50, 0))
    """
    numbers = text.split(":")[1:]
    if not 1 <= len(numbers) <= 2 or not all(number.isdecimal() for number in numbers):
        raise BadInput(f"{text!r} should be simulate:N or simulate:N:SEED, whole numbers")
    alerts, seed = [int(number) for number in [*numbers, "0"][:2]]
    return alerts, seed

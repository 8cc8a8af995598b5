"""The columns that a filter may speak of: those of a batch, and the magnitude."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from gueststar.batch import CUTOUTS, AlertBatch, magnitude

MAG = "mag"


def speakable(names: Iterable[str]) -> tuple[str, ...]:
    """Return what a filter may name: the columns without cutouts, and ``mag``.

    Examples
    --------
    >>> speakable(["ra", "science", "flux"])
    ('ra', 'flux', 'mag')
    """
    return (*(name for name in names if name not in CUTOUTS), MAG)


def needed(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of a batch that these are made of, each once.

    Examples
    --------
    >>> needed(["mag", "ra", "flux"])
    ('flux', 'ra')
    """
    return tuple(dict.fromkeys("flux" if name == MAG else name for name in names))


def column(batch: AlertBatch, name: str) -> pa.Array:
    """Return a column; ``mag`` is AB mag of the difference flux, null where that is not positive.

    Raises
    ------
    BadModule
        If there is no such column.
    """
    if name != MAG:
        return batch.column(name)
    return pa.array(magnitude(batch.numpy("flux")), pa.float64(), from_pandas=True)

"""Cells of the sky that positions touch: what queries read, and which row is for which position."""

from __future__ import annotations

import numpy as np

from gueststar.errors import BadInput
from gueststar.store.mocs import ORDER
from gueststar.store.selection import MAX_MATCHES


def spans_of(cells: np.ndarray, depth: int) -> np.ndarray:
    """Join cells to half-open ranges of cells of order 29, shape ``(n, 2)``.

    Examples
    --------
    >>> spans_of(np.array([7, 5, 4, 5]), 29)
    array([[4, 6],
           [7, 8]])
    """
    cells = np.sort(cells)
    starts = np.flatnonzero(np.diff(cells, prepend=-2) > 1)
    ends = np.append(starts[1:], len(cells)) - 1
    return np.stack([cells[starts], cells[ends] + 1], 1) << 2 * (ORDER - depth)


def pairs(
    cells: np.ndarray, asked: np.ndarray, healpix29: np.ndarray, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pair each cone with each row of its cells.

    Parameters
    ----------
    cells, asked : numpy.ndarray
        As :func:`cells_of` gives them.
    healpix29 : numpy.ndarray
        Cells of the rows, order 29, sorted.
    depth : int
        Order of ``cells``.

    Returns
    -------
    cone, row : numpy.ndarray
    """
    held = healpix29 >> 2 * (ORDER - depth)
    low, high = np.searchsorted(held, cells), np.searchsorted(held, cells, side="right")
    count = high - low
    total = int(count.sum())
    if total > 100 * MAX_MATCHES:
        raise BadInput("too much lies near these positions: ask for fewer at once")
    first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    return np.repeat(asked, count), first + np.arange(total)

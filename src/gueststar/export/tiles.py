"""Which HEALPix cells become files: as large as a number of rows allows, as small as it must."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

DEEPEST = 9  # order of the smallest files, 6.9 arcmin: they may hold more rows than was asked


@dataclass
class Histogram:
    """Rows by cell of the deepest order."""

    counts: np.ndarray = field(default_factory=lambda: np.zeros(12 * 4**DEEPEST, np.int64))

    def add(self, cells29: np.ndarray) -> None:
        """Count cells of order 29, nested."""
        cells, rows = np.unique(cells29 >> 2 * (29 - DEEPEST), return_counts=True)
        self.counts[cells] += rows

    def tiles(self, most: int) -> list[tuple[int, int, int]]:
        """Return order, cell and rows of the files, in the order of the sky's nested cells.

        Parameters
        ----------
        most : int
            Rows of a file; a cell of the deepest order is not divided, whatever it holds.

        Examples
        --------
        >>> sky = Histogram()
        >>> sky.add(np.array([0, 1, 5 << 58]))
        >>> sky.tiles(10)
        [(0, 0, 2), (0, 5, 1)]
        """
        levels = [self.counts]
        while len(levels[-1]) > 12:
            levels.append(levels[-1].reshape(-1, 4).sum(axis=1))
        levels.reverse()
        found = []
        open_cells = np.flatnonzero(levels[0])
        for order, counts in enumerate(levels):
            rows = counts[open_cells]
            ends = (rows <= most) | (order == DEEPEST)
            found += [
                (order, int(c), int(n)) for c, n in zip(open_cells[ends], rows[ends], strict=True)
            ]
            children = (open_cells[~ends][:, None] * 4 + np.arange(4)).ravel()
            if order < DEEPEST:
                open_cells = children[levels[order + 1][children] > 0]
        return sorted(found, key=lambda tile: tile[1] << 2 * (29 - tile[0]))


def starts_of(tiles: list[tuple[int, int, int]]) -> np.ndarray:
    """Return the first cell of order 29 of each file."""
    return np.array([cell << 2 * (29 - order) for order, cell, _ in tiles], np.int64)

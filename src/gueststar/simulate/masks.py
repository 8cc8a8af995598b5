"""Where a stamp has no data: detector edges, boxes around bright stars, cut-off rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gueststar.simulate.render import STAMP

_CENTRE = STAMP // 2


@dataclass(frozen=True)
class Mask:
    """What one stamp lacks.

    Attributes
    ----------
    bad : numpy.ndarray of bool, shape ``(63, 63)``, or None
        Pixels that are NaN.
    rows, columns : slice
        The part that lies on the detector; the rest is cut off.
    template_filled : bool
        The template marks its bad pixels with the lowest float32 instead of NaN, which the real
        survey sometimes does.
    """

    bad: np.ndarray | None = None
    rows: slice = field(default_factory=lambda: slice(None))
    columns: slice = field(default_factory=lambda: slice(None))
    template_filled: bool = False

    def apply(self, stamp: np.ndarray, fill: float = np.nan) -> np.ndarray:
        """Blank and cut one stamp; a copy."""
        out = stamp.copy()
        if self.bad is not None:
            out[self.bad] = fill
        return out[self.rows, self.columns]


WHOLE = Mask()


def draw_mask(rng: np.random.Generator, kind: str, crowded: bool) -> Mask:
    """Draw what a stamp lacks; most lack nothing."""
    u = rng.random(4)
    if kind == "edge":
        return Mask(bad=_border(int(rng.integers(1, 4)), 0))
    if u[0] < 0.012:
        return _partial(rng)
    bad = None
    if u[1] < 0.05:
        bad = _border(int(rng.integers(3, _CENTRE)), int(rng.integers(4)))
    if u[2] < (0.2 if crowded else 0.03):
        box = _box(rng)
        bad = box if bad is None else bad | box
    return WHOLE if bad is None else Mask(bad=bad, template_filled=bool(u[3] < 0.04))


def _partial(rng: np.random.Generator) -> Mask:
    keep = slice(int(rng.integers(1, 20)), None)
    if rng.random() < 0.5:
        keep = slice(0, STAMP - int(keep.start))
    return Mask(rows=keep) if rng.random() < 0.5 else Mask(columns=keep)


def _border(distance: int, side: int) -> np.ndarray:
    """Mask everything beyond ``distance`` pixels from the centre, on one of four sides."""
    bad = np.zeros((STAMP, STAMP), bool)
    bad[: _CENTRE - distance] = True
    return np.rot90(bad, side).copy()


def _box(rng: np.random.Generator) -> np.ndarray:
    """Mask a box around a bright star near the candidate, but not the candidate."""
    bad = np.zeros((STAMP, STAMP), bool)
    size = int(rng.choice([17, 17, 19, 27]))
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.72 * size + 2, 42)
    row = int(_CENTRE + distance * np.sin(angle) - size / 2)
    column = int(_CENTRE + distance * np.cos(angle) - size / 2)
    bad[max(0, row) : max(0, row + size), max(0, column) : max(0, column + size)] = True
    return bad

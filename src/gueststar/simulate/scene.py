"""What lies around an object: neighbours of the field, seen from the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gueststar.simulate.exposures import Exposures
from gueststar.simulate.objects import Source, many_colours
from gueststar.simulate.render import CANVAS

_SLOPE = 0.3  # of log10 star counts per magnitude
#: Mean number of stars on a canvas and the faintest of them, by crowding.
_FIELDS = {"sparse": (5.0, 21.8), "medium": (14.0, 21.5), "crowded": (60.0, 20.5)}


@dataclass(frozen=True)
class Scene:
    """Sources of the reference image around an object.

    Attributes
    ----------
    x, y : numpy.ndarray, shape ``(n,)``
        Offset from the object, pixel.
    mags : numpy.ndarray, shape ``(n, 4)``
        AB magnitudes by fid (column 0 unused).
    extended : numpy.ndarray of bool
        Galaxies; the host, if any, is the last.
    """

    x: np.ndarray
    y: np.ndarray
    mags: np.ndarray
    extended: np.ndarray

    @property
    def distance(self) -> np.ndarray:
        """Distance from the object, pixel."""
        return np.asarray(np.hypot(self.x, self.y))


def draw_crowding(rng: np.random.Generator) -> str:
    """Draw the crowding of a patch: most of the sky is sparse, most stars are not."""
    return str(rng.choice(["sparse", "medium", "crowded"], p=[0.5, 0.25, 0.25]))


def draw_scene(rng: np.random.Generator, source: Source, log: Exposures, crowding: str) -> Scene:
    """Draw the neighbours of an object and put its own star and host among them."""
    mean, faintest = _FIELDS[crowding]
    n = int(rng.poisson(mean))
    half = CANVAS / 2
    x, y = rng.uniform(-half, half, (2, n))
    red = np.maximum(faintest + np.log10(rng.random(n) + 1e-12) / _SLOPE, 12.5)
    mags = red[:, None] + many_colours(rng, n)
    far = np.hypot(x, y) > 2.5 + 3.0 * (red < log.limit[-1] - 3)
    x, y, mags = x[far], y[far], mags[far]
    extended = rng.random(len(x)) < (0.35 if crowding == "sparse" else 0.0)
    own = _own(source)
    return Scene(
        np.concatenate([x, own.x]),
        np.concatenate([y, own.y]),
        np.concatenate([mags, own.mags]),
        np.concatenate([extended, own.extended]),
    )


def _own(source: Source) -> Scene:
    x, y, mags, extended = [], [], [], []
    if source.star is not None:
        x, y, mags, extended = [0.0], [0.0], [source.star], [False]
    if source.host is not None:
        x.append(source.host.x)
        y.append(source.host.y)
        mags.append(source.host.mags)
        extended.append(True)
    return Scene(
        np.array(x), np.array(y), np.array(mags).reshape(-1, 4), np.array(extended, dtype=bool)
    )

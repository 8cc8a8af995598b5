r"""Orbits of minor planets as osculating elements, and what they mean as place and velocity.

Kepler's equation :math:`M = E - e \sin E` is solved by Newton's method; place and velocity in the
plane of the orbit are

.. math::

   x = a (\cos E - e), \quad y = a \sqrt{1 - e^2} \sin E, \quad
   \dot x = -\frac{n a \sin E}{1 - e \cos E}, \quad
   \dot y = \frac{n a \sqrt{1 - e^2} \cos E}{1 - e \cos E}

(Murray & Dermott 1999, Solar System Dynamics, section 2.4), turned by the argument of perihelion,
the inclination and the node, and from the ecliptic to the equator by the obliquity of J2000 that
the Minor Planet Center uses, 84381.448 arcsec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pyarrow as pa

from gueststar.catalogs.solarsystem import GM_SUN

OBLIQUITY = np.radians(84_381.448 / 3_600.0)

#: Columns of orbits on the way through files and stores.
ORBITS = pa.schema(
    [
        pa.field("designation", pa.string(), nullable=False),
        pa.field("number", pa.int64()),
        pa.field("name", pa.string()),
        *(pa.field(name, pa.float64(), nullable=False)
          for name in ("epoch", "mean_anomaly", "perihelion", "node", "inclination",
                       "eccentricity", "axis")),
        pa.field("h", pa.float64()),
        pa.field("g", pa.float64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Orbits:
    """Osculating elements of some minor planets, heliocentric, ecliptic and equinox of J2000.

    Parameters
    ----------
    epoch : numpy.ndarray, shape ``(n,)``
        MJD, TT.
    mean_anomaly, perihelion, node, inclination : numpy.ndarray, shape ``(n,)``
        deg; ``perihelion`` is its argument.
    eccentricity : numpy.ndarray, shape ``(n,)``
        0 to below 1.
    axis : numpy.ndarray, shape ``(n,)``
        Semi-major axis, au.
    h, g : numpy.ndarray, shape ``(n,)``
        Absolute magnitude (V) and slope; NaN where unknown.
    """

    epoch: np.ndarray
    mean_anomaly: np.ndarray
    perihelion: np.ndarray
    node: np.ndarray
    inclination: np.ndarray
    eccentricity: np.ndarray
    axis: np.ndarray
    h: np.ndarray
    g: np.ndarray

    def __len__(self) -> int:
        return len(self.epoch)

    def __getitem__(self, rows: np.ndarray | slice) -> Self:
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Return the elements of a table of :data:`ORBITS`; unknown numbers are NaN."""
        columns = (table.column(field.name).to_numpy() for field in fields(cls))
        return cls(*(np.asarray(column, np.float64) for column in columns))

    def states(self) -> np.ndarray:
        """Return place and velocity at each epoch.

        Returns
        -------
        numpy.ndarray, shape ``(n, 6)``
            au and au/d, heliocentric, ICRS.
        """
        e, a = self.eccentricity, self.axis
        anomaly = eccentric_anomaly(np.radians(self.mean_anomaly), e)
        cos, sin, short = np.cos(anomaly), np.sin(anomaly), np.sqrt(1 - e**2)
        speed = np.sqrt(GM_SUN / a) / (1 - e * cos)  # n a over r / a
        along, across = _axes(*np.radians([self.perihelion, self.node, self.inclination]))
        place = (a * (cos - e))[:, None] * along + (a * short * sin)[:, None] * across
        velocity = (-speed * sin)[:, None] * along + (speed * short * cos)[:, None] * across
        return np.concatenate([place, velocity], axis=1)


def eccentric_anomaly(mean: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Solve Kepler's equation.

    Parameters
    ----------
    mean : numpy.ndarray
        Mean anomaly, rad.
    e : numpy.ndarray
        Eccentricity, 0 to below 1.

    Returns
    -------
    numpy.ndarray
        Eccentric anomaly, rad.

    Examples
    --------
    >>> anomaly = eccentric_anomaly(np.array([1.0]), np.array([0.5]))
    >>> (anomaly - 0.5 * np.sin(anomaly)).round(12)
    array([1.])
    """
    mean = np.mod(mean + np.pi, 2 * np.pi) - np.pi
    found = mean + np.sign(mean) * 0.85 * e  # Danby 1987: Newton's method converges from here
    for _ in range(50):
        step = (found - e * np.sin(found) - mean) / (1 - e * np.cos(found))
        found = found - step
        if not len(step) or np.max(np.abs(step)) < 1e-14:
            break
    return np.asarray(found)


def _axes(w: np.ndarray, node: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors to perihelion and 90 degrees behind it, ICRS, ``(n, 3)`` each."""
    cw, sw, cn, sn, ci, si = np.cos(w), np.sin(w), np.cos(node), np.sin(node), np.cos(i), np.sin(i)
    along = [cn * cw - sn * sw * ci, sn * cw + cn * sw * ci, sw * si]
    across = [-cn * sw - sn * cw * ci, -sn * sw + cn * cw * ci, cw * si]
    return _to_equator(along), _to_equator(across)


def _to_equator(ecliptic: Sequence[np.ndarray]) -> np.ndarray:
    x, y, z = ecliptic
    cos, sin = np.cos(OBLIQUITY), np.sin(OBLIQUITY)
    return np.stack([x, cos * y - sin * z, sin * y + cos * z], axis=-1)

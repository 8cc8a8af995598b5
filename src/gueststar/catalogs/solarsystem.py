r"""Where the Sun, the planets and the Moon are, for as long as minor planets are followed.

The planets' heliocentric places are those of Simon et al. 1994 (A&A 282, 663; ERFA ``plan94``),
good to some arcseconds, which as a perturbation of a minor planet is some parts in 100,000. The
Earth, whose place is subtracted from that of every minor planet, is that of ``epv00`` (Moisson &
Bretagnon 2001), good to 5 km, the Moon that of ``moon98`` (Meeus 1998). Nothing is fetched.

Times are MJD in TT, which is taken for TDB: they differ by 2 ms at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import erfa  # type: ignore[import-untyped]
import numpy as np

TT_MINUS_TAI = 32.184 / 86_400.0  # d
MJD_ZERO = 2_400_000.5  # JD
LIGHT = 173.144_632_674_240  # au/d

#: Of the Sun, au^3/d^2 (DE440: Park et al. 2021, AJ 161, 105).
GM_SUN = 2.959_122_082_841_196e-4
#: The Sun over each body with its moons (DE440): Mercury, Venus, Earth, Moon, Mars and on.
_RATIOS = (6_023_682.1556, 408_523.7187, 332_946.0487, 27_068_703.24, 3_098_703.59,
           1_047.348_625, 3_497.901_8, 22_902.951_2, 19_412.259_7)  # fmt: skip
GM_PLANETS = GM_SUN / np.array(_RATIOS)
EARTH = 2  # its place among them

_PLANETS = (1, 2, None, None, 4, 5, 6, 7, 8)  # numbers of ``plan94``


def planets(mjd_tt: np.ndarray) -> np.ndarray:
    """Heliocentric places of the bodies of :data:`GM_PLANETS`, au, ICRS.

    Parameters
    ----------
    mjd_tt : numpy.ndarray, shape ``(n,)``

    Returns
    -------
    numpy.ndarray, shape ``(n, 9, 3)``
    """
    mjd_tt = np.asarray(mjd_tt, np.float64)
    places = np.empty((len(mjd_tt), len(_PLANETS), 3))
    for at, number in enumerate(_PLANETS):
        if number is not None:
            places[:, at] = erfa.plan94(MJD_ZERO, mjd_tt, number)["p"]
    places[:, EARTH] = erfa.epv00(MJD_ZERO, mjd_tt)[0]["p"]
    places[:, EARTH + 1] = places[:, EARTH] + erfa.moon98(MJD_ZERO, mjd_tt)["p"]
    return places


@dataclass(frozen=True)
class Places:
    """Places and velocities of the planets at the beginning of every day.

    Parameters
    ----------
    first : float
        MJD, TT.
    position, velocity : numpy.ndarray, shape ``(days, 9, 3)``
        au and au/d. Between two days Hermite's cubic joins them, at worst (Mercury) within 2e-7 au.
    """

    first: float
    position: np.ndarray
    velocity: np.ndarray

    @property
    def last(self) -> float:
        """The last day, MJD, TT."""
        return self.first + len(self.position) - 1


def places_between(first: float, last: float) -> Places:
    """Return the places of the planets for these days, and some more on both sides.

    Parameters
    ----------
    first, last : float
        MJD, TT, in either order.
    """
    low, high = np.floor(min(first, last)) - 3, np.ceil(max(first, last)) + 3
    found = planets(np.arange(low - 2, high + 3))
    slopes = (found[:-4] - 8 * found[1:-3] + 8 * found[3:-1] - found[4:]) / 12
    return Places(low, np.ascontiguousarray(found[2:-2]), np.ascontiguousarray(slopes))

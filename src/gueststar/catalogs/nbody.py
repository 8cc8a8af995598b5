r"""Minor planets under the Sun and all planets, each with steps of its own.

Bodies without mass, heliocentric:

.. math::

   \ddot{\mathbf r} = -\frac{\mu \mathbf r}{r^3}
   - \sum_p \mu_p \left( \frac{\mathbf r - \mathbf r_p}{|\mathbf r - \mathbf r_p|^3}
     + \frac{\mathbf r_p}{r_p^3} \right)
   + \frac{\mu}{c^2 r^3} \left[ \left( \frac{4 \mu}{r} - v^2 \right) \mathbf r
     + 4 (\mathbf r \cdot \mathbf v) \mathbf v \right]

with Mercury to Neptune, Earth and Moon apart (:mod:`gueststar.catalogs.solarsystem`), and the
first post-Newtonian term of the Sun (Moyer 2003, JPL Monograph 2, eq. 4-26, without the planets').
Integrated by :mod:`gueststar.catalogs.dop853`, where each body has the steps that its own error
asks for: a planet that passes near the Earth takes more of them than one in the main belt.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from gueststar.catalogs.dop853 import E3, E5, STAGES, A, B, C
from gueststar.catalogs.solarsystem import GM_PLANETS, GM_SUN, LIGHT, Places, places_between

TOLERANCE = 1e-12  # of a step, au and au/d
AT_ONCE = 5_000  # bodies that a thread takes
_LONGEST = 100_000  # steps of one body; who needs more is lost (inside a planet)
_PLANETS = len(GM_PLANETS)


@njit(cache=True, nogil=True)
def _planets_at(t: float, first: float, position: np.ndarray, velocity: np.ndarray,
                out: np.ndarray) -> None:  # fmt: skip
    """Places of the planets at a moment, by Hermite's cubic between two days."""
    day = min(max(int(np.floor(t - first)), 0), len(position) - 2)
    s = t - first - day
    s2, s3 = s * s, s * s * s
    a, b, c, d = 2 * s3 - 3 * s2 + 1, s3 - 2 * s2 + s, 3 * s2 - 2 * s3, s3 - s2
    for p in range(_PLANETS):
        for k in range(3):
            out[p, k] = (
                a * position[day, p, k]
                + b * velocity[day, p, k]
                + c * position[day + 1, p, k]
                + d * velocity[day + 1, p, k]
            )


@njit(cache=True, nogil=True)
def _slope(y: np.ndarray, planets: np.ndarray, out: np.ndarray) -> None:
    """Velocity and acceleration of one body."""
    x0, x1, x2, v0, v1, v2 = y[0], y[1], y[2], y[3], y[4], y[5]
    r2 = x0 * x0 + x1 * x1 + x2 * x2
    r = np.sqrt(r2)
    mu = GM_SUN / (r2 * r)
    bend = mu / (LIGHT * LIGHT)
    outward = bend * (4 * GM_SUN / r - (v0 * v0 + v1 * v1 + v2 * v2)) - mu
    forward = 4 * bend * (x0 * v0 + x1 * v1 + x2 * v2)
    a0, a1, a2 = (
        outward * x0 + forward * v0,
        outward * x1 + forward * v1,
        outward * x2 + forward * v2,
    )
    for p in range(_PLANETS):
        p0, p1, p2 = planets[p, 0], planets[p, 1], planets[p, 2]
        d0, d1, d2 = x0 - p0, x1 - p1, x2 - p2
        apart = d0 * d0 + d1 * d1 + d2 * d2
        far = p0 * p0 + p1 * p1 + p2 * p2
        pull = GM_PLANETS[p] / (apart * np.sqrt(apart))
        sun = GM_PLANETS[p] / (far * np.sqrt(far))
        a0 -= pull * d0 + sun * p0
        a1 -= pull * d1 + sun * p1
        a2 -= pull * d2 + sun * p2
    out[0], out[1], out[2], out[3], out[4], out[5] = v0, v1, v2, a0, a1, a2


@njit(cache=True, nogil=True)
def _try(t: float, h: float, y: np.ndarray, k: np.ndarray, new: np.ndarray, tolerance: float,
         first: float, position: np.ndarray, velocity: np.ndarray,
         planets: np.ndarray) -> float:  # fmt: skip
    """Try one step; return its error over the tolerance, the new state in ``new``."""
    for stage in range(1, STAGES):
        for c in range(6):
            total = 0.0
            for j in range(stage):
                total += A[stage, j] * k[j, c]
            new[c] = y[c] + h * total
        _planets_at(t + C[stage] * h, first, position, velocity, planets)
        _slope(new, planets, k[stage])
    five = three = 0.0
    for c in range(6):
        total = e5 = e3 = 0.0
        for j in range(STAGES):
            total += B[j] * k[j, c]
            e5 += E5[j] * k[j, c]
            e3 += E3[j] * k[j, c]
        new[c] = y[c] + h * total
        five += e5 * e5
        three += e3 * e3
    below = np.sqrt((five + 0.01 * three) * 6.0)
    return 0.0 if below == 0.0 else abs(h) * five / below / tolerance


@njit(cache=True, nogil=True)
def _carry(states: np.ndarray, start: np.ndarray, end: np.ndarray, tolerance: float, first: float,
           position: np.ndarray, velocity: np.ndarray) -> None:  # fmt: skip
    """Carry each state from its start to its end, in place; what is lost becomes NaN."""
    k = np.empty((STAGES, 6))
    new = np.empty(6)
    planets = np.empty((_PLANETS, 3))
    for body in range(len(states)):
        y = states[body]
        t = start[body]
        left = end[body] - t
        r = np.sqrt(y[0] ** 2 + y[1] ** 2 + y[2] ** 2)
        h = min(20.0 * r, abs(left)) * (1.0 if left > 0 else -1.0)
        steps = 0
        while left != 0.0 and steps < _LONGEST:
            _planets_at(t, first, position, velocity, planets)
            _slope(y, planets, k[0])
            while steps < _LONGEST:
                steps += 1
                error = _try(t, h, y, k, new, tolerance, first, position, velocity, planets)
                factor = 6.0 if error == 0.0 else min(6.0, 0.9 * error ** (-0.125))
                if error <= 1.0:
                    break
                h *= max(factor, 0.2)
            y[:] = new
            t += h
            left = end[body] - t
            if abs(left) <= 1e-9:  # what rounding left: 0.1 ms
                break
            h = np.sign(left) * min(abs(h) * max(factor, 0.2), abs(left))
        if steps >= _LONGEST or not np.isfinite(y[0]):
            y[:] = np.nan


def carried(
    states: np.ndarray,
    start: np.ndarray | float,
    end: np.ndarray | float,
    places: Places | None = None,
    *,
    tolerance: float = TOLERANCE,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Carry minor planets from one moment to another.

    Parameters
    ----------
    states : numpy.ndarray, shape ``(n, 6)``
        Place and velocity from the Sun, au and au/d, ICRS.
    start, end : numpy.ndarray, shape ``(n,)``, or float
        MJD, TT; ``end`` may lie before ``start``.
    places : Places, optional
        Of the planets, for all these days; made when not given.
    tolerance : float
        Error of a step, au and au/d.
    progress : callable, optional
        Called with the number of bodies that are there.

    Returns
    -------
    numpy.ndarray, shape ``(n, 6)``
        NaN for a body that cannot be followed: one that ends inside a planet.
    """
    out = np.array(states, np.float64)
    n = len(out)
    begins = np.ascontiguousarray(np.broadcast_to(np.asarray(start, np.float64), n))
    ends = np.ascontiguousarray(np.broadcast_to(np.asarray(end, np.float64), n))
    if not n:
        return out
    if places is None:
        times = (begins.min(), begins.max(), ends.min(), ends.max())
        places = places_between(min(times), max(times))
    given = (tolerance, places.first, places.position, places.velocity)

    def work(low: int) -> int:
        part = slice(low, low + AT_ONCE)
        _carry(out[part], begins[part], ends[part], *given)
        return len(out[part])

    if n <= AT_ONCE:
        work(0)
        return out
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for count in pool.map(work, range(0, n, AT_ONCE)):
            if progress is not None:
                progress(count)
    return out

"""Orbits like those of the main belt, and files of them as the Minor Planet Center writes them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from gueststar.catalogs.orbits import ORBITS, Orbits
from gueststar.sites import SITES

PALOMAR, RUBIN = SITES["palomar"], SITES["rubin"]

#: (433) Eros and others, about as MPCORB.DAT had them for 2025 November 21.
EROS = (
    "00433   10.39  0.15 K25BL 310.55430  178.92980  304.27010   10.82850  0.2228357 "
    " 0.55977230   1.4582463  0 E2025-X01  9130  54 1893-2025 0.55 M-v 3Ek MPCLINUX   1804    "
    "(433) Eros                 20251101"
)


def belt(n, seed=0, epoch=60000.0):
    """``n`` orbits drawn like the main belt."""
    rng = np.random.default_rng(seed)
    turn = lambda: rng.uniform(0, 360, n)  # noqa: E731
    return Orbits(
        epoch=np.full(n, epoch),
        mean_anomaly=turn(),
        perihelion=turn(),
        node=turn(),
        inclination=np.abs(rng.normal(0, 8, n)),
        eccentricity=np.clip(rng.rayleigh(0.12, n), 0, 0.6),
        axis=rng.uniform(2.1, 3.3, n),
        h=rng.uniform(12, 19, n),
        g=np.full(n, 0.15),
    )


def table_of(orbits, first=1):
    """As a table of ORBITS; every second body has a number and a name."""
    n = len(orbits)
    numbers = [first + k if k % 2 == 0 else None for k in range(n)]
    columns = {
        "designation": [str(number or f"2020 A{k}") for k, number in enumerate(numbers)],
        "number": numbers,
        "name": [f"Body {number}" if number else None for number in numbers],
        **{f.name: getattr(orbits, f.name) for f in ORBITS if f.name in vars(orbits)},
    }
    return pa.table([pa.array(columns[f.name], f.type) for f in ORBITS], schema=ORBITS)


def with_h(orbits, h):
    return replace(orbits, h=np.full(len(orbits), h))

"""Objects where searches go wrong, and who lies where by brute force."""

import numpy as np
from astropy import units as u
from astropy.coordinates import Latitude, Longitude
from cdshealpix.nested import lonlat_to_healpix

from store.alerts import random_alerts, replaced

N = 4_000
#: Where cones go wrong: poles, the wrap of right ascension, corners of HEALPix base cells.
HARD = [(0, 90), (0, -90), (123, 90), (0, 0), (360, 0), (359.9999, 10), (45, 41.81), (90, -41.81)]


def on_sphere(rng, n):
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def near(rng, ra, dec, arcsec):
    """Positions some arcsec from others, also across the poles."""
    angle, step = rng.uniform(0, 2 * np.pi, len(ra)), np.radians(arcsec / 3600)
    a, d = np.radians(ra), np.radians(dec)
    east = np.stack([-np.sin(a), np.cos(a), 0 * a])
    north = np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    at = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    x, y, z = at * np.cos(step) + (east * np.cos(angle) + north * np.sin(angle)) * np.sin(step)
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))


def at(batch, ra, dec):
    cell = lonlat_to_healpix(Longitude(ra, u.deg), Latitude(dec, u.deg), 29).astype(np.int64)
    return replaced(batch, ra=ra, dec=dec, healpix29=cell)


def placed_alerts():
    """An object at each position, half on the sphere, half round the hard places; ra, dec."""
    rng = np.random.default_rng(5)
    ra, dec = on_sphere(rng, N // 2)
    hard = np.array(HARD, float)[rng.integers(0, len(HARD), N // 2)].T
    closer = near(rng, *hard, 10 ** rng.uniform(-1, 4, N // 2))
    ra, dec = np.concatenate([ra, closer[0]]), np.concatenate([dec, closer[1]])
    batch = replaced(random_alerts(N, 1), object_id=[f"o{i:05d}" for i in range(N)])
    return at(batch, ra, dec), ra, dec


def vectors(a, d):
    a, d = np.radians(a), np.radians(d)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], -1)


def brute_force(places, ra, dec, radius):
    """Pairs of position and object, by chords between unit vectors."""
    one, two = vectors(*places), vectors(ra, dec)
    chord = np.sqrt(np.maximum(0, ((one[:, None] - two[None]) ** 2).sum(2)))
    apart = np.degrees(2 * np.arcsin(np.minimum(1, chord / 2))) * 3600
    return {
        (int(i), f"o{k:05d}") for i, k in zip(*np.nonzero(apart <= radius[:, None]), strict=True)
    }


def walk(find, selection, limit, **shown):
    """All rows, page by page."""
    from gueststar.store.selection import next_of

    rows, after = [], None
    while True:
        page = find(selection, after=after, limit=limit, **shown)
        assert page.num_rows <= limit
        rows += page.to_pylist()
        after = next_of(page)
        if after is None:
            return rows

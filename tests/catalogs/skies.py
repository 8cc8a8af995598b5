"""Small catalogues with known truth, simulated here, for tests of matching."""

import numpy as np


def scattered(n, seed=0):
    """``n`` positions all over the sky, both poles and the seam at 0 h among them."""
    rng = np.random.default_rng(seed)
    ra = rng.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:4], dec[:4] = [0.00001, 359.99999, 123.0, 77.0], [5.0, -5.0, 89.9999, -89.9999]
    return ra, dec


def beside(ra, dec, arcsec, angle):
    """Positions at a distance and an angle (deg, north over east), by astropy."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    moved = SkyCoord(ra, dec, unit="deg").directional_offset_by(angle * u.deg, arcsec * u.arcsec)
    return moved.ra.deg, moved.dec.deg


def columns(ra, dec, **more):
    return {
        "source_id": 7_000_000_000_000_000_000 + np.arange(len(ra)),
        "ra": ra,
        "dec": dec,
        **more,
    }

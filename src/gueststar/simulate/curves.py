"""Light curves of the kinds of object that vary, as flux of time and band.

Every function takes times and filters of the same length and gives magnitudes or relative fluxes.
The shapes are simple and public: a saw-tooth for RR Lyrae, dips for eclipses, the form of Bazin et
al. 2009 (A&A 499, 653) for supernovae, a damped random walk for AGN (Kelly et al. 2009, ApJ 698,
895).
"""

from __future__ import annotations

import numpy as np

#: Amplitude of a pulsating star in g, r, i relative to g; index by fid.
_PULSATION = np.array([0.0, 1.0, 0.7, 0.55])
_WALK = np.array([0.0, 1.0, 0.85, 0.75])
_FALL = {"ia": np.array([1, 17.0, 24.0, 30.0]), "ii": np.array([1, 60.0, 90.0, 110.0])}
_RISE = {"ia": np.array([1, 3.6, 4.2, 4.8]), "ii": np.array([1, 1.8, 2.4, 2.8])}


def rr_lyrae(
    jd: np.ndarray, fid: np.ndarray, period: float, epoch: float, amplitude: float
) -> np.ndarray:
    """Magnitude offset from the mean: fast rise, slow fall (type ab)."""
    phase = ((jd - epoch) / period) % 1.0
    saw = np.where(phase < 0.85, phase / 0.85, (1 - phase) / 0.15)
    smooth = saw - 0.06 * np.sin(2 * np.pi * phase)
    return np.asarray(amplitude * _PULSATION[fid] * (smooth - 0.5))


def eclipses(
    jd: np.ndarray, period: float, epoch: float, depth: float, second: float, width: float
) -> np.ndarray:
    """Magnitude offset from the maximum: two dips a period, each Gaussian in phase."""
    phase = ((jd - epoch) / period) % 1.0
    first_dip = np.minimum(phase, 1 - phase)
    second_dip = np.abs(phase - 0.5)
    return np.asarray(
        depth * np.exp(-0.5 * (first_dip / width) ** 2)
        + second * np.exp(-0.5 * (second_dip / width) ** 2)
    )


def long_period(
    jd: np.ndarray, fid: np.ndarray, period: float, epoch: float, amplitude: float
) -> np.ndarray:
    """Magnitude offset of a Mira: a slow sine, smaller to the red."""
    phase = 2 * np.pi * (jd - epoch) / period
    return np.asarray(0.5 * amplitude * _PULSATION[fid] * (np.sin(phase) + 0.2 * np.sin(2 * phase)))


def outburst(jd: np.ndarray, start: float, amplitude: float, decline: float) -> np.ndarray:
    """Magnitude offset of a dwarf nova: up within a day, a plateau, an exponential decline."""
    age = jd - start
    fall = np.exp(-np.maximum(age - 3.0, 0.0) / decline)
    return np.asarray(np.where(age < 0, 0.0, -amplitude * np.clip(age, 0, 1) * fall))


def damped_walk(
    rng: np.random.Generator, jd: np.ndarray, fid: np.ndarray, tau: float, sigma: float
) -> np.ndarray:
    """Magnitude offset of an AGN: a damped random walk drawn at these (sorted) times."""
    walk = np.empty(len(jd))
    kick = rng.standard_normal(len(jd))
    walk[0] = sigma * kick[0]
    keep = np.exp(-np.diff(jd) / tau)
    for i, k in enumerate(keep, 1):
        walk[i] = k * walk[i - 1] + sigma * np.sqrt(1 - k * k) * kick[i]
    return np.asarray(walk * _WALK[fid])


def supernova(kind: str, age: np.ndarray, fid: np.ndarray, redshift: float) -> np.ndarray:
    """Flux relative to the maximum of each band, from the age in the observer's frame.

    Parameters
    ----------
    kind : str
        ``ia`` or ``ii``.
    age : numpy.ndarray
        Days after maximum, observer's frame.
    fid : numpy.ndarray of int
        1 g, 2 r, 3 i.
    redshift : float
        Stretches time by ``1 + z``.
    """
    rise, fall = _RISE[kind][fid], _FALL[kind][fid]
    peak = rise * np.log(np.maximum(fall / rise - 1, 0.1))  # where the form has its maximum
    rest = np.clip(age / (1 + redshift) + peak, -60, 400)
    top = np.exp(-peak / fall) / (1 + np.exp(-peak / rise))
    curve = np.exp(-rest / fall) / (1 + np.exp(-rest / rise)) / top
    curve = np.where(age / (1 + redshift) < -22, 0.0, curve)
    if kind == "ia":
        bump = np.exp(-0.5 * ((age / (1 + redshift) - 25) / 8) ** 2)
        return np.asarray(curve + np.array([0, 0.0, 0.08, 0.22])[fid] * bump)
    return np.asarray(curve)

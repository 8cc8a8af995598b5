"""What varies: one object with its light curve, its star or host, and the truth about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gueststar.batch import flux_of
from gueststar.simulate import curves
from gueststar.simulate.exposures import Exposures

BRIGHTEST = 13.0  # mag: brighter stars saturate, and nobody trusts their changes
DETECTION = 5.3  # sigma, of the true flux: what makes a real alert
LEAST_CHANGE = 0.06  # of the star's own flux: less drowns in what subtraction leaves of it


@dataclass
class Host:
    """A galaxy: offset of its centre from the object (pixel), shape and g, r, i magnitudes."""

    x: float
    y: float
    mags: np.ndarray  # by fid, index 0 unused
    radius: float  # half-light, pixel
    ratio: float
    angle: float  # rad
    index: float


@dataclass
class Source:
    """A thing that can cause alerts.

    Attributes
    ----------
    kind : str
        ``rr_lyrae``, ``supernova_ia``, ``asteroid``, ``cosmic_ray``, ...
    real : bool
        Whether an astronomer would call it real.
    flux : numpy.ndarray
        True difference flux in each exposure of the log, nJy.
    star : numpy.ndarray or None
        Magnitudes (by fid) of the point source that the reference shows here.
    host : Host or None
        The galaxy it lies in.
    truth : dict
        Redshift, period and other facts for the truth table.
    spurious : numpy.ndarray or None
        Flux that earlier subtractions showed here without a cause, nJy.
    """

    kind: str
    real: bool
    flux: np.ndarray
    star: np.ndarray | None = None
    host: Host | None = None
    truth: dict[str, float] = field(default_factory=dict)
    spurious: np.ndarray | None = None


def colours(rng: np.random.Generator, red: float = 0.6) -> np.ndarray:
    """Draw g, r, i offsets from r of a star, by fid (index 0 unused)."""
    g_r = rng.normal(red, 0.3)
    return np.array([0.0, g_r, 0.0, -0.4 * g_r - 0.02])


def many_colours(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw :func:`colours` of ``n`` stars, shape ``(n, 4)``."""
    g_r = rng.normal(0.6, 0.3, n)
    return np.column_stack([np.zeros(n), g_r, np.zeros(n), -0.4 * g_r - 0.02])


def _varying(
    kind: str, star: np.ndarray, log: Exposures, offset: np.ndarray, **truth: float
) -> Source:
    base = star[log.fid]
    return Source(kind, True, flux_of(base + offset) - flux_of(base), star, None, truth)


def _magnitude(rng: np.random.Generator, log: Exposures, brighter: float) -> np.ndarray:
    """Draw the star's magnitudes: brighter than tonight's limit by up to ``brighter``."""
    red = max(log.limit[-1] - rng.uniform(0.3, brighter), BRIGHTEST)
    return np.asarray(red + colours(rng))


def rr_lyrae(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw an RR Lyrae star of type ab."""
    period, amplitude = rng.uniform(0.4, 0.75), rng.uniform(0.5, 1.2)
    epoch = log.jd[0] - rng.uniform(0, 1)
    offset = curves.rr_lyrae(log.jd, log.fid, period, epoch, amplitude)
    return _varying("rr_lyrae", _magnitude(rng, log, 4.5), log, offset, period=period)


def eclipsing(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw an eclipsing binary; its differences are negative."""
    period = float(np.exp(rng.uniform(np.log(0.25), np.log(5.0))))
    depth = rng.uniform(0.15, 0.9)
    # An alert comes only from an eclipse, so tonight's last exposure lies in or near one.
    epoch = log.jd[-1] - period * (rng.integers(0, 40) + rng.normal(0, 0.03))
    offset = curves.eclipses(
        log.jd, period, epoch, depth, depth * rng.uniform(0.3, 0.95), rng.uniform(0.03, 0.1)
    )
    return _varying("eclipsing_binary", _magnitude(rng, log, 5.0), log, offset, period=period)


def mira(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw a long-period variable."""
    period, amplitude = rng.uniform(150, 450), rng.uniform(1.0, 4.0)
    epoch = log.jd[0] - rng.uniform(0, period)
    star = _magnitude(rng, log, 5.0) + np.array([0, 0.8, 0, -0.8])
    offset = curves.long_period(log.jd, log.fid, period, epoch, amplitude)
    return _varying("mira", star, log, offset, period=period)


def dwarf_nova(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw a dwarf nova in outburst."""
    amplitude = rng.uniform(2, 5)
    star = log.limit[-1] + rng.uniform(-0.5, 1.5) + colours(rng, 0.1)
    start = log.jd[-1] - rng.uniform(0.4, 9)
    offset = curves.outburst(log.jd, start, amplitude, rng.uniform(2, 6))
    return _varying("dwarf_nova", star, log, offset)


def agn(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw an active nucleus, with or without a visible host."""
    tau, sigma = float(np.exp(rng.uniform(np.log(50), np.log(500)))), rng.uniform(0.15, 0.5)
    star = _magnitude(rng, log, 3.0) + np.array([0, -0.3, 0, 0.1])
    offset = curves.damped_walk(rng, log.jd, log.fid, tau, sigma)
    source = _varying("agn", star, log, offset, redshift=rng.uniform(0.02, 1.5))
    if source.truth["redshift"] < 0.3:
        source.host = galaxy(rng, star[2] - rng.uniform(-0.5, 1.5), 0.0)
    return source


def supernova(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw a supernova of type Ia or II in its host; tonight's brightness is drawn first."""
    kind = "ia" if rng.random() < 0.65 else "ii"
    bright = log.limit[-1] - min(0.15 + rng.exponential(0.9), 4.5)
    age = rng.uniform(-14, 45) if kind == "ia" else rng.uniform(-8, 80)
    redshift = 10 ** ((bright - 0.3 + (19.1 if kind == "ia" else 17.2) - 43.17) / 5.0)
    shape = curves.supernova(kind, log.jd - log.jd[-1] + age, log.fid, redshift)
    blue = np.array([0, -0.05, 0.0, 0.25])[log.fid] + np.where(log.fid == 1, 0.012 * max(age, 0), 0)
    flux = shape * flux_of(bright + blue) / max(shape[-1], 0.05)
    host = None
    if rng.random() < 0.75:
        host = galaxy(rng, bright + rng.normal(0.3, 1.4), rng.exponential(3.5))
    truth = {"redshift": float(redshift), "age": float(age)}
    return Source(f"supernova_{kind}", True, flux, None, host, truth)


def asteroid(rng: np.random.Generator, log: Exposures) -> Source:
    """Draw a moving body: it is here in one of tonight's exposures only."""
    flux = np.zeros(len(log))
    here = int(rng.choice(np.asarray(log.tonight)))
    mag = log.limit[here] - min(0.05 + rng.exponential(0.9), 4.0)
    flux[here] = flux_of(mag)
    return Source("asteroid", True, flux, truth={"known": float(rng.random() < 0.75)})


def galaxy(rng: np.random.Generator, mag: float, distance: float) -> Host:
    """Draw a galaxy of this r magnitude at this distance (pixel) from the object."""
    angle = rng.uniform(0, 2 * np.pi)
    radius = 1.2 * 10 ** (-0.15 * (min(mag, 21.0) - 19.5)) * rng.lognormal(0, 0.3)
    distance = min(distance, 2.5 * radius)
    return Host(
        x=distance * np.cos(angle),
        y=distance * np.sin(angle),
        mags=mag + colours(rng, 0.6),
        radius=float(np.clip(radius, 0.6, 12.0)),
        ratio=rng.uniform(0.3, 1.0),
        angle=rng.uniform(0, np.pi),
        index=float(rng.choice([1.0, 2.0, 4.0])),
    )


Draw = Callable[[np.random.Generator, Exposures], Source]

#: Kinds of real objects with their shares: away from the Milky Way, and in a crowded field.
SPARSE: tuple[tuple[Draw, float], ...] = (
    (supernova, 0.32), (agn, 0.18), (rr_lyrae, 0.17), (eclipsing, 0.1), (asteroid, 0.15),
    (dwarf_nova, 0.03), (mira, 0.05),
)  # fmt: skip
CROWDED: tuple[tuple[Draw, float], ...] = (
    (rr_lyrae, 0.3), (eclipsing, 0.3), (mira, 0.25), (dwarf_nova, 0.05), (asteroid, 0.1),
)  # fmt: skip


def draw_real(rng: np.random.Generator, log: Exposures, crowded: bool) -> Source:
    """Draw one real object that tonight's exposures detect at least once.

    Objects too faint tonight are drawn again; the last try is scaled to 6 sigma.
    """
    kinds, shares = zip(*(CROWDED if crowded else SPARSE), strict=True)
    make = kinds[rng.choice(len(kinds), p=shares)]
    for _ in range(8):
        source: Source = make(rng, log)
        ratio = significance(source, log)
        if np.any((ratio > DETECTION) & (ratio < 800)):
            return source
    source.flux = source.flux * (6.0 / max(float(ratio.max()), 1e-3))
    return source


def significance(source: Source, log: Exposures) -> np.ndarray:
    """Give the true signal to noise in tonight's exposures; 0 where the star's residual wins."""
    tonight = np.asarray(log.tonight)
    flux = np.abs(source.flux[tonight])
    ratio = flux / (log.flux_err[tonight] * log.to_njy(tonight))
    if source.star is None:
        return np.asarray(ratio)
    own = flux_of(source.star[log.fid[tonight]])
    return np.where(flux > LEAST_CHANGE * own, ratio, 0.0)

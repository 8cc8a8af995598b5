"""What is not real: how the sky, the detector and the subtraction fool a detector of change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gueststar.batch import flux_of
from gueststar.simulate.exposures import Exposures
from gueststar.simulate.objects import Source, colours
from gueststar.simulate.render import CANVAS, CENTRE, add_line

#: Shares of the kinds of artefact, in sparse and in crowded fields.
SPARSE = {
    "bright_star": 0.3, "dipole": 0.2, "cosmic_ray": 0.17, "column": 0.08, "halo": 0.07,
    "edge": 0.07, "streak": 0.07, "noise": 0.04,
}  # fmt: skip
CROWDED = {
    "bright_star": 0.54, "dipole": 0.25, "cosmic_ray": 0.05, "column": 0.03, "halo": 0.04,
    "edge": 0.05, "streak": 0.02, "noise": 0.02,
}  # fmt: skip
KINDS = tuple(SPARSE)
_STARS = ("bright_star", "dipole")

_Y, _X = np.mgrid[0:CANVAS, 0:CANVAS].astype(np.float32)


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one exposure of one object.

    Attributes
    ----------
    shift : tuple of float
        Misalignment of science against template, pixel.
    broader : float
        True width of the science PSF over the believed one.
    brighter : float
        Error of the flux scale.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    broader: float = 1.0
    brighter: float = 1.0


def draw_bogus(rng: np.random.Generator, log: Exposures, crowded: bool) -> Source:
    """Draw one thing that is not real; those at a star come back on other nights."""
    shares = CROWDED if crowded else SPARSE
    kind = str(rng.choice(KINDS, p=list(shares.values())))
    flux = np.zeros(len(log))
    if kind not in _STARS:
        return Source(kind, False, flux)
    brighter = rng.uniform(2.8, 6.5) if kind == "bright_star" else rng.uniform(2.2, 5.5)
    star = max(log.limit[-1] - brighter, 12.2) + colours(rng)
    source = Source(kind, False, flux, star)
    source.spurious = _returns(rng, log)
    return source


def _returns(rng: np.random.Generator, log: Exposures) -> np.ndarray:
    ratio = rng.choice([-1.0, 1.0], len(log)) * rng.uniform(6, 15, len(log))
    ratio[rng.random(len(log)) > 0.15] = 0.0
    return np.asarray(ratio * log.flux_err * log.to_njy(np.arange(len(log))))


def draw_fault(rng: np.random.Generator, source: Source, log: Exposures, exposure: int) -> Fault:
    """Draw the errors of alignment, PSF and flux scale: small, unless they make the alert.

    Those that make an alert are the larger the fainter the star is, so that they show above the
    noise.
    """
    shift, broader, scale = rng.normal(0, 0.035, 2), 1 + rng.normal(0, 0.008), rng.normal(0, 0.004)
    if source.kind == "dipole":
        angle = rng.uniform(0, 2 * np.pi)
        size = max(rng.uniform(0.3, 1.1), rng.uniform(25, 60) / _ratio(source, log, exposure))
        shift = shift + min(size, 1.6) * np.array([np.cos(angle), np.sin(angle)])
    elif source.kind == "bright_star":
        wrong = max(rng.uniform(0.05, 0.2), rng.uniform(12, 30) / _ratio(source, log, exposure))
        broader = 1 + rng.choice([-1, 1]) * min(wrong, 0.3)
        scale = rng.normal(0, 0.008)
        shift = rng.normal(0, 0.12, 2)
        if log.cloudy and rng.random() < 0.2:  # clouds dim some stars more than others
            broader = 1 + rng.normal(0, 0.03)
            scale = rng.choice([-1, 1]) * rng.uniform(0.1, 0.45)
    return Fault((float(shift[0]), float(shift[1])), float(broader), float(1 + scale))


def _ratio(source: Source, log: Exposures, exposure: int) -> float:
    """Signal to noise of the star itself."""
    if source.star is None:
        return 1.0
    flux = flux_of(source.star[log.fid[exposure]]) / log.to_njy(exposure)
    return float(flux / log.flux_err[exposure])


def _cosmic_ray(rng: np.random.Generator, canvas: np.ndarray, sigma: float) -> None:
    amplitude = sigma * np.exp(rng.uniform(np.log(8), np.log(300)))
    x, y = CENTRE + rng.uniform(-0.5, 0.5, 2)
    length = 1.0 + rng.exponential(2.0)
    add_line(canvas, x, y, rng.uniform(0, np.pi), length, rng.uniform(0.25, 0.45), amplitude)


def _column(rng: np.random.Generator, canvas: np.ndarray, sigma: float) -> None:
    amplitude = sigma * rng.choice([-1, 1]) * rng.uniform(2.5, 15)
    wide = 1 + int(rng.random() < 0.3)
    start = 0 if rng.random() < 0.6 else int(rng.integers(0, CENTRE - 1))
    canvas[start:, CENTRE : CENTRE + wide] += np.float32(amplitude)


def _halo(rng: np.random.Generator, canvas: np.ndarray, sigma: float) -> None:
    radius, angle = rng.uniform(8, 40), rng.uniform(0, 2 * np.pi)
    x, y = CENTRE + radius * np.cos(angle), CENTRE + radius * np.sin(angle)
    r = np.hypot(_X - x, _Y - y)
    rim = 1 / (1 + np.exp((r - radius) / rng.uniform(0.6, 2.5)))
    hole = 0.7 / (1 + np.exp((r - 0.4 * radius) / 2.0)) if rng.random() < 0.6 else 0.0
    canvas += (sigma * rng.uniform(2, 9) * (rim - hole * rim)).astype(np.float32)
    width = rng.uniform(1.2, 3.0)
    knot = np.exp(-0.5 * ((_X - CENTRE) ** 2 + (_Y - CENTRE) ** 2) / width**2)
    canvas += (sigma * rng.uniform(1, 4) * knot).astype(np.float32)


def _edge(rng: np.random.Generator, canvas: np.ndarray, sigma: float) -> None:
    """Brighten the rim of the masked border, which ``masks.draw_mask`` puts at row 0."""
    away = np.abs(_Y - CENTRE) if rng.random() < 0.5 else np.hypot(_Y - CENTRE, 0.2 * (_X - CENTRE))
    canvas += (sigma * rng.uniform(3, 20) * np.exp(-away / rng.uniform(0.5, 2))).astype(np.float32)


def _streak(rng: np.random.Generator, canvas: np.ndarray, sigma: float) -> None:
    amplitude = sigma * np.exp(rng.uniform(np.log(2.5), np.log(40)))
    width = rng.uniform(0.8, 2.2)
    add_line(canvas, CENTRE, CENTRE, rng.uniform(0, np.pi), 300.0, width, amplitude)


def _noise(rng: np.random.Generator, canvas: np.ndarray, sigma: float) -> None:
    x, y = CENTRE + rng.uniform(-0.5, 0.5, 2)
    width = rng.choice([0.3, 0.4, 3.0, 4.5])
    peak = sigma * rng.uniform(3.5, 6.5) / (1 if width < 1 else 3.0)
    blob = np.exp(-0.5 * ((_X - x) ** 2 + (_Y - y) ** 2) / width**2)
    canvas += (rng.choice([-1, 1]) * peak * blob).astype(np.float32)


_PAINT: dict[str, Callable[[np.random.Generator, np.ndarray, float], None]] = {
    "cosmic_ray": _cosmic_ray,
    "column": _column,
    "halo": _halo,
    "edge": _edge,
    "streak": _streak,
    "noise": _noise,
}


def paint(rng: np.random.Generator, kind: str, canvas: np.ndarray, sigma: float) -> None:
    """Add an artefact of the detector or the sky to a science canvas, in place.

    Kinds that come from the subtraction (:func:`draw_fault`) add nothing here.
    """
    if kind in _PAINT:
        _PAINT[kind](rng, canvas, sigma)

"""Stars, galaxies and noise on small canvases, compiled.

The PSF is a Moffat profile with exponent 3 (Moffat 1969, A&A 3, 455), which keeps wings as real
seeing does and needs no power function. Every function works on one canvas, so that a stamp does
not depend on what is drawn beside it. The first use compiles and caches (some seconds).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

CANVAS = 80  # pixels: the stamp and a margin against the wrap-around of Fourier transforms
STAMP = 63
MARGIN = 8
CENTRE = MARGIN + STAMP // 2  # pixel of the canvas that holds the candidate

#: Core radius of a Moffat profile of exponent 3 over its FWHM: 1 / (2 sqrt(2^(1/3) - 1)).
CORE = 1.0 / (2.0 * math.sqrt(2.0 ** (1.0 / 3.0) - 1.0))
#: Noise-equivalent area of that profile, pixels: 5 pi alpha^2 / 4.
AREA = 1.25 * math.pi * CORE**2


@njit(cache=True, nogil=True)
def add_stars(
    canvas: np.ndarray, stars: np.ndarray, fwhm: float, e1: float, e2: float, floor: float
) -> None:
    """Add point sources to a canvas.

    Parameters
    ----------
    canvas : numpy.ndarray of float32, shape ``(n, n)``
        Changed in place, DN.
    stars : numpy.ndarray of float64, shape ``(stars, 3)``
        x (column), y (row), flux in DN.
    fwhm, e1, e2 : float
        Width of the PSF in pixels, and its two ellipticity components.
    floor : float
        A star is drawn out to where it falls below this, DN.
    """
    rows, columns = canvas.shape
    alpha2 = (fwhm * CORE) ** 2
    norm = 2.0 * math.sqrt(1.0 - e1 * e1 - e2 * e2) / (math.pi * alpha2)
    for s in range(stars.shape[0]):
        x, y, peak = stars[s, 0], stars[s, 1], stars[s, 2] * norm
        reach2 = alpha2 * (abs(peak) / floor) ** (1.0 / 3.0)
        reach = int(math.sqrt(reach2)) + 1
        for i in range(max(0, int(y) - reach), min(rows, int(y) + reach + 2)):
            for j in range(max(0, int(x) - reach), min(columns, int(x) + reach + 2)):
                dx, dy = j - x, i - y
                q = 1.0 + ((1 + e1) * dx * dx + 2 * e2 * dx * dy + (1 - e1) * dy * dy) / alpha2
                canvas[i, j] += peak / (q * q * q)


@njit(cache=True, nogil=True)
def add_galaxy(
    canvas: np.ndarray,
    x: float,
    y: float,
    flux: float,
    radius: float,
    ratio: float,
    angle: float,
    index: float,
) -> None:
    """Add a Sersic profile before seeing (Sersic 1963), normalised on the canvas.

    Parameters
    ----------
    canvas : numpy.ndarray of float32, shape ``(n, n)``
        Changed in place, DN.
    x, y, flux : float
        Centre in pixels and total flux in DN.
    radius, ratio, angle, index : float
        Half-light radius in pixels, axis ratio, position angle in radians, Sersic index.
    """
    rows, columns = canvas.shape
    b = 2.0 * index - 1.0 / 3.0
    c, s = math.cos(angle), math.sin(angle)
    reach = int(min(2.0 * rows, radius * (9.2 / b) ** index)) + 2  # to 1e-4 of the centre
    i0, i1 = max(0, int(y) - reach), min(rows, int(y) + reach + 1)
    j0, j1 = max(0, int(x) - reach), min(columns, int(x) + reach + 1)
    profile = np.zeros((rows, columns), np.float32)
    total = 1e-30
    for i in range(i0, i1):
        for j in range(j0, j1):
            u = (j - x) * c + (i - y) * s
            v = ((i - y) * c - (j - x) * s) / ratio
            r = math.sqrt(u * u + v * v + 0.1) / radius
            if index == 4.0:
                r = math.sqrt(math.sqrt(r))
            elif index != 1.0:
                r = r ** (1.0 / index)
            profile[i, j] = math.exp(-b * r)
            total += profile[i, j]
    for i in range(i0, i1):
        for j in range(j0, j1):
            canvas[i, j] += flux * profile[i, j] / total


@njit(cache=True, nogil=True)
def add_line(
    canvas: np.ndarray,
    x: float,
    y: float,
    angle: float,
    length: float,
    width: float,
    amplitude: float,
) -> None:
    """Add a straight trail of Gaussian cross-section; sharp ends, no PSF along it."""
    rows, columns = canvas.shape
    c, s = math.cos(angle), math.sin(angle)
    for i in range(rows):
        for j in range(columns):
            along = (j - x) * c + (i - y) * s
            across = (i - y) * c - (j - x) * s
            if abs(along) <= length / 2 and abs(across) < 4 * width:
                canvas[i, j] += amplitude * math.exp(-0.5 * (across / width) ** 2)


@njit(cache=True, nogil=True)
def add_noise(canvas: np.ndarray, white: np.ndarray, sigma: float, gain: float) -> None:
    """Add sky and read noise (``sigma``, DN) and the photon noise of the sources."""
    rows, columns = canvas.shape
    for i in range(rows):
        for j in range(columns):
            variance = sigma * sigma + max(canvas[i, j], 0.0) / gain
            canvas[i, j] += white[i, j] * math.sqrt(variance)


@njit(cache=True, nogil=True)
def smooth_noise(white: np.ndarray, a: float) -> np.ndarray:
    """Correlate white noise as resampling a reference does; the variance stays 1."""
    rows, columns = white.shape
    out = np.empty_like(white)
    norm = 1.0 / (1.0 + a * a)
    for i in range(rows):
        for j in range(columns):
            left, below = white[i, j - 1], white[i - 1, j]
            out[i, j] = norm * (white[i, j] + a * (left + below) + a * a * white[i - 1, j - 1])
    return out


@njit(cache=True, nogil=True)
def saturate(canvas: np.ndarray, level: float) -> None:
    """Hollow the cores that are brighter than ``level`` DN: a dark dash beside the peak.

    That is how the public reference images look; the rest of the star stays usable.
    """
    rows, columns = canvas.shape
    for i in range(2, rows - 1):
        for j in range(2, columns - 2):
            peak = canvas[i, j]
            if peak < level or peak < canvas[i, j - 1] or peak < canvas[i, j + 1]:
                continue
            if peak < canvas[i - 1, j] or peak < canvas[i + 1, j]:
                continue
            half = 1 if peak > 2.0 * level else 0
            for k in range(j - half, j + half + 1):
                canvas[i - 1, k] *= 0.3


def moffat(fwhm: float, e1: float = 0.0, e2: float = 0.0) -> np.ndarray:
    """Draw the PSF with its peak at pixel (0, 0), wrapped around, for Fourier transforms.

    Returns
    -------
    numpy.ndarray of float32, shape ``(CANVAS, CANVAS)``
        Sum 1.
    """
    canvas = np.zeros((CANVAS, CANVAS), np.float32)
    middle = CANVAS // 2
    add_stars(canvas, np.array([[middle, middle, 1.0]]), fwhm, e1, e2, 1e-9)
    canvas /= canvas.sum()
    return np.asarray(np.roll(canvas, (-middle, -middle), (0, 1)))

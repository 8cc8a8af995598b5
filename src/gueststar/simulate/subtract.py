"""Image subtraction as the survey does it: Zackay, Ofek & Gal-Yam 2016 (ApJ 830, 27).

The difference has white noise, and its PSF is that of both images together. What it gets wrong is
wrong for honest reasons: the PSFs it is told differ a little from those the images have, the two
images are aligned to some hundredths of a pixel, and saturated cores do not follow any PSF.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gueststar.simulate.render import CANVAS, CENTRE

_HALF = CANVAS // 2 + 1
#: How often each coefficient of a half-plane transform stands in the whole plane.
_TWICE = np.full(_HALF, 2.0, np.float32)
_TWICE[[0, -1]] = 1.0
_KY = 2 * np.pi * np.fft.fftfreq(CANVAS)
_KX = 2 * np.pi * np.fft.rfftfreq(CANVAS)


@dataclass(frozen=True)
class Differences:
    """Differences of some canvases and the PSF flux at each candidate.

    Attributes
    ----------
    image : numpy.ndarray of float32, shape ``(n, CANVAS, CANVAS)``
        Science minus matched template, DN.
    flux, flux_err : numpy.ndarray of float64, shape ``(n,)``
        PSF-fit flux at the candidate's position and its error from the background, DN.
    sigma : numpy.ndarray, shape ``(n,)``
        Noise of a pixel, DN.
    width : numpy.ndarray, shape ``(n,)``
        FWHM of the PSF of the difference, pixel.
    """

    image: np.ndarray
    flux: np.ndarray
    flux_err: np.ndarray
    sigma: np.ndarray
    width: np.ndarray


def subtract(
    science: np.ndarray,
    template: np.ndarray,
    psf_science: np.ndarray,
    psf_template: np.ndarray,
    sigma_science: np.ndarray,
    sigma_template: np.ndarray,
    offset: np.ndarray,
) -> Differences:
    """Subtract templates from science images.

    Parameters
    ----------
    science, template : numpy.ndarray of float32, shape ``(n, CANVAS, CANVAS)``
        Background-free images on one flux scale, DN.
    psf_science, psf_template : numpy.ndarray of complex64, shape ``(n, CANVAS, CANVAS // 2 + 1)``
        Transforms of the PSFs as the pipeline believes them.
    sigma_science, sigma_template : numpy.ndarray, shape ``(n,)``
        Background noise of a pixel, DN.
    offset : numpy.ndarray, shape ``(n, 2)``
        Position of the candidate from the central pixel: x, y, pixel.
    """
    s, t = np.abs(sigma_science)[:, None, None], np.abs(sigma_template)[:, None, None]
    s, t = s.astype(np.float32), t.astype(np.float32)
    total = np.sqrt(s * s + t * t)
    spread = np.sqrt((t * np.abs(psf_science)) ** 2 + (s * np.abs(psf_template)) ** 2) + 1e-12
    scale = total / spread
    transform = np.fft.rfft2(science) * (psf_template * scale)
    transform -= np.fft.rfft2(template) * (psf_science * scale)
    psf = psf_science * psf_template * scale
    flux, area = _psf_flux(transform, psf, offset)
    sigma = total[:, 0, 0].astype(np.float64)
    return Differences(
        image=np.fft.irfft2(transform, s=(CANVAS, CANVAS)).astype(np.float32),
        flux=flux,
        flux_err=sigma * np.sqrt(area),
        sigma=sigma,
        width=np.sqrt(area / 3.78),
    )


def _psf_flux(
    transform: np.ndarray, psf: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the PSF at one place, by Parseval; give the flux and the noise-equivalent area."""
    x, y = (CENTRE + offset[:, 0])[:, None], (CENTRE + offset[:, 1])[:, None]
    back_y = np.exp(1j * _KY * y).astype(np.complex64)
    back_x = (np.exp(1j * _KX * x) * _TWICE).astype(np.complex64)
    projected = np.sum(transform * np.conj(psf) * back_x[:, None, :], axis=2)
    overlap = np.sum(projected * back_y, axis=1).real.astype(np.float64)
    power = np.sum(np.abs(psf) ** 2 * _TWICE, axis=(1, 2)).astype(np.float64)
    return overlap / power, CANVAS * CANVAS / power

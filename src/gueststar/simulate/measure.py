"""What a pipeline would measure on the difference images: the numbers of a candidate."""

from __future__ import annotations

from typing import Any

import numpy as np

from gueststar.batch import POGSON
from gueststar.simulate.exposures import GAIN
from gueststar.simulate.images import Images
from gueststar.simulate.patch import Patch
from gueststar.simulate.render import STAMP

_C = STAMP // 2
_Y, _X = np.mgrid[0:STAMP, 0:STAMP] - _C
_R = np.hypot(_X, _Y)
_APERTURE, _BIG = (_R <= 7.0).astype(np.float32), (_R <= 9.0).astype(np.float32)
_RING = (_R > 12) & (_R < 20)
_CORE = slice(_C - 2, _C + 3)
_NEAR = slice(_C - 4, _C + 5)


def fluxes(patch: Patch, images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Give the PSF flux of each alert and its error, DN.

    An alert is a detection: an artefact that the matched filter sees below 5 sigma (it was found
    on its peak pixel) is given 5 sigma.
    """
    seen, background = images.measured.flux, images.measured.flux_err
    error = np.sqrt(background**2 + np.abs(seen) / GAIN)
    real = np.array([s.thing.source.real for s in patch.slots])
    least = np.where(real, 0.5, 5.0) * error
    return np.where(seen < 0, -1.0, 1.0) * np.maximum(np.abs(seen), least), error


def measure(patch: Patch, images: Images) -> dict[str, Any]:
    """Measure every alert of a patch.

    Returns
    -------
    dict of numpy.ndarray, shape ``(16,)``
        By field name of the candidate record; ``flux`` and ``flux_err`` in DN beside them.
    """
    flux, error = fluxes(patch, images)
    exposure = np.array([s.exposure for s in patch.slots])
    zero_point = patch.log.zero_point[exposure]
    image = np.where(flux < 0, -1, 1)[:, None, None].astype(np.float32) * images.difference
    sigma = images.measured.sigma
    out: dict[str, Any] = {
        "flux": flux,
        "flux_err": error,
        "magpsf": zero_point - 2.5 * np.log10(np.abs(flux)),
        "sigmapsf": np.minimum(POGSON * error / np.abs(flux), 0.5),
        "scorr": np.abs(flux) / error,
        "sky": np.median(image[:, _RING], axis=1),
        "dsnrms": image[:, _C, _C] / sigma,
        "ssnrms": np.abs(flux) / images.measured.flux_err,
    }
    out["dsdiff"] = out["dsnrms"] - out["ssnrms"]
    out.update(_apertures(image, out["sky"], sigma, zero_point))
    out["magdiff"] = out["magap"] - out["magpsf"]
    out["magfromlim"] = patch.log.limit[exposure] - out["magap"]
    out.update(_shape(image, sigma, images.measured.width))
    out["nbad"] = np.array([_bad(s.mask.bad) for s in patch.slots])
    out["rb"] = _forest(patch, out)
    return out


def _apertures(
    image: np.ndarray, sky: np.ndarray, sigma: np.ndarray, zero_point: np.ndarray
) -> dict[str, np.ndarray]:
    out = {}
    for name, weight in (("magap", _APERTURE), ("magapbig", _BIG)):
        pixels = weight.sum()
        flux = np.einsum("nij,ij->n", image, weight) - sky * pixels
        error = np.sqrt(sigma**2 * pixels + np.abs(flux) / GAIN)
        flux = np.maximum(flux, error)  # a magnitude needs a positive flux
        out[name] = zero_point - 2.5 * np.log10(flux)
        out["sig" + name] = np.minimum(POGSON * error / flux, 2.0)
    return out


def _shape(image: np.ndarray, sigma: np.ndarray, width: np.ndarray) -> dict[str, np.ndarray]:
    core = image[:, _CORE, _CORE]
    weight = np.maximum(image[:, _NEAR, _NEAR] - sigma[:, None, None], 0) + 1e-6
    norm = weight.sum((1, 2))
    x, y = _X[_NEAR, _NEAR], _Y[_NEAR, _NEAR]
    mx, my = (weight * x).sum((1, 2)) / norm, (weight * y).sum((1, 2)) / norm
    xx = (weight * x * x).sum((1, 2)) / norm - mx * mx
    yy = (weight * y * y).sum((1, 2)) / norm - my * my
    xy = (weight * x * y).sum((1, 2)) / norm - mx * my
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major = np.sqrt(np.maximum(half + spread, 0.04))
    minor = np.sqrt(np.maximum(half - spread, 0.04))
    bright = image[:, _NEAR, _NEAR] > core.max((1, 2))[:, None, None] / 2
    fwhm = np.sqrt(4 / np.pi * np.maximum(bright.sum((1, 2)), 1))
    return {
        "aimage": major,
        "bimage": minor,
        "elong": major / minor,
        "fwhm": fwhm,
        "aimagerat": major / fwhm,
        "bimagerat": minor / fwhm,
        "seeratio": np.minimum(width / fwhm, 2.0),
        "nneg": (core < 0).sum((1, 2)),
        "sumrat": core.sum((1, 2)) / np.abs(core).sum((1, 2)),
        "chipsf": 1 + np.abs(fwhm / width - 1) * 3,
        "classtar": np.clip(1.05 - np.abs(major / minor - 1), 0, 1),
    }


def _bad(bad: np.ndarray | None) -> int:
    return 0 if bad is None else int(bad[_CORE, _CORE].sum())


def _forest(patch: Patch, out: dict[str, Any]) -> np.ndarray:
    """Stand in for the survey's random forest: right on the whole, unsure near the limit."""
    real = np.array([s.thing.source.real for s in patch.slots])
    sure = np.clip((out["scorr"] - 5) / 15, 0, 1)
    middle = np.where(real, 0.55 + 0.3 * sure, 0.45 - 0.15 * (out["nneg"] / 25))
    return np.asarray(np.clip(middle + patch.rng.normal(0, 0.12, len(real)), 0.0, 1.0))

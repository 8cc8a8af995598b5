"""The three images of every alert of a patch, and what a pipeline measures on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gueststar.batch import flux_of
from gueststar.simulate.artefacts import paint
from gueststar.simulate.exposures import GAIN
from gueststar.simulate.patch import Patch, Slot
from gueststar.simulate.render import (
    CANVAS,
    CENTRE,
    MARGIN,
    STAMP,
    add_galaxy,
    add_noise,
    add_stars,
    moffat,
    saturate,
    smooth_noise,
)
from gueststar.simulate.subtract import Differences, subtract

_CUT = slice(MARGIN, MARGIN + STAMP)
_LOWEST = float(np.finfo(np.float32).min)
_CLEAR = 26.2  # zero point of the references


@dataclass(frozen=True)
class Psf:
    """A PSF as it is, and the transforms of what it is and of what the pipeline believes."""

    fwhm: float
    e1: float
    e2: float
    true: np.ndarray
    believed: np.ndarray


@dataclass(frozen=True)
class Template:
    """A reference image of one band: PSF, noise (DN at zero point 26.2), saturation (DN)."""

    psf: Psf
    sigma: float
    saturation: float


@dataclass(frozen=True)
class Images:
    """Images of all alerts of a patch.

    Attributes
    ----------
    science, template : numpy.ndarray of float32, shape ``(16, 63, 63)``
        With background, DN.
    difference : numpy.ndarray of float32, shape ``(16, 63, 63)``
        Science minus template, DN; not yet turned for negative candidates.
    measured : Differences
        PSF fluxes and noise.
    """

    science: np.ndarray
    template: np.ndarray
    difference: np.ndarray
    measured: Differences

    def stamps(self, index: int, slot: Slot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give the stamps of one alert as a packet holds them: masked, cut, sign turned."""
        sign = -1.0 if self.measured.flux[index] < 0 else 1.0
        mask = slot.mask
        fill = _LOWEST if mask.template_filled else np.nan
        return (
            mask.apply(self.science[index]),
            mask.apply(self.template[index], fill),
            mask.apply(np.float32(sign) * self.difference[index]),
        )


def take_images(patch: Patch) -> Images:
    """Draw and subtract the images of every alert of a patch."""
    rng, log = patch.rng, patch.log
    science_psf = {e: _psf(rng, log.seeing[e]) for e in log.tonight}
    templates = {fid: _template(rng) for fid in (1, 2)}
    frames = [(s, science_psf[s.exposure], templates[int(log.fid[s.exposure])])
              for s in patch.slots]  # fmt: skip
    science = np.zeros((len(frames), CANVAS, CANVAS), np.float32)
    template = np.zeros_like(science)
    _add_galaxies(patch, frames, science, template)
    for i, (slot, psf, reference) in enumerate(frames):
        _add_stars(patch, slot, psf, reference, science[i], template[i])
        _expose(patch, slot, reference, science[i], template[i])
    sky = log.sky[[s.exposure for s in patch.slots]].astype(np.float32)[:, None, None]
    measured = subtract(
        science,
        template,
        np.stack([psf.believed for _, psf, _ in frames]),
        np.stack([reference.psf.believed for _, _, reference in frames]),
        log.sigma[[s.exposure for s in patch.slots]],
        np.array([_template_sigma(patch, s, t) for s, _, t in frames]),
        np.array([s.offset if s.thing.source.real else (0.0, 0.0) for s in patch.slots]),
    )
    science, template = science[:, _CUT, _CUT] + sky, template[:, _CUT, _CUT] + sky
    return Images(science, template, measured.image[:, _CUT, _CUT], measured)


def _psf(rng: np.random.Generator, fwhm: float) -> Psf:
    """Draw an elongation; believe a width that is 1 % wrong and most of the elongation."""
    e1, e2 = np.clip(rng.normal(0, 0.06, 2), -0.2, 0.2)
    wrong = fwhm * (1 + rng.normal(0, 0.008))
    return Psf(
        fwhm,
        e1,
        e2,
        np.fft.rfft2(moffat(fwhm, e1, e2)),
        np.fft.rfft2(moffat(wrong, 0.9 * e1, 0.9 * e2)),
    )


def _template(rng: np.random.Generator) -> Template:
    fwhm = float(np.clip(rng.lognormal(np.log(2.45), 0.1), 1.9, 3.2))
    return Template(
        _psf(rng, fwhm), 1.3 * float(rng.lognormal(0, 0.15)), 1.6e4 * float(rng.lognormal(0, 0.3))
    )


def _template_scale(patch: Patch, slot: Slot) -> float:
    """Factor from the reference's own DN to the DN of the science image."""
    return float(10 ** (0.4 * (patch.log.zero_point[slot.exposure] - _CLEAR)))


def _template_sigma(patch: Patch, slot: Slot, reference: Template) -> float:
    return reference.sigma * max(_template_scale(patch, slot), 0.01)


def _fluxes(patch: Patch, slot: Slot) -> np.ndarray:
    """Flux of every source of the scene in this exposure, DN."""
    fid = int(patch.log.fid[slot.exposure])
    return flux_of(slot.thing.scene.mags[:, fid], patch.log.zero_point[slot.exposure])


def _add_galaxies(
    patch: Patch,
    frames: list[tuple[Slot, Psf, Template]],
    science: np.ndarray,
    template: np.ndarray,
) -> None:
    """Draw galaxies before seeing, then see them through both PSFs."""
    rows = [i for i, (s, _, _) in enumerate(frames) if s.thing.scene.extended.any()]
    if not rows:
        return
    bare = np.zeros((len(rows), CANVAS, CANVAS), np.float32)
    for canvas, i in zip(bare, rows, strict=True):
        _draw_galaxies(patch, frames[i][0], canvas)
    transform = np.fft.rfft2(bare)
    for images, psf in (
        (science, np.stack([frames[i][1].true for i in rows])),
        (template, np.stack([frames[i][2].psf.true for i in rows])),
    ):
        images[rows] = np.fft.irfft2(transform * psf, s=(CANVAS, CANVAS))


def _draw_galaxies(patch: Patch, slot: Slot, canvas: np.ndarray) -> None:
    scene, host, fluxes = slot.thing.scene, slot.thing.source.host, _fluxes(patch, slot)
    for i in np.flatnonzero(scene.extended):
        x, y = CENTRE + slot.offset[0] + scene.x[i], CENTRE + slot.offset[1] + scene.y[i]
        last = host is not None and i == len(scene.x) - 1
        if last and host is not None:
            shape = (host.radius, host.ratio, host.angle, host.index)
        else:  # a neighbour's shape follows from where it lies
            shape = (
                1.0 + abs(scene.x[i]) % 1.0,
                0.4 + 0.5 * (abs(scene.y[i]) % 1.0),
                scene.x[i],
                1.0,
            )
        add_galaxy(canvas, x, y, fluxes[i], *shape)


def _add_stars(
    patch: Patch,
    slot: Slot,
    psf: Psf,
    reference: Template,
    science: np.ndarray,
    template: np.ndarray,
) -> None:
    log, scene, e = patch.log, slot.thing.scene, slot.exposure
    point = ~scene.extended
    stars = np.column_stack([
        CENTRE + slot.offset[0] + scene.x[point],
        CENTRE + slot.offset[1] + scene.y[point],
        _fluxes(patch, slot)[point],
    ])  # fmt: skip
    floor = 0.02 * float(log.sigma[e])
    t = reference.psf
    add_stars(template, stars, t.fwhm, t.e1, t.e2, min(floor, 0.05 * reference.sigma))
    change = slot.thing.source.flux[e] / log.to_njy(e)
    own = np.array([[CENTRE + slot.offset[0], CENTRE + slot.offset[1], change]])
    stars = np.concatenate([stars, own]) if change else stars
    stars[:, :2] += slot.fault.shift
    stars[:, 2] *= slot.fault.brighter
    add_stars(science, stars, psf.fwhm * slot.fault.broader, psf.e1, psf.e2, floor)


def _expose(
    patch: Patch, slot: Slot, reference: Template, science: np.ndarray, template: np.ndarray
) -> None:
    """Add noise, saturation and artefacts to noiseless canvases."""
    rng, sigma = patch.rng, float(patch.log.sigma[slot.exposure])
    scale = _template_scale(patch, slot)
    saturate(template, reference.saturation * scale)
    saturate(science, 5e4)
    white = rng.standard_normal((2, CANVAS, CANVAS), np.float32)
    paint(rng, slot.thing.source.kind, science, sigma)
    add_noise(science, white[0], sigma, GAIN)
    noise = smooth_noise(white[1], 0.27)
    add_noise(template, noise, _template_sigma(patch, slot, reference), 15 * GAIN / scale)

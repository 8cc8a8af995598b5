"""Stamps look as the survey's do, and hold the flux that the truth says."""

import numpy as np
import pytest

from gueststar.simulate.patch import draw_patch
from gueststar.simulate.render import (
    CANVAS,
    CORE,
    STAMP,
    add_galaxy,
    add_stars,
    moffat,
    smooth_noise,
)
from gueststar.simulate.subtract import subtract

from .conftest import read_fits

NAMES = ("cutoutScience", "cutoutTemplate", "cutoutDifference")


@pytest.fixture(scope="module")
def stamps(simulated) -> list[tuple[np.ndarray, ...]]:
    return [tuple(read_fits(r[n]["stampData"]) for n in NAMES) for r in simulated.records]


def test_shapes_borders_and_cut_stamps(stamps):
    shapes = [s[0].shape for s in stamps]
    whole = np.mean([shape == (STAMP, STAMP) for shape in shapes])
    assert 0.95 < whole < 1.0
    assert all(s[0].shape == s[1].shape == s[2].shape for s in stamps)
    blank = [np.isnan(s[2]).any() for s in stamps]
    assert 0.03 < np.mean(blank) < 0.35
    assert not any(np.isnan(s[2]).all() for s in stamps)


def test_the_backgrounds_are_those_of_the_exposure(simulated, stamps):
    for row, (science, template, difference) in zip(simulated.rows, stamps, strict=True):
        if row["kind"] == "halo" or row["crowding"] == "crowded" or np.nanmin(template) < -1e30:
            continue
        assert abs(np.nanmedian(difference)) < 25
        assert abs(np.nanmedian(science) - np.nanmedian(template)) < 40


def aperture_flux(stamp: np.ndarray, seeing: float) -> float:
    """Sum in 7 pixels, corrected for what a Moffat profile has outside."""
    y, x = np.mgrid[: stamp.shape[0], : stamp.shape[1]] - STAMP // 2
    r = np.hypot(x, y)
    sky = np.median(stamp[(r > 14) & (r < 22)])
    inside = 1 - (1 + (7 / (CORE * seeing)) ** 2) ** -2
    return float((stamp - sky)[r <= 7].sum() / inside)


def test_injected_flux_is_on_the_difference_stamp(simulated, stamps):
    ratios = []
    for record, row, stamp in zip(simulated.records, simulated.rows, stamps, strict=True):
        whole = stamp[2].shape == (STAMP, STAMP) and not np.isnan(stamp[2]).any()
        clear = record["candidate"]["magzpsci"] > 25
        if not (row["real"] and whole and clear and abs(row["flux"]) > 25 * row["flux_err"]):
            continue
        dn = abs(row["flux"]) / 10 ** (0.4 * (31.4 - record["candidate"]["magzpsci"]))
        ratios.append(aperture_flux(stamp[2], row["seeing"]) / dn)
    assert len(ratios) > 20
    assert np.median(ratios) == pytest.approx(1.0, abs=0.04)
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.3) > 0.8


def test_the_psf_flux_has_the_errors_it_claims(simulated):
    pull = []
    for record, row in zip(simulated.records, simulated.rows, strict=True):
        if row["real"] and abs(row["flux"]) < 30 * row["flux_err"]:
            candidate = record["candidate"]
            sign = 1 if candidate["isdiffpos"] == "t" else -1
            njy = sign * 10 ** (0.4 * (31.4 - candidate["magpsf"]))
            pull.append((njy - row["flux"]) / row["flux_err"])
    assert abs(np.median(pull)) < 0.35
    assert 0.6 < 1.4826 * np.median(np.abs(pull - np.median(pull))) < 1.6


def test_negative_candidates_have_positive_stamps(simulated, stamps):
    for record, row, stamp in zip(simulated.records, simulated.rows, stamps, strict=True):
        bright = row["real"] and row["flux"] < -20 * row["flux_err"]
        if bright and stamp[2].shape == (STAMP, STAMP):
            assert np.nanmax(stamp[2][29:34, 29:34]) > 0
            assert "refmsci" in record["cutoutDifference"]["fileName"]


def canvases(star: float, change: float, rng: np.random.Generator, n: int):
    science = 5.0 * rng.standard_normal((n, CANVAS, CANVAS), np.float32)
    template = 1.2 * rng.standard_normal((n, CANVAS, CANVAS), np.float32)
    for s, t in zip(science, template, strict=True):
        add_stars(s, np.array([[39.3, 38.8, star + change]]), 2.2, 0.0, 0.0, 0.01)
        add_stars(t, np.array([[39.3, 38.8, star]]), 2.6, 0.0, 0.0, 0.01)
    return science, template


def test_subtraction_finds_the_change_and_leaves_white_noise():
    n = 24
    science, template = canvases(3000.0, 4000.0, np.random.default_rng(1), n)
    psf = [np.repeat(np.fft.rfft2(moffat(w))[None], n, 0) for w in (2.2, 2.6)]
    out = subtract(
        science, template, *psf, np.full(n, 5.0), np.full(n, 1.2), np.tile([0.3, -0.2], (n, 1))
    )
    assert out.flux.mean() == pytest.approx(4000, rel=0.02)
    assert out.flux.std() == pytest.approx(out.flux_err[0], rel=0.5)
    corner = out.image[:, :25, :25]
    assert corner.std() == pytest.approx(out.sigma[0], rel=0.05)
    assert abs((corner[:, 1:] * corner[:, :-1]).mean() / corner.var()) < 0.05


def test_light_is_conserved():
    canvas = np.zeros((CANVAS, CANVAS), np.float32)
    add_stars(canvas, np.array([[40.2, 39.7, 1000.0]]), 2.4, 0.05, -0.03, 1e-4)
    assert canvas.sum() == pytest.approx(1000, rel=0.02)
    for index in (1.0, 2.0, 4.0):
        galaxy = np.zeros((CANVAS, CANVAS), np.float32)
        add_galaxy(galaxy, 40.0, 40.0, 500.0, 3.0, 0.6, 0.4, index)
        assert galaxy.sum() == pytest.approx(500, rel=1e-3)
    assert moffat(2.0).sum() == pytest.approx(1.0, abs=1e-5)


def test_template_noise_is_correlated_with_unit_variance():
    noise = smooth_noise(np.random.default_rng(0).standard_normal((400, 400), np.float32), 0.27)
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert (noise[:, 1:] * noise[:, :-1]).mean() == pytest.approx(0.25, abs=0.03)


def test_a_patch_is_drawn_alike_twice():
    first, second = draw_patch(7, 3), draw_patch(7, 3)
    assert [s.thing.name for s in first.slots] == [s.thing.name for s in second.slots]
    assert np.array_equal(first.log.jd, second.log.jd)

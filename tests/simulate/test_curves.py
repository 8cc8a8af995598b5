"""Light curves have the shapes their names promise."""

import numpy as np
import pytest

from gueststar.simulate import curves

T = np.linspace(0, 100, 20_001)
R = np.full(len(T), 2)


def test_rr_lyrae_repeats_and_rises_faster_than_it_falls():
    mag = curves.rr_lyrae(T, R, 0.5, 0.0, 1.0)
    assert np.ptp(mag) == pytest.approx(0.7, abs=0.12)
    again = curves.rr_lyrae(T + 5 * 0.5, R, 0.5, 0.0, 1.0)
    assert np.allclose(mag, again, atol=1e-6)
    assert np.mean(np.diff(mag) > 0) > 0.7  # fading most of the time


def test_eclipses_only_dim():
    mag = curves.eclipses(T, 2.0, 0.0, 0.8, 0.4, 0.04)
    assert mag.min() >= 0
    assert mag.max() == pytest.approx(0.8, abs=0.01)


def test_an_outburst_starts_and_fades():
    mag = curves.outburst(T, 50.0, 4.0, 3.0)
    assert np.all(mag[T < 50] == 0)
    assert mag.min() == pytest.approx(-4.0, abs=0.05)
    assert mag[-1] > -0.01


def test_a_damped_walk_has_the_variance_it_should():
    rng = np.random.default_rng(0)
    walks = [curves.damped_walk(rng, np.arange(0, 400.0, 4), np.ones(100, int), 50.0, 0.3)
             for _ in range(200)]  # fmt: skip
    assert np.std(walks) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("kind", ["ia", "ii"])
@pytest.mark.parametrize("fid", [1, 2, 3])
def test_a_supernova_peaks_at_its_maximum(kind, fid):
    age = np.linspace(-60, 200, 2601)
    flux = curves.supernova(kind, age, np.full(len(age), fid), 0.05)
    assert flux[age < -25].max() < 1e-6
    assert flux.min() >= 0
    assert flux[np.argmin(np.abs(age))] == pytest.approx(1.0, abs=0.02)
    assert abs(age[np.argmax(flux)]) < 12
    assert flux[-1] < 0.4

"""Periodograms and folding."""

import numpy as np
import pytest

from gueststar import periods
from gueststar.errors import BadInput
from gueststar.lightcurve import LightCurve

PERIOD = 0.5678  # d


def curve_of(count, amplitude, *, bands="gr", span=300, seed=0, noise=100.0, kind="detection"):
    """Nightly points of a sinusoid of one period in all bands, each with a mean of its own."""
    rng = np.random.default_rng(seed)
    times = 59000 + np.sort(rng.integers(0, span, count) + rng.normal(0, 0.1, count))
    flux = amplitude * np.sin(2 * np.pi * times / PERIOD) + rng.normal(0, noise, count)
    band = [bands[i % len(bands)] for i in range(count)]
    flux += 5000.0 * np.array([bands.index(b) for b in band])
    rows = [
        [i, t, b, f, noise or 1.0, None, None, 20.0, kind]
        for i, (t, b, f) in enumerate(zip(times, band, flux.tolist(), strict=True))
    ]
    return LightCurve.from_rows(rows, "ZTF18abc", "ztf")


@pytest.mark.parametrize("bands", ["g", "gr", "gri"])
def test_a_period_is_found_across_bands(bands):
    found = periods.periodogram(curve_of(90, 300, bands=bands))
    best = found.peaks[0]
    assert best.period == pytest.approx(PERIOD, rel=2e-4)
    assert best.log10_fap < -6
    assert sum(found.used.values()) == 90
    assert [p.power for p in found.peaks] == sorted((p.power for p in found.peaks), reverse=True)


def test_nights_make_aliases_and_they_are_named():
    found = periods.periodogram(curve_of(90, 500))
    notes = {peak.note for peak in found.peaks}
    assert "−1/d of the highest peak" in notes
    assert found.peaks[0].note == ""


def test_noise_has_no_small_probability():
    """The false-alarm probability is honest: of 40 noise curves one in ten is below 0.1."""
    low = [
        periods.periodogram(curve_of(40, 0, seed=seed, span=100), shortest=0.3).peaks[0].log10_fap
        for seed in range(40)
    ]
    below = (np.array(low) < -1).sum()
    assert below <= 10  # binomial(40, 0.1): more than 10 has a probability of 0.1 %
    assert min(low) > -4


def test_probability_follows_the_beta_distribution_of_one_band():
    single = periods.log10_fap(0.5, 43, 1, 0.0)
    assert single == pytest.approx(np.log10(-np.expm1(-(0.5**20))), rel=1e-6)
    assert periods.log10_fap(1.0, 100, 2, 1e4) < -100
    assert periods.log10_fap(0.5, 3, 1, 10.0) == 0.0


def test_the_drawn_periodogram_keeps_the_highest_peak():
    found = periods.periodogram(curve_of(90, 300))
    frequency, power = found.thinned(200)
    assert len(frequency) <= 200
    assert power.max() == found.power.max()
    assert frequency[power.argmax()] == found.frequency[found.power.argmax()]


def test_too_few_points_is_a_sentence():
    for curve in (curve_of(9, 300), curve_of(12, 300, bands="gri"), curve_of(30, 1, kind="limit")):
        with pytest.raises(periods.TooFewPoints, match="it takes 10"):
            periods.periodogram(curve)
    with pytest.raises(periods.TooFewPoints, match="All points lie within"):
        periods.periodogram(curve_of(30, 300, span=1), shortest=2.0)
    with pytest.raises(periods.TooFewPoints, match="same flux"):
        periods.periodogram(curve_of(30, 0, bands="g", noise=0.0))


def test_a_grid_that_is_too_fine_or_turned_round_is_refused():
    with pytest.raises(BadInput, match="can be searched"):
        periods.periodogram(curve_of(60, 300, span=3000), shortest=0.001)
    with pytest.raises(BadInput, match="no periods from"):
        periods.periodogram(curve_of(60, 300), shortest=3.0, longest=2.0)


def test_barycentric_times_are_those_of_astropy():
    from astropy.coordinates import EarthLocation, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers

    times = 59000.0 + np.array([0.0, 91.0, 182.0, 273.0])
    centre = EarthLocation.from_geocentric(0, 0, 0, unit="m")
    moments = Time(times, format="mjd", scale="tai", location=centre)
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("iers_degraded_accuracy", "warn"),
    ):
        way = moments.light_travel_time(SkyCoord(153.0, -2.0, unit="deg"), "barycentric")
    ours = periods.barycentric(times, 153.0, -2.0)
    np.testing.assert_allclose((ours - times) * 86400, way.to_value("s"), atol=0.1)
    assert periods.barycentric(np.array([]), 1.0, 2.0).shape == (0,)


def test_folding_by_the_true_period_makes_a_smooth_curve():
    curve = curve_of(200, 1000, bands="g")
    phase = periods.Fold(PERIOD, 59000.0)(curve["mjd_tai"])
    assert ((phase >= 0) & (phase < 1)).all()
    jumps = np.abs(np.diff(curve["flux"][np.argsort(phase)]))
    assert np.median(jumps) < 200  # noise alone; unfolded neighbours differ by about 1000


def test_a_folded_figure_shows_two_cycles():
    curve = curve_of(20, 300, bands="g")
    fold = periods.Fold(PERIOD, 59000.0, (10.0, 20.0))
    trace = curve.plot(y="flux", fold=fold).data[0]
    assert len(trace.x) == len(trace.y) == len(trace.customdata) == 40
    np.testing.assert_allclose(np.asarray(trace.x[20:]), np.asarray(trace.x[:20]) + 1)
    assert "0.5678 d" in curve.plot(fold=fold).layout.xaxis.title.text
    assert trace.customdata[0][-1] == f"{curve['mjd_tai'][0]:.5f}"


def test_absolute_magnitudes_are_shifted_and_named():
    curve = curve_of(12, 0, bands="r", noise=1.0)
    curve = LightCurve.from_rows([[*row[:3], 3631.0, *row[4:]] for row in curve.to_rows()])
    figure = curve.plot(redshift=0.05)
    assert figure.data[0].y[0] == pytest.approx(22.5 - 36.8075 + 0.05297, abs=1e-3)
    assert "z = 0.05" in figure.layout.yaxis.title.text
    with pytest.raises(BadInput, match="choose y = 'mag'"):
        curve.plot(y="flux", redshift=0.05)

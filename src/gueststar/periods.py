"""Periods: a multiband Lomb-Scargle periodogram with its peaks, and folding.

Each band has a mean and a sinusoid of its own at a common frequency, weighted by errors; powers
of bands join as VanderPlas & Ivezic 2015 (ApJ 812, 18) have it, section 4: each weighs as much as
its chi-squared about its mean. (astropy's own ``LombScargleMultiband(...).power(method="fast")``
weighs by the squares of the powers; its single-band periodogram is what is used here.)
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, lgamma, log, log1p
from typing import TYPE_CHECKING

import numpy as np

from gueststar.errors import BadInput

if TYPE_CHECKING:
    from gueststar.lightcurve import LightCurve

SHORTEST = 0.05  # d: shorter than RR Lyrae and most eclipsing binaries, longer than an exposure
OVERSAMPLING = 5  # frequencies a width of a peak, 1/span
MAX_FREQUENCIES = 400_000
MIN_POINTS = 10  # in all bands that count together
MIN_IN_BAND = 5  # a mean and a sinusoid are three numbers
PEAKS = 8
LIGHT_DAY = 173.14463  # au that light goes in a day
SOLAR_YEAR = 365.2422  # d

CAVEAT = (
    "The false-alarm probability is that of white, Gaussian noise: a small one says that the curve "
    "varies, not that it repeats. Supernovae, active nuclei and trends have small ones too, and "
    "points that exist only where the object was detected make it smaller: look at the fold."
)


class TooFewPoints(BadInput):
    """The curve cannot have a periodogram; the message says what it lacks."""


@dataclass(frozen=True)
class Peak:
    """One candidate for the period.

    Parameters
    ----------
    frequency : float
        1/d.
    power : float
        Share of the scatter that sinusoids at this frequency take away, 0 to 1.
    log10_fap : float
        Logarithm of the probability that noise alone has such a peak anywhere in the grid.
    note : str
        How it is related to the highest peak or to the rhythm of observing; may be empty.
    """

    frequency: float
    power: float
    log10_fap: float
    note: str = ""

    @property
    def period(self) -> float:
        """Period, d."""
        return 1 / self.frequency


@dataclass(frozen=True)
class Periodogram:
    """Power against frequency, and its peaks, highest first.

    Parameters
    ----------
    frequency, power : numpy.ndarray, shape ``(n,)``
        1/d, and the share of the scatter that is taken away.
    peaks : list of Peak
    used : dict of str to int
        Points of each band that took part.
    span : float
        From the first to the last of them, d.
    """

    frequency: np.ndarray
    power: np.ndarray
    peaks: list[Peak]
    used: dict[str, int]
    span: float

    def thinned(self, bins: int = 2000) -> tuple[np.ndarray, np.ndarray]:
        """Return the highest power in each of some bins of log frequency, for drawing.

        Returns
        -------
        frequency, power : numpy.ndarray, shape ``(at most bins,)``
            Every peak of the full grid that is the highest of its bin keeps its place and height.
        """
        scaled = np.log(self.frequency / self.frequency[0])
        bin_of = np.minimum(bins - 1, (scaled / max(scaled[-1], 1e-9) * bins).astype(int))
        order = np.lexsort((-self.power, bin_of))
        first = order[np.flatnonzero(np.diff(bin_of[order], prepend=-1))]
        return self.frequency[first], self.power[first]


@dataclass(frozen=True)
class Fold:
    """Turns times into phases.

    Parameters
    ----------
    period : float
        d.
    epoch : float
        Time of phase 0: MJD TAI, at the barycentre where a position is given.
    position : (float, float), optional
        ICRS, deg: the light's way to the Solar System's barycentre is taken off.

    Examples
    --------
    >>> Fold(2.0, 59000.0)(np.array([59000.5, 59003.0])).tolist()
    [0.25, 0.5]
    """

    period: float
    epoch: float
    position: tuple[float, float] | None = None

    @property
    def label(self) -> str:
        """What an axis of phases says."""
        where = "barycentric TAI" if self.position else "TAI"
        zero = f"zero at MJD {self.epoch:.5f}, {where}"
        return f"phase (period {self.period:.9g} d)<br><sub>{zero}</sub>"

    def __call__(self, mjd_tai: np.ndarray) -> np.ndarray:
        """Return phases in [0, 1), same shape."""
        times = np.asarray(mjd_tai, dtype=np.float64)
        if self.position is not None:
            times = barycentric(times, *self.position)
        return np.mod((times - self.epoch) / self.period, 1.0)


def barycentric(mjd_tai: np.ndarray, ra: float, dec: float) -> np.ndarray:
    """Return when the light passes the Solar System's barycentre.

    Parameters
    ----------
    mjd_tai : numpy.ndarray, shape ``(n,)``
        When it reached the Earth's centre (telescopes are within 0.02 s of it), MJD TAI.
    ra, dec : float
        ICRS, deg.

    Returns
    -------
    numpy.ndarray, shape ``(n,)``
        MJD TAI, up to 8.4 min earlier or later; to 0.1 s (astropy's built-in ephemeris, offline).
    """
    from astropy.coordinates import get_body_barycentric
    from astropy.time import Time

    if len(mjd_tai) == 0:
        return np.asarray(mjd_tai, dtype=np.float64)
    earth = get_body_barycentric("earth", Time(mjd_tai, format="mjd", scale="tai")).xyz.to_value(
        "au"
    )
    a, d = np.radians([ra, dec])
    source = np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    return np.asarray(mjd_tai + source @ earth / LIGHT_DAY)


def periodogram(
    curve: LightCurve,
    *,
    position: tuple[float, float] | None = None,
    shortest: float = SHORTEST,
    longest: float | None = None,
) -> Periodogram:
    """Search a light curve for a period.

    Parameters
    ----------
    curve : LightCurve
        Difference or total flux; one measured point an exposure is used, negative ones too,
        limits are not.
    position : (float, float), optional
        ICRS, deg, for barycentric times.
    shortest, longest : float
        Periods, d; the longest is the span of the points unless less is given.

    Raises
    ------
    TooFewPoints
        With fewer than 10 points in bands of 5 or more, or all within the shortest period.
    BadInput
        If the periods cannot be, or are so many that the grid exceeds 400,000 frequencies.
    """
    bands = _bands(curve, position)
    times = np.concatenate([band.times for band in bands])
    span = float(np.ptp(times))
    if span <= 2 * shortest:
        raise TooFewPoints(
            f"All points lie within {span:.2g} d: no period of {shortest:g} d or more can be seen."
        )
    frequency = _grid(span, shortest, min(longest or span, span))
    power = _power(bands, frequency)
    width = (frequency[-1] - frequency[0]) * np.sqrt(4 * np.pi * np.var(times))
    peaks = _named(_peaks(bands, frequency, power, span, float(width)), span)
    return Periodogram(frequency, power, peaks, {b.name: len(b.times) for b in bands}, span)


@dataclass(frozen=True)
class _Band:
    name: str
    times: np.ndarray
    flux: np.ndarray
    error: np.ndarray

    def power(self, frequency: np.ndarray, method: str) -> np.ndarray:
        from astropy.timeseries import LombScargle

        search = LombScargle(self.times, self.flux, self.error)
        even = {"assume_regular_frequency": True} if method == "fast" else {}
        return np.asarray(search.power(frequency, method=method, **even))

    @property
    def scatter(self) -> float:
        """Chi-squared about the mean."""
        mean = np.average(self.flux, weights=self.error**-2)
        return float(np.sum(((self.flux - mean) / self.error) ** 2))


def _bands(curve: LightCurve, position: tuple[float, float] | None) -> list[_Band]:
    best = curve.best()
    good = np.isfinite(best["flux"]) & (best["flux_err"] > 0) & (best["kind"] != "limit")
    points = best[good & np.isfinite(best["mjd_tai"])]
    counts = {band: int((points["band"] == band).sum()) for band in points.bands}
    used = [band for band, count in counts.items() if count >= MIN_IN_BAND]
    if sum(counts[band] for band in used) < MIN_POINTS:
        there = ", ".join(f"{count} in {band}" for band, count in counts.items()) or "none"
        raise TooFewPoints(
            f"Too few measured points for a period ({there}): it takes {MIN_POINTS}, "
            f"in bands that have {MIN_IN_BAND} or more."
        )
    return [_band(points[points["band"] == band], band, position) for band in used]


def _band(part: LightCurve, name: str, position: tuple[float, float] | None) -> _Band:
    times = part["mjd_tai"].astype(np.float64)
    if position is not None:
        times = barycentric(times, *position)
    return _Band(name, times, part["flux"].astype(np.float64), part["flux_err"].astype(np.float64))


def _grid(span: float, shortest: float, longest: float) -> np.ndarray:
    if not 0 < shortest < longest:
        raise BadInput(
            f"no periods from {shortest:g} to {longest:g} d: the points span {span:.4g} d"
        )
    step = 1 / (OVERSAMPLING * span)
    count = int((1 / shortest - 1 / longest) / step) + 1
    if count > MAX_FREQUENCIES:
        least = 1 / (MAX_FREQUENCIES * step + 1 / longest)
        raise BadInput(
            f"{shortest:g} d is too short a period for a span of {span:.0f} d: "
            f"{least:.2g} d can be searched"
        )
    return np.asarray(1 / longest + step * np.arange(count))


def _power(bands: list[_Band], frequency: np.ndarray, method: str = "fast") -> np.ndarray:
    weights = [band.scatter for band in bands]
    if sum(weights) == 0:
        raise TooFewPoints("All points have the same flux: there is nothing to fold.")
    powers = [band.power(frequency, method) for band in bands]
    joined = np.average(powers, axis=0, weights=weights)
    return np.asarray(np.clip(np.nan_to_num(joined), 0.0, 1.0))


def _peaks(
    bands: list[_Band], frequency: np.ndarray, power: np.ndarray, span: float, width: float
) -> list[Peak]:
    padded = np.concatenate([[-1.0], power, [-1.0]])
    tops = np.flatnonzero((power >= padded[:-2]) & (power > padded[2:]))
    chosen: list[int] = []
    for top in tops[np.argsort(-power[tops])][:2000]:
        if all(abs(frequency[top] - frequency[other]) * span > 1 for other in chosen):
            chosen.append(int(top))
        if len(chosen) == PEAKS:
            break
    points = sum(len(band.times) for band in bands)
    step = 1 / (OVERSAMPLING * span)
    exact = [_peak(bands, frequency[top], step, points, width) for top in chosen]
    return sorted(exact, key=lambda peak: -peak.power)


def _peak(bands: list[_Band], about: float, step: float, points: int, width: float) -> Peak:
    """Find the top of a peak between two frequencies of the grid, exactly."""
    near = about + step * np.linspace(-1, 1, 81)
    exact = _power(bands, near, "slow")
    at = int(np.argmax(exact))
    return Peak(
        float(near[at]), float(exact[at]), log10_fap(float(exact[at]), points, len(bands), width)
    )


def log10_fap(power: float, points: int, bands: int, width: float) -> float:
    """Return the logarithm of the false-alarm probability of a peak.

    Parameters
    ----------
    power : float
        Share of the scatter that is taken away, 0 to 1.
    points, bands : int
        Points, and bands with a mean and a sinusoid each.
    width : float
        Range of frequencies times the effective span of the points, Baluev's W.

    Notes
    -----
    In noise the share follows a beta distribution of ``bands`` and ``(points - 3 bands) / 2``.
    The number of independent trials is ``W sqrt(z)``, the rate of upcrossings of a chi-squared
    process (Baluev 2008, MNRAS 385, 1279; an upper bound where frequencies alias).
    """
    half = (points - 3 * bands) / 2
    if half <= 0 or power <= 0:
        return 0.0
    away = -log1p(-min(power, 1 - 1e-15))
    single = -half * away + log(
        sum(
            exp(lgamma(half + j) - lgamma(half) - lgamma(j + 1) + j * log(power))
            for j in range(bands)
        )
    )
    expected = min(single, 0.0) + log(max(1.0, width * (half * away) ** 0.5))
    likely = expected if expected < -20 else log(-expm1(-exp(min(expected, 50))))
    return likely / log(10)


def aliases(frequency: float) -> dict[str, float]:
    """Return frequencies at which the rhythm of nights and harmonics repeat a peak, 1/d.

    Examples
    --------
    >>> sorted(round(one, 2) for one in aliases(1.7).values())
    [0.3, 0.7, 0.85, 2.7, 3.4, 3.7]
    """
    named = {
        "+1/d": frequency + 1,
        "−1/d": abs(frequency - 1),
        "+2/d": frequency + 2,
        "−2/d": abs(frequency - 2),
        "half the period": 2 * frequency,
        "twice the period": frequency / 2,
    }
    return {name: one for name, one in named.items() if one > 0}


def _named(peaks: list[Peak], span: float) -> list[Peak]:
    """Say of each peak what it may be an alias of."""
    if not peaks:
        return []
    first, width = peaks[0].frequency, 1.5 / span
    known = {name: f"{name} of the highest peak" for name in aliases(first)}
    known |= {f"{sign}1/yr": f"{sign}1/yr from the highest peak" for sign in "+−"}
    places = {**aliases(first), "+1/yr": first + 1 / SOLAR_YEAR, "−1/yr": first - 1 / SOLAR_YEAR}
    return [
        Peak(p.frequency, p.power, p.log10_fap, _note(p, places if i else {}, known, width))
        for i, p in enumerate(peaks)
    ]


def _note(peak: Peak, places: dict[str, float], known: dict[str, str], width: float) -> str:
    near = round(peak.frequency)
    if near and abs(peak.frequency - near) < max(width, 0.01):
        return f"{near}/d: the rhythm of nights"
    if peak.frequency * 1.5 < 2 * width:
        return "as long as the observations: a trend"
    for name, place in places.items():
        if abs(peak.frequency - place) < width:
            return known[name]
    return ""

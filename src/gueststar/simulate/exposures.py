"""When and how a patch of sky was observed: the log that all its objects share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gueststar.batch import flux_of
from gueststar.simulate.render import AREA

FIRST_NIGHT = 3400  # ZTF night number of 2026-04-24
JD_OF_NIGHT_ZERO = 2457754.5
SEEDS_PER_NIGHT = 60  # seeds whose alerts share a night and differ in their table numbers
SLOTS = 16_000  # start times of one visit window, 0.00001 d apart
WINDOWS = (0.10, 0.27, 0.44)  # starts of the visit windows, fraction of the UTC day
LOG_DAYS = 120  # how far back the log goes
GAIN = 6.2  # electrons per DN
READ_NOISE = 3.0  # DN
PIXEL = 1.01  # arcsec
CLOUDY = 25.0  # zero point below which an exposure saw clouds, AB mag
_STRIDE = 4_999  # coprime to SLOTS: spreads neighbouring patches over the night


@dataclass(frozen=True)
class Exposures:
    """Exposures of one patch, oldest first; the last ``visits`` are tonight's.

    Attributes
    ----------
    jd : numpy.ndarray of float64
        Start of the exposure, Julian date UTC, d.
    fid, pid : numpy.ndarray of int64
        Filter (1 g, 2 r, 3 i) and identifier of the exposure.
    seeing, zero_point, sky, sigma : numpy.ndarray of float64
        FWHM (pixel), AB mag of 1 DN, background (DN), noise of a pixel (DN).
    visits : int
        How many exposures are of tonight.
    field, rcid : int
        Where they point: survey field and readout channel.
    """

    jd: np.ndarray
    fid: np.ndarray
    pid: np.ndarray
    seeing: np.ndarray
    zero_point: np.ndarray
    sky: np.ndarray
    sigma: np.ndarray
    visits: int
    field: int
    rcid: int

    def __len__(self) -> int:
        return len(self.jd)

    @property
    def night(self) -> np.ndarray:
        """Night number of each exposure."""
        return np.asarray(self.pid // 10**9)

    @property
    def tonight(self) -> range:
        """Indices of tonight's exposures."""
        return range(len(self) - self.visits, len(self))

    @property
    def flux_err(self) -> np.ndarray:
        """Error of the PSF flux of a faint source, DN (background only)."""
        return np.asarray(1.05 * self.sigma * np.sqrt(AREA) * self.seeing)

    @property
    def limit(self) -> np.ndarray:
        """5 sigma limit with the survey's margin for scatter across the image, AB mag."""
        return np.asarray(self.zero_point - 2.5 * np.log10(5 * self.flux_err) - 0.35)

    @property
    def cloudy(self) -> bool:
        """Whether tonight's exposures were taken through clouds."""
        return bool(self.zero_point[-1] < CLOUDY)

    def to_njy(self, index: int | np.ndarray) -> np.ndarray:
        """Give the flux of 1 DN in an exposure, nJy."""
        return flux_of(self.zero_point[index])


def night_of(seed: int) -> int:
    """Give the night number of a seed: 60 seeds share a night."""
    return FIRST_NIGHT + (seed // SEEDS_PER_NIGHT) % 5_000


def observe(rng: np.random.Generator, seed: int, index: int, cloudy: bool) -> Exposures:
    """Draw the log of one patch.

    Parameters
    ----------
    rng : numpy.random.Generator
        The patch's own.
    seed, index : int
        Seed of the night and number of the patch: they set the identifiers.
    cloudy : bool
        Tonight's exposures lose about four magnitudes.
    """
    visits = int(rng.choice([1, 2, 3], p=[0.35, 0.45, 0.2]))
    night, fraction, fid = _times(rng, night_of(seed), index, visits)
    n, rcid = len(night), index % 64
    zero_point, sky, sigma = _depth(rng, fid)
    if cloudy:
        zero_point[-visits:] = rng.uniform(21.8, 23.6)
        sky[-visits:] = rng.uniform(-2, 18)
        sigma[-visits:] = rng.uniform(9.4, 11.4)
    ticks = (fraction * 100_000).astype(np.int64)
    return Exposures(
        jd=JD_OF_NIGHT_ZERO + night + (ticks + 0.4) / 100_000,
        fid=fid,
        pid=(night * 100_000 + ticks) * 10_000 + rcid * 100 + 15,
        seeing=np.clip(rng.lognormal(np.log(2.35), 0.25, n), 1.5, 5.0),
        zero_point=zero_point,
        sky=sky,
        sigma=sigma,
        visits=visits,
        field=245 + (index // 64 * 37 + seed * 11) % 640,
        rcid=rcid,
    )


def _times(
    rng: np.random.Generator, tonight: int, index: int, visits: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    slot = (index // 64 * _STRIDE) % SLOTS
    own = np.array(WINDOWS[:visits]) + slot / 100_000
    nights = np.sort(rng.choice(np.arange(1, LOG_DAYS), rng.integers(12, 45), replace=False))[::-1]
    per_night = rng.integers(1, 3, len(nights))
    past = np.repeat(tonight - nights, per_night)
    second = np.concatenate([np.arange(k) for k in per_night])
    fraction = rng.uniform(0.10, 0.25, len(past)) + 0.2 * second
    first = rng.integers(1, 3, len(nights))
    fid = (np.repeat(first, per_night) + second - 1) % 2 + 1
    fid[rng.random(len(fid)) < 0.06] = 3
    fid_own = (rng.integers(0, 2) + np.arange(visits)) % 2 + 1
    return (
        np.concatenate([past, np.full(visits, tonight)]).astype(np.int64),
        np.concatenate([fraction, own]) + 1e-7,
        np.concatenate([fid, fid_own]).astype(np.int64),
    )


def _depth(rng: np.random.Generator, fid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(fid)
    zero_point = np.array([0.0, 26.3, 26.2, 25.7])[fid] - rng.exponential(0.06, n)
    sky = np.array([0.0, 100.0, 190.0, 300.0])[fid] * rng.lognormal(0, 0.25, n)
    moon = np.where(rng.random(n) < 0.12, rng.uniform(1.3, 2.4, n), 1.0)
    return zero_point, sky, moon * np.sqrt(READ_NOISE**2 + sky / GAIN)

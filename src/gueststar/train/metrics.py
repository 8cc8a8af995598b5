"""How well scores separate two classes: plain numbers from plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log

import numpy as np

from gueststar.errors import BadInput


@dataclass(frozen=True)
class Rates:
    """What happens at a threshold.

    Parameters
    ----------
    true_real, false_real, true_bogus, false_bogus : int
        Counts: called real and is real, called real and is bogus, and so on.
    """

    true_real: int
    false_real: int
    true_bogus: int
    false_bogus: int

    @property
    def fpr(self) -> float:
        """Share of the bogus that are called real; NaN without any."""
        return _share(self.false_real, self.false_real + self.true_bogus)

    @property
    def fnr(self) -> float:
        """Share of the real that are called bogus; NaN without any."""
        return _share(self.false_bogus, self.false_bogus + self.true_real)

    @property
    def accuracy(self) -> float:
        """Share that is called rightly."""
        right = self.true_real + self.true_bogus
        return _share(right, right + self.false_real + self.false_bogus)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _checked(scores: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, real = np.asarray(scores, np.float64).ravel(), np.asarray(real, bool).ravel()
    if scores.shape != real.shape:
        raise BadInput(f"{len(scores)} scores for {len(real)} labels")
    if not np.isfinite(scores).all():
        raise BadInput("scores must be finite; leave out what was not scored")
    return scores, real


def rates(scores: np.ndarray, real: np.ndarray, threshold: float = 0.5) -> Rates:
    """Count what is called rightly when a score at or above ``threshold`` means real.

    Parameters
    ----------
    scores : numpy.ndarray, shape ``(n,)``
    real : numpy.ndarray of bool, shape ``(n,)``
    threshold : float

    Examples
    --------
    >>> rates([0.9, 0.2, 0.7], [True, False, False]).fpr
    0.5
    """
    scores, real = _checked(scores, real)
    called = scores >= threshold
    counts = (called & real, called & ~real, ~called & ~real, ~called & real)
    return Rates(*(int(c.sum()) for c in counts))


def roc(scores: np.ndarray, real: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trace the receiver operating characteristic.

    Returns
    -------
    fpr, tpr, threshold : numpy.ndarray, shape ``(points,)``
        One point a distinct score, from (0, 0) to (1, 1).
    """
    scores, real = _checked(scores, real)
    order = np.argsort(-scores, kind="stable")
    scores, real = scores[order], real[order]
    last = np.flatnonzero(np.append(np.diff(scores) != 0, [True] * bool(len(scores))))
    true, false = np.cumsum(real)[last], np.cumsum(~real)[last]
    tpr = np.append(0.0, true / max(1, real.sum()))
    fpr = np.append(0.0, false / max(1, (~real).sum()))
    return fpr, tpr, np.append(np.inf, scores[last])


def auc(scores: np.ndarray, real: np.ndarray) -> float:
    """Area under the ROC: the chance that a real one scores above a bogus one, ties half.

    Returns
    -------
    float
        NaN when one of the classes is absent.

    Examples
    --------
    >>> auc([0.9, 0.4, 0.4, 0.1], [True, True, False, False])
    0.875
    """
    scores, real = _checked(scores, real)
    if real.all() or not real.any():
        return float("nan")
    fpr, tpr, _ = roc(scores, real)
    return float(np.trapezoid(tpr, fpr))


def auc_interval(
    scores: np.ndarray, real: np.ndarray, groups: np.ndarray, rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Bootstrap a 95 % interval of the AUC, drawing whole groups (objects), not rows.

    Parameters
    ----------
    groups : numpy.ndarray, shape ``(n,)``
        What belongs together: alerts of one object are not independent.
    """
    scores, real = _checked(scores, real)
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    rows = [np.flatnonzero(member == g) for g in range(member.max() + 1)]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = np.concatenate([rows[g] for g in rng.integers(0, len(rows), len(rows))])
        values.append(auc(scores[drawn], real[drawn]))
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def binomial_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a share (Clopper & Pearson 1934): never too narrow.

    Examples
    --------
    >>> [round(x, 4) for x in binomial_interval(9, 10)]
    [0.555, 0.9975]
    """
    if not 0 <= successes <= trials or trials == 0:
        raise BadInput(f"{successes} of {trials} is no share")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else _solve(lambda p: 1 - _below(successes, trials, p), tail)
    high = (
        1.0 if successes == trials else _solve(lambda p: -_below(successes + 1, trials, p), -tail)
    )
    return low, high


def _below(successes: int, trials: int, p: float) -> float:
    """Chance of fewer than ``successes``."""
    if p <= 0 or p >= 1:
        return float(p <= 0)
    terms = (
        lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        + k * log(p) + (trials - k) * log(1 - p)
        for k in range(successes)
    )  # fmt: skip
    return min(1.0, sum(exp(t) for t in terms))


def _solve(rising, target: float) -> float:  # type: ignore[no-untyped-def]
    """Find p in [0, 1] where a rising function meets the target, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2


def reliability(
    scores: np.ndarray, real: np.ndarray, bins: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare scores with how often they are right.

    Returns
    -------
    score, share, count : numpy.ndarray, shape ``(bins,)``
        Mean score, share of real and number in each bin of equal width; NaN where it is empty.
    """
    scores, real = _checked(scores, real)
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    count = np.bincount(bin_of, minlength=bins)
    full = np.where(count > 0, count, np.nan)
    mean = np.bincount(bin_of, scores, minlength=bins) / full
    share = np.bincount(bin_of, real, minlength=bins) / full
    return mean, share, count


def calibration_error(scores: np.ndarray, real: np.ndarray, bins: int = 10) -> float:
    """Return the mean distance of score and share of real, weighted by count (ECE)."""
    mean, share, count = reliability(scores, real, bins)
    return float(np.nansum(np.abs(mean - share) * count) / max(1, count.sum()))

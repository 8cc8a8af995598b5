"""Figures of merit against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gueststar.errors import BadInput
from gueststar.train.metrics import (
    auc,
    auc_interval,
    binomial_interval,
    calibration_error,
    rates,
    reliability,
    roc,
)

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40)


@given(PAIRS)
def test_auc_is_the_chance_of_the_right_order(pairs):
    scores, real = np.array([p[0] / 8 for p in pairs]), np.array([p[1] for p in pairs])
    if real.all() or not real.any():
        assert np.isnan(auc(scores, real))
        return
    above = scores[real][:, None] - scores[~real][None]
    assert auc(scores, real) == pytest.approx(((above > 0) + 0.5 * (above == 0)).mean())


def test_roc_goes_from_corner_to_corner():
    fpr, tpr, threshold = roc(np.array([0.1, 0.9, 0.9]), np.array([False, True, False]))
    assert list(zip(fpr, tpr, threshold, strict=True)) == [
        (0, 0, np.inf),
        (0.5, 1, 0.9),
        (1, 1, 0.1),
    ]
    assert roc([], [])[0].tolist() == [0.0]


def test_rates():
    counts = rates([0.9, 0.5, 0.4, 0.6, 0.1], [True, True, True, False, False])
    assert (counts.true_real, counts.false_real, counts.true_bogus, counts.false_bogus) == (
        2,
        1,
        1,
        1,
    )
    assert (counts.fpr, counts.fnr, counts.accuracy) == (0.5, pytest.approx(1 / 3), 0.6)
    assert np.isnan(rates([0.9], [True]).fpr)


def test_binomial_interval_keeps_its_promise():
    assert binomial_interval(0, 22) == (0.0, pytest.approx(1 - 0.025 ** (1 / 22)))
    assert binomial_interval(22, 22)[0] == pytest.approx(0.025 ** (1 / 22))
    low, high = binomial_interval(254, 278)  # R: binom.test(254, 278)
    assert (round(low, 3), round(high, 3)) == (0.874, 0.944)
    with pytest.raises(BadInput, match="3 of 2 is no share"):
        binomial_interval(3, 2)


def test_auc_interval_draws_objects():
    rng = np.random.default_rng(1)
    scores, real = rng.random(200), rng.random(200) < 0.5
    alone = auc_interval(scores, real, np.arange(200), rounds=300)
    together = auc_interval(scores, real, np.arange(200) // 20, rounds=300)
    assert alone[0] < auc(scores, real) < alone[1]
    assert together != alone


def test_calibration():
    scores = np.repeat([0.05, 0.95], 100)
    real = np.concatenate([np.arange(100) < 5, np.arange(100) < 95])
    assert calibration_error(scores, real) == pytest.approx(0)
    assert calibration_error(scores, ~real) == pytest.approx(0.9)
    mean, share, count = reliability(scores, real)
    assert count.tolist() == [100, *[0] * 8, 100]
    assert (mean[0], share[9]) == (pytest.approx(0.05), 0.95)


def test_wrong_questions():
    with pytest.raises(BadInput, match="2 scores for 1 labels"):
        auc([0.1, 0.2], [True])
    with pytest.raises(BadInput, match="must be finite"):
        rates([np.nan], [True])

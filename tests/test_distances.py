"""Redshifts to absolute magnitudes."""

from math import log10

import pytest

from gueststar.distances import absolute_offset
from gueststar.errors import BadInput


@pytest.mark.parametrize(
    ("redshift", "modulus"),  # astropy 8.0: Planck18.distmod, which integrates with SciPy
    [(0.001, 28.2341069851), (0.05, 36.8075118789), (1.0, 44.1597546469), (7.0, 49.2407141448)],
)
def test_distance_modulus_is_that_of_planck18(redshift, modulus):
    assert absolute_offset(redshift) == pytest.approx(modulus - 2.5 * log10(1 + redshift), abs=1e-8)


@pytest.mark.parametrize("redshift", [0.0, -0.1, 21.0, float("nan"), float("inf")])
def test_no_distance_is_refused(redshift):
    with pytest.raises(BadInput, match="redshift"):
        absolute_offset(redshift)

"""Times and cells against astropy."""

import numpy as np
import pytest
from astropy.time import Time

from gueststar.surveys import sky


def test_leap_seconds_agree_with_astropy():
    mjd = np.array([41500.3, 50000.1, 57752.99, 57754.01, 58849.5, 61105.09])
    expected = Time(mjd, format="mjd", scale="utc").tai.mjd
    np.testing.assert_allclose(sky.utc_to_tai(mjd), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(sky.tai_to_utc(expected), mjd, rtol=0, atol=1e-9)


def test_dates():
    mjd = np.array([57690.0, 58849.999, 58850.0, 60369.5, np.nan])  # 2020 and 2024 leap
    expected = [20161029, 20200101, 20200102, 20240229, None]
    assert sky.date_number(mjd).to_pylist() == expected


def test_cells_are_those_of_the_store():
    from astropy.coordinates import SkyCoord
    from cdshealpix.nested import lonlat_to_healpix

    where = SkyCoord([46.9973747, 351.570546978], [9.3679347, 0.126243049656], unit="deg")
    cells = sky.healpix29(where.ra.deg, where.dec.deg)
    assert cells.to_pylist() == lonlat_to_healpix(where.ra, where.dec, 29).tolist()


@pytest.mark.parametrize(("ra", "dec"), [(np.nan, 0.0), (-999.0, 0.0), (10.0, 91.0), (360.1, 0.0)])
def test_no_position_has_no_cell(ra, dec):
    assert sky.healpix29(np.array([ra]), np.array([dec])).to_pylist() == [None]

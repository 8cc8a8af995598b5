"""How numbers look, at their edges too."""

import math

import pytest
from astropy.time import Time

from gueststar.serve.portal import formats
from gueststar.serve.portal.links import links_out
from gueststar.serve.portal.rows import alert_address


@pytest.mark.parametrize(
    ("ra", "dec", "text"),
    [
        (0.0, 0.0, "00:00:00.00 +00:00:00.0"),
        (359.9999999, -89.99999999, "00:00:00.00 -90:00:00.0"),
        (15.0, -1e-9, "01:00:00.00 +00:00:00.0"),
        (14.99999999, 0.99999999, "01:00:00.00 +01:00:00.0"),
    ],
)
def test_rounding_never_writes_sixty_seconds(ra, dec, text):
    assert formats.sexagesimal(ra, dec) == text


def test_tai_becomes_utc_before_and_after_leap_seconds():
    mjd = [57753.9, 57754.1, 60000.123456]
    theirs = [str(Time(m, format="mjd", scale="tai").utc.iso)[:19] for m in mjd]
    assert [t[:16] for t in formats.utc(mjd)] == [t[:16] for t in theirs]


def test_times_outside_of_the_calendar_are_shown_as_they_came():
    texts = formats.utc([None, math.nan, 1e300, -5.0, math.inf])
    assert texts == ["–", "–", "MJD 1e+300", "MJD -5", "MJD inf"]
    assert formats.utc([]) == []


def test_a_negative_flux_has_no_magnitude():
    assert formats.difference(-50.0, 5.0) == ("fainter", "−50.0 nJy", "5.00")
    assert formats.difference(0.0)[0] == "fainter"
    assert formats.difference(-50.0, math.nan) == ("fainter", "−50.0 nJy", "")
    assert formats.difference(50.0, math.inf)[2] == ""
    assert formats.difference(math.nan)[0] == "unknown"
    assert formats.difference(None) == ("unknown", "–", "")


def test_sentinels_are_shown_and_marked():
    assert [formats.kind_of(v) for v in (-999.0, -99, 0, math.nan, "", True)] == [
        "sentinel", "sentinel", "number", "nan", "text", "text",
    ]  # fmt: skip
    assert formats.as_received(2630155241315015005) == "2630155241315015005"


def test_links_hold_the_position_and_quote_names():
    links = links_out("ztf", 'a"/<b>', 10.5, -3.25)
    assert all(link.href.startswith("https://") for link in links)
    assert all('"' not in link.href and "<" not in link.href for link in links)
    assert sum("10.5" in link.href for link in links) == 6
    assert alert_address("é/../x?y#z", 7) == "/object/%C3%A9%2F..%2Fx%3Fy%23z?alert=7"

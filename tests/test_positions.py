"""What the search box understands, and what it says when it does not."""

import math

import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from gueststar.errors import BadInput
from gueststar.positions import Position, alert_number, parse_search
from gueststar.serve.portal.formats import sexagesimal

RA, DEC = 153.0558333, -2.0511111


@pytest.mark.parametrize(
    "text",
    [
        "10:12:13.4 -02:03:04",
        "10:12:13.4, -02:03:04",
        "10 12 13.4 -02 03 04",
        "10h12m13.4s -02d03m04s",
        "10:12:13.4 −02:03:04",
        "153.0558333 -2.0511111",
        "153.0558333,-2.0511111",
        "  153.0558333d   -2.0511111d ",
    ],
)
def test_one_position_in_the_ways_people_write_it(text):
    place = parse_search(text)
    assert isinstance(place, Position)
    assert (place.ra, place.dec) == pytest.approx((RA, DEC), abs=1e-6)


def test_minus_zero_degrees_stays_south():
    assert parse_search("00:00:01 -00:00:01").dec == pytest.approx(-1 / 3600)


@pytest.mark.parametrize("name", ["ZTF18abcdefg", "313853496686280764", "Ωμέγα", "a b", "'; --"])
def test_anything_else_is_a_name(name):
    assert parse_search(name) == name


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "q"),
        ("   ", "q"),
        ("x" * 201, "q"),
        ("400 10", "ra"),
        ("10 -91", "dec"),
        ("25:00:00 +10:00:00", "ra"),
        ("10:61:00 +10:00:00", "ra"),
        ("10:00:00 +10:00:61", "dec"),
    ],
)
def test_what_is_not_on_the_sky_is_refused_with_the_field(text, field):
    with pytest.raises(BadInput, match=f"^{field}:"):
        parse_search(text)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "９", "9" * 19, "1e3", "0x10"])
def test_no_alert_id(text):
    assert alert_number(text) is None


@given(st.floats(0, 359.999), st.floats(-89.999, 89.999))
def test_a_position_reads_back_and_agrees_with_astropy(ra, dec):
    text = sexagesimal(ra, dec)
    place, theirs = parse_search(text), SkyCoord(text, unit=("hourangle", "deg"))
    assert place.ra == pytest.approx(theirs.ra.deg, abs=1e-9)
    assert place.dec == pytest.approx(theirs.dec.deg, abs=1e-9)
    gap = math.remainder(place.ra - ra, 360) * math.cos(math.radians(dec))
    assert math.hypot(gap, place.dec - dec) * 3600 < 0.11

"""Catalogues through the client: over a store and over a server, the same."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

from gueststar.errors import BadInput


@pytest.fixture
def broker(b):
    return b


def some_object(broker):
    return broker[str(broker.night(limit=1)["object_id"][0])]


def test_an_object_knows_its_matches(broker):
    found = some_object(broker)
    best = found.matches[0]
    assert (best["catalogue"], best["rank"], best["source_kind"]) == ("stars", 0, "star")
    assert best["separation_arcsec"] < 2 * u.arcsec
    assert best["columns"]["gmag"] % 1 == 0.5
    assert found.matches.meta["context"] == "star"
    assert len(found.counterparts) == len(broker.counterparts(found.object_id, 1 * u.arcmin)) == 0
    with pytest.raises(BadInput, match="nearest names"):
        broker.matches("nothing")


def test_a_list_is_matched_with_a_catalogue(broker):
    place = some_object(broker).coord
    mine = Table({"name": ["a", "b"], "ra": [10.0, place.ra.deg], "dec": [80.0, place.dec.deg]})
    found = broker.xmatch(mine, radius=2 * u.arcsec, catalog="stars")
    assert list(found["name"]) == ["b"]
    assert found["separation_arcsec"][0] < 2 * u.arcsec
    assert found["gmag"][0] % 1 == 0.5
    assert {"ra", "ra_stars", "stars_ra", "source_id", "row"} <= set(found.colnames)
    assert len(broker.xmatch(mine, catalog="stars", radius=0.01, mode="all")) == 0
    both = broker.xmatch(place, catalog="stars", radius=10, mode="all")
    assert list(both["rank"]) == list(range(len(both)))


def test_the_catalogues_are_listed(broker):
    (row,) = broker.catalogs
    assert (row["catalogue"], row["version"], row["n_waiting"]) == ("stars", "v1", 0)
    assert list(row["kept"]) == ["gmag", "ra"]
    assert np.issubdtype(type(row["n_matched"]), np.integer)


def test_what_cannot_be_matched_is_said(broker):
    place = some_object(broker).coord
    for given, message in (
        ({"catalog": "starts"}, "Did you mean 'stars'"),
        ({"mode": "all"}, "catalog="),
        ({"catalog": "stars", "radius": 700}, "600"),
        ({"catalog": "stars", "radius": [1.0, 2.0]}, "give one"),
        ({"catalog": "stars", "mode": "host"}, "no redshifts"),
    ):
        with pytest.raises(BadInput, match=message):
            broker.xmatch(place, **given)

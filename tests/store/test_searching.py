"""Many cones, pages and counts of the store, against brute force."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gueststar.errors import BadInput
from gueststar.store import open_store
from gueststar.store.selection import (
    COUNT_BY,
    AlertSelection,
    ObjectSelection,
    cursor_of,
    next_of,
)
from store.alerts import random_alerts
from store.sky import HARD, N, brute_force, near, walk


def test_a_thousand_cones_agree_with_brute_force(placed):
    store, ra, dec = placed
    rng = np.random.default_rng(6)
    which = rng.integers(0, N, 700)
    some = near(rng, ra[which], dec[which], 10 ** rng.uniform(-1, 3.5, 700))
    hard = np.array(HARD * 40, float)[:300].T
    places = np.concatenate([some[0], hard[0]]), np.concatenate([some[1], hard[1]])
    radius = 10 ** rng.uniform(-0.5, np.log10(3600), 1000)
    found = store.cones(*places, radius)
    pairs = list(zip(found["row"].to_pylist(), found["object_id"].to_pylist(), strict=True))
    assert len(pairs) == len(set(pairs)) > 1000
    assert set(pairs) == brute_force(places, ra, dec, radius)


def test_many_cones_are_the_single_cones_together(placed):
    store, ra, dec = placed
    together = store.cones(ra[:50], dec[:50], 600.0)
    for row in range(50):
        alone = store.cone(ra[row], dec[row], 600.0)
        mine = together.filter(pa.compute.equal(together["row"], row)).drop_columns("row")
        assert mine["object_id"].to_pylist() == alone["object_id"].to_pylist()
        assert np.allclose(mine["separation_arcsec"], alone["separation_arcsec"], atol=1e-6)


def test_nearest_is_the_first_of_all(placed):
    store, ra, dec = placed
    everything = store.cones(ra[-300:], dec[-300:], 900.0).to_pylist()
    first = {}
    for match in everything:
        first.setdefault(match["row"], match["object_id"])
    nearest = store.cones(ra[-300:], dec[-300:], 900.0, nearest=True)
    assert len(everything) > nearest.num_rows
    assert (
        dict(zip(nearest["row"].to_pylist(), nearest["object_id"].to_pylist(), strict=True))
        == first
    )


def test_more_positions_than_one_block(placed, monkeypatch):
    from gueststar.store import cones

    store, ra, dec = placed
    whole = store.cones(ra, dec, 60.0)
    monkeypatch.setattr(cones, "_AT_ONCE", 333)
    assert store.cones(ra, dec, 60.0).equals(whole)
    monkeypatch.setattr(cones, "MAX_MATCHES", 100)
    with pytest.raises(BadInput, match="smaller radius"):
        store.cones(ra, dec, 60.0)


@pytest.mark.parametrize(
    ("ra", "dec", "radius", "said"),
    [
        ([10, 400], [0, 0], 1, "ra: 400.0 in row 1"),
        ([10], [-91], 1, "dec: -91.0 in row 0"),
        ([10], [float("nan")], 1, "dec: nan in row 0"),
        ([10], [0], float("nan"), "radius: nan"),
        ([10], [0], 0, "radius: 0.0"),
        ([10], [0], 4000, "radius: 4000.0"),
        ([10, 11], [0], 1, "one length"),
        ([10, 11], [0, 0], [1, 2, 3], "as many"),
        (["x"], [0], 1, "numbers"),
        (np.zeros(200_001), np.zeros(200_001), 1, "200,001 positions"),
    ],
)
def test_bad_cones_are_named(placed, ra, dec, radius, said):
    with pytest.raises(BadInput, match=said):
        placed[0].cones(ra, dec, radius)


def test_no_positions_match_nothing(placed):
    assert placed[0].cones([], [], 1.0).num_rows == 0


@pytest.fixture(scope="module")
def store(module_url):
    with open_store(module_url()) as opened:
        opened.write(
            [random_alerts(900, 1, nights=4), random_alerts(300, 2, first_id=5, source="file#2")]
        )
        yield opened


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_pages_are_the_rows_that_sql_selects_each_once(store, data):
    some = st.one_of(st.none(), st.floats(-0.2, 5).map(lambda x: 60000 + x))
    band = data.draw(st.sampled_from([None, "g", "i"]))
    night = data.draw(st.sampled_from([None, 20230226, 19990101]))
    since, until = data.draw(some), data.draw(some)
    least = data.draw(st.sampled_from([None, 0.3, 0.9]))
    mag = data.draw(st.sampled_from([None, 23.0]))
    selection = AlertSelection(
        band=band, night=night, since=since, until=until, mag_max=mag,
        module="rb", min_score=least,
    )  # fmt: skip
    wanted = {"band =": band, "night =": night, "mjd_tai >=": since, "mjd_tai <=": until}
    wanted |= {"value >=": least, "mag <=": mag}
    where = " AND ".join(f"{k} {v!r}" for k, v in wanted.items() if v is not None) or "1 = 1"
    rows = walk(store.find_alerts, selection, data.draw(st.sampled_from([7, 100, 5000])))
    found = store.sql(
        f"""SELECT alert_id FROM alerts JOIN scores USING (alert_id) WHERE {where}
            ORDER BY night, mjd_tai, alert_id"""
    )
    assert [row["alert_id"] for row in rows] == found["alert_id"].to_pylist()


def test_alerts_of_an_object_and_of_a_cone(store):
    one = store.sql("SELECT * FROM objects ORDER BY n_alerts DESC LIMIT 1").to_pylist()[0]
    name = walk(store.find_alerts, AlertSelection(object_id=one["object_id"]), 2)
    assert len(name) == one["n_alerts"]
    cone = AlertSelection(ra=one["ra"], dec=one["dec"], radius_arcsec=30.0)
    near = walk(store.find_alerts, cone, 2)
    assert all(row.pop("separation_arcsec") < 30 for row in near)
    assert near == name
    assert walk(store.find_alerts, AlertSelection(ra=0.0, dec=90.0, radius_arcsec=1.0), 2) == []


def test_objects_page_by_page(store):
    rows = walk(store.find_objects, ObjectSelection(min_detections=5), 11)
    wanted = store.sql("SELECT object_id FROM objects WHERE n_detections >= 5 ORDER BY object_id")
    assert [row["object_id"] for row in rows] == wanted["object_id"].to_pylist()
    assert len(rows) > 11


def test_alerts_that_come_meanwhile_do_not_move_a_page(url):
    with open_store(url) as store:
        store.write([random_alerts(60, 1, first_id=1000)])
        page = store.find_alerts(AlertSelection(), limit=20)
        seen = page["alert_id"].to_pylist()
        store.write([random_alerts(60, 2, first_id=5000, source="file#2")])
        rest = walk(lambda s, after, limit: store.find_alerts(s, after=after or next_of(page),
                    limit=limit), AlertSelection(), 20)  # fmt: skip
        seen += [row["alert_id"] for row in rest]
        assert len(seen) == len(set(seen))
        assert {1000 + 3 * k for k in range(60)} <= set(seen)


@pytest.mark.parametrize("by", COUNT_BY)
def test_counts_agree_with_sql(store, by):
    counted = store.counts(by, order=2, min_score=0.25).to_pylist()
    if by == "class":
        (row,) = counted
        above = store.sql("SELECT count(*) FROM scores WHERE value >= 0.25")
        assert row["n_alerts"] == above[0][0].as_py()
        assert row["n_scored"] + row["n_unscored"] == 1200
        return
    key = {"band": "survey, band", "healpix": "healpix29 >> 54"}.get(by, by)
    wanted = store.sql(f"SELECT count(*) AS n FROM alerts GROUP BY {key}")
    assert sorted(row["n_alerts"] for row in counted) == sorted(wanted["n"].to_pylist())
    tonight = store.counts(by, night=20230225, order=2).to_pylist()
    in_sql = store.sql("SELECT count(*) FROM alerts WHERE night = 20230225")[0][0].as_py()
    assert sum(row["n_alerts"] for row in tonight) == in_sql > 0


@pytest.mark.parametrize("text", ["", "x", "äö", cursor_of((1,)), cursor_of((1, 2.0, 2**63))])
def test_a_forged_cursor_is_refused(store, text):
    with pytest.raises(BadInput, match="after"):
        store.find_alerts(AlertSelection(), after=text)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AlertSelection(since=float("nan")), "since"),
        (lambda: AlertSelection(min_score=0.5), "module"),
        (lambda: AlertSelection(ra=1.0), "all three"),
        (lambda: AlertSelection(ra=1.0, dec=1.0, radius_arcsec=120_000.0), "radius"),
        (lambda: AlertSelection(night=2**63), "night"),
        (lambda: ObjectSelection(last_since=float("inf")), "last_since"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(make, said):
    with pytest.raises(BadInput, match=said):
        make()


def test_pages_and_counts_check_what_they_are_given(store):
    for call in (
        lambda: store.find_alerts(AlertSelection(), limit=0),
        lambda: store.find_objects(ObjectSelection(), limit=10_001),
        lambda: store.find_alerts(AlertSelection(module="nosuch")),
        lambda: store.counts("bnad"),
        lambda: store.counts("healpix", order=13),
        lambda: store.counts("night", night=-1),
    ):
        with pytest.raises(BadInput):
            call()


def test_a_search_that_takes_too_long_is_stopped(store, monkeypatch):
    from gueststar.store import pages
    from gueststar.store.sqlite import session

    monkeypatch.setattr(pages, "MAX_SECONDS", -1.0)
    monkeypatch.setattr(session, "OPS_BETWEEN_LOOKS", 1)
    with pytest.raises(BadInput, match="narrow it down"):
        store.find_alerts(AlertSelection())
    monkeypatch.undo()
    assert store.find_alerts(AlertSelection()).num_rows == 1000

"""Minor planets in both stores: orbits brought in, matched in the write and afterwards, removed."""

import sqlite3
import threading

import numpy as np
import pyarrow as pa
import pytest

from catalogs.planets import PALOMAR, RUBIN, belt, table_of
from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.ephemeris import ephemeris
from gueststar.errors import BadInput
from gueststar.rights import PUBLIC
from gueststar.store import open_store, store_path
from gueststar.store.sqlite import schema
from gueststar.surveys.sky import healpix29
from store.alerts import random_alerts, replaced

BELT = belt(400)
AWAY = 2.0  # arcsec north of the prediction


def alerts_at(orbits, n=40, *, seed=0, survey="ztf", site=PALOMAR, every=2, **columns):
    """Alerts; each ``every``-th one lies 2 arcsec north of body 0, 1, 2 ..., in its order."""
    batch = random_alerts(n, seed, objects=n, survey=survey)
    rows, bodies = np.arange(0, n, every), np.arange(len(range(0, n, every)))
    mjd = batch.numpy("mjd_tai")[rows]
    mine = orbits[bodies]
    seen = ephemeris(mine.states(), mine.epoch, mine.h, mine.g, mjd, site)
    ra, dec = batch.numpy("ra").copy(), batch.numpy("dec").copy()
    ra[rows], dec[rows] = seen.ra, seen.dec - AWAY / 3600
    cells = healpix29(ra, dec).to_pylist()
    return replaced(batch, ra=ra, dec=dec, healpix29=cells, **columns)


def add(store, orbits=BELT, name="mpc", version="v1", radius=5.0, pieces=3):
    table = table_of(orbits)
    size = -(-len(orbits) // pieces)
    parts = [table.slice(k * size, size) for k in range(pieces)]
    return store.add_orbits(name, parts, version, source="MPCORB.DAT", radius_arcsec=radius)


def ids(batch, every=2):
    return batch.column("alert_id").to_pylist()[::every]


@pytest.mark.parametrize(("survey", "site"), [("ztf", PALOMAR), ("lsst", RUBIN)])
def test_alerts_are_matched_in_the_write_that_brings_them(store, survey, site):
    assert add(store)
    batch = alerts_at(BELT, survey=survey, site=site)
    store.write([batch])
    for body, alert_id in enumerate(ids(batch)):
        (match,) = store.minor_planets(alert_id).to_pylist()
        assert (match["orbits"], match["version"], match["rank"]) == ("mpc", "v1", 0)
        assert match["designation"] == table_of(BELT)["designation"][body].as_py()
        assert match["separation_arcsec"] == pytest.approx(AWAY, abs=1e-4)
        assert (match["position_angle"] + 180) % 360 == pytest.approx(180, abs=0.01)
        assert 0.5 < match["delta_au"] < 5
        assert 1.5 < match["r_au"] < 4
        assert match["v_mag"] > BELT.h[body]
    assert store.minor_planets(ids(batch, 1)[1]).num_rows == 0
    (row,) = store.orbit_files().to_pylist()
    assert (row["orbits"], row["n_orbits"], row["n_matched"], row["n_waiting"]) == (
        "mpc", 400, 20, 0,
    )  # fmt: skip
    assert row["epoch_mjd_tt"] == 60000.0
    view = store.sql("SELECT count(*) AS n, max(separation_arcsec) AS far FROM minor_planets")
    assert view["n"].to_pylist() == [20]
    with pytest.raises(BadInput, match="no alert 5 in this store"):
        store.minor_planets(5)


def test_solar_system_alerts_without_an_object_match_too(store):
    add(store)
    batch = alerts_at(BELT, survey="lsst", site=RUBIN, object_id=[None] * 40)
    store.write([batch])
    assert store.minor_planets(ids(batch)[3]).num_rows == 1


def test_a_minor_planet_is_found_by_number_name_and_designation(store):
    add(store)
    batch = alerts_at(BELT)
    store.write([batch])
    first, second = ids(batch)[:2]
    for who in ("1", "(1)", "(1) Body 1", "body 1"):
        assert store.minor_planet_alerts(who)["alert_id"].to_pylist() == [first]
        assert store.orbit(who)["number"].to_pylist() == [1]
    assert store.minor_planet_alerts("2020 a1")["alert_id"].to_pylist() == [second]
    assert store.minor_planet_alerts("Nobody").num_rows == 0
    with pytest.raises(BadInput, match="no orbit of 'Nobody'"):
        store.orbit("Nobody")


def test_old_alerts_wait_and_are_matched_night_by_night(store, monkeypatch):
    monkeypatch.setattr("gueststar.store.planetary.AT_ONCE", 7)
    batch = alerts_at(BELT)
    store.write([batch])
    add(store)
    (row,) = store.orbit_files().to_pylist()
    assert (row["n_matched"], row["n_waiting"]) == (0, 40)
    nights = batch.numpy("night")
    told = []
    assert store.match_orbits(night=int(nights[0]), progress=told.append) == sum(told)
    assert sum(told) == np.count_nonzero(nights == nights[0])
    stop = threading.Event()
    stop.set()
    assert store.match_orbits(stop=stop) == 0
    assert store.match_orbits("mpc") == np.count_nonzero(nights != nights[0])
    once = store.sql("SELECT * FROM minor_planets ORDER BY alert_id").to_pylist()
    assert [row["alert_id"] for row in once] == ids(batch)
    assert store.match_orbits() == 0
    assert store.match_orbits(again=True) == 40
    assert store.sql("SELECT * FROM minor_planets ORDER BY alert_id").to_pylist() == once


def test_the_write_and_the_match_say_the_same(store, new_url):
    batch = alerts_at(BELT)
    add(store)
    store.write([batch])
    with open_store(new_url()) as other:
        other.write([batch])
        add(other)
        other.match_orbits()
        query = "SELECT * FROM minor_planets ORDER BY alert_id"
        assert other.sql(query).equals(store.sql(query))


def test_new_orbits_take_the_place_of_old_ones_and_leave_what_was_matched(store):
    add(store)
    batch = alerts_at(BELT)
    store.write([batch])
    assert not add(store)
    later = belt(100, seed=5)
    assert add(store, later, version="v2")
    more = alerts_at(later, seed=9)
    more = replaced(more, alert_id=(10**17 + np.arange(40)).tolist(), source=["other"] * 40)
    store.write([more])
    versions = store.sql("SELECT version, count(*) AS n FROM minor_planets GROUP BY version")
    assert sorted(map(tuple, (row.values() for row in versions.to_pylist()))) == [
        ("v1", 20), ("v2", 20),
    ]  # fmt: skip
    (row,) = store.orbit_files().to_pylist()
    assert (row["version"], row["n_orbits"], row["n_matched"], row["n_waiting"]) == (
        "v2",
        100,
        40,
        0,
    )
    assert store.match_orbits(again=True) == 80  # the old ones match nothing of these
    assert store.sql("SELECT DISTINCT version FROM minor_planets")["version"].to_pylist() == ["v2"]


def test_orbits_that_a_writer_was_told_to_leave_out_make_alerts_wait(store):
    add(store)
    add(store, belt(50, seed=2), name="nea")
    batch = alerts_at(BELT)
    store.write([batch], catalogs=["nea"])
    waiting = {row["orbits"]: row["n_waiting"] for row in store.orbit_files().to_pylist()}
    assert waiting == {"mpc": 40, "nea": 0}
    with pytest.raises(BadInput, match="which orbits"):
        store.match_orbits()
    with pytest.raises(BadInput, match=r"no orbits 'mpd'.*mpc"):
        store.match_orbits("mpd")
    assert store.match_orbits("mpc") == 40
    assert store.minor_planets(ids(batch)[0]).num_rows == 1


def test_several_bodies_at_one_place_are_ranked(store):
    twice = belt(10)
    both = pa.concat_tables([table_of(twice), table_of(twice, first=1001)])
    store.add_orbits("mpc", [both], "v1", source="x", radius_arcsec=5.0)
    batch = alerts_at(twice, 4)
    store.write([batch])
    found = store.minor_planets(ids(batch)[0])
    assert found["rank"].to_pylist() == [0, 1]
    assert found["number"].to_pylist() == [1, 1001]


def test_orbits_are_removed_with_their_matches(store):
    add(store)
    store.write([alerts_at(BELT)])
    store.remove_orbits("mpc")
    assert store.orbit_files().num_rows == 0
    assert store.sql("SELECT * FROM minor_planets").num_rows == 0
    with pytest.raises(BadInput, match="no orbits 'mpc'"):
        store.remove_orbits("mpc")
    with pytest.raises(BadInput, match="planets add"):
        store.match_orbits()


def test_what_cannot_be_is_refused_and_leaves_nothing(store):
    with pytest.raises(BadInput, match="radius: 0 arcsec cannot be"):
        add(store, radius=0)
    with pytest.raises(BadInput, match="has no orbits"):
        store.add_orbits("mpc", [], "v1", source="empty.dat", radius_arcsec=5.0)

    store.add_catalogue(Declaration("gaia"), [[]], "v1")
    with pytest.raises(BadInput, match="name: 'gaia' is a catalogue"):
        add(store, name="gaia")

    def broken():
        yield table_of(belt(5))
        raise BadInput("line 3")

    with pytest.raises(BadInput, match="line 3"):
        store.add_orbits("mpc", broken(), "v1", source="x", radius_arcsec=5.0)
    assert store.orbit_files().num_rows == 0


def test_alerts_that_somebody_may_not_see_have_no_minor_planets(store):
    add(store)
    batch = alerts_at(BELT, program=[1, 1, 2, 2] * 10)
    store.write([batch])
    seen = store.seen_by(PUBLIC)
    shown = [i for i, p in zip(ids(batch), batch.numpy("program")[::2], strict=True) if p == 1]
    view = seen.sql("SELECT alert_id FROM minor_planets ORDER BY alert_id")
    assert view["alert_id"].to_pylist() == shown
    hidden = ids(batch)[1]
    with pytest.raises(BadInput, match="no alert"):
        seen.minor_planets(hidden)
    assert store.minor_planets(hidden).num_rows == 1
    who = store.minor_planets(hidden)["designation"][0].as_py()
    assert seen.minor_planet_alerts(who).num_rows == 0
    (row,) = seen.orbit_files().to_pylist()
    assert (row["n_matched"], row["n_waiting"]) == (len(shown), 0)


def test_a_store_of_the_version_before_gets_the_tables(sqlite_url):
    file = sqlite3.connect(store_path(sqlite_url))
    scripts = [schema.TABLES, *(schema.MIGRATIONS[k] for k in (1, 2, 3)), schema.VIEWS]
    for statement in ";".join(scripts).split(";"):
        if "planet_rows" not in statement:
            file.execute(statement)
    file.execute("PRAGMA user_version = 4")
    file.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    file.commit()
    file.close()
    with open_store(sqlite_url) as store:
        batch = alerts_at(BELT)
        store.write([batch])
        add(store)
        assert store.match_orbits() == 40
        assert store.minor_planets(ids(batch)[0]).num_rows == 1

"""Catalogues in both stores: brought in, matched with objects and positions, replaced, removed."""

import threading

import numpy as np
import orjson
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from catalogs.skies import beside, scattered
from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.errors import BadInput
from gueststar.store import open_store
from gueststar.surveys.sky import healpix29
from store.alerts import random_alerts, replaced

GAIA = Declaration("gaia", columns=("mag",), kind="star")


def sources(ra, dec, *facts, first=0, ids=None):
    """One piece, in the form that files are read to."""
    cells = healpix29(np.asarray(ra), np.asarray(dec)).to_pylist()
    ids = ids or [f"s{first + k}" for k in range(len(ra))]
    texts = [orjson.dumps(list(one)).decode() for one in zip(*facts, strict=True)]
    rows = zip(cells, ids, map(float, ra), map(float, dec), texts or ["[]"] * len(ra), strict=True)
    return [Source(*row) for row in rows]


def mags(n):
    return np.round(np.linspace(12, 20, n), 2).tolist()


def placed(n, seed=0, **columns):
    """Alerts of ``n`` objects, one each, at known positions."""
    batch = random_alerts(n, seed, objects=n, nights=1)
    ra, dec = columns.pop("ra"), columns.pop("dec")
    names = [f"o{k:04d}" for k in range(n)]
    cells = healpix29(np.asarray(ra), np.asarray(dec)).to_pylist()
    return replaced(batch, object_id=names, ra=ra, dec=dec, healpix29=cells, **columns)


@pytest.fixture
def sky():
    """200 objects, and a star 1 arcsec beside every second, at an angle that grows."""
    ra, dec = scattered(200)
    angle = np.linspace(0, 359, 100)
    star_ra, star_dec = beside(ra[::2], dec[::2], 1.0, angle)
    return ra, dec, star_ra, star_dec, angle


def with_gaia(store, star_ra, star_dec, declaration=GAIA, version="v1"):
    piece = sources(star_ra, star_dec, mags(len(star_ra)))
    return store.add_catalogue(declaration, [piece[:30], piece[30:]], version)


def test_objects_are_matched_in_the_write_that_brings_them(store, sky):
    ra, dec, star_ra, star_dec, angle = sky
    assert with_gaia(store, star_ra, star_dec)
    store.write([placed(200, ra=ra, dec=dec)])
    for k in (0, 2, 50, 198):
        (match,) = store.matches(f"o{k:04d}").to_pylist()
        assert (match["catalogue"], match["version"], match["source_kind"]) == (
            "gaia",
            "v1",
            "star",
        )
        assert (match["source_id"], match["rank"]) == (f"s{k // 2}", 0)
        assert match["separation_arcsec"] == pytest.approx(1.0, abs=1e-4)
        turn = (match["position_angle"] - angle[k // 2] + 180) % 360 - 180
        assert turn == pytest.approx(0, abs=1e-3)
        assert orjson.loads(match["columns"]) == {"mag": mags(100)[k // 2]}
        assert (match["separation_kpc"], match["light_radii"]) == (None, None)
    assert store.matches("o0001").num_rows == 0
    with pytest.raises(BadInput, match="nearest names: o0001"):
        store.matches("o0001x")
    view = store.sql("SELECT catalogue, count(*) AS n FROM crossmatches GROUP BY catalogue")
    assert view.to_pylist() == [{"catalogue": "gaia", "n": 100}]


def test_a_catalogue_that_comes_later_is_matched_step_by_step(store, sky, monkeypatch):
    from gueststar.store import crossing

    monkeypatch.setattr(crossing, "AT_ONCE", 70)
    ra, dec, star_ra, star_dec, _ = sky
    store.write([placed(200, ra=ra, dec=dec)])
    with_gaia(store, star_ra, star_dec)
    (row,) = store.catalogues().to_pylist()
    assert (row["n_sources"], row["n_matched"], row["n_waiting"]) == (100, 0, 200)
    stop, seen = threading.Event(), []
    count = store.match_catalogue(
        "gaia", stop=stop, progress=lambda n: (seen.append(n), stop.set())
    )
    assert (count, seen) == (70, [70])
    assert store.catalogues()["n_waiting"].to_pylist() == [130]
    assert store.match_catalogue("gaia") == 130
    once = store.sql("SELECT * FROM crossmatches ORDER BY object_id").to_pylist()
    assert len(once) == 100
    assert store.match_catalogue("gaia") == 0
    assert store.sql("SELECT * FROM crossmatches ORDER BY object_id").to_pylist() == once


def test_the_order_of_catalogue_and_alerts_does_not_matter(new_url, sky):
    ra, dec, star_ra, star_dec, _ = sky
    answers = []
    for first in (True, False):
        with open_store(new_url()) as store:
            if first:
                with_gaia(store, star_ra, star_dec)
            store.write([placed(200, ra=ra, dec=dec)])
            if not first:
                with_gaia(store, star_ra, star_dec)
                store.match_catalogue("gaia")
            answers.append(store.sql("SELECT * FROM crossmatches ORDER BY object_id").to_pylist())
    assert answers[0] == answers[1]


def test_an_object_that_moves_is_matched_anew(store):
    ra, dec = np.array([10.0]), np.array([20.0])
    stars = sources([10.0, 10.0], [20.0 + 1 / 3600, 20.01], mags(2))
    store.add_catalogue(GAIA, [stars], "v1")
    store.write([placed(1, ra=ra, dec=dec, flux=[100.0], flux_err=[50.0])])
    assert store.matches("o0000")["source_id"].to_pylist() == ["s0"]
    better = placed(1, ra=ra, dec=[20.01], flux=[9000.0], flux_err=[50.0])
    store.write([replaced(better, alert_id=[77], source=["file#2"])])
    assert store.matches("o0000")["source_id"].to_pylist() == ["s1"]
    worse = placed(1, ra=ra, dec=dec, flux=[100.0], flux_err=[50.0])
    store.write([replaced(worse, alert_id=[78], source=["file#3"])])
    assert store.matches("o0000")["source_id"].to_pylist() == ["s1"]
    away = placed(1, ra=ra, dec=[-20.0], flux=[99000.0], flux_err=[50.0])
    store.write([replaced(away, alert_id=[79], source=["file#4"])])
    assert store.matches("o0000").num_rows == 0


def test_a_catalogue_that_is_left_out_waits(store, sky):
    ra, dec, star_ra, star_dec, _ = sky
    with_gaia(store, star_ra, star_dec)
    store.write([placed(200, ra=ra, dec=dec)], catalogs=[])
    assert store.catalogues()["n_waiting"].to_pylist() == [200]
    assert store.matches("o0000").num_rows == 0
    assert store.match_catalogue("gaia") == 200
    assert store.matches("o0000").num_rows == 1


def test_a_newer_version_takes_the_place_of_the_older(store, sky):
    ra, dec, star_ra, star_dec, _ = sky
    with_gaia(store, star_ra, star_dec)
    store.write([placed(200, ra=ra, dec=dec)])
    assert not with_gaia(store, star_ra, star_dec), "this version is there"
    assert with_gaia(store, star_ra[:10], star_dec[:10], version="v2")
    assert store.matches("o0000")["version"].to_pylist() == ["v1"], "until it is matched anew"
    (row,) = store.catalogues().to_pylist()
    assert (row["version"], row["n_sources"], row["n_waiting"]) == ("v2", 10, 200)
    store.match_catalogue("gaia")
    assert store.sql("SELECT DISTINCT version FROM crossmatches")["version"].to_pylist() == ["v2"]
    assert store.catalogues()["n_matched"].to_pylist() == [10]
    store.remove_catalogue("gaia")
    assert store.catalogues().num_rows == store.matches("o0000").num_rows == 0
    with pytest.raises(BadInput, match="no catalogue 'gaia'"):
        store.remove_catalogue("gaia")


def test_positions_match_as_astropy_says(store):
    """All pairs within a radius, in a crowded field, at both poles and round 0 h."""
    rng = np.random.default_rng(3)
    centres = [(0.0, 10.0), (150.0, 0.0), (40.0, 89.999), (200.0, -89.999)]
    ra, dec = (np.concatenate(v) for v in zip(*(crowd(rng, *c, 80) for c in centres), strict=True))
    star_ra, star_dec = (
        np.concatenate(v) for v in zip(*(crowd(rng, *c, 80) for c in centres), strict=True)
    )
    store.add_catalogue(GAIA, [sources(star_ra, star_dec, mags(320))], "v1")
    mine, theirs = SkyCoord(ra, dec, unit="deg"), SkyCoord(star_ra, star_dec, unit="deg")
    apart = mine[:, None].separation(theirs[None, :]).to_value(u.arcsec)
    for radius in (1.0, 12.0, 40.0):
        found = store.xmatch(ra, dec, "gaia", radius, "all")
        expected = {(int(i), f"s{j}"): apart[i, j] for i, j in np.argwhere(apart <= radius)}
        got = dict(
            zip(
                zip(found["row"].to_pylist(), found["source_id"].to_pylist(), strict=True),
                found["separation_arcsec"].to_pylist(), strict=True,
            )
        )  # fmt: skip
        assert got == pytest.approx(expected, abs=1e-6)
        nearest = store.xmatch(ra, dec, "gaia", radius, "nearest")
        best = {}
        for (row, _), s in expected.items():
            best[row] = min(s, best.get(row, np.inf))
        got = dict(
            zip(nearest["row"].to_pylist(), nearest["separation_arcsec"].to_pylist(), strict=True)
        )
        assert got == pytest.approx(best, abs=1e-6)
        ranks = [
            r
            for row in np.unique(found["row"])
            for r in range(np.sum(found["row"].to_numpy() == row))
        ]
        assert found["rank"].to_pylist() == ranks


def crowd(rng, ra, dec, n, arcsec=60.0):
    return beside(
        np.full(n, ra), np.full(n, dec), arcsec * np.sqrt(rng.random(n)), rng.uniform(0, 360, n)
    )


def test_hosts_go_by_distance_and_light(store):
    """A large near galaxy far off in arcsec wins over a small far one that is nearer."""
    galaxies = Declaration(
        "galaxies", columns=("z",), redshift="z", shape=("a", "b", "pa"), kind="galaxy"
    )
    ra, dec = beside(np.full(4, 30.0), np.full(4, 10.0), np.array([50.0, 4.0, 20.0, 40.0]), 0.0)
    facts = [
        [0.01, 0.8, None, 0.02],
        [25.0, 0.5, None, None],
        [10.0, 0.5, None, None],
        [0.0, 0.0, None, None],
    ]
    store.add_catalogue(galaxies, [sources(ra, dec, *facts)], "v1")
    found = store.xmatch([30.0], [10.0], "galaxies").to_pylist()
    assert [match["source_id"] for match in found] == ["s0", "s3"]
    assert found[0]["light_radii"] == pytest.approx(2.0, abs=1e-3)
    assert found[0]["separation_kpc"] == pytest.approx(50 * 0.2122, rel=0.001)
    assert found[1]["light_radii"] is None
    assert found[1]["separation_kpc"] == pytest.approx(16.7, rel=0.01)
    near = store.xmatch([30.0], [10.0], "galaxies", 30.0, "all")
    assert near["source_id"].to_pylist() == ["s1", "s2"]


def test_stars_are_where_they_have_moved_to(store):
    fast = Declaration("fast", pm_ra="pmra", pm_dec="pmdec", epoch=2016.0)
    moved = (60000.3 - 51544.5) / 365.25 + 2000.0 - 2016.0  # years
    dec = 60.0
    ra = 10.0 - 900 * moved / 3.6e6 / np.cos(np.radians(dec))
    store.add_catalogue(fast, [sources([ra], [dec], [900.0], [0.0])], "v1")
    alerts = placed(1, ra=[10.0], dec=[dec], mjd_tai=[60000.3])
    store.write([alerts])
    assert store.matches("o0000")["separation_arcsec"].to_pylist() == pytest.approx([0], abs=0.05)
    assert store.xmatch([10.0], [dec], "fast").num_rows == 0


def test_two_sources_of_one_id_are_refused(store):
    for ids, ra in ((["a", "b", "a"], [1.0, 2.0, 3.0]), (["a", "b", "a"], [1.0, 2.0, 1.0])):
        with pytest.raises(BadInput, match="of 3 sources 1 have an id that stands before"):
            store.add_catalogue(GAIA, [sources(ra, [0.0] * 3, mags(3), ids=ids)], "v1")
    assert store.catalogues().num_rows == 0
    with pytest.raises(BadInput, match="no catalogue"):
        store.remove_catalogue("gaia")


def test_what_was_left_by_a_killed_reading_goes_with_the_next(store, sky):
    _, _, star_ra, star_dec, _ = sky

    def broken():
        yield sources(star_ra, star_dec, mags(100))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add_catalogue(GAIA, broken(), "v1")
    assert store.catalogues().num_rows == 0
    assert with_gaia(store, star_ra, star_dec)
    assert store.catalogues()["n_sources"].to_pylist() == [100]


def test_what_cannot_be_asked_is_said(store):
    store.add_catalogue(GAIA, [sources([1.0], [1.0], [15.0])], "v1")
    for given, message in (
        (([1.0], [1.0], "gaja"), "Did you mean 'gaia'"),
        (([1.0], [1.0], "gaia", 0.0), "radius: 0.0"),
        (([1.0], [1.0], "gaia", 601.0), "at most 600"),
        (([1.0], [1.0], "gaia", 1.0, "any"), "mode: 'any'"),
        (([1.0], [1.0], "gaia", 1.0, "host"), "no redshifts"),
        (([400.0], [1.0], "gaia"), "ra: 400.0 in row 0"),
        (([1.0, 2.0], [1.0], "gaia"), "two lists of one length"),
    ):
        with pytest.raises(BadInput, match=message):
            store.xmatch(*given)
    assert store.xmatch([], [], "gaia").num_rows == 0


def test_counterparts_are_of_other_surveys(store):
    """A Rubin object 0.8 arcsec beside a ZTF one, and a second ZTF object that is nearer."""
    ra, dec = beside(np.full(4, 0.0), np.full(4, -30.0), np.array([0.0, 0.3, 0.8, 5.0]), 45.0)
    surveys = ["ztf", "ztf", "lsst", "lsst"]
    batch = placed(4, ra=ra, dec=dec, survey=surveys)
    store.write([batch])
    found = store.counterparts("o0000").to_pylist()
    assert [(one["object_id"], one["survey"]) for one in found] == [("o0002", "lsst")]
    assert found[0]["separation_arcsec"] == pytest.approx(0.8, abs=1e-3)
    assert store.counterparts("o0002")["object_id"].to_pylist() == ["o0001", "o0000"]
    assert store.counterparts("o0000", 6.0)["object_id"].to_pylist() == ["o0002", "o0003"]
    assert store.counterparts("o0003").num_rows == 0
    for given, message in ((("x",), "nearest names"), (("o0000", 61.0), "at most 60")):
        with pytest.raises(BadInput, match=message):
            store.counterparts(*given)


def test_the_context_of_an_object(store):
    ra, dec = beside(np.full(1, 40.0), np.full(1, 5.0), 0.5, 0.0)
    store.add_catalogue(GAIA, [sources(ra, dec, [15.0])], "v1")
    store.write([placed(2, ra=[40.0, 50.0], dec=[5.0, 5.0])])
    key = b"gueststar.context"
    assert store.matches("o0000").schema.metadata == {key: b"star"}
    assert store.matches("o0001").schema.metadata is None
    galaxies = Declaration("galaxies", redshift="z", kind="galaxy")
    store.add_catalogue(galaxies, [sources([50.0], [5.0 + 8 / 3600], [0.05])], "v1")
    store.match_catalogue("galaxies")
    assert store.matches("o0001").schema.metadata == {key: b"hosted"}


def test_writers_and_the_reading_of_a_catalogue_meet(url, sky):
    """Whoever comes first, each object is matched with the newest version in the end."""
    ra, dec, star_ra, star_dec, _ = sky
    batches = [
        replaced(
            placed(20, k, ra=ra[k * 20 :][:20], dec=dec[k * 20 :][:20]),
            object_id=[f"o{k * 20 + i:04d}" for i in range(20)],
            alert_id=range(k * 20, k * 20 + 20),
            source=[f"file#{k}"] * 20,
        )
        for k in range(10)
    ]
    with open_store(url) as writer, open_store(url) as reader:

        def write():
            for batch in batches:
                writer.write([batch])

        thread = threading.Thread(target=write)
        thread.start()
        for version in ("v1", "v2"):
            with_gaia(reader, star_ra, star_dec, version=version)
            reader.match_catalogue("gaia")
        thread.join()
        reader.match_catalogue("gaia")
        (row,) = reader.catalogues().to_pylist()
        assert (row["version"], row["n_matched"], row["n_waiting"]) == ("v2", 100, 0)
        versions = reader.sql("SELECT version, count(*) AS n FROM crossmatches GROUP BY version")
        assert versions.to_pylist() == [{"version": "v2", "n": 100}]

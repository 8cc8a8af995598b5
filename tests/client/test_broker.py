"""Everything that a Broker answers, from a file and from a server alike."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from mocpy import MOC

from gueststar import Broker
from gueststar.client import Result
from gueststar.errors import BadInput


@pytest.fixture(scope="session")
def best(local):
    """The object with most detections."""
    return local.sql("SELECT * FROM objects ORDER BY n_detections DESC, object_id LIMIT 1")[0]


def same(one, other):
    assert one.to_arrow().equals(other.to_arrow())
    assert len(one) > 0


def test_an_object_with_its_light_curve(b, best):
    found = b[best["object_id"]]
    assert found.object_id == best["object_id"]
    assert found.coord.separation(SkyCoord(best["ra"], best["dec"])) < 1e-9 * u.deg
    assert len(found.lc.detections) == found.n_detections == best["n_detections"]
    assert found.lc.flux.unit == u.nJy
    assert found.lc.plot().data
    assert found.newest.alert_id == found.alerts["alert_id"][-1]
    assert found.newest.mjd_tai == found.alerts["mjd_tai"].max().value
    assert {"science", "template", "difference"} == set(found.cutouts.names)
    assert best["object_id"] in repr(found)
    html = found._repr_html_()
    assert html.count("<img") == 3
    assert "<svg" in html


def test_local_and_server_give_the_same_curve(local, server, best):
    one, other = (broker[best["object_id"]].lc for broker in (local, server))
    assert one.points.equals(other.points)
    one, other = (broker._store.light_curve(str(best["object_id"])) for broker in (local, server))
    assert one.points.equals(other.points)
    assert (one.object_id, one.survey) == (other.object_id, other.survey)


def test_an_alert_is_whole(local, server):
    for row in local.alerts(limit=300)[::30]:
        one, other = local.alert(row["alert_id"]), server.alert(str(row["alert_id"]))
        assert repr(one) == repr(other)
        assert one.cutouts == other.cutouts == server.cutouts(row["alert_id"])
        assert one.scores == other.scores
        np.testing.assert_equal(dict(other.native), dict(one.native))
        np.testing.assert_equal(server.native(row["alert_id"]), dict(one.native))
        assert one.native["candidate"]["candid"] == row["alert_id"]
        np.testing.assert_equal(other.flux.value, one.flux.value)
        assert one.light_curve.points.equals(other.light_curve.points)


@pytest.mark.parametrize(
    "ask",
    [
        lambda b: b.nights(),
        lambda b: b.night(limit=20),
        lambda b: b.night(sort="magnitude", descending=False, band="g"),
        lambda b: b.alerts(),
        lambda b: b.alerts(band="r", mag_max=20.5, module="rb", min_score=0.1),
        lambda b: b.alerts(limit=7),
        lambda b: b.objects(min_detections=3),
        lambda b: b.objects(sort="last", limit=9),
        lambda b: b.alerts(sort="score", limit=40),
        lambda b: b.alerts(sort="magnitude", descending=True, module="rb", min_score=0.1),
        lambda b: b.alerts(position=(0.0, 90.0), radius=30 * u.deg, sort="distance"),
        lambda b: b.alerts(region=[(0, -80), (120, -80), (240, -80)], sort="place"),
        lambda b: b.objects(region="0/0-11"),
        lambda b: b.objects(region={"1": list(range(24))}, sort="detections"),
        lambda b: b.counts("night"),
        lambda b: b.counts("class", min_score=0.2),
        lambda b: b.counts("healpix", order=3),
        lambda b: b.sql("SELECT * FROM alerts ORDER BY alert_id"),
        lambda b: b.sql("SELECT count(*) AS n, NULL AS empty, 'é' AS text FROM objects"),
        lambda b: b.cone((0.0, 90.0), 30 * u.deg),
        lambda b: b.scores(b.alerts(limit=1)["alert_id"][0]),
    ],
    ids=range(21),
)  # fmt: skip
def test_tables_are_the_same_from_file_and_server(local, server, ask):
    if len(ask(local)):
        same(ask(local), ask(server))
    else:
        assert not len(ask(server))


def test_health_and_modules(b):
    assert b.health()["in_equals_out"]
    assert b.modules() == ["rb"]


def test_a_position_in_every_form(b, best):
    coord = SkyCoord(best["ra"], best["dec"])
    forms = [
        coord,
        coord.galactic,
        coord.to_string("hmsdms", sep=":", precision=6),
        (best["ra"], best["dec"]),
        (best["ra"].value, best["dec"].value),
        str(best["object_id"]),
    ]
    for position in forms:
        for radius in (5, 5.0 * u.arcsec, (5 / 60) * u.arcmin):
            found = b.cone(position, radius)
            assert found["object_id"][0] == best["object_id"]
    assert found["separation_arcsec"].unit == u.arcsec
    assert found["ra"].unit == u.deg
    assert found.coord[0].separation(coord) < 1 * u.mas
    near = b.alerts(position=coord, radius=5)
    assert set(near["object_id"]) == {best["object_id"]}


def test_a_region_in_every_form(b, tmp_path):
    every = b.objects()
    order = 2
    cells = np.unique(every["healpix29"][:20] >> 2 * (29 - order))
    moc = MOC.from_healpix_cells(cells.astype(np.uint64), np.full(len(cells), order, np.uint8), 29)
    moc.save(tmp_path / "some.fits", format="fits")
    inside = np.isin(every["healpix29"] >> 2 * (29 - order), cells)
    wanted = sorted(every["object_id"][inside])
    forms = (moc, moc.to_string("ascii"), moc.to_string("json"), moc.serialize("json"),
             tmp_path / "some.fits", str(tmp_path / "some.fits"),
             (tmp_path / "some.fits").read_bytes())  # fmt: skip
    for form in forms:
        assert list(b.objects(region=form)["object_id"]) == wanted
    assert 0 < len(wanted) < len(every)


def test_a_polygon_in_every_form(b):
    every = b.objects()
    ra, dec = every["ra"].value, every["dec"].value
    box = [(ra.min() - 1, dec.min() - 1), (ra.max() + 1, dec.min() - 1), (ra.mean(), dec.max() + 1)]
    forms = (box, np.array(box), ", ".join(f"{a!r} {d!r}" for a, d in np.array(box).tolist()),
             SkyCoord(box, unit="deg"), SkyCoord(box, unit="deg").galactic)  # fmt: skip
    found = [set(b.objects(region=form)["object_id"]) for form in forms]
    assert all(one == found[0] for one in found)
    assert 0 < len(found[0]) < len(every)


def test_the_nearest_objects(b, best):
    near = b.nearest(SkyCoord(best["ra"], best["dec"]), 5)
    assert near["object_id"][0] == best["object_id"]
    assert list(near["separation_arcsec"]) == sorted(near["separation_arcsec"])
    assert len(near) == 5
    assert len(b.nearest((best["ra"], -best["dec"]), radius=1 * u.arcsec)) == 0


def test_pages_hold_everything_once(b):
    for pages, every in ((b.object_pages, b.objects()), (b.alert_pages, b.alerts())):
        parts = list(pages(rows=70))
        assert max(len(part) for part in parts) <= 70
        name = every.colnames[0]
        assert sorted(np.concatenate([part[name] for part in parts])) == sorted(every[name])
    assert sum(len(part) for part in b.object_pages(position=(0, 90), radius=1)) == 0


def test_times_in_every_form(b):
    every = b.alerts()
    exposures = np.unique(every["mjd_tai"].value)
    before, after = exposures[len(exposures) // 2 - 1 :][:2]
    at = Time((before + after) / 2, format="mjd", scale="tai")
    wanted = int((every["mjd_tai"].value > at.mjd).sum())
    for since in (at, at.utc, at.mjd, at.utc.isot + "Z", at.utc.datetime, at.utc.jd):
        assert len(b.alerts(since=since)) == wanted > 0
    found = b.alerts(since=after, until=after)
    assert len(found) == int((every["mjd_tai"].value == after).sum()) > 0
    assert every.time.scale == "tai"


@pytest.fixture(scope="session")
def mine(local):
    """200 objects a second of arc off, and 50 places where nothing is."""
    objects = local.objects(limit=200)
    coord = objects.coord.directional_offset_by(33 * u.deg, 1 * u.arcsec)
    ra, dec = coord.ra.deg, coord.dec.deg
    table = Table({"name": objects["object_id"], "RAJ2000": ra, "DEJ2000": dec})
    for k in range(50):
        table.add_row(("nothing", (ra[k] + 180) % 360, -dec[k]))
    return table


def test_a_cross_match_finds_each_and_keeps_my_columns(b, mine):
    found = b.xmatch(mine, 2 * u.arcsec)
    assert list(found["name"]) == list(mine["name"][:200])
    hits = found[found["name"] == found["object_id"]]
    assert len(hits) >= 198  # two objects may lie within two seconds of arc of each other
    assert np.allclose(hits["separation_arcsec"].value, 1.0, atol=1e-3)
    assert len(b.xmatch(mine, 2, nearest=False)) >= len(found)


def test_a_cross_match_of_every_kind_of_table(b, mine):
    wanted = list(b.xmatch(mine, 2)["object_id"])
    coord = SkyCoord(mine["RAJ2000"], mine["DEJ2000"], unit="deg")
    hours = QTable({"ra": coord.ra.to(u.hourangle), "dec": coord.dec})
    for table in (
        coord,
        QTable([coord, np.arange(len(coord))], names=["where", "n"]),
        hours,
        mine.to_pandas(),
        pa.table({"ra": coord.ra.deg, "dec": coord.dec.deg}),
    ):
        assert list(b.xmatch(table, 2)["object_id"]) == wanted
    odd = Table({"alpha": coord.ra.deg, "delta": coord.dec.deg})
    found = b.xmatch(odd, np.full(len(odd), 2.0) * u.arcsec, ra="alpha", dec="delta")
    assert list(found["object_id"]) == wanted
    both = Table({"ra": coord.ra.deg, "dec": coord.dec.deg, "row": np.full(len(coord), 7)})
    found = b.xmatch(both, 2)
    assert {"ra", "ra_object", "row", "row_object"} <= set(found.colnames)
    assert set(found["row"]) == {7}


def test_a_long_list_goes_in_parts(b, mine, monkeypatch):
    from gueststar.client import matching

    wanted = b.xmatch(mine, 2)
    monkeypatch.setattr(matching, "_AT_ONCE", 37)
    assert b.xmatch(mine, 2).to_arrow().equals(wanted.to_arrow())
    assert len(b.xmatch(mine[:0], 2)) == 0


def test_pages_are_pulled_until_the_limit(b, monkeypatch):
    every = b.alerts()
    monkeypatch.setattr("gueststar.client.pages.PAGE", 11)
    assert b.alerts().to_arrow().equals(every.to_arrow())
    some = b.alerts(limit=25)
    assert len(some) == 25
    assert some.meta["truncated"]
    assert "truncated" not in every.meta
    assert b.sql("SELECT alert_id FROM alerts", limit=5).meta["truncated"]


def test_long_pulls_show_their_progress(store_url, capsys):
    with Broker(store_url, progress=True) as broker:
        broker.alerts(limit=6_000)
    assert capsys.readouterr().err != ""
    with Broker(store_url) as broker:
        broker.alerts(limit=6_000)
    assert capsys.readouterr().err == ""


def test_results_turn_into_other_tables(b):
    found = b.sql("SELECT alert_id, object_id, band, flux, mag, program FROM alerts")
    frame = found.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["alert_id"].dtype == np.int64
    assert np.isnan(frame["mag"]).sum() == np.isnan(found["mag"].value).sum() > 0
    arrow = found.to_arrow()
    assert arrow.schema.field("flux").metadata == {b"unit": b"nJy"}
    assert isinstance(found[found["flux"] > 0 * u.nJy], Result)
    assert found["mag"].unit == u.mag
    assert "<table" in found._repr_html_()


def test_null_integers_and_texts_are_masked():
    table = pa.table({"program": [1, None], "band": ["g", None], "flag": [True, None]})
    found = Result.from_arrow(table)
    assert all(isinstance(found[name], MaskedColumn) for name in found.colnames)
    assert found.to_arrow().to_pydict() == table.to_pydict()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda b: b["ZTF00nosuch"], "nearest names"),
        (lambda b: b["x'; DROP TABLE alert_rows; --"], "no object"),
        (lambda b: b["客星/../é?#"], "no object"),
        (lambda b: b.alert(1), "no alert 1"),
        (lambda b: b.alert("../../etc"), "no alert id"),
        (lambda b: b.cone("10:12", 5), "no object"),
        (lambda b: b.cone((400, 0), 5), "ra"),
        (lambda b: b.cone((0, -91), 5), "dec"),
        (lambda b: b.cone((0, 0), float("nan")), "radius"),
        (lambda b: b.cone((0, 0), 5 * u.s), "angle"),
        (lambda b: b.cone(SkyCoord([1, 2], [3, 4], unit="deg"), 5), "xmatch"),
        (lambda b: b.cone(7, 5), "SkyCoord"),
        (lambda b: b.alerts(bnad="g"), "Did you mean 'band'"),
        (lambda b: b.alerts(since="yesterday"), "since"),
        (lambda b: b.alerts(since=float("nan")), "since"),
        (lambda b: b.alerts(min_score=0.5), "module"),
        (lambda b: b.alerts(limit=0), "limit"),
        (lambda b: b.objects(min_detection=3), "Did you mean 'min_detections'"),
        (lambda b: b.objects(region=[(10, 20), (11, 21), (11, 20), (10, 21)]), "cross"),
        (lambda b: b.objects(region="5/"), "empty"),
        (lambda b: b.objects(region=MOC.new_empty(5)), "empty"),
        (lambda b: b.objects(region="nosuch.fits"), "cannot read"),
        (lambda b: b.objects(region=7), "list of"),
        (lambda b: b.objects(region="5/1", position=(1, 2)), "not both"),
        (lambda b: b.objects(position=(1, 2), radius=31 * u.deg), "radius"),
        (lambda b: b.objects(sort="colour"), "colour"),
        (lambda b: b.alerts(sort="distance"), "cone"),
        (lambda b: b.nearest((1, 2), 0), "limit"),
        (lambda b: b.night(soort="age"), "soort"),
        (lambda b: b.night(sort="colour"), "colour"),
        (lambda b: b.counts("bnad"), "Did you mean 'band'"),
        (lambda b: b.sql("SELECT magg FROM alerts"), "Did you mean 'mag'"),
        (lambda b: b.sql("DELETE FROM alert_rows"), "SELECT"),
        (lambda b: b.xmatch([1, 2], 1), "table"),
        (lambda b: b.xmatch(Table({"x": [1.0], "dec": [2.0]}), 1), "ra: no such column"),
        (lambda b: b.xmatch(Table({"ra": ["a"], "dec": [2.0]}), 1), "ra: column 'ra'"),
        (lambda b: b.xmatch(Table({"ra": [1.0], "dec": [np.nan]}), 1), "dec: nan in row 0"),
        (lambda b: b.xmatch(Table({"ra": [1.0], "dec": [2.0]}), 2 * u.deg), "radius"),
        (lambda b: b.nights()["nosuch"], "nosuch"),
        (lambda b: b.nights().coord, "no column 'ra'"),
    ],
    ids=range(40),
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(b, ask, said):
    with pytest.raises((BadInput, KeyError), match=said):
        ask(b)


def test_importing_gueststar_costs_nothing():
    import subprocess
    import sys

    code = "import sys, gueststar; gueststar.__version__; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "astropy", "pyarrow", "httpx", "gueststar.client"}
    assert not heavy & set(done.stdout.split())
    import gueststar

    assert "Broker" in dir(gueststar)
    with pytest.raises(AttributeError, match="Brocker"):
        _ = gueststar.Brocker

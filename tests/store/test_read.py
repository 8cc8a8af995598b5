"""Reading back: alerts, objects, natives, cones, nights."""

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import HISTORY
from gueststar.catalogs.angles import separation
from gueststar.errors import BadInput, StoreError
from gueststar.store import open_store
from store.alerts import random_alerts, replaced, scored


@pytest.fixture(scope="module")
def batch():
    return random_alerts(400, 3, objects=150)


@pytest.fixture(scope="module")
def full(batch, module_url):
    with open_store(module_url()) as store:
        for start in range(0, 400, 150):
            store.write([batch.slice(start, 150)])
        yield store


def test_alerts_come_back_as_they_went_in(full, batch):
    for row in range(0, 400, 37):
        alert = full.alert(batch.column("alert_id")[row].as_py())
        for name in ("object_id", "survey", "band", "mjd_tai", "ra", "dec", "published_rb"):
            assert getattr(alert, name) == batch.column(name)[row].as_py(), name
        assert alert.flux.value == batch.column("flux")[row].as_py()
        assert alert.native == batch.column("native")[row].as_py()
        assert alert.scores["rb_real"].value == batch.column("rb_real")[row].as_py()


def test_the_curve_of_an_object_is_the_union_of_its_packets(full, batch):
    names = batch.column("object_id").to_pylist()
    name = max(set(names), key=names.count)
    rows = [row for row, one in enumerate(names) if one == name]
    points = [p for row in rows for p in batch.column("history")[row].as_py()]
    record = full.object(name)
    curve = record.light_curve.points.to_pylist()
    assert sorted(p["exposure_id"] for p in curve) == sorted(p["exposure_id"] for p in points)
    by_id = {p["exposure_id"]: p for p in points}
    assert all(p == by_id[p["exposure_id"]] for p in curve)
    seen = [p["mjd_tai"] for p in points if p["kind"] == "detection"]
    assert (record.first_mjd_tai, record.last_mjd_tai) == (min(seen), max(seen))
    assert record.n_detections == len(seen)
    assert record.alerts.num_rows == record.scores.num_rows == len(rows)


def test_the_position_is_that_of_the_best_alert(full, batch):
    snr = np.abs(batch.numpy("flux")) / batch.numpy("flux_err")
    names = np.array(batch.column("object_id").to_pylist())
    for name in np.unique(names)[:40]:
        rows = np.flatnonzero(names == name)
        best = rows[np.argmax(snr[rows])]
        assert full.object(name).ra == batch.column("ra")[best].as_py()


@pytest.mark.parametrize("method", ["alert", "native", "scores", "cutouts"])
@pytest.mark.parametrize("alert_id", [1, -5, 2**80])
def test_unknown_alerts(full, method, alert_id):
    with pytest.raises(BadInput, match="no alert"):
        getattr(full, method)(alert_id)


@pytest.mark.parametrize("method", ["object", "light_curve"])
def test_unknown_objects_name_the_nearest(full, method):
    with pytest.raises(BadInput, match="nearest names: ZTF03x"):
        getattr(full, method)("ZTF03x000001b")


def test_unknown_object_of_an_empty_store(store):
    with pytest.raises(BadInput, match="no objects yet"):
        store.object("ZTF18abc")
    assert store.night().num_rows == 0
    assert store.nights().num_rows == 0
    assert store.health()["in_equals_out"]


@pytest.fixture(scope="module")
def sky(module_url):
    """Objects all over the sky, at the poles and at RA 0."""
    rng = np.random.default_rng(8)
    batch = random_alerts(3000, 4, objects=10**7, points=1, stamp=4)
    ra, dec = batch.numpy("ra").copy(), batch.numpy("dec").copy()
    dec[:300], dec[300:600] = 90 - rng.uniform(0, 2, 300) ** 2, -90 + rng.uniform(0, 2, 300) ** 2
    ra[600:1500] = rng.normal(0, 0.05, 900) % 360
    dec[600:1500] = rng.normal(0, 0.05, 900)
    dec[0], dec[300] = 90.0, -90.0
    batch = replaced(batch, ra=ra, dec=dec, healpix29=cells(ra, dec))
    with open_store(module_url()) as store:
        store.write([batch])
        yield store, store.sql("SELECT object_id, ra, dec FROM objects")


def cells(ra, dec):
    from astropy import units as u
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    return lonlat_to_healpix(Longitude(ra, u.deg), Latitude(dec, u.deg), 29).astype(np.int64)


def test_cones_against_brute_force(sky):
    store, objects = sky
    rng = np.random.default_rng(1)
    found = 0
    for k in range(1000):
        radius = float(10 ** rng.uniform(0, 5.5))
        ra, dec = float(rng.uniform(0, 360)), float(np.degrees(np.arcsin(rng.uniform(-1, 1))))
        if k % 4 == 1:
            ra, dec = float(rng.normal(0, 0.05) % 360), float(rng.normal(0, 0.05))
        if k % 4 == 2:
            dec = float(np.sign(rng.normal()) * (90 - rng.uniform(0, 1) ** 3))
        if k % 40 == 3:
            dec = 90.0 if k % 80 == 3 else -90.0
        distance = separation(ra, dec, objects["ra"].to_numpy(), objects["dec"].to_numpy())
        expected = set(objects["object_id"].filter(pa.array(distance <= radius)).to_pylist())
        table = store.cone(ra, dec, radius)
        assert set(table["object_id"].to_pylist()) == expected, (ra, dec, radius)
        assert table["separation_arcsec"].to_pylist() == sorted(
            table["separation_arcsec"].to_pylist()
        )
        found += len(expected)
    assert found > 10_000


def test_separation_agrees_with_astropy():
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 360, 500), rng.uniform(-90, 90, 500)
    expected = SkyCoord(10, 60, unit=u.deg).separation(SkyCoord(ra, dec, unit=u.deg)).arcsec
    np.testing.assert_allclose(separation(10, 60, ra, dec), expected, rtol=1e-12)
    near = separation(359.9999, 0, np.array([0.0001]), np.array([0.0]))
    np.testing.assert_allclose(near, 0.72, rtol=1e-9)


@pytest.mark.parametrize(
    ("ra", "dec", "radius", "word"),
    [
        (400, 0, 1, "ra"),
        (float("nan"), 0, 1, "ra"),
        (0, -91, 1, "dec"),
        (0, float("inf"), 1, "dec"),
        (0, 0, 0, "radius"),
        (0, 0, -1, "radius"),
        (0, 0, float("nan"), "radius"),
        (0, 0, 1e9, "radius"),
    ],
)
def test_cones_that_cannot_be(full, ra, dec, radius, word):
    with pytest.raises(BadInput, match=f"^{word} = "):
        full.cone(ra, dec, radius)


def test_nights(full, batch):
    nights, counts = np.unique(batch.numpy("night"), return_counts=True)
    table = full.nights()
    assert table["night"].to_pylist() == sorted(nights.tolist(), reverse=True)
    assert table["n_alerts"].to_pylist() == counts[::-1].tolist()


def keys(table, sort):
    column = {"score": "score", "magnitude": "mag", "age": "age", "time": "mjd_tai"}[sort]
    return table[column].to_pylist()


@pytest.fixture(scope="module")
def patchy(batch, module_url):
    """A third of the alerts was not scored, some have no object."""
    bare = batch.select([n for n in batch.names if not n.startswith("rb_")])
    reasons = ["no cutout" if k % 3 == 0 else None for k in range(400)]
    values = np.random.default_rng(0).uniform(0, 1, 400).round(2)  # with ties
    names = [None if k % 7 == 0 else n for k, n in enumerate(batch.column("object_id").to_pylist())]
    one = replaced(bare, object_id=names)
    with open_store(module_url()) as store:
        store.write([scored(one.slice(0, 300), values[:300], reasons=reasons[:300])])
        store.write([one.slice(300)])
        yield store


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", ["score", "magnitude", "age", "time"])
def test_pages_of_a_night_are_all_of_it_once_and_in_order(patchy, sort, descending):
    night = patchy.nights()["night"][0].as_py()
    wanted = patchy.sql(f"SELECT alert_id FROM alerts WHERE night = {night}")["alert_id"]
    options = {"sort": sort, "descending": descending}
    pages = [patchy.night(night, **options, limit=17, offset=k) for k in range(0, 250, 17)]
    rows = pa.concat_tables(pages)
    assert sorted(rows["alert_id"].to_pylist()) == sorted(wanted.to_pylist())
    values = keys(rows, sort)
    there = [v for v in values if v is not None]
    assert there == sorted(there, reverse=descending)
    assert all(v is None for v in values[len(there) :])
    assert {p.schema.metadata[b"gueststar.total"] for p in pages} == {b"%d" % len(wanted)}


@pytest.mark.parametrize("sort", ["score", "magnitude", "age", "time"])
def test_least_score(patchy, sort):
    night = patchy.nights()["night"][0].as_py()
    query = f"""SELECT count(*) AS n FROM alerts JOIN scores USING (alert_id)
                WHERE night = {night} AND value >= 0.5"""
    expected = patchy.sql(query)["n"][0].as_py()
    table = patchy.night(night, sort=sort, min_score=0.5, limit=1000)
    assert table.num_rows == expected > 10
    assert min(table["score"].to_pylist()) >= 0.5
    assert table.schema.metadata[b"gueststar.total"] == b"%d" % expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sort": "scor"}, "Did you mean 'score'"),
        ({"limit": 0}, "limit = 0"),
        ({"limit": 10**9}, "limit"),
        ({"offset": -1}, "offset"),
        ({"night": -3}, "night = -3"),
        ({"module": "rbb"}, "Did you mean 'rb'"),
        ({"min_score": float("nan")}, "min_score"),
    ],
)
def test_pages_that_cannot_be(full, options, message):
    with pytest.raises(BadInput, match=message):
        full.night(**options)


def test_a_module_may_be_named_by_its_column(full):
    assert full.night(module="rb_real").equals(full.night(module="rb"))


def test_threads_read_while_one_writes(store):
    from concurrent.futures import ThreadPoolExecutor

    parts = [random_alerts(40, k, source=f"{k}", first_id=k * 1000) for k in range(12)]

    def look(_):
        health = store.health()
        return health["in_equals_out"] and health["stored"] % 40 == 0

    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(lambda: [store.write([part]) for part in parts])
        assert all(pool.map(look, range(60)))
        writing.result()
    assert store.health()["stored"] == 480


def test_records_of_any_arrow_type_come_back(store):
    batch = random_alerts(130, 1)
    words = pa.array([f"w{k % 3}" for k in range(130)])
    native = pa.StructArray.from_arrays(
        [words.dictionary_encode(), words.cast(pa.string_view()), words.cast(pa.large_binary())],
        names=["dictionary", "view", "large"],
    )
    arrow = batch.arrow
    at = arrow.schema.get_field_index("native")
    store.write([type(batch)(arrow.set_column(at, "native", native))])
    for row in (0, 63, 64, 129):
        record = store.native(batch.column("alert_id")[row].as_py())
        word = f"w{row % 3}"
        assert record == {"dictionary": word, "view": word, "large": word.encode()}


def test_a_damaged_record_is_told(store):
    batch = random_alerts(3, 1)
    store.write([batch])
    store._commit(lambda c: c.execute("UPDATE native_chunks SET zstd = substr(zstd, 1, 40)"))
    with pytest.raises(StoreError, match="chunk 1 of survey records is damaged"):
        store.native(batch.column("alert_id")[0].as_py())
    assert store.object(batch.column("object_id")[0].as_py()).alerts.num_rows


def test_curves_keep_every_float32(store):
    """Whole numbers above 2**24 and the smallest numbers, also after a second merge."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 4000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    values = np.concatenate([bits[np.isfinite(bits)][:1990], [17374916, 2**24, 1e38, 5e-45, -0.0]])
    batch = random_alerts(399, 1, objects=3, points=5)
    points = batch.column("history").flatten().flatten()
    points[3] = pa.array(values.astype(np.float32))
    struct = pa.StructArray.from_arrays(points, fields=list(HISTORY))
    history = pa.ListArray.from_arrays(np.arange(400, dtype=np.int32) * 5, struct)
    batch = replaced(batch, history=history)
    store.write([batch.slice(0, 200)])
    store.write([batch.slice(200)])
    found = {}
    for name in set(batch.column("object_id").to_pylist()):
        for point in store.light_curve(name).points.to_pylist():
            found[point["exposure_id"]] = point["flux"]
    exposures = points[0].to_pylist()
    assert [found[k] for k in exposures] == values.astype(np.float32).tolist()

"""Cones, polygons and MOCs of every size as selections, on both engines, against brute force."""

import io
import itertools

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from mocpy import MOC

from gueststar.errors import BadInput
from gueststar.store import pages
from gueststar.store.mocs import CELLS, read
from gueststar.store.ordering import ALERT_SORTS, OBJECT_SORTS, Search
from gueststar.store.polygons import Polygon
from gueststar.store.regions import Cone, Moc, region_of
from gueststar.store.selection import AlertSelection, ObjectSelection, next_of
from store.sky import HARD, N, brute_force, near, vectors, walk


def names(rows):
    return {row["object_id"] for row in rows}


def random_cones(rng, ra, dec, n):
    """Round objects and hard places, 0.3 arcsec to 30 degrees."""
    which = rng.integers(0, N, n)
    some = near(rng, ra[which], dec[which], 10 ** rng.uniform(-1, 3.5, n))
    hard = np.array(HARD, float)[rng.integers(0, len(HARD), n)].T
    pick = rng.uniform(size=n) < 0.3
    places = [np.where(pick, *pair) for pair in zip(hard, some, strict=True)]
    return (*places, 10 ** rng.uniform(-0.5, np.log10(108_000), n))


def test_two_hundred_cones_up_to_thirty_degrees_agree_with_brute_force(placed):
    store, ra, dec = placed
    rng = np.random.default_rng(11)
    ras, decs, radii = random_cones(rng, ra, dec, 200)
    wanted = brute_force((ras, decs), ra, dec, radii)
    found = set()
    for row, (a, d, r) in enumerate(zip(ras, decs, radii, strict=True)):
        selection = ObjectSelection(ra=a, dec=d, radius_arcsec=r)
        objects = walk(store.find_objects, selection, 700, sort="distance")
        apart = [one["separation_arcsec"] for one in objects]
        assert apart == sorted(apart)
        found |= {(row, one["object_id"]) for one in objects}
        if row % 10 == 0:
            alone = store.cone(a, d, r)
            assert alone["object_id"].to_pylist() == [one["object_id"] for one in objects]
            assert alone["separation_arcsec"].to_pylist() == apart
    assert found == wanted
    assert len(found) > 2_000


def star(rng, ra, dec, radius):
    """A star-shaped polygon round a place, convex or not; radius in deg."""
    n = int(rng.integers(3, 12))
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    gaps = np.diff(angle, append=angle[0] + 2 * np.pi)
    if gaps.max() > 2.5 or gaps.min() < 0.02:
        return star(rng, ra, dec, radius)
    step = np.radians(radius) * rng.uniform(0.3, 1, n)
    a, d = np.radians(ra), np.radians(dec)
    east = np.array([-np.sin(a), np.cos(a), 0])
    north = np.array([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)])
    at = vectors(ra, dec)
    way = np.cos(angle)[:, None] * east + np.sin(angle)[:, None] * north
    x, y, z = (at * np.cos(step)[:, None] + way * np.sin(step)[:, None]).T
    corners = np.stack([np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(z))], 1)
    return corners[:: int(rng.choice([1, -1]))]


def winds(corners, ra, dec):
    """Whether the polygon goes round each position: by the angles that its corners are seen at."""
    points, ends = vectors(ra, dec), vectors(*corners.T)
    total = np.zeros(len(points))
    for one, other in zip(ends, np.roll(ends, -1, 0), strict=True):
        normal = points @ np.cross(one, other)
        flat = one @ other - (points @ one) * (points @ other)
        total += np.arctan2(normal, flat)
    near_side = points @ ends.mean(0) > 0
    return (np.abs(total) > np.pi) & near_side


def test_polygons_of_every_size_agree_with_brute_force(placed):
    store, ra, dec = placed
    rng = np.random.default_rng(12)
    matched = 0
    for k in range(80):
        place = HARD[k % len(HARD)] if k % 2 else (ra[k], dec[k])
        corners = star(rng, *place, 10 ** rng.uniform(-4, 1.7))
        selection = ObjectSelection(region=Polygon(corners))
        found = walk(store.find_objects, selection, 900, sort=str(rng.choice(["name", "place"])))
        wanted = {f"o{i:05d}" for i in np.flatnonzero(winds(corners, ra, dec))}
        assert names(found) == wanted
        assert len(found) == len(wanted)
        matched += len(wanted)
    assert matched > 2_000


def test_mocs_of_every_kind_agree_with_brute_force(placed):
    store, *_ = placed
    rng = np.random.default_rng(13)
    held = np.array(walk_column(store, "healpix29"))
    labels = np.array(walk_column(store, "object_id"))
    for k in range(60):
        orders = rng.integers(0, 30 if k % 3 else 4, 12)
        cells = held[rng.integers(0, N, 12)] >> 2 * (29 - orders)
        moc = MOC.from_healpix_cells(cells.astype(np.uint64), orders.astype(np.uint8), 29)
        inside = np.any([held >> 2 * (29 - o) == c for o, c in zip(orders, cells, strict=True)], 0)
        form = [
            lambda m: m.to_string("ascii"),
            lambda m: m.to_string("json"),
            lambda m: m.serialize("json"),
            as_fits,
        ][k % 4](moc)
        selection = ObjectSelection(region=Moc.read(form))
        found = walk(store.find_objects, selection, 500, sort="place")
        assert names(found) == set(labels[inside])
        assert [row["healpix29"] for row in found] == sorted(row["healpix29"] for row in found)


def walk_column(store, name):
    return store.sql(f"SELECT {name} FROM objects ORDER BY object_id")[name].to_pylist()


def as_fits(moc, ordering="RANGE"):
    """A MOC as FITS of version 2 (RANGE) or 1 (NUNIQ)."""
    if ordering == "RANGE":
        values = moc.to_depth29_ranges.astype(np.int64).ravel()
    else:
        values = np.array(moc.uniq_hpx, np.int64)
    table = fits.BinTableHDU.from_columns([fits.Column("X", "K", array=values)])
    table.header["ORDERING"] = ordering
    sink = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(sink)
    return sink.getvalue()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 10**6)), min_size=1, max_size=20))
def test_every_form_of_a_moc_is_the_same_region(parts):
    parts = [(order, cell % (12 << 2 * order)) for order, cell in parts]
    orders, cells = np.array(parts).T
    moc = MOC.from_healpix_cells(cells.astype(np.uint64), orders.astype(np.uint8), 29)
    wanted = moc.to_depth29_ranges.astype(np.int64)
    forms = [
        moc.to_string("ascii"), moc.to_string("json"), moc.serialize("json"),
        as_fits(moc), as_fits(moc, "NUNIQ"), Moc(wanted).as_json()["moc"],
        " ".join(f"{o}/{c}" for o, c in parts), ",".join(f"{o}/{c}-{c}" for o, c in parts),
    ]  # fmt: skip
    for form in forms:
        assert np.array_equal(read(form), wanted)


def test_mocpy_reads_what_we_write_and_its_files_are_read(tmp_path):
    moc = MOC.from_string("3/1-4 7 5/900 29/3458764513820540927")
    moc.save(tmp_path / "x.fits", format="fits")
    assert np.array_equal(read((tmp_path / "x.fits").read_bytes()), moc.to_depth29_ranges)
    assert MOC.from_string(Moc(read(moc.to_string("ascii"))).as_json()["moc"]) == moc


def test_the_border_belongs_to_a_polygon():
    box = Polygon([[359, -1], [2, -1], [2, 3], [359, 3]])
    corners = box.vertices
    assert box.holds(*corners.T).all()
    dec = np.linspace(-1, 3, 41)
    assert box.holds(np.full(41, 359.0), dec).all()
    assert box.holds(np.full(41, 2.0), dec).all()
    off = 1e-8 / 3600  # deg, 10 nanoarcsec
    assert not box.holds(np.full(41, 359.0 - off), dec).any()
    assert box.holds(np.full(41, 359.0 + off), dec)[1:-1].all()
    point = Polygon([[10, 20], [10 + off, 20], [10, 20 + off]])
    assert point.holds(np.array([10.0, 10 - off]), np.array([20.0, 20])).tolist() == [True, False]


def test_a_cover_holds_what_the_polygon_holds():
    rng = np.random.default_rng(3)
    from cdshealpix.nested import healpix_to_lonlat

    for k in range(40):
        polygon = Polygon(star(rng, *HARD[k % len(HARD)], 10 ** rng.uniform(-3, 1.7)))
        spans = polygon.spans()
        assert (spans[1:, 0] > spans[:-1, 1]).all()
        cells = rng.integers(spans[:, 0], spans[:, 1])
        around = np.concatenate([cells, rng.integers(0, CELLS, 3_000)])
        lon, lat = healpix_to_lonlat(around.astype(np.uint64), 29)
        held = polygon.holds(lon.deg, lat.deg)
        at = np.searchsorted(spans[:, 0], around, side="right") - 1
        assert ((around < spans[at, 1]) & (at >= 0))[held].all()


def expected(rows, sort, down):
    """Rows in an order, those without the value last."""
    first = sort.columns[0]
    there = [row for row in rows if row[first] is not None]
    others = [row for row in rows if row[first] is None]
    key = lambda row: tuple(row[name] for name in sort.columns)  # noqa: E731
    ids = lambda row: row[sort.columns[-1]]  # noqa: E731
    return sorted(there, key=key, reverse=down) + sorted(others, key=ids, reverse=down)


CONE = {"ra": 0.0, "dec": 90.0, "radius_arcsec": 100_000.0}


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_every_order_is_kept_page_by_page(placed, many, monkeypatch):
    """Also where a region holds so much that an index is walked, and the region looked at."""
    store, *_ = placed
    if many:
        monkeypatch.setattr(pages, "FEW", 10)
        monkeypatch.setattr(pages, "_LARGEST_PIECE", 90)
    finds = ((store.find_alerts, AlertSelection, ALERT_SORTS),
             (store.find_objects, ObjectSelection, OBJECT_SORTS))  # fmt: skip
    for find, kind, sorts in finds:
        everything = walk(find, kind(**CONE), 10_000, sort="place")
        assert len(everything) > 300
        for name, sort in sorts.items():
            for down in (None, not sort.down):
                if down and name in ("place", "distance"):
                    continue
                wanted = expected(everything, sort, sort.down if down is None else down)
                shown = {"sort": name, "descending": down}
                assert walk(find, kind(**CONE), 211, **shown) == wanted
        if not many:
            whole = walk(find, kind(), 10_000)
            for name in set(sorts) - {"distance"}:
                wanted = expected(whole, sorts[name], sorts[name].down)
                assert walk(find, kind(), 3_000, sort=name) == wanted


def test_conditions_and_regions_together(placed):
    store, *_ = placed
    region = Polygon([[0, 60], [120, 60], [240, 60]])
    selection = AlertSelection(
        region=region, band="g", module="rb", min_score=0.3, mag_max=24.0, since=60000.3,
        night=20230226,
    )  # fmt: skip
    every = walk(store.find_alerts, AlertSelection(region=region), 10_000)
    wanted = [
        row
        for row in every
        if row["band"] == "g" and row["score"] >= 0.3 and (row["mag"] or 99) <= 24.0
        and row["mjd_tai"] >= 60000.3 and row["night"] == 20230226
    ]  # fmt: skip
    for name, down in itertools.product(("time", "score", "magnitude", "place"), (False, True)):
        if name == "place" and down:
            continue
        rows = walk(store.find_alerts, selection, 31, sort=name, descending=down)
        assert rows == expected(wanted, ALERT_SORTS[name], down)
        assert len(rows) > 20


def test_pages_of_a_large_region_read_no_more_than_they_hold(placed, monkeypatch):
    store, *_ = placed
    read_rows, asked = [], Search.rows

    def counted(*given):
        found = asked(*given)
        read_rows.append(found.num_rows)
        return found

    monkeypatch.setattr(Search, "rows", counted)
    selection = ObjectSelection(**CONE)
    page = store.find_objects(selection, sort="place", limit=50)
    seen = page.num_rows
    while (after := next_of(page)) is not None:
        before = len(read_rows)
        page = store.find_objects(selection, sort="place", limit=50, after=after)
        assert sum(read_rows[before:]) <= 4 * 51
        seen += page.num_rows
    assert seen > 600


def test_the_nearest_is_found_however_far(placed):
    store, ra, dec = placed
    rng = np.random.default_rng(4)
    for a, d in zip(rng.uniform(0, 360, 40), rng.uniform(-60, -30, 40), strict=True):
        page = store.find_objects(
            ObjectSelection(ra=a, dec=d, radius_arcsec=108_000.0), sort="distance", limit=3
        )
        chord = np.linalg.norm(vectors(ra, dec) - vectors(a, d), axis=1)
        assert page["object_id"].to_pylist() == [f"o{i:05d}" for i in np.argsort(chord)[:3]]


HOSTILE = [
    ({"polygon": [[10, 20], [11, 21], [11, 20], [10, 21]]}, "sides 0 and 2 cross"),
    ({"polygon": [[10, 20], [11, 20]]}, "too few"),
    ({"polygon": [[10, 20]] * 5}, "too few"),
    ({"polygon": [[400, 20], [11, 20], [11, 21]]}, "ra 400 of corner 0"),
    ({"polygon": [[10, 20], [11, -91], [11, 21]]}, "dec -91 of corner 1"),
    ({"polygon": [[10, 20], [11, float("nan")], [11, 21]]}, "dec nan of corner 1"),
    ({"polygon": [[0, 0], [120, 0], [240, 0]]}, "wider than 170"),
    ({"polygon": [[0, 0], [90, 0], [180, 0]]}, "polygon"),
    ({"polygon": np.random.default_rng(0).uniform(0, 1, (2_001, 2))}, "2,001 corners"),
    ({"polygon": [[1, 2, 3]]}, "list of"),
    ({"polygon": {"a": 1}}, "list of"),
    ({"polygon": []}, "list of"),
    ({"polygon": "10 20, 11"}, "list of"),
    ({"polygon": "'; DROP TABLE alert_rows; --"}, "write its corners"),
    ({"polygon": "客星"}, "write its corners"),
    ({"moc": ""}, "no part of a MOC"),
    ({"moc": "5/"}, "empty"),
    ({"moc": "{}"}, "empty"),
    ({"moc": {}}, "empty"),
    ({"moc": b""}, "no part of a MOC"),
    ({"moc": "5/12288"}, "no cells of order 5"),
    ({"moc": "30/1"}, "order 30"),
    ({"moc": "5/9-3"}, "no cells"),
    ({"moc": "5/-1"}, "no part of a MOC"),
    ({"moc": "5/99999999999999999999999"}, "no part of a MOC"),
    ({"moc": "1 2 3"}, "no part of a MOC"),
    ({"moc": "客星/1"}, "no part of a MOC"),
    ({"moc": '{"5": [12288]}'}, "cell 12288 is none"),
    ({"moc": '{"5": [1.5]}'}, "list of cell numbers"),
    ({"moc": '{"5": ["x"]}'}, "list of cell numbers"),
    ({"moc": '{"5": 1}'}, "list of cell numbers"),
    ({"moc": '{"x": [1]}'}, "no order"),
    ({"moc": "{broken"}, "no JSON"),
    ({"moc": 7}, "int is none"),
    ({"moc": b"SIMPLE  =                    T"}, "no MOC"),
    ({"moc": "5/1 " * 3_000_000}, "bytes are more"),
    ({"cells": {"order": 30, "cells": [1]}}, "order 30"),
    ({"cells": {"order": True, "cells": [1]}}, "order True"),
    ({"cells": {"order": 3, "cells": []}}, "one or more"),
    ({"cells": {"order": 3, "cells": [-1]}}, "cell -1"),
    ({"cells": [1]}, "order and cells"),
    ({"cone": [400, 0, 5]}, "ra = 400"),
    ({"cone": [4, -91, 5]}, "dec = -91"),
    ({"cone": [4, 1, float("nan")]}, "radius = nan"),
    ({"cone": [4, 1]}, "give"),
    ({"moc": "5/1", "cells": {"order": 3, "cells": [1]}}, "one region only"),
]


@pytest.mark.parametrize(("region", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_region_that_cannot_be_is_refused(region, said):
    with pytest.raises(BadInput, match=said):
        region_of(**region)


def test_a_fits_file_that_promises_terabytes_is_refused():
    whole = bytearray(as_fits(MOC.from_string("5/1-3 8")))
    at = whole.index(b"NAXIS2  =", 2880)
    whole[at : at + 30] = b"NAXIS2  =         999999999990"
    with pytest.raises(BadInput, match="cut off"):
        read(bytes(whole))


def test_broken_fits_files_are_refused_or_read():
    rng, whole = np.random.default_rng(8), as_fits(MOC.from_string("5/1-3 8"))
    refused = 0
    for _ in range(150):
        broken = bytearray(whole)
        for where in rng.integers(0, len(whole), rng.integers(1, 40)):
            broken[where] = rng.integers(0, 256)
        try:
            found = read(bytes(broken[: rng.integers(1, len(whole) + 1)]))
            assert (found >= 0).all()
            assert (found <= CELLS).all()
        except BadInput:
            refused += 1
    assert refused > 50


def test_orders_that_cannot_be_are_refused(placed):
    store, *_ = placed
    page = store.find_objects(ObjectSelection(), limit=3)
    some = Moc.read("1/3")
    for call, said in (
        (lambda: store.find_objects(ObjectSelection(), sort="colour"), "sort: 'colour'"),
        (lambda: store.find_objects(ObjectSelection(), sort="distance"), "needs a cone"),
        (lambda: store.find_alerts(AlertSelection(region=some), sort="distance"), "cone"),
        (lambda: store.find_alerts(AlertSelection(), sort="place", descending=True), "direction"),
        (lambda: store.find_objects(ObjectSelection(), sort="last", after=next_of(page)), "after"),
        (lambda: ObjectSelection(**CONE, region=Cone(1, 2, 3)), "not both"),
        (lambda: ObjectSelection(region=Cone(1, 2, 200_000)), "radius"),
        (lambda: ObjectSelection(ra=400.0, dec=0.0, radius_arcsec=5.0).place, "ra = 400"),
        (lambda: ObjectSelection(ra=4.0, dec=0.0, radius_arcsec=-5.0).place, "radius = -5"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            call()


def test_hostile_names_are_only_names(store):
    for name in ("'; DROP TABLE alert_rows; --", '" OR 1=1', "客星 Ωμέγα", "\x00", "%", "\\"):
        assert store.find_alerts(AlertSelection(object_id=name)).num_rows == 0
        assert store.find_objects(ObjectSelection(survey=name)).num_rows == 0

"""The API: every question in every form, and what it says to what cannot be asked."""

import csv
import gzip
import io
import json
from pathlib import Path
from urllib.parse import quote

import cramjam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from mocpy import MOC

import gueststar
from engines import ENGINES, fresh_url
from gueststar.serve.api.documents import OPERATIONS
from gueststar.serve.portal.app import create_app
from gueststar.store import open_store

ARROW = "application/vnd.apache.arrow.stream"
HARM = (
    "x'; DROP TABLE alert_rows; --",
    '" OR 1=1 --',
    "客星 Ωμέγα",
    "a/../../etc/passwd",
    "%00%2e%2e",
    "\x00",
    "1 UNION SELECT sql FROM sqlite_master",
    "{{7*7}}",
    "nan",
    "-1",
    "9" * 40,
    "1e400",
)


@pytest.fixture(scope="session", params=ENGINES)
def store_url(request, tmp_path_factory, night):
    """A store with the night, in a file and in PostgreSQL."""
    with fresh_url(request.param, request, tmp_path_factory.mktemp("api")) as url:
        with open_store(url) as store:
            store.write(night)
        yield url


def ask(client, path, **params):
    answer = client.get(f"/api{path}", params=params or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


def arrow(client, path, **params):
    answer = client.get(f"/api{path}", params={**params, "format": "arrow"})
    assert answer.headers["content-type"] == ARROW
    return pa.ipc.open_stream(answer.content).read_all()


@pytest.fixture(scope="module")
def best(store):
    """The alert with the best score of those that mean no harm."""
    rows = store.night(limit=50).to_pylist()
    return next(row for row in rows if (row["object_id"] or "").isalnum())


TABLES = [
    "/alerts?limit=10",
    "/objects?limit=10",
    "/nights",
    "/nights/latest?limit=10",
    "/counts?by=band",
    "/counts?by=healpix&order=4",
    "/modules",
    "/sql?query=SELECT * FROM alerts ORDER BY alert_id LIMIT 9",
    "/cone?ra=46.7&dec=-13&radius=108000",
]


@pytest.mark.parametrize("path", TABLES)
def test_the_three_forms_of_a_table_agree(client, path):
    rows = ask(client, path)["rows"]
    table = pa.ipc.open_stream(
        client.get(f"/api{path}", headers={"Accept": ARROW}).content
    ).read_all()
    text = client.get(f"/api{path}", headers={"Accept": "text/csv"})
    assert text.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(text.text)))
    assert len(rows) == table.num_rows == len(lines) > 0
    for row, other, line in zip(rows, table.to_pylist(), lines, strict=True):
        assert list(row) == list(other) == list(line)
        for name, value in row.items():
            exact = other[name]
            if isinstance(exact, float):
                assert value == pytest.approx(exact, rel=1e-6)
                assert float(line[name]) == pytest.approx(exact, rel=1e-6)
            elif exact is None:
                assert value is None
                assert line[name] == ""
            else:
                assert str(value) == str(exact) == line[name]


def test_ids_are_strings_and_exact(client, store, best):
    found = ask(client, "/alerts", object_id=best["object_id"])["rows"]
    assert str(best["alert_id"]) in {row["alert_id"] for row in found}
    row = ask(client, f"/alerts/{best['alert_id']}")
    assert row["native"]["candidate"]["candid"] == str(best["alert_id"])
    (sql,) = ask(client, "/sql", query=f"SELECT {2**62 + 1} AS x, 7 AS y")["rows"]
    assert sql == {"x": str(2**62 + 1), "y": 7}


def test_nan_is_null(client):
    text = client.get("/api/alerts?limit=10000").text
    assert "NaN" not in text
    assert any(row["mag"] is None for row in json.loads(text)["rows"])


def test_one_object_and_its_light_curve(client, store, best):
    name = quote(best["object_id"])
    record = store.object(best["object_id"])
    found = ask(client, f"/objects/{name}")
    assert found["n_detections"] == record.n_detections
    assert len(found["history"]) == len(record.light_curve)
    assert [row["alert_id"] for row in found["alerts"]] == [
        str(i) for i in record.alerts["alert_id"].to_pylist()
    ]
    curve = ask(client, f"/lightcurves/{name}")
    assert curve["units"]["flux"] == "nJy"
    assert curve["count"] == len(record.light_curve)
    total = ask(client, f"/lightcurves/{name}", flux="total")["rows"]
    wanted = record.light_curve.total()
    assert [row["flux"] for row in total] == pytest.approx(wanted["flux"].tolist(), rel=1e-6)
    for kind in ("detection", "forced", "limit"):
        only = ask(client, f"/lightcurves/{name}", kind=kind)["rows"]
        assert len(only) == int((record.light_curve["kind"] == kind).sum())


def test_a_name_with_slashes_is_found(client, store):
    name = "a/../../etc/passwd?x=1#y"
    answer = client.get(f"/api/objects/{quote(name, safe='')}")
    assert answer.json()["object_id"] == name
    for name in ("x'; DROP TABLE alert_rows; --", "客星 Ωμέγα é", "<script>alert(1)</script>"):
        assert ask(client, f"/objects/{quote(name, safe='')}")["object_id"] == name
        assert ask(client, "/alerts", object_id=name)["count"] == 1


def test_cutouts_in_every_form(client, store, best):
    place = f"/api/alerts/{best['alert_id']}/cutouts"
    assert set(client.get(place).json()) == {"science", "template", "difference"}
    wanted = store.cutouts(best["alert_id"]).array("science")
    plain = client.get(f"{place}/science")
    assert plain.headers["content-type"] == "application/fits"
    with fits.open(io.BytesIO(plain.content)) as hdus:
        assert np.array_equal(hdus[0].data, wanted, equal_nan=True)
    npy = client.get(f"{place}/science", headers={"Accept": "application/x-npy"})
    assert np.array_equal(np.load(io.BytesIO(npy.content)), wanted, equal_nan=True)
    values = client.get(f"{place}/science?format=json").json()["values"]
    assert np.array_equal(np.array(values, np.float32), wanted, equal_nan=True)
    png = client.get(f"{place}/difference?format=png&stretch=zscale&size=126")
    assert png.content.startswith(b"\x89PNG\r\n\x1a\n")
    raw = arrow(client, f"/alerts/{best['alert_id']}/cutouts").to_pylist()[0]
    assert raw["science"] == store.cutouts(best["alert_id"]).science


@pytest.mark.parametrize(
    "path",
    [
        "science.fits",
        "..%2f..%2fetc%2fpasswd",
        "../../../health.json",
        "sciense",
        "science?size=9999",
    ],
)
def test_cutouts_are_looked_up_by_name_only(client, best, path):
    answer = client.get(f"/api/alerts/{best['alert_id']}/cutouts/{path}")
    assert answer.status_code in (400, 404)
    assert "root:" not in answer.text


def test_pages_walk_through_everything_once(client, store):
    seen, after = [], {}
    while True:
        page = ask(client, "/alerts", limit=37, **after)
        seen += [row["alert_id"] for row in page["rows"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    everything = store.sql("SELECT alert_id FROM alerts ORDER BY night, mjd_tai, alert_id")
    assert seen == [str(i) for i in everything["alert_id"].to_pylist()]


def test_a_link_leads_to_the_next_page(client):
    first = client.get("/api/objects?limit=3&format=csv")
    link = first.headers["link"]
    second = client.get(link.partition(">")[0].strip("<"))
    assert second.headers["content-type"].startswith("text/csv")
    assert first.text.splitlines()[1:] != second.text.splitlines()[1:]


def test_many_cones_as_json_and_as_csv(client, store):
    objects = store.sql("SELECT ra, dec FROM objects LIMIT 60")
    ra, dec = (objects[name].to_pylist() for name in ("ra", "dec"))
    wanted = store.cones(ra, dec, 3.0)
    sent = client.post("/api/cones", json={"ra": ra, "dec": dec, "radius": 3})
    assert [row["object_id"] for row in sent.json()["rows"]] == wanted["object_id"].to_pylist()
    lines = "name,ra,dec,radius\n" + "".join(f"x,{a},{d},3\n" for a, d in zip(ra, dec, strict=True))
    as_csv = client.post(
        "/api/cones?format=csv", content=lines, headers={"Content-Type": "text/csv"}
    )
    assert len(as_csv.text.splitlines()) == wanted.num_rows + 1
    nearest = client.post("/api/cones?nearest=yes&radius=3", json={"ra": ra, "dec": dec})
    assert [row["row"] for row in nearest.json()["rows"]] == list(range(60))


@pytest.mark.parametrize("path", ["/alerts", "/objects"])
def test_a_region_in_the_query_or_in_the_body(client, path):
    corners = [[30, -25], [60, -25], [47, 10]]
    moc = MOC.from_polygon(*(np.array(corners).T * u.deg), max_depth=8)
    file = moc.serialize("fits")
    sink = io.BytesIO()
    file.writeto(sink)
    text = ", ".join(f"{ra} {dec}" for ra, dec in corners)
    polygons = [
        client.get(f"/api{path}", params={"polygon": text, "limit": 1000}),
        client.post(f"/api{path}?limit=1000", json={"polygon": corners}),
    ]
    cells = moc.degrade_to_order(3).flatten().tolist()
    form = {"Content-Type": "application/fits"}
    mocs = [
        client.get(f"/api{path}", params={"moc": "0/8-11", "limit": 9}),
        client.post(f"/api{path}?limit=9", json={"moc": "0/8-11"}),
        client.post(f"/api{path}?limit=9", json={"moc": {"0": [8, 9, 10, 11]}}),
        client.post(f"/api{path}?limit=9", json={"cells": {"order": 0, "cells": [8, 9, 10, 11]}}),
    ]
    for answers in (polygons, mocs):
        assert {one.status_code for one in answers} == {200}
        assert len({one.content for one in answers}) == 1
        assert answers[0].json()["rows"]
    sent = client.post(f"/api{path}", content=sink.getvalue(), headers=form)
    same = client.post(f"/api{path}", json={"moc": moc.serialize("json")})
    assert sent.json() == same.json()
    larger = client.post(f"/api{path}", json={"cells": {"order": 3, "cells": cells}}).json()
    assert larger["count"] >= sent.json()["count"] > 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "send a region"),
        ({"polygon": [[10, 20], [11, 21], [11, 20], [10, 21]]}, "cross"),
        ({"polygon": [[10, 20], [400, 21], [11, 20]]}, "ra 400"),
        ({"polygon": None, "moc": "5/"}, "empty"),
        ({"moc": "5/1", "polygon": [[1, 2], [2, 2], [2, 3]]}, "one region only"),
        ({"mocc": "5/1"}, "Did you mean 'moc'"),
        ({"cells": {"order": 99, "cells": [1]}}, "order 99"),
        ({"cone": [1, -91, 5]}, "dec = -91"),
    ],
    ids=range(8),
)
def test_bad_regions_are_named(client, body, said):
    answer = client.post("/api/objects", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_regions_of_other_types_are_refused(client):
    form = {"Content-Type": "application/fits"}
    assert client.post("/api/alerts", content=b"SIMPLE", headers=form).status_code == 400
    assert (
        client.post("/api/alerts", content=b"x", headers={"Content-Type": "text/x"}).status_code
        == 415
    )
    assert client.post("/api/alerts", content=b"0" * (9 << 20)).status_code == 413
    twice = client.post("/api/alerts?moc=5/1", json={"moc": "5/1"})
    assert "not in both" in twice.json()["error"]["message"]


def test_a_large_cone_page_by_page(client, store, best):
    ra, dec = best["ra"], best["dec"]
    everything = store.cone(ra, dec, 108_000.0)["object_id"].to_pylist()
    seen, after = [], {}
    while True:
        page = ask(client, "/cone", ra=ra, dec=dec, radius=108_000, limit=5, **after)
        seen += [row["object_id"] for row in page["rows"]]
        assert page["truncated"] is (page["next"] is not None)
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == everything
    assert len(seen) > 5


def test_sorted_pages(client):
    for order, sign in (("down", -1), ("up", 1)):
        page = ask(client, "/alerts", sort="score", order=order, limit=60)
        scores = [row["score"] for row in page["rows"]]
        assert scores == sorted(scores, key=lambda x: sign * x)
        again = ask(client, "/alerts", sort="score", order=order, limit=60, after=page["next"])
        assert sign * again["rows"][0]["score"] >= sign * scores[-1]
        refused = client.get("/api/alerts", params={"after": page["next"]})
        assert refused.json()["error"]["field"] == "after"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[1, 2]", "JSON object"),
        (b"{", "no JSON"),
        (b"", "no JSON"),
        (b'{"ra": [1], "dec": [2], "radiuss": 3}', "Did you mean 'radius'"),
        (b'{"ra": [1]}', "dec: send a list"),
        (b'{"ra": [1], "dec": ["x"]}', "numbers"),
        (b'{"ra": [null], "dec": [2]}', "ra: nan in row 0"),
        (b'{"ra": [400], "dec": [2]}', "ra: 400.0 in row 0"),
        (b'{"ra": [1], "dec": [-91]}', "dec: -91.0 in row 0"),
        (b'{"ra": [1], "dec": [2], "radius": 0}', "radius: 0.0"),
        (b'{"ra": [1], "dec": [2], "radius": [1, 2]}', "as many"),
        (b'{"ra": [1], "dec": [2], "radius": {}}', "numbers"),
        (b'{"ra": [[1]], "dec": [[2]]}', "one length"),
        (b'{"ra": [1, 2], "dec": [2]}', "one length"),
        (b'{"ra": [1], "dec": [2], "nearest": 3}', "nearest"),
        (b'{"ra": [' + b"9" * 400 + b'], "dec": [2]}', "no JSON"),
        (json.dumps({"ra": [0] * 200_001, "dec": [0] * 200_001}).encode(), "200,001 positions"),
    ],
    ids=range(17),
)
def test_bad_bodies_are_named(client, body, said):
    answer = client.post("/api/cones", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xff\xfe", "no CSV"),
        (b"", "ra: no such column"),
        (b"ra,decl\n1,2", "Did you mean 'decl'"),
        (b"ra,dec\n1,x", "dec: 'x' in row 0"),
        (b"ra,dec\n1", "dec: None in row 0"),
        (b"ra,dec\n1,nan", "dec: nan in row 0"),
    ],
)
def test_bad_csv_is_named(client, body, said):
    answer = client.post("/api/cones", content=body, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_ten_million_positions_are_refused(client):
    body = b'{"ra": [' + b"0," * 10_000_000 + b'0], "dec": []}'
    answer = client.post("/api/cones", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 413)
    assert client.post("/api/cones", content=b"0" * (25 << 20)).status_code == 413


def test_sql_by_post(client):
    sent = client.post("/api/sql", json={"query": "SELECT count(*) AS n FROM alerts", "limit": 5})
    assert sent.json()["rows"][0]["n"] > 200
    assert sent.json()["truncated"] is False
    cut = client.post("/api/sql", json={"query": "SELECT alert_id FROM alerts", "limit": 5})
    assert cut.json()["truncated"] is True
    for body in (
        {"query": 5},
        {"query": "SELECT 1", "limit": True},
        {"query": "SELECT 1", "limit": 0},
        {"query": "x" * 20_001},
        {},
    ):
        assert client.post("/api/sql", json=body).status_code == 400
    assert (
        client.post("/api/sql", content=b"x=1", headers={"Content-Type": "text/x"}).status_code
        == 415
    )


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM alert_rows",
        "SELECT * FROM alert_rows",
        "SELECT sql FROM sqlite_master",
        "ATTACH 'x' AS y",
        "PRAGMA user_version",
        "SELECT readfile('/etc/passwd')",
        "SELECT 1; DROP TABLE alert_rows",
        "",
        "SELECT load_extension('x')",
        "SELECT magg FROM alerts",
        "INSERT INTO alerts VALUES (1)",
    ],
)
def test_hostile_sql_is_refused(client, query):
    answer = client.get("/api/sql", params={"query": query})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/alerts?rad=4", "rad"),
        ("/alerts?ra=400&dec=0&radius=1", "ra"),
        ("/alerts?ra=nan&dec=0&radius=1", "ra"),
        ("/alerts?ra=1", "ra, dec, radius"),
        ("/alerts?min_score=0.5", "module"),
        ("/alerts?since=yesterday", "since"),
        ("/alerts?band=k", "band"),
        ("/alerts?night=20260101.5", "night"),
        ("/alerts?after=forged", "after"),
        ("/alerts?limit=0", "limit"),
        ("/alerts?limit=10001", "limit"),
        ("/alerts?format=xml", "format"),
        ("/alerts?sort=colour", "sort"),
        ("/alerts?sort=distance", "sort"),
        ("/alerts?polygon=1 2", "polygon"),
        ("/alerts?polygon=1 2,3 x,4 5", "polygon"),
        ("/alerts?polygon=10 20,11 21,11 20,10 21", "polygon"),
        ("/objects?moc=5/", "moc"),
        ("/objects?moc=99/1", "moc"),
        ("/objects?moc=5/1&polygon=1 2,2 2,2 3", "polygon, moc"),
        ("/cone?ra=10&dec=-91", "dec"),
        ("/cone?ra=10", "ra, dec"),
        ("/cone?ra=10&dec=0&radius=nan", "radius"),
        ("/cone?position=nowhere", "position"),
        ("/cone?position=10 10&ra=3", "position"),
        ("/cone?ra=10&dec=0&radius=1e9", "radius"),
        ("/counts", "by"),
        ("/counts?by=class&order=13", "order"),
        ("/nights/20261", "night"),
        ("/nights/latest?sort=colour", "sort"),
        ("/objects?min_detections=-1", "min_detections"),
        ("/sql", "query"),
    ],
)
def test_what_cannot_be_asked_is_named(client, path, field):
    answer = client.get(f"/api{path}")
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["field"] == field
    assert error["status"] == 400
    assert error["message"]


def test_the_nearest_name_is_told(client, best):
    def said(path):
        return client.get(path).json()["error"]["message"]

    assert "Did you mean 'radius'" in said("/api/alerts?radiu=4")
    assert "Did you mean 'night'" in said("/api/counts?by=nigth")
    assert "Did you mean 'science'" in said(f"/api/alerts/{best['alert_id']}/cutouts/scienze")
    assert "nearest names" in said("/api/objects/ZTF00")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/objects/nosuch", 404),
        ("/lightcurves/nosuch", 404),
        ("/alerts/1", 404),
        ("/alerts/x/scores", 404),
        ("/alerts/99999999999999999999/native", 404),
        ("/nosuch", 404),
        ("", 200),
        ("/skyportal/alerts/1", 404),
    ],
)
def test_what_is_not_there_is_404(client, path, status):
    answer = client.get(f"/api{path}")
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["error"]["message"]


def test_methods_and_media_types_that_there_are_not(client):
    assert client.delete("/api/objects").status_code == 405
    refused = client.get("/api/objects", headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert "text/csv" in refused.json()["error"]["message"]
    for accept in ("*/*", "text/*;q=0.1, application/json", "application/*", "garbage;;;q=x, */*"):
        assert client.get("/api/objects", headers={"Accept": accept}).status_code == 200
    wanted = client.get("/api/objects", headers={"Accept": "application/json;q=0, text/csv"})
    assert wanted.headers["content-type"].startswith("text/csv")


def test_answers_are_packed_as_the_client_accepts(client):
    def raw(accepted):
        with client.stream("GET", "/api/alerts", headers={"Accept-Encoding": accepted}) as answer:
            return answer.headers.get("content-encoding"), b"".join(answer.iter_raw())

    plain = raw("identity")[1]
    assert raw("gzip")[0] == "gzip"
    assert gzip.decompress(raw("gzip")[1]) == plain
    assert raw("gzip, zstd")[0] == "zstd"
    assert bytes(cramjam.zstd.decompress(raw("zstd")[1])) == plain
    assert raw("zstd;q=0, gzip;q=0.5")[0] == "gzip"
    assert len(raw("gzip")[1]) < len(plain) / 2


def test_an_etag_saves_the_answer(client):
    first = client.get("/api/objects")
    etag = first.headers["etag"]
    again = client.get("/api/objects", headers={"If-None-Match": f'"x", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/objects?limit=3", headers={"If-None-Match": etag}).status_code == 200
    assert client.get("/api/objects?format=csv").headers["etag"] != etag


def test_head_answers_without_a_body(client):
    answer = client.head("/api/objects")
    assert (answer.status_code, answer.content) == (200, b"")


def test_skyportal_reads_an_alert(client, store, best):
    found = ask(client, f"/skyportal/alerts/{best['alert_id']}")
    curve = store.light_curve(best["object_id"])
    assert found["objectId"] == best["object_id"]
    assert found["candidate"]["candid"] == str(best["alert_id"])
    assert len(found["prv_candidates"]) == len(curve.detections)
    assert len(found["fp_hists"]) == len(curve.forced)
    assert len(found["prv_nondetections"]) == len(curve.limits)
    point = found["prv_candidates"][0]
    assert point["jd"] == pytest.approx(
        Time(curve.detections.time[0], scale="tai").utc.jd, abs=1e-8
    )
    for point in found["prv_candidates"]:
        assert (point["magpsf"] is None) == (point["psfFlux"] <= 0)
    listed = ask(client, "/skyportal/alerts", objectId=best["object_id"])
    assert str(best["alert_id"]) in {one["candid"] for one in listed}


def test_no_store_yet_is_503(tmp_path):
    with TestClient(
        create_app(f"sqlite:///{tmp_path / 'none.db'}"), base_url="http://127.0.0.1"
    ) as client:
        answer = client.get("/api/objects")
        assert answer.status_code == 503
        assert "no store" in answer.json()["error"]["message"]
        assert client.get("/api/openapi.json").status_code == 200


def test_foreign_hosts_and_headers(client):
    assert client.get("/api/objects", headers={"Host": "evil.example"}).status_code == 421
    headers = client.get("/api/objects").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_the_document_names_every_question(client):
    document = ask(client, "/openapi.json")
    assert document["openapi"].startswith("3.1")
    asked = [(path, method) for path, of in document["paths"].items() for method in of]
    assert len(asked) == len(OPERATIONS) >= 20
    for operation in OPERATIONS:
        for field in (*operation.all_fields, *operation.places):
            assert field.text
    ids = [one["operationId"] for of in document["paths"].values() for one in of.values()]
    assert len(set(ids)) == len(ids)
    page = client.get("/api").text
    for operation in OPERATIONS:
        assert f"/api{operation.path}" in page


def test_only_access_reaches_the_store():
    folder = Path(gueststar.__file__).parent / "serve" / "api"
    users = {path.name for path in folder.rglob("*.py") if "house_of" in path.read_text()}
    assert users == {"access.py", "documents.py"}  # the page that lists questions shows no rows
    assert ".store" not in (folder / "documents.py").read_text()
    assert not any("open_store" in path.read_text() for path in folder.rglob("*.py"))


PLACES = [
    (operation, field)
    for operation in OPERATIONS
    for field in (*operation.fields, *operation.places)
    if operation.method == "GET"
]


@pytest.mark.parametrize("harm", HARM)
def test_harm_in_every_parameter_is_no_fault_of_the_server(client, best, harm):
    for operation, field in PLACES:
        path = operation.path
        for place in operation.places:
            value = (
                harm
                if place is field
                else {"object_id": best["object_id"], "kind": "science"}.get(
                    place.name, str(best["alert_id"])
                )
            )
            path = path.replace(f"{{{place.name}}}", quote(value, safe=""))
        params = {field.name: harm} if field in operation.fields else {}
        answer = client.get(f"/api{path}", params=params)
        assert answer.status_code < 500, (path, params, answer.text)
        assert not any(word in answer.text for word in ("Traceback", "sqlite3", "root:"))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_text_in_any_parameter_is_no_fault_of_the_server(client, data):
    operation = data.draw(
        st.sampled_from([one for one in OPERATIONS if not one.places and one.method == "GET"])
    )
    names = [field.name for field in operation.all_fields]
    params = data.draw(st.dictionaries(st.sampled_from(names), st.text(max_size=30), max_size=4))
    answer = client.get(f"/api{operation.path}", params=params)
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("path", ["/nights", "/objects", "/lightcurves/NAME", "/alerts/ID/scores"])
def test_tables_come_as_votable_and_parquet(client, best, path):
    path = path.replace("NAME", quote(best["object_id"], safe="")).replace(
        "ID", str(best["alert_id"])
    )
    rows = ask(client, path)["rows"]
    answer = client.get(f"/api{path}", headers={"Accept": "application/x-votable+xml"})
    assert answer.headers["content-type"].startswith("application/x-votable+xml")
    table = Table.read(io.BytesIO(answer.content), format="votable")
    assert len(table) == len(rows) > 0
    assert table.colnames == list(rows[0])
    answer = client.get(f"/api{path}", params={"format": "parquet"})
    table = pq.read_table(io.BytesIO(answer.content))
    assert table.num_rows == len(rows)
    again = client.get(
        f"/api{path}",
        params={"format": "parquet"},
        headers={"If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304


def test_rows_of_many_keys(client, best):
    sent = {"what": "alerts", "keys": ["7", str(best["alert_id"])]}
    (row,) = client.post("/api/rows", json=sent).json()["rows"]
    assert row["alert_id"] == str(best["alert_id"])
    for sent, word in (
        ({"what": "alert", "keys": []}, "Did you mean 'alerts'"),
        ({"what": "alerts", "keys": ["x"]}, "no alert id"),
        ({"what": "alerts", "keys": [7]}, "list of strings"),
        ({"what": "alerts", "keys": ["7"] * 10_001}, "ask in parts"),
        ({"keys": []}, "what: must be given"),
    ):
        answer = client.post("/api/rows", json=sent)
        assert answer.status_code == 400
        assert word in answer.json()["error"]["message"]

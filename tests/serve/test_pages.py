"""Every page, over a store that holds a simulated night and names that mean harm."""

import csv
import io
import json
import re
import struct
import time
from html.parser import HTMLParser
from urllib.parse import quote, unquote

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from gueststar.serve.portal.app import create_app
from gueststar.store import open_store

PNG = b"\x89PNG\r\n\x1a\n"


def shown(client, query=""):
    """Alerts that a list shows, in order."""
    page = client.get(f"/{query}")
    assert page.status_code == 200, page.text
    found = re.findall(r'data-item href="([^"]+)"', page.text)
    return [re.search(r"(\d+)$", href)[1] for href in found]


@pytest.fixture(scope="module")
def best(store):
    """The alert with the best score of those that mean no harm."""
    rows = store.night(limit=50).to_pylist()
    return next(row for row in rows if (row["object_id"] or "").isalnum())


def test_the_first_page_shows_the_latest_night_best_score_first(client, store):
    wanted = store.night(sort="score", limit=50)["alert_id"].to_pylist()
    assert shown(client) == [str(i) for i in wanted]


@pytest.mark.parametrize("sort", ["score", "magnitude", "age", "time"])
@pytest.mark.parametrize("order", ["up", "down"])
def test_sorts_are_those_of_the_store(client, store, sort, order):
    wanted = store.night(sort=sort, descending=order == "down", limit=50)["alert_id"]
    assert shown(client, f"?sort={sort}&order={order}") == [str(i) for i in wanted.to_pylist()]


def test_pages_walk_through_the_whole_night_once(client, store):
    night = store.nights()["night"][0].as_py()
    total = store.nights()["n_alerts"][0].as_py()
    seen = []
    while part := shown(client, f"?night={night}&offset={len(seen)}"):
        seen += part
    assert len(seen) == len(set(seen)) == total


@pytest.mark.parametrize("query", ["min_score=0.5", "band=g", "survey=ztf", "band=r&min_score=.2"])
def test_filters_agree_with_sql(client, store, query):
    fields = dict(part.split("=") for part in query.split("&"))
    night = store.nights()["night"][0].as_py()
    sql = f"SELECT a.alert_id FROM alerts a JOIN scores s USING (alert_id) WHERE night = {night}"
    sql += f" AND s.value >= {fields['min_score']}" if "min_score" in fields else ""
    sql += "".join(f" AND {n} = '{fields[n]}'" for n in ("band", "survey") if n in fields)
    wanted = {str(i) for i in store.sql(sql)["alert_id"].to_pylist()}
    seen = shown(client, f"?{query}") + shown(client, f"?{query}&offset=50")
    seen += shown(client, f"?{query}&offset=100") + shown(client, f"?{query}&offset=150")
    seen += shown(client, f"?{query}&offset=200")
    assert set(seen) == wanted
    assert f"{len(wanted)} of" in client.get(f"/?{query}").text


def test_a_null_score_says_why_and_is_never_zero(client):
    page = client.get("/?sort=score&order=up").text + client.get("/?offset=150").text
    assert "not scored: &lt;b&gt;fainter&lt;/b&gt; than the reference" in page
    assert "<b>fainter</b>" not in page


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=colour", "sort"),
        ("order=sideways", "order"),
        ("min_score=2", "min_score"),
        ("min_score=nan", "min_score"),
        ("min_score=abc", "min_score"),
        ("band=k", "band"),
        ("survey=atlas", "survey"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("night=20260101.5", "night"),
        ("module=a'b", "module"),
        ("module=unknown", "module"),
        ("soort=age", "soort"),
        ("band=" + "g" * 300, "band"),
    ],
)
def test_bad_parameters_are_refused_with_the_field_named(client, query, field):
    answer = client.get(f"/?{query}")
    assert answer.status_code == 400
    assert field in answer.text
    assert "Traceback" not in answer.text


def test_every_object_has_a_page_with_its_alerts_and_links(client, store):
    names = store.sql("SELECT object_id FROM objects")["object_id"].to_pylist()
    # A slash in a name is a slash to a router; the test client decodes percent signs twice.
    odd = [name for name in names if not name.isalnum() and not set(name) & set("/%")]
    assert len(odd) > 2
    for name in [*[name for name in names if name.isalnum()][:10], *odd]:
        page = client.get(f"/object/{quote(name, safe='')}")
        assert page.status_code == 200, name
        assert "data-stamps" in page.text
        assert "simbad" in page.text
        assert page.text.count("data-alert-row=") == store.object(name).alerts.num_rows


def test_an_object_stands_at_the_alert_that_is_asked_for(client, store):
    name = store.sql("SELECT object_id FROM alerts GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")[0]
    record = store.object(name[0].as_py())
    first = record.alerts["alert_id"][0].as_py()
    page = client.get(f"/object/{record.object_id}?alert={first}").text
    assert (
        f'data-object data-visit="{page.split("data-visit=")[1][1:9]}" data-alert="{first}"' in page
    )
    assert client.get(f"/object/{record.object_id}?alert=17").status_code == 404


def test_an_alert_leads_to_its_object_or_stands_alone(client, store):
    rows = store.sql("SELECT alert_id, object_id FROM alerts").to_pylist()
    alone = next(row for row in rows if row["object_id"] is None)
    other = next(row for row in rows if (row["object_id"] or "/").isalnum())
    assert client.get(f"/alert/{alone['alert_id']}").status_code == 200
    answer = client.get(f"/alert/{other['alert_id']}")
    assert answer.status_code == 303
    assert unquote(answer.headers["location"]) == (
        f"/object/{other['object_id']}?alert={other['alert_id']}"
    )
    panel = client.get(f"/alert/{other['alert_id']}/panel")
    assert panel.status_code == 200
    assert "candidate" in panel.text
    assert "<html" not in panel.text


def test_nothing_from_a_packet_becomes_markup(client):
    pages = [client.get(f"/?sort=time&offset={offset}").text for offset in range(0, 250, 50)]
    pages += [
        client.get(f"/search?q={quote(q)}").text
        for q in ("<script>alert(1)</script>", "{{ 7 * 7 }}")
    ]
    pages.append(client.get("/object/" + quote("<script>alert(1)</script>", safe="")).text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert ">49<" not in page


def test_sentinels_of_the_packet_are_kept_and_marked(client, store):
    alert = store.sql("SELECT max(alert_id) AS i FROM alerts WHERE alert_id < 4611686018427387904")
    page = client.get(f"/alert/{alert['i'][0].as_py()}/panel").text
    assert 'class="is-sentinel">-999.0<' in page
    assert 'class="is-null">null<' in page


def test_packet_json_keeps_long_integers_exact(client, store, best):
    alert = best["alert_id"]
    record = client.get(f"/alert/{alert}/packet.json").json()
    assert record["candid"] == str(store.native(alert)["candid"])
    rows = client.get(f"/alert/{alert}/packet/prv_candidates")
    assert rows.status_code in (200, 404)
    assert client.get(f"/alert/{alert}/packet/candidate").status_code == 404


def test_stamps_come_as_pictures_and_as_numbers(client, store, best):
    alert = best["alert_id"]
    for kind in ("science", "template", "difference"):
        picture = client.get(f"/cutouts/{alert}/{kind}.png")
        assert picture.content.startswith(PNG)
        raw = client.get(f"/cutouts/{alert}/{kind}.f32").content
        shape = struct.unpack("<II", raw[:8])
        mine = np.frombuffer(raw, "<f4", offset=8).reshape(shape)
        np.testing.assert_array_equal(mine, store.cutouts(alert).array(kind))


def test_stamps_are_kept_by_the_browser(client, best):
    address = f"/cutouts/{best['alert_id']}/science.png"
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"
    assert "immutable" in client.get(f"{address}?v=1").headers["cache-control"]


def test_a_stamp_that_cannot_be_drawn_is_a_picture_that_says_so(client):
    for row in range(4):
        picture = client.get(f"/cutouts/{2**62 + row}/science.png")
        assert picture.status_code == 404
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert client.get(f"/cutouts/{2**62 + row}/science.f32").json()["error"]


@pytest.mark.parametrize(
    "address",
    [
        "/nope",
        "/object/ZTF18nothing",
        "/alert/1",
        "/alert/abc",
        "/alert/99999999999999999999",
        "/cutouts/1/science.exe",
        "/cutouts/abc/science.png",
        "/cutouts/1/..%2f..%2fetc%2fpasswd",
        "/static/x/portal.css",
        "/static/..%2f..%2fapp.py/portal.css",
        "/static/x/..%2f..%2fapp.py",
        "/lightcurve/ZTF18nothing.csv",
        "/lightcurve/x.exe",
        "/?night=19991231",
        "/search?q=ZTF18nothing",
        "/search?q=12345",
    ],
)
def test_what_is_not_there_is_404_with_a_sentence(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert len(answer.text) > 20


def test_search_leads_to_objects_alerts_and_cones(client, best):
    row = best
    by_name = client.get(f"/search?q={row['object_id']}")
    by_id = client.get(f"/search?q={row['alert_id']}")
    by_place = client.get(f"/search?q={row['ra']:.6f}%20{row['dec']:.6f}")
    assert by_name.headers["location"] == f"/object/{row['object_id']}"
    assert by_id.headers["location"].endswith(f"?alert={row['alert_id']}")
    found = client.get(by_place.headers["location"])
    assert row["object_id"] in found.text
    assert client.get("/search?q=").status_code == 400


def test_old_addresses_of_a_cone_lead_to_the_search(client, store, best):
    row = best
    found = store.cone(row["ra"], row["dec"], 3600)
    answer = client.get(f"/cone?ra={row['ra']}&dec={row['dec']}&radius=3600")
    page = client.get(answer.headers["location"]).text
    assert page.count("data-item") == min(found.num_rows, 60)
    for bad in ("ra=400&dec=0", "ra=1", "ra=1&dec=91", "ra=1&dec=1&radius=-1", "ra=nan&dec=0"):
        assert client.get(f"/cone?{bad}").status_code == 400


def test_light_curves_as_figure_csv_and_json(client, store, best):
    record = store.object(best["object_id"])
    place = f"/lightcurve/{record.object_id}"
    lines = client.get(f"{place}.csv").text.splitlines()
    rows = list(csv.DictReader(io.StringIO("\n".join(lines[1:]))))
    points = client.get(f"{place}.json").json()["points"]
    assert lines[0].startswith("# mjd_tai [d]")
    assert len(rows) == len(points) == len(record.light_curve)
    figure = client.get(f"{place}.figure.json?of=total&unit=mag&limits=no&forced=no").json()
    assert set(figure) >= {"data", "layout"}
    assert client.get(f"{place}.figure.json?of=both").status_code == 400


def test_health_agrees_with_the_store(client, store):
    assert client.get("/health.json").json() == json.loads(json.dumps(store.health()))
    assert "In = out." in counted(client)


def counted(client):
    """Return the page of health, when it has been counted."""
    for _ in range(600):
        if "Being counted" not in (text := client.get("/health").text):
            return text
        time.sleep(0.1)
    raise AssertionError("never counted")


def test_the_first_page_of_health_does_not_wait(store_url, monkeypatch):
    monkeypatch.setattr("gueststar.serve.portal.pages.health.PATIENCE_S", 0.0)
    with TestClient(create_app(store_url), base_url="http://127.0.0.1:8765") as fresh:
        first = fresh.get("/health")
        assert first.status_code == 200
        assert "Being counted" in first.text or "In = out." in first.text
        assert "In = out." in counted(fresh)


def test_pages_are_private_to_this_server(client, best):
    plot = f"/object/{best['object_id']}"
    for address in ("/", "/health", "/nope", "/?sort=x", plot):
        headers = client.get(address).headers
        assert "default-src 'none'; script-src 'self';" in headers["content-security-policy"]
        assert ("unsafe-inline" in headers["content-security-policy"]) == (address == plot)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def tags(html):
    """Every start tag with the names of its attributes."""
    found = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, pairs: found.append((tag, [name for name, _ in pairs]))
    reader.feed(html)
    return found


def test_nothing_is_loaded_from_elsewhere(client, best):
    name = best["object_id"]
    for address in ("/", f"/object/{name}", "/health"):
        loaded = re.findall(
            r'(?:src|data-plotly)="([^"]+)"|<link[^>]+href="([^"]+)"', client.get(address).text
        )
        assert loaded
        assert all((a or b).startswith("/") for a, b in loaded)
        for tag, attributes in tags(client.get(address).text):
            assert tag != "script" or "src" in attributes
            assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_static_files_are_packed_and_kept(client):
    address = re.search(r'href="(/static/\w+/portal.css)"', client.get("/").text)[1]
    for encoding in ("br", "gzip", ""):
        answer = client.get(address, headers={"Accept-Encoding": encoding})
        assert answer.headers.get("content-encoding", "") == encoding
        assert "immutable" in answer.headers["cache-control"]
    plotly = client.get(client_plotly(client), headers={"Accept-Encoding": "gzip"})
    assert int(plotly.headers["content-length"]) < 2_000_000
    assert b"plotly.js" in plotly.content[:2000]


def client_plotly(client):
    href = re.search(r'data-item href="(/object[^"]+)"', client.get("/").text)[1]
    return re.search(r'data-plotly="([^"]+)"', client.get(href).text)[1]


def test_foreign_hosts_are_refused_on_loopback(client, store_url):
    for host in ("evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""):
        assert client.get("/health.json", headers={"Host": host}).status_code == 421
    for host in ("localhost:1", "127.0.0.1", "[::1]:8765"):
        assert client.get("/health.json", headers={"Host": host}).status_code == 200
    with TestClient(
        create_app(store_url, loopback_only=False), base_url="http://night.example"
    ) as open_:
        assert open_.get("/health.json").status_code == 200


def test_head_is_answered(client):
    assert client.head("/").status_code == 200
    assert client.post("/").status_code == 405


def test_no_store_and_an_empty_store_teach_what_to_run(tmp_path):
    url = f"sqlite:///{tmp_path / 'later.db'}"
    with TestClient(create_app(url), base_url="http://127.0.0.1") as client:
        first = client.get("/")
        assert "gueststar ingest" in first.text
        assert client.get("/health").status_code == 503
        assert "error" in client.get("/health.json").json()
        open_store(url).close()
        assert "no alert is in it yet" in client.get("/").text
        assert client.get("/health").status_code == 200


def test_a_file_that_is_no_store_is_a_sentence(tmp_path):
    path = tmp_path / "no.db"
    path.write_bytes(b"not a database" * 1000)
    with TestClient(create_app(f"sqlite:///{path}"), base_url="http://127.0.0.1") as client:
        answer = client.get("/")
        assert answer.status_code == 503
        assert "not a gueststar store" in answer.text


PARAMETERS = ("night", "sort", "order", "min_score", "band", "survey", "module", "offset", "q")
VALUES = st.one_of(st.text(max_size=30), st.integers().map(str), st.floats().map(str))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.sampled_from(("/", "/cone", "/search", "/object/", "/alert/", "/lightcurve/")),
    name=st.text(max_size=30),
    query=st.dictionaries(st.sampled_from((*PARAMETERS, "ra", "dec", "radius", "alert")), VALUES),
)
def test_no_request_breaks_the_server(client, place, name, query):
    address = place + (quote(name, safe="") if place.endswith("/") and len(place) > 1 else "")
    assert client.get(address, params=query).status_code < 500

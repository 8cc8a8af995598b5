"""The search form: what it finds is what the store finds; each fault stands beside its input."""

import csv
import html
import io
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from gueststar.store.selection import AlertSelection, ObjectSelection, cell_span


def found(client, query):
    """Ids of the alerts, or names of the objects, that a page lists; and its next page."""
    page = client.get(f"/search?{query}")
    assert page.status_code == 200, page.text
    hrefs = re.findall(r'data-item href="([^"]+)"', page.text)
    following = re.search(r'data-key="n" href="([^"]+)"', page.text)
    return hrefs, following and html.unescape(following[1])


def ids(hrefs):
    return [int(re.search(r"(\d+)$", href)[1]) for href in hrefs]


@pytest.fixture(scope="module")
def best(store):
    rows = store.night(limit=50).to_pylist()
    return next(row for row in rows if (row["object_id"] or "").isalnum())


@pytest.mark.parametrize(
    ("query", "selection"),
    [
        ("band=g", {"band": "g"}),
        ("min_score=0.5&max_score=0.9", {"module": "rb", "min_score": 0.5, "max_score": 0.9}),
        ("mag_min=18&mag_max=19.5&survey=ztf", {"mag_min": 18, "mag_max": 19.5, "survey": "ztf"}),
        ("since=2026-04-24&until=2026-04-24T06:00", {"until": 61154.25042824074}),
    ],
)
def test_alerts_are_those_of_the_store_page_by_page(client, store, query, selection):
    wanted = store.find_alerts(AlertSelection(**selection))["alert_id"].to_pylist()
    seen, following = found(client, query)
    assert 0 < len(seen) <= 60
    while following:
        more, following = found(client, urlsplit(following).query)
        seen += more
    assert ids(seen) == wanted


def test_a_name_finds_one_objects_alerts(client, store, best):
    wanted = store.object(best["object_id"]).alerts["alert_id"].to_pylist()
    assert ids(found(client, f"name={best['object_id']}")[0]) == wanted


def test_the_beginning_of_a_name_finds_objects(client, store, best):
    begins = best["object_id"][:6]
    wanted = store.find_objects(ObjectSelection(prefix=begins))["object_id"].to_pylist()
    assert best["object_id"] in wanted
    hrefs, _ = found(client, f"of=objects&name={begins}")
    assert [href.removeprefix("/object/") for href in hrefs] == wanted[:60]
    assert client.get(f"/search?q={begins}").headers["location"].endswith(f"name={begins}")


def test_a_misspelt_name_is_offered_the_nearest(client, best):
    name = best["object_id"]
    misspelt = name[:-2] + name[-1] + name[-2] if name[-1] != name[-2] else name + "x"
    for query in (f"name={misspelt}", f"of=objects&name={misspelt}"):
        assert f'href="/object/{name}"' in client.get(f"/search?{query}").text
    answer = client.get(f"/search?q={misspelt}")
    assert answer.status_code == 404
    assert name in answer.text


def test_a_position_finds_objects_and_alerts_within_the_radius(client, store, best):
    place = f"{best['ra']:.6f} {best['dec']:+.6f}"
    near = store.cone(best["ra"], best["dec"], 3600)["object_id"].to_pylist()
    hrefs, _ = found(client, f"of=objects&radius=3600&position={place.replace('+', '%2B')}")
    assert [href.removeprefix("/object/") for href in hrefs] == near
    cone = AlertSelection(ra=best["ra"], dec=best["dec"], radius_arcsec=3600)
    wanted = store.find_alerts(cone)["alert_id"].to_pylist()
    assert ids(found(client, f"radius=3600&position={place.replace('+', '%2B')}")[0]) == wanted


def test_a_cell_of_the_sky_finds_what_lies_in_it(client, store):
    cells = store.counts("healpix", order=3).to_pylist()
    fullest = max(cells, key=lambda one: one["n_alerts"])
    low, high = cell_span(f"3/{fullest['cell']}")
    wanted = store.sql(
        f"SELECT alert_id FROM alerts WHERE healpix29 >= {low} AND healpix29 < {high}"
    )["alert_id"].to_pylist()
    seen, following = found(client, f"cell=3/{fullest['cell']}")
    while following:
        more, following = found(client, urlsplit(following).query)
        seen += more
    assert sorted(ids(seen)) == sorted(wanted)
    assert len(wanted) == fullest["n_alerts"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("position=nowhere", ["position"]),
        ("position=400 0", ["position"]),
        ("radius=5", ["position"]),
        ("radius=-1&position=1 1", ["radius"]),
        ("since=yesterday&until=x", ["since", "until"]),
        ("min_score=2&band=k", ["min_score", "band"]),
        ("min_score=0.9&max_score=0.1", ["max_score"]),
        ("mag_min=20&mag_max=10", ["mag_max"]),
        ("module=nobody", ["module"]),
        ("of=objects&band=g&night=20260424", ["band", "night"]),
        ("min_detections=3", ["min_detections"]),
        ("cell=4/99999", ["cell"]),
        ("of=stars", ["of"]),
        ("night=2026-04-24", ["night"]),
    ],
)
def test_each_fault_is_named_beside_its_input(client, query, fields):
    page = client.get(f"/search?{query}")
    assert page.status_code == 400
    told = re.findall(r'class="fault" id="e-(\w+)"', page.text)
    assert sorted(told) == sorted(fields)
    for name in fields:
        assert f'href="#f-{name}"' in page.text
    for name, value in parse_qsl(query):  # what was typed stays
        assert html.escape(value) in page.text, name


def test_unknown_fields_are_refused_with_the_nearest(client):
    page = client.get("/search?bnad=g")
    assert page.status_code == 400
    assert "band" in page.text
    assert client.get("/search?after=xyz&band=g").status_code == 400


def test_a_result_can_be_taken_away(client, store, best):
    page = client.get("/search?band=g&min_score=0.5").text
    link = html.unescape(re.search(r'href="(/search.csv[^"]+)"', page)[1])
    rows = list(csv.DictReader(io.StringIO(client.get(link).text)))
    wanted = store.find_alerts(AlertSelection(band="g", module="rb", min_score=0.5))
    assert [int(row["alert_id"]) for row in rows] == wanted["alert_id"].to_pylist()
    api = html.unescape(re.search(r'href="(/api/alerts[^"]+)"', page)[1])
    answer = client.get(api, headers={"Accept": "application/json"}).json()
    first = [int(row["alert_id"]) for row in answer["rows"]]
    assert first == wanted["alert_id"].to_pylist()[: len(first)]
    assert client.get("/search.csv?band=k").status_code == 400
    assert client.get("/search.csv").status_code == 400


def test_views_show_the_same_alerts(client):
    shown = found(client, "band=g")[0]
    for view in ("stamps", "differences"):
        assert found(client, f"band=g&view={view}")[0] == shown
    assert client.get("/search?band=g&view=cube").status_code == 400

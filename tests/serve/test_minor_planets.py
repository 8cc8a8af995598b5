"""Minor planets by HTTP, through the client, and on the page of an alert."""

import pytest
from litestar.testing import TestClient

from gueststar.serve.portal.app import create_app
from gueststar.store import open_store
from store.test_minor_planets import BELT, RUBIN, add, alerts_at, ids


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A server with alerts of ZTF, and of Rubin without an object; whose first one is (1)."""
    url = f"sqlite:///{tmp_path_factory.mktemp('planets') / 'night.db'}"
    ztf = alerts_at(BELT, 6, program=[1, 1, 2, 1, 1, 1])
    lsst = alerts_at(
        BELT, 4, seed=1, survey="lsst", site=RUBIN, object_id=[None] * 4,
        alert_id=[7, 8, 9, 10], source=["other"] * 4, program=[None] * 4,
    )  # fmt: skip
    with open_store(url) as store:
        add(store)
        store.write([ztf, lsst])
    with TestClient(create_app(url), base_url="http://127.0.0.1:8765") as client:
        yield client, ids(ztf), ids(lsst)


def test_an_alert_and_a_planet_by_http(asked):
    client, ztf, lsst = asked
    found = client.get(f"/api/alerts/{ztf[0]}/minor-planets").json()
    (row,) = found["rows"]
    assert (row["alert_id"], row["designation"], row["name"]) == (str(ztf[0]), "1", "Body 1")
    assert found["units"]["v_mag"] == "mag"
    for who in ("1", "Body%201", "(1)"):
        rows = client.get(f"/api/minor-planets/{who}").json()["rows"]
        assert {one["alert_id"] for one in rows} == {str(ztf[0]), str(lsst[0])}
    assert client.get("/api/minor-planets/nobody").json()["rows"] == []
    (row,) = client.get("/api/minor-planets").json()["rows"]
    assert (row["orbits"], row["n_orbits"], row["n_matched"]) == ("mpc", 400, 5)
    assert client.get("/api/alerts/5/minor-planets").status_code == 404
    assert client.get("/api/alerts/x/minor-planets").status_code in {400, 404}
    assert "Body 1" in client.get("/api/minor-planets/1?format=csv").text


def test_the_page_says_who_it_is_also_of_an_alert_without_an_object(asked):
    client, _, lsst = asked
    page = client.get(f"/alert/{lsst[0]}").text
    assert "<b>(1) Body 1</b>" in page
    assert "at <b>2.00″</b>" in page
    assert "predicted" in page
    assert "minorplanetcenter.net/db_search/show_object?object_id=1" in page


def test_the_panel_follows_the_chosen_alert(asked):
    client, ztf, _ = asked
    assert "(1) Body 1" in client.get(f"/alert/{ztf[0]}/panel").text
    assert "Minor planet" not in client.get(f"/alert/{ztf[0] + 3}/panel").text

"""The API's questions on catalogues."""

import orjson
import pytest
from litestar.testing import TestClient

from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.serve.portal.app import create_app
from gueststar.store import open_store
from gueststar.surveys.sky import healpix29


@pytest.fixture(scope="module")
def asked(tmp_path_factory, make_alerts):
    """A server whose first object has a star 1 arcsec north of it, and a name with a slash."""
    url = f"sqlite:///{tmp_path_factory.mktemp('catalogs') / 'night.db'}"
    (batch, *_) = make_alerts("simulate:20:3")
    place = batch.numpy("ra")[0], batch.numpy("dec")[0] + 1 / 3600
    cell = healpix29(batch.numpy("ra")[:1], batch.numpy("dec")[:1] + 1 / 3600)[0].as_py()
    star = Source(cell, "9000000000000000001", float(place[0]), float(place[1]), "[17.5]")
    with open_store(url) as store:
        store.add_catalogue(Declaration("gaia", columns=("mag",), kind="star"), [[star]], "v1")
        store.write([batch])
    with TestClient(create_app(url), base_url="http://127.0.0.1:8765") as client:
        yield client, batch.column("object_id")[0].as_py(), place


def test_catalogues_and_matches(asked):
    client, name, _ = asked
    (row,) = client.get("/api/catalogs").json()["rows"]
    assert (row["catalogue"], row["n_matched"], row["n_waiting"]) == ("gaia", 1, 0)
    assert row["kept"] == ["mag"]
    found = client.get(f"/api/matches/{name}").json()
    (match,) = found["rows"]
    assert match["source_id"] == "9000000000000000001"
    assert match["separation_arcsec"] == pytest.approx(1.0, abs=1e-4)
    assert orjson.loads(match["columns"]) == {"mag": 17.5}
    assert found["units"]["position_angle"] == "deg"
    assert found["context"] == "star"
    assert client.get(f"/api/counterparts/{name}?radius=60").json()["rows"] == []
    assert client.get("/api/counterparts/nothing").status_code == 404
    assert client.get(f"/api/counterparts/{name}?radius=61").json()["error"]["field"] == "radius"
    assert client.get("/api/matches/nothing").status_code == 404
    assert "gaia" in client.get("/api/catalogs?format=csv").text


def test_positions_against_a_catalogue(asked):
    client, _, place = asked
    sent = {"ra": [10.0, place[0]], "dec": [80.0, place[1]]}
    found = client.post("/api/catalogs/gaia/xmatch?radius=3", json=sent).json()
    assert [(one["row"], one["source_id"]) for one in found["rows"]] == [(1, "9000000000000000001")]
    text = f"ra,dec\n{float(place[0])},{float(place[1])}\n"
    headers = {"Content-Type": "text/csv"}
    found = client.post("/api/catalogs/gaia/xmatch", content=text, headers=headers).json()
    assert found["count"] == 1


@pytest.mark.parametrize(
    ("path", "sent", "status", "message"),
    [
        ("gaja/xmatch", {"ra": [1], "dec": [1]}, 404, "Did you mean 'gaia'"),
        ("gaia/xmatch", {"ra": [400], "dec": [1]}, 400, "ra: 400.0 in row 0"),
        ("gaia/xmatch", {"ra": [1]}, 400, "dec: send a list"),
        ("gaia/xmatch", {"ra": [1], "dec": [1], "r": 1}, 400, "'r' is not known"),
        ("gaia/xmatch?mode=al", {"ra": [1], "dec": [1]}, 400, "mode"),
        ("gaia/xmatch?mode=host", {"ra": [1], "dec": [1]}, 400, "no redshifts"),
        ("gaia/xmatch?radius=601", {"ra": [1], "dec": [1]}, 400, "radius"),
    ],
)
def test_what_cannot_be_asked(asked, path, sent, status, message):
    answer = asked[0].post(f"/api/catalogs/{path}", json=sent)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]

"""Cutouts outside of the database, as pages, API and client show them: there, and lost."""

import numpy as np
import pytest
from litestar.testing import TestClient

from gueststar.client import Broker
from gueststar.errors import GueststarError
from gueststar.serve.portal.app import create_app
from gueststar.store import open_store
from gueststar.store.records import alert_of, alert_table

BASE = "http://127.0.0.1:8765"


@pytest.fixture(scope="module")
def night_outside(tmp_path_factory, make_alerts):
    folder = tmp_path_factory.mktemp("outside")
    url = f"sqlite:///{folder / 'night.db'}"
    batches = make_alerts("simulate:20:5")
    with open_store(url) as store:
        store.keep_cutouts_in(str(folder / "stamps"))
        store.write(batches)
    with TestClient(create_app(url), base_url=BASE) as client:
        yield url, batches[0], client, folder / "stamps"


def test_pages_and_api_read_them_wherever_they_lie(night_outside, store):
    _, batch, client, _ = night_outside
    alert_id = batch.column("alert_id")[0].as_py()
    assert client.get(f"/strips/{alert_id}.png").headers["content-type"] == "image/png"
    for kind in ("science", "template", "difference"):
        assert client.get(f"/cutouts/{alert_id}/{kind}.png").status_code == 200
        values = client.get(f"/api/alerts/{alert_id}/cutouts/{kind}?format=json").json()["values"]
        assert np.array(values, float).shape == (63, 63)
    named = client.get(f"/api/alerts/{alert_id}/cutouts").json()
    assert list(named) == ["science", "template", "difference"]


@pytest.mark.parametrize("how", ["lost", "away"])
def test_what_is_lost_is_told_and_the_alert_is_there(night_outside, how):
    url, batch, client, folder = night_outside
    alert_id = batch.column("alert_id")[0].as_py()
    object_id = batch.column("object_id")[0].as_py()
    (pack,) = folder.rglob("*.zip")
    gone = pack if how == "lost" else folder
    aside = gone.with_name("aside")
    gone.rename(aside)
    word = {"lost": "restore it from a copy", "away": "mount it"}[how]
    try:
        api = client.get(f"/api/alerts/{alert_id}/cutouts/science")
        assert (api.status_code, word in api.json()["error"]["message"]) == (503, True)
        for path in (f"/cutouts/{alert_id}/science.png", f"/strips/{alert_id}.png"):
            picture = client.get(path)
            assert (picture.status_code, word in picture.text) == (503, True)
            assert picture.headers["content-type"].startswith("image/svg")
        values = client.get(f"/cutouts/{alert_id}/science.f32")
        assert (values.status_code, word in values.json()["error"]) == (503, True)
        assert client.get(f"/object/{object_id}").status_code == 200
        assert client.get(f"/api/alerts/{alert_id}").json()["alert_id"] == str(alert_id)
        assert word in client.get("/health.json").json()["cutouts"]["trouble"]
        with Broker(url) as local:
            alert = local.alert(alert_id)
        for one in (alert, alert_of(alert_table(alert))):  # as it travels to a client
            assert one.object_id == object_id
            with pytest.raises(GueststarError, match=word):
                one.cutouts.array("science")
    finally:
        aside.rename(gone)
    assert client.get(f"/cutouts/{alert_id}/science.png").status_code == 200

"""Minor planets through the client: over a store and over a server, the same."""

import subprocess
import sys

import pytest
from astropy import units as u

from client.conftest import SERVE
from gueststar import Broker
from gueststar.errors import BadInput
from gueststar.store import open_store
from store.test_minor_planets import AWAY, BELT, add, alerts_at, ids


@pytest.fixture(scope="module")
def planet_url(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('planets') / 'night.db'}"
    with open_store(url) as store:
        add(store)
        store.write([alerts_at(BELT, 10)])
    return url


@pytest.fixture(scope="module")
def planet_alerts():
    return ids(alerts_at(BELT, 10))


@pytest.fixture(scope="module", params=["local", "server"])
def b(request, planet_url):
    if request.param == "local":
        with Broker(planet_url) as broker:
            yield broker
        return
    command = [sys.executable, "-W", "error", "-c", SERVE, planet_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        with Broker(process.stdout.readline().strip(), retries=1) as broker:
            yield broker
        process.kill()


def test_alerts_know_their_minor_planets(b, planet_alerts):
    alert_id = planet_alerts[0]
    (row,) = b.minor_planets(alert_id)
    assert (row["designation"], row["name"], row["rank"]) == ("1", "Body 1", 0)
    assert abs(row["separation_arcsec"] - AWAY * u.arcsec) < 1e-3 * u.arcsec
    assert row["delta_au"].unit == u.AU
    assert row["motion"].unit == u.arcsec / u.h
    assert 10 < u.Quantity(row["v_mag"]).value < 25
    assert len(b.minor_planets(str(alert_id))) == 1
    with pytest.raises(BadInput, match="no alert 5"):
        b.minor_planets(5)


def test_a_minor_planet_knows_its_alerts(b, planet_alerts):
    for who in (1, "Body 1", "(1)"):
        assert b.minor_planet(who)["alert_id"].tolist() == [planet_alerts[0]]
    assert len(b.minor_planet("nobody")) == 0
    assert b.orbits["orbits"].tolist() == ["mpc"]


def test_an_object_without_one(b, planet_alerts):
    alert_id = b.sql("SELECT alert_id FROM alerts WHERE alert_id NOT IN "
                     "(SELECT alert_id FROM minor_planets) LIMIT 1")["alert_id"][0]  # fmt: skip
    assert len(b.minor_planets(alert_id)) == 0


def test_what_is_at_a_predicted_minor_planet_is_not_reported(b, planet_alerts, tmp_path):
    found = b.alerts(limit=10)
    (mine,) = found[found["alert_id"] == planet_alerts[0]]
    with pytest.raises(BadInput, match=r"known Solar-System object \(1\)"):
        b[mine["object_id"]].tns_report(
            tmp_path / "report.json", reporter="A. Person (Institute)", reporting_group_id=1
        )
    assert not list(tmp_path.iterdir())

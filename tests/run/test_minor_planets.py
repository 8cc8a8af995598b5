"""A broker matches alerts with the orbits that its settings name, and filters speak of them."""

import threading
from functools import partial

import numpy as np
import pytest

from gueststar.batch import AlertBatch
from gueststar.catalogs.stage import PlanetModule
from gueststar.checks import check_module
from gueststar.errors import NotThere
from gueststar.filters import make_filter
from gueststar.run.assemble import make_catalogues
from gueststar.run.check import check
from gueststar.run.config import config_of
from gueststar.run.consumers import consume
from gueststar.store import open_store
from store.test_minor_planets import BELT, add, alerts_at


@pytest.fixture
def url(tmp_path):
    """A store with two files of orbits."""
    url = f"sqlite:///{tmp_path / 'night.db'}"
    with open_store(url) as store:
        add(store)
        add(store, BELT[:10], name="nea")
    return url


def config(url, **settings):
    source = {"kind": "simulate", "alerts": 10}
    return config_of({"source": source, "modules": [], "store": url, **settings})


@pytest.mark.parametrize(
    ("settings", "waiting"),
    [({}, [0, 0]), ({"catalogs": ["nea"]}, [10, 0]), ({"catalogs": []}, [10, 10])],
)
def test_alerts_wait_for_what_is_not_named(url, settings, waiting):
    consume(config(url, **settings), threading.Event())
    with open_store(url, read_only=True) as store:
        assert store.orbit_files()["n_waiting"].to_pylist() == waiting


def test_the_check_says_what_will_be_matched(url):
    found = {f.what: f.warning for f in check(config(url, catalogs=["nea"])) if f.part == "orbits"}
    assert found == {"mpc v1": "left out: alerts wait for it", "nea v1": ""}
    with pytest.raises(NotThere, match="Did you mean 'mpc'"):
        check(config(url, catalogs=["mpd"]))


def test_a_module_of_orbits_keeps_the_contract_and_filters_use_it(url):
    batch = alerts_at(BELT, 12)
    with open_store(url) as store:
        module = PlanetModule("mpc", "v1", partial(store.planets_near, orbits="mpc"))
        check_module(module, batch)
        found = module(batch.select(module.needs))
        rows = found.to_pylist()
        made = make_catalogues(config(url), store)
    assert [one.name for one in made] == ["mpc", "nea"]
    assert (rows[0]["mpc_id"], rows[0]["mpc_name"]) == ("1", "Body 1")
    assert (rows[2]["mpc_id"], rows[2]["mpc_name"]) == ("2020 A1", None)
    assert rows[0]["mpc_separation"] == pytest.approx(2.0, abs=1e-3)
    assert rows[0]["mpc_reason"] is None
    assert rows[2]["mpc_reason"] == "the orbits do not say"
    assert rows[1]["mpc_separation"] is None
    assert rows[1]["mpc_reason"] == "no known minor planet"
    still = make_filter("still", "sql", "mpc_separation IS NULL")
    mask = np.asarray(still(AlertBatch(found)))
    assert mask.tolist() == [False, True] * 6

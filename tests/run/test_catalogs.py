"""A broker matches objects with the catalogues that its settings name."""

import threading
from functools import partial

import pytest

from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.catalogs.stage import CatalogueModule
from gueststar.checks import check_module
from gueststar.errors import BadModule, NotThere, StoreUnavailable
from gueststar.pipeline import run_module
from gueststar.run.check import check
from gueststar.run.config import config_of
from gueststar.run.consumers import consume
from gueststar.run.switch import Switch
from gueststar.sinks.archive import Archive
from gueststar.store import open_store
from store.alerts import random_alerts


@pytest.fixture
def url(tmp_path):
    """A store with two catalogues, of one source each."""
    url = f"sqlite:///{tmp_path / 'night.db'}"
    with open_store(url) as store:
        for name in ("gaia", "glade"):
            store.add_catalogue(Declaration(name), [[Source(0, "a", 45.0, 0.0, "[]")]], "v1")
    return url


def config(url, **settings):
    source = {"kind": "simulate", "alerts": 10}
    return config_of({"source": source, "modules": [], "store": url, **settings})


@pytest.mark.parametrize(
    ("settings", "waiting"),
    [({}, [0, 0]), ({"catalogs": ["gaia"]}, [0, 10]), ({"catalogs": []}, [10, 10])],
)
def test_objects_wait_for_what_is_not_named(url, settings, waiting):
    consume(config(url, **settings), threading.Event())
    with open_store(url, read_only=True) as store:
        assert store.catalogues()["n_waiting"].to_pylist() == waiting


def test_the_check_says_what_will_be_matched(url):
    found = {
        f.what: f.warning for f in check(config(url, catalogs=["gaia"])) if f.part == "catalogue"
    }
    assert found == {"gaia v1": "", "glade v1": "left out: objects wait for it"}
    with pytest.raises(NotThere, match="Did you mean 'gaia'"):
        check(config(url, catalogs=["gaja"]))
    with pytest.raises(NotThere, match="Did you mean 'gaia'"):
        consume(config(url, catalogs=["gaja"]), threading.Event())


def test_filters_speak_of_the_best_match(tmp_path):
    """Half of the objects of a night have a star beside them; a folder gets the others."""
    url, out = f"sqlite:///{tmp_path / 'night.db'}", tmp_path / "hostless"
    consume(config(f"sqlite:///{tmp_path / 'first.db'}"), threading.Event())
    with open_store(f"sqlite:///{tmp_path / 'first.db'}", read_only=True) as store:
        places = store.sql("SELECT healpix29, object_id, ra, dec FROM objects").to_pylist()
    stars = [Source(*place.values(), "[17.5]") for place in places[::2]]
    with open_store(url) as store:
        store.add_catalogue(Declaration("gaia", columns=("gmag",)), [stars], "v1")
    settings = {
        "filters": {
            "starless": "gaia_separation IS NULL",
            "bright": "gaia_gmag < 18 AND gaia_separation < 1",
        },
        "output": [
            {"kind": "archive", "path": str(out), "filter": "starless"},
            {"kind": "archive", "path": str(tmp_path / "bright"), "filter": "bright"},
        ],
    }
    assert not [f for f in check(config(url, **settings)) if f.warning]
    consume(config(url, **settings), threading.Event())
    names = [place["object_id"] for place in places]
    for folder, wanted in ((out, names[1::2]), (tmp_path / "bright", names[::2])):
        found = Archive(folder).sql("SELECT object_id FROM alerts")["object_id"].to_pylist()
        assert sorted(found) == sorted(wanted)
    with open_store(url, read_only=True) as store:
        assert store.modules() == []
        assert store.catalogues()["n_matched"].to_pylist() == [len(names[::2])]
    settings["filters"]["bright"] = "gaia_mag < 18"
    with pytest.raises(BadModule, match="Did you mean 'gaia_gmag'"):
        check(config(url, **settings))


def test_a_module_whose_store_is_away_is_waited_for():
    def away(ra, dec):
        raise StoreUnavailable("gone for a moment")

    module = Switch(CatalogueModule("gaia", "v1", ["gmag"], away), limit=1)
    batch = random_alerts(3)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            run_module(module, batch.select(module.needs))
    assert module.off is None


def test_a_catalogue_module_keeps_the_contract(tmp_path):
    batch = random_alerts(12)
    with open_store(f"sqlite:///{tmp_path / 'night.db'}") as store:
        cell, ra, dec = (batch.column(n)[3].as_py() for n in ("healpix29", "ra", "dec"))
        rows = [Source(cell, "a", ra, dec, '[1.5,"text"]')]
        own = Declaration("gaia", columns=("gmag", "label"))
        store.add_catalogue(own, [rows], "v1")
        module = CatalogueModule("gaia", "v1", own.facts, partial(store.xmatch, catalogue="gaia"))
        check_module(module, batch)
        found = module(batch.select(module.needs)).to_pylist()
    assert found[3]["gaia_id"] == "a"
    assert (found[3]["gaia_gmag"], found[3]["gaia_label"]) == (1.5, None)
    assert found[0]["gaia_separation"] is None

"""A broker matches objects with the catalogues that its settings name."""

import threading

import pytest

from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.errors import NotThere
from gueststar.run.check import check
from gueststar.run.config import config_of
from gueststar.run.consumers import consume
from gueststar.store import open_store


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

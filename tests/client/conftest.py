"""One store, asked locally and through a real server on loopback: the same tests for both."""

import subprocess
import sys

import numpy as np
import pytest

from engines import ENGINES, fresh_url
from gueststar import Broker
from gueststar.batch import AlertBatch
from gueststar.catalogs.declaration import Declaration
from gueststar.catalogs.sources import Source
from gueststar.pipeline import Pipeline
from gueststar.score import score_batch, score_schema
from gueststar.sources import open_source
from gueststar.store import open_store
from gueststar.surveys.sky import healpix29

SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
)


class Brightness:
    """Scores by flux; gives none where it is negative."""

    name = "rb"
    version = "1.0"
    needs = ("flux",)
    gives = score_schema("rb", ["real"])

    def __call__(self, batch):
        flux = batch.numpy("flux")
        reasons = [None if value > 0 else "fainter than the reference" for value in flux]
        return score_batch(self.gives, np.clip(flux / 1e5, 0, 1), reasons)


def stars_beside(batches):
    """A star 1 arcsec north of every object."""
    ra, dec = (np.concatenate([b.numpy(name) for b in batches]) for name in ("ra", "dec"))
    cells = healpix29(ra, dec + 1 / 3600).to_pylist()
    rows = [
        Source(cell, f"star{k}", float(ra[k]), float(dec[k] + 1 / 3600), f"[{k}.5,null]")
        for k, cell in enumerate(cells)
    ]
    return Declaration("stars", columns=("gmag", "ra"), kind="star"), [rows], "v1"


@pytest.fixture(scope="session")
def night():
    (source,) = open_source(["simulate:300:4"])
    return [AlertBatch(b) for b in Pipeline([Brightness()])(source) if "alert_id" in b.schema.names]


@pytest.fixture(scope="session", params=ENGINES)
def store_url(request, tmp_path_factory, night):
    with fresh_url(request.param, request, tmp_path_factory.mktemp("client")) as url:
        with open_store(url) as store:
            store.add_catalogue(*stars_beside(night))
            store.write(night)
        yield url


@pytest.fixture(scope="session")
def address(store_url):
    command = [sys.executable, "-W", "error", "-c", SERVE, store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="session")
def local(store_url):
    with Broker(store_url) as broker:
        yield broker


@pytest.fixture(scope="session")
def server(address):
    with Broker(address, retries=1) as broker:
        yield broker


@pytest.fixture(scope="session", params=["local", "server"])
def b(request, local, server):
    return {"local": local, "server": server}[request.param]

"""A store with a simulated night, some alerts that mean harm, and a browser over it."""

import shutil
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from litestar.testing import TestClient

from gueststar.batch import AlertBatch
from gueststar.pipeline import Pipeline
from gueststar.score import score_batch, score_schema
from gueststar.serve.portal.app import create_app
from gueststar.sources import open_source
from gueststar.store import open_store

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--no-first-run"]
SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
)
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "x'; DROP TABLE alert_rows; --",
    "客星 Ωμέγα é",
    "a/../../etc/passwd?x=1#y",
    "{{ 7 * 7 }}",
    "%00%2e%2e",
    None,  # a Solar-System source
)


class SignalToNoise:
    """Scores by S/N; gives no score where the flux is negative."""

    name = "rb"
    version = "1.0"
    needs = ("flux", "flux_err")
    gives = score_schema("rb", ["real"])

    def __call__(self, batch):
        flux, error = batch.numpy("flux"), batch.numpy("flux_err")
        reasons = [None if value > 0 else "<b>fainter</b> than the reference" for value in flux]
        return score_batch(self.gives, np.clip(flux / error / 50, 0, 1), reasons)


def alerts(source):
    (opened,) = open_source([source])
    pipeline = Pipeline([SignalToNoise()])
    return [AlertBatch(b) for b in pipeline(opened) if "alert_id" in b.schema.names]


def replaced(batch, **columns):
    arrow = batch.arrow
    for name, values in columns.items():
        index = arrow.schema.get_field_index(name)
        field = arrow.schema.field(index)
        arrow = arrow.set_column(index, field, pa.array(values, field.type))
    return AlertBatch(arrow)


def hostile_alerts():
    """Names that mean harm, with no stamps, broken stamps, and a zip bomb's beginning."""
    (batch, *_) = alerts(f"simulate:{len(HOSTILE)}:2")
    batch = batch.slice(0, len(HOSTILE))
    broken = [None, b"", b"not FITS", b"\x1f\x8b" + bytes(50)] * 2
    ids = [2**62 + i for i in range(len(batch))]
    return replaced(batch, object_id=HOSTILE[: len(batch)], science=broken, alert_id=ids)


@pytest.fixture(scope="session")
def night():
    """200 simulated alerts, and the hostile ones."""
    return [*alerts("simulate:200:1"), hostile_alerts()]


@pytest.fixture(scope="session")
def store_url(tmp_path_factory, night):
    """A store with the night, in a file."""
    url = f"sqlite:///{tmp_path_factory.mktemp('portal') / 'night.db'}"
    with open_store(url) as store:
        store.write(night)
    return url


@pytest.fixture(scope="session")
def store(store_url):
    with open_store(store_url, read_only=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def client(store_url):
    with TestClient(create_app(store_url), base_url="http://127.0.0.1:8765") as opened:
        opened.follow_redirects = False
        yield opened


@pytest.fixture(scope="session")
def make_alerts():
    """Decoded and scored batches of a source, such as ``simulate:60:5``."""
    return alerts


@pytest.fixture(scope="module")
def address(store_url):
    """A portal in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, store_url], stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stdout.close()


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, address):
    """A page of a fresh profile; what it says in the console and whom it calls is kept."""
    context = chromium.new_context(base_url=address, viewport={"width": 1440, "height": 1000})
    opened = context.new_page()
    opened.said, opened.called = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request: opened.called.append(request.url))
    yield opened
    strangers = [url for url in opened.called if not url.startswith((address, "data:", "blob:"))]
    # Stamps that are not there are 404; reading a canvas back is what the tests do, not the page.
    faults = [said for said in opened.said if "404" not in said and "getImageData" not in said]
    context.close()
    assert strangers == []
    assert faults == []

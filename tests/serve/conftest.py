"""A store with a simulated night, and some alerts that mean harm, through the real code."""

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

"""A store whose rows are hard to carry: ids above 2**53, nulls, odd characters."""

import pytest

from gueststar.store import open_store
from store.alerts import random_alerts, replaced

ODD = 'a<b>&"c,\n客\x07'


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('export') / 'night.db'}"
    batch = random_alerts(60, 1, objects=20, points=4, first_id=2**62 + 1)
    names = batch.column("object_id").to_pylist()
    names[0], names[1] = ODD, None
    odd = replaced(batch, object_id=names, program=[None, *[1] * 59])
    with open_store(url) as opened:
        opened.write([odd])
    with open_store(url, read_only=True) as opened:
        yield opened

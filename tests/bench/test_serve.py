"""The benchmark of a server: what it asks and counts, not how fast a busy test machine is."""

import random
import time

import pytest

from gueststar.bench.clients import MIX, Visit, path_of, visiting
from gueststar.bench.serve import _places, serve, summary
from gueststar.bench.serving import serving
from gueststar.cli.bench import measured
from gueststar.errors import BadInput
from gueststar.store import open_store
from store.alerts import random_alerts


def test_only_what_ended_in_time_counts():
    visits = [Visit("cone", 200, t, 0.5) for t in (0.0, 1.0, 9.8)] + [Visit("sql", 503, 2.0, 1.0)]
    found = summary(visits, 1.0, 10.0)
    assert (found["cone"]["n"], found["sql"]["n"], found["page"]["n"]) == (1, 1, 0)
    assert found["answers"] == {"200": 1, "503": 1}
    assert found["requests_per_s"] == round(2 / 9, 1)


def test_names_are_quoted():
    name = "a/b?c#é'"
    assert path_of("object", (name, 1.0, 2.0), random.Random(1)).isascii()
    assert "?" not in path_of("object", (name, 1.0, 2.0), random.Random(1))


def test_clients_are_answered_by_a_server_that_is_started_as_users_do(tmp_path):
    url = f"sqlite:///{tmp_path}/night.db"
    with open_store(url) as store:
        store.write([random_alerts(60, 1)])
    with serving(url) as (address, server):
        assert server > 0
        with visiting(address, 4, _places(address)) as clients:
            time.sleep(3)
            visits = clients.visits()
    assert {visit.kind for visit in visits} <= set(MIX)
    assert {visit.status for visit in visits} == {200}
    assert len(visits) > 4


def test_a_rival_that_is_none():
    for run in (lambda: serve("nginx"), lambda: measured("serve", "nginx", {"clients": 3}, True)):
        with pytest.raises(BadInput, match="no rival 'nginx'"):
            run()

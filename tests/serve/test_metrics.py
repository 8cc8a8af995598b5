"""Metrics as Prometheus reads them."""

import socket
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gueststar.contracts import Reading
from gueststar.errors import BadInput
from gueststar.serve.metrics import answering, registry_of, text_of
from gueststar.store import open_store
from store.alerts import random_alerts
from store.test_flow import streamed


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_number_of_health_is_there(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        empty = samples(text_of(registry_of(store.health)))
        assert empty["gueststar_received_total",] == 0
        batch = random_alerts(20, 1)
        store.write([streamed(batch)])
        store.write([streamed(batch, 'kafka:a "name"')])
        store.note([Reading("kafka:ztf", "0", 20, 27)])
        found = samples(text_of(registry_of(store.health)))
    assert found["gueststar_inputs_total", ("state", "duplicate")] == 20
    assert found["gueststar_in_equals_out",] == 1
    assert found["gueststar_topic_lag_messages", ("topic", "ztf")] == 7
    assert found["gueststar_topic_messages_total", ("state", "stored"), ("topic", "ztf")] == 20
    assert found["gueststar_topic_latency_seconds", ("quantile", "0.98"), ("topic", "ztf")] > 1
    assert ("gueststar_topic_missing_offsets", ("topic", 'a "name"')) in found


def test_a_broker_answers_at_its_address(tmp_path):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{sock.getsockname()[1]}"
    with open_store(f"sqlite:///{tmp_path}/a.db") as store:
        with answering(address, store.health):
            with urlopen(f"http://{address}/metrics", timeout=10) as answer:
                found = samples(answer.read())
            with pytest.raises(BadInput, match=address), answering(address, store.health):
                pass
        assert found["gueststar_in_equals_out",] == 1
        with pytest.raises(OSError, match="refused"):
            urlopen(f"http://{address}/metrics", timeout=10)
        with answering(None, store.health):
            pass


@pytest.mark.parametrize("address", ["9464", ":9464", "host:", "host:99999", "host:x"])
def test_addresses_that_cannot_be(address):
    with pytest.raises(BadInput, match=r"127\.0\.0\.1:9464"), answering(address, dict):
        pass

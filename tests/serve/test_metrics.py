"""Metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from gueststar.contracts import Reading
from gueststar.serve.metrics import registry_of, text_of
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

"""Alerts from a real Kafka while they come, as a person takes them."""

import sys

import pytest
from astropy.time import Time

from gueststar import Broker
from gueststar.alert import Alert
from gueststar.client.live import stream
from gueststar.errors import BadInput, MissingExtra, StreamError
from store.alerts import random_alerts

SENT = random_alerts(30, 1)
IDS = SENT.column("alert_id").to_pylist()


@pytest.fixture(scope="module")
def topic(kafka):
    from gueststar.sinks.kafka import KafkaSink
    from streams import create

    name = create(kafka.servers)
    sink = KafkaSink(kafka.servers, name)
    sink.write(SENT.arrow)
    sink.flush()
    return name


def test_alerts_come_in_order_and_the_loop_ends(topic, kafka):
    options = {"servers": kafka.servers, "start": "earliest"}
    found = list(Broker.stream(topic, until="caught-up", **options))
    assert all(isinstance(alert, Alert) for alert in found)
    assert [alert.alert_id for alert in found] == IDS
    assert found[0].scores["rb_real"].version == "1.0+abc"
    ten = stream(topic, servers=kafka.servers, start="earliest", until=10, batches=True)
    assert sum(len(batch) for batch in ten) == 10


def test_a_group_goes_on_where_it_was(topic, kafka):
    options = {"servers": kafka.servers, "group": f"me-{topic}", "start": "earliest"}
    first = [alert.alert_id for alert in stream(topic, until=12, **options)]
    rest = [alert.alert_id for alert in stream(topic, until="caught-up", **options)]
    assert first + rest == IDS


def test_later_than_all_there_is_nothing(topic, kafka):
    late = stream(topic, servers=kafka.servers, start=Time.now(), until="caught-up")
    assert list(late) == []


def test_what_is_missing_is_named(topic, kafka, monkeypatch):
    with pytest.raises(BadInput, match=f"Did you mean '{topic}'"):
        next(stream(f"{topic}x", servers=kafka.servers, until="caught-up"))
    with pytest.raises(BadInput, match="until is caught-up"):
        next(stream(topic, servers=kafka.servers, until="tomorrow"))


def test_no_kafka_and_no_package_are_sentences(monkeypatch):
    pytest.importorskip("confluent_kafka", reason="no confluent-kafka: extra kafka")
    monkeypatch.setattr("gueststar.streams.client.ANSWER_S", 0.5)
    with pytest.raises(StreamError, match=r"127\.0\.0\.1:9"):
        next(stream("alerts", servers="127.0.0.1:9", until="caught-up"))
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(MissingExtra, match=r"gueststar\[kafka\]"):
        next(stream("alerts"))

"""The Kafka sink against a real Kafka, read back by a stranger's means."""

import json
import re
import time
from io import BytesIO
from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa
import pytest

from gueststar.alarms import text_of
from gueststar.checks import check_sink
from gueststar.errors import BadInput, StoreBusy, StreamError, StreamRefused, StreamUnavailable
from gueststar.sinks.kafka import KafkaSink
from gueststar.store import open_store
from store.alerts import letters, random_alerts, replaced
from streams import create, read

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        yield store


def records_of(message):
    return next(iter(fastavro.reader(BytesIO(message.value()))))


def test_the_public_check_finds_nothing(kafka):
    topic = create(kafka.servers)
    sink = KafkaSink(kafka.servers, topic)
    check_sink(sink, random_alerts(60, 1), lambda: sink.sent)
    assert len(read(kafka.servers, topic, 61, timeout=5)) == 60


def test_avro_has_its_schema_and_all_values(kafka):
    topic = create(kafka.servers)
    sink, batch = KafkaSink(kafka.servers, topic), random_alerts(20, 2)
    sink.write(batch.arrow)
    sink.write(letters(3))
    sink.flush()
    found = {r["alert_id"]: r for r in map(records_of, read(kafka.servers, topic, 20))}
    for want in batch.arrow.to_pylist():
        got = found[want["alert_id"]]
        assert got["object_id"] == want["object_id"]
        assert got["flux"] == want["flux"]
        assert got["scores"][0]["value"] == want["rb_real"]
        assert len(got["history"]) == len(want["history"])
        assert (got["mag"] is None) == (want["flux"] <= 0)


def test_json_keeps_large_ids(kafka):
    topic = create(kafka.servers)
    sink, batch = KafkaSink(kafka.servers, topic, form="json"), random_alerts(5, 3)
    sink.write(batch.arrow)
    sink.flush()
    messages = read(kafka.servers, topic, 5)
    assert {json.loads(m.value())["alert_id"] for m in messages} == {
        str(i) for i in batch.column("alert_id").to_pylist()
    }
    assert {m.key().decode() for m in messages} == set(batch.column("object_id").to_pylist())


def test_what_is_known_does_not_go_out(kafka):
    topic, batch = create(kafka.servers), random_alerts(10, 4)
    known = set(batch.column("alert_id").to_pylist()[:4])
    sink = KafkaSink(kafka.servers, topic, known=lambda ids: known & set(ids))
    sink.write(batch.arrow)
    sink.flush()
    assert sink.sent == 6


def test_a_failure_raises_and_keeps_the_batch(kafka):
    topic = create(kafka.servers)
    sink = KafkaSink("127.0.0.1:1", topic, options={"message.timeout.ms": 500, "log_level": 0})
    sink.write(random_alerts(3, 5).arrow)
    for _ in range(2):
        with pytest.raises(StreamError, match=topic):
            sink.flush()


def with_large(batch, *rows, size=50_000):
    """Make messages of some alerts so large, whatever the compression."""
    random, places = np.random.default_rng(1), batch.column("source").to_pylist()
    for row in rows:
        places[row] = random.bytes(size).hex()
    return replaced(batch, source=places)


@pytest.mark.parametrize("where", ["topic", "producer"])
def test_a_message_too_large_harms_itself_alone(kafka, store, caplog, where):
    """Kafka refuses a request as a whole: the neighbours go out all the same, each once."""
    limit = 20_000
    topic = create(kafka.servers, **({"max_message_bytes": limit} if where == "topic" else {}))
    options = {"message.max.bytes": limit} if where == "producer" else {"linger.ms": 200}
    batch = with_large(random_alerts(60, 6), 7, 8, 41)
    sink = KafkaSink(kafka.servers, topic, options=options, unsent=store.note_unsent)
    for _ in range(2):  # what comes again is not tried again
        sink.write(batch.arrow)
        sink.flush()
    ids = batch.column("alert_id").to_pylist()
    lost = {ids[row] for row in (7, 8, 41)}
    found = [records_of(m)["alert_id"] for m in read(kafka.servers, topic, 58, timeout=5)]
    assert sorted(found) == sorted(set(ids) - lost)
    assert (sink.sent, sink.unsent) == (57, 3)
    facts = store.health()
    assert facts["unsent"] == 3
    assert {int(line["alert_id"]) for line in facts["unsent_alerts"]} == lost
    assert all("too large" in line["reason"] for line in facts["unsent_alerts"])
    assert set(store.sql("SELECT alert_id FROM unsent")["alert_id"].to_pylist()) == lost
    assert any("stored and not sent" in str(text_of(record)) for record in caplog.records)


def test_an_alert_that_cannot_be_encoded_harms_itself_alone(kafka, store):
    topic, batch = create(kafka.servers), random_alerts(30, 7)
    bands = [b"\xff" if row == 11 else b"g" for row in range(30)]
    wrong = pa.array(bands, pa.binary()).view(pa.string())
    at = batch.arrow.schema.get_field_index("band")
    arrow = batch.arrow.set_column(at, batch.arrow.schema.field(at), wrong)
    sink = KafkaSink(kafka.servers, topic, form="json", unsent=store.note_unsent)
    sink.write(arrow)
    sink.flush()
    assert (sink.sent, sink.unsent) == (29, 1)
    (line,) = store.health()["unsent_alerts"]
    assert line["alert_id"] == str(batch.column("alert_id")[11])
    assert "cannot be encoded as json" in line["reason"]


def test_a_topic_that_is_refused_as_a_whole_still_ends_the_stream(kafka):
    sink = KafkaSink(kafka.servers, "no such name!", flush_s=5)
    sink.write(random_alerts(3, 8).arrow)
    with pytest.raises(StreamRefused, match="no such name!"):
        sink.flush()
    assert sink.unsent == 0


def test_what_is_set_aside_waits_for_a_store_that_cannot_note_it(kafka):
    topic, batch = create(kafka.servers), with_large(random_alerts(5, 9), 2)
    noted, answers = [], iter([StoreBusy("busy"), None])

    def note(rows):
        if error := next(answers):
            raise error
        noted.extend(rows)

    sink = KafkaSink(kafka.servers, topic, options={"message.max.bytes": 20_000}, unsent=note)
    sink.write(batch.arrow)
    with pytest.raises(StoreBusy):
        sink.flush()
    sink.flush()
    assert [row.alert_id for row in noted] == [batch.column("alert_id")[2].as_py()]
    assert (sink.sent, sink.unsent) == (4, 1)


def test_a_form_that_is_none():
    with pytest.raises(BadInput, match="avro or json"):
        KafkaSink("localhost:1", "x", form="xml")


def test_the_strangers_client_of_the_documentation(kafka, capsys):
    page = (ROOT / "docs" / "streams.md").read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[-1]
    topic = create(kafka.servers)
    sink = KafkaSink(kafka.servers, topic)
    sink.write(random_alerts(7, 6).arrow)
    sink.flush()
    exec(code, {"SERVERS": kafka.servers, "TOPIC": topic, "WANTED": 7})
    assert len(capsys.readouterr().out.splitlines()) == 7


def flush_until_it_works(sink, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return sink.flush()
        except StreamUnavailable as error:
            last = error
    raise last


def test_a_flush_that_is_tried_again_sends_nothing_twice(own_kafka):
    topic = create(own_kafka.servers)
    sink = KafkaSink(own_kafka.servers, topic, flush_s=0.5)
    sink.write(random_alerts(30, 4).arrow)
    flush_until_it_works(sink)
    own_kafka.stop()
    sink.write(random_alerts(30, 5, first_id=100_000).arrow)
    for _ in range(3):
        with pytest.raises(StreamUnavailable, match="not acknowledged"):
            sink.flush()
    own_kafka.start()
    flush_until_it_works(sink)
    sink.flush()
    assert len(read(own_kafka.servers, topic, 90, timeout=5)) == sink.sent == 60

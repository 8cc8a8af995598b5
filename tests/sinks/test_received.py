"""Our messages, read back: what was sent, and what cannot be read is left out."""

import logging

import orjson
import pyarrow as pa
import pytest

from gueststar.alert import Alert
from gueststar.batch import PACKETS
from gueststar.errors import BadPacket
from gueststar.sinks.messages import FORMS, records
from gueststar.sinks.received import batches_of, is_ours, read
from store.alerts import random_alerts, scored

SENT = random_alerts(20, 1)


def packets_of(messages):
    n = len(messages)
    columns = [messages, ["topic"] * n, ["0"] * n, list(range(n)), [0] * n, [None] * n]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, PACKETS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=PACKETS)


def told(batch):
    rows = []
    for row in records(batch):
        history = [{k: v for k, v in p.items() if k != "exposure_id"} for p in row["history"]]
        place = dict.fromkeys(("source", "partition", "offset"))
        rows.append({**row, **place, "history": history})
    return rows


@pytest.mark.parametrize("form", FORMS)
def test_what_was_sent_is_read(form):
    (batch,) = batches_of(packets_of(list(FORMS[form](SENT))))
    columns = {"alert_id", "object_id", "band", "mjd_tai", "flux", "flux_err", "rb_real"}
    for name in columns:
        assert batch.column(name).equals(SENT.column(name)), name
    assert batch.modules == SENT.modules
    alert, original = Alert.from_batch(batch, 3), Alert.from_batch(SENT, 3)
    assert alert.scores == original.scores
    assert repr(alert) == repr(original)
    assert len(alert.light_curve.points) == len(original.light_curve.points)


def test_versions_of_modules_make_batches_of_their_own():
    bare = SENT.select([n for n in SENT.names if not n.startswith("rb_")])
    newer = scored(bare, [0.25] * 20, version="2.0+def")
    sent = [*FORMS["avro"](SENT.slice(0, 2)), *FORMS["avro"](newer.slice(2, 3))]
    first, second = batches_of(packets_of(sent))
    assert (len(first), len(second)) == (2, 3)
    assert (first.modules["rb"], second.modules["rb"]) == ("1.0+abc", "2.0+def")


def test_what_cannot_be_read_is_left_out_with_its_place(caplog):
    good = list(FORMS["avro"](SENT.slice(0, 3)))
    sent = [good[0], b"{no json", good[1][:-20], b'{"alert_id": "x"}', b"<html>", good[2], b"",
            orjson.dumps({"alert_id": "5", "ra": "far away"})]  # fmt: skip
    with caplog.at_level(logging.WARNING):
        found = list(batches_of(packets_of(sent)))
    ids = [alert_id for batch in found for alert_id in batch.column("alert_id").to_pylist()]
    assert ids == [SENT.column("alert_id")[0].as_py(), SENT.column("alert_id")[2].as_py()]
    places = {record.getMessage().split(":")[0] for record in caplog.records}
    assert places == {f"topic 0 {offset}" for offset in (1, 2, 3, 4, 6, 7)}


def test_ours_and_a_surveys_are_told_apart():
    assert is_ours(next(FORMS["json"](SENT)))
    assert is_ours(next(FORMS["avro"](SENT)))
    assert not is_ours(b"Obj\x01" + bytes(100))
    with pytest.raises(BadPacket, match="no message of gueststar"):
        read(b"{}")

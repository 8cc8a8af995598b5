"""Streams in the store: how they flow, whether their positions tile, what is not processed."""

import sqlite3
import time

import fastavro
import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import AlertBatch, dead_letters, packets_batch
from gueststar.contracts import Reading
from gueststar.store import open_store, store_path
from gueststar.store.flow import percentile
from gueststar.store.interface import Alarm
from gueststar.store.sqlite.schema import APPLICATION_ID, TABLES
from gueststar.surveys.salvage import position_of
from store.alerts import random_alerts, scored


def streamed(batch, topic="kafka:ztf", partition="0", start=0, ago=2.0):
    """The same alerts as if they came from a topic."""
    n = len(batch)
    columns = {
        "source": pa.array([topic] * n),
        "partition": pa.array([partition] * n),
        "offset": pa.array(np.arange(start, start + n)),
        "arrived": pa.array(np.full(n, time.time() - ago)),
    }
    arrow = batch.arrow
    for name, array in columns.items():
        at = arrow.schema.get_field_index(name)
        arrow = arrow.set_column(at, arrow.schema.field(at), array)
    return AlertBatch(arrow)


def topics_of(store):
    return {topic["topic"]: topic for topic in store.health()["topics"]}


def test_files_are_no_streams(store):
    store.write([random_alerts(5, 1)])
    assert store.health()["topics"] == []
    assert store.health()["lag"] is None


def test_counts_latency_and_lag_by_topic(store):
    first, second = random_alerts(50, 1), random_alerts(30, 2, first_id=2 * 10**18)
    letter = dead_letters(packets_batch([b"x"], "kafka:ztf", ["0"], [50]), [b"x"], ["bad"])
    store.write([streamed(first, ago=200.0)], [letter])
    store.write([streamed(first, "kafka:again", ago=30.0)])
    store.write([streamed(second, "kafka:lsst", ago=-60.0)])  # from the future: a clock that jumped
    store.note([Reading("kafka:ztf", "0", 51, 61), Reading("kafka:lsst", "3", 7, 7)])
    topics = topics_of(store)
    counts = {
        n: (t["received"], t["stored"], t["duplicate"], t["dead_letter"]) for n, t in topics.items()
    }
    assert counts == {"ztf": (51, 50, 0, 1), "again": (50, 0, 50, 0), "lsst": (30, 30, 0, 0)}
    assert (topics["ztf"]["lag"], topics["again"]["lag"], topics["lsst"]["lag"]) == (10, None, 0)
    assert store.health()["lag"] == 10
    assert topics["ztf"]["latency_p50_s"] == pytest.approx(200.0, rel=0.2)
    assert topics["again"]["latency_p98_s"] == pytest.approx(30.0, rel=0.05)
    assert topics["lsst"]["latency_p50_s"] < 0.01


def test_a_repeated_batch_is_not_counted_again(store):
    batch = streamed(random_alerts(20, 1))
    store.write([batch])
    before = store.flow()
    store.write([batch])
    assert store.flow() == before


def test_a_percentile_is_right_to_a_few_percent():
    taken = np.random.default_rng(1).lognormal(0.0, 1.5, 20_000)
    from gueststar.store.flow import _bins

    bins = _bins(np.maximum(taken, 1e-3))
    for share in (0.02, 0.5, 0.98):
        assert percentile(bins, share) == pytest.approx(np.quantile(taken, share), rel=0.03)
    assert percentile({}, 0.5) is None


def test_gaps_are_named(store):
    batch = random_alerts(30, 1)
    store.write([streamed(batch.slice(0, 10), start=100)])
    store.write([streamed(batch.slice(10, 10), start=115)])
    store.write([streamed(batch.slice(20, 10), partition="1", start=0)])
    topic = topics_of(store)["ztf"]
    assert topic["missing"] == 5
    assert topic["gaps"] == [{"partition": "0", "first": 110, "last": 114}]
    filler = streamed(random_alerts(5, 9, first_id=3 * 10**18), start=110)
    store.write([filler])
    assert topics_of(store)["ztf"]["missing"] == 0


def test_alarms_are_kept_newest_first(store):
    store.note([], [Alarm(1.0, "worker 0", "a"), Alarm(2.0, "worker 1", "b")])
    assert [alarm["text"] for alarm in store.health()["alarms"]] == ["b", "a"]


def test_a_store_of_version_1_is_brought_up_to_date_also_by_a_reader(sqlite_url):
    url = sqlite_url
    connection = sqlite3.connect(store_path(url))
    for statement in TABLES.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with open_store(url, read_only=True) as store:
        assert store.health()["in_equals_out"]
        assert store.flow() == []


def test_alerts_whose_module_failed_are_unprocessed(store):
    batch = random_alerts(40, 1)
    fine, rest = batch.slice(0, 30), batch.slice(30)
    columns = rest.arrow
    at = columns.schema.get_field_index("rb_real")
    columns = columns.set_column(at, columns.schema.field(at), pa.nulls(10, pa.float32()))
    at = columns.schema.get_field_index("rb_reason")
    reasons = ["failed: ValueError: no"] * 6 + ["no cutout"] * 4
    columns = columns.set_column(at, columns.schema.field(at), pa.array(reasons))
    store.write([fine, AlertBatch(columns)])
    lost = store.unprocessed()
    assert lost.unscored == 6
    assert set(lost.cells.tolist()) == set(rest.column("healpix29").to_pylist()[:6])
    plain = AlertBatch(rest.arrow.drop_columns(["rb_real", "rb_reason"]))
    store.write([scored(plain, np.full(10, 0.5), "rb", "2.0+def")])
    assert store.unprocessed().unscored == 0, "a newer version has scored them"


def test_the_moc_covers_the_cells_and_little_else(store):
    assert store.unprocessed().moc().empty()
    batch = random_alerts(3, 1)
    arrow = batch.arrow
    at = arrow.schema.get_field_index("mjd_tai")
    nowhen = pa.array([None] * 3, pa.float64())
    refused = arrow.set_column(at, pa.field("mjd_tai", pa.float64()), nowhen)
    store.write([AlertBatch(refused)])
    lost = store.unprocessed()
    assert (lost.dead_letters, lost.without_position) == (3, 0)
    import astropy.units as u

    lon, lat = (batch.numpy(name) * u.deg for name in ("ra", "dec"))
    assert lost.moc().contains_lonlat(lon, lat).all()
    assert lost.moc().sky_fraction <= 3 / (12 * 4**10)


def test_positions_of_real_packets_that_cannot_be_decoded(data):
    folder = data / "alerts" / "ztf" / "unreadable"
    positions = {path.name: position_of(path.read_bytes()) for path in folder.glob("*.avro")}
    assert all(p is None for name, p in positions.items() if name.startswith("http"))
    lost = [p for name, p in positions.items() if name.startswith("lost")]
    assert len(lost) == 3
    assert any(p is not None for p in lost)


def test_positions_of_cut_packets(data):
    packet = next((data / "alerts" / "ztf" / "4.01").glob("*.avro")).read_bytes()
    import io

    candidate = next(iter(fastavro.reader(io.BytesIO(packet))))["candidate"]
    assert position_of(packet[:-5000]) == (candidate["ra"], candidate["dec"])
    assert position_of(packet[:200]) is None
    for cut in range(0, len(packet), 997):  # never raises
        position_of(packet[:cut])

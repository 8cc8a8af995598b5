"""Replays: nothing is doubled, nothing is lost, and the account says what came of it."""

import io
import json
import threading

import fastavro
import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import AlertBatch, dead_letters, origins, stream_bytes
from gueststar.classifiers.choose import modules_named
from gueststar.errors import ArchiveError, BadInput
from gueststar.pipeline import Pipeline
from gueststar.run.ingest import ingest
from gueststar.run.replay import Job, replay_archive, replay_dead_letters, rescore
from gueststar.score import score_batch, score_schema
from gueststar.simulate.night import Night
from gueststar.sinks.archive import Archive
from gueststar.sources import FileSource, MemorySource
from gueststar.store import open_store
from gueststar.store.again import StoredAlerts
from gueststar.surveys.decode import decode
from replays import contents, newer_bundle, rows_of
from store.alerts import letters, random_alerts, replaced


@pytest.fixture(scope="module")
def packets():
    return list(Night(60, seed=7))


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        yield store


def job(store, modules=(), **options):
    return Job(store, Pipeline(list(modules)), **options)


def split(packet):
    """Schema and records of an Avro container."""
    reader = fastavro.reader(io.BytesIO(packet))
    return reader.writer_schema, list(reader)


def container(schema, records):
    out = io.BytesIO()
    fastavro.writer(out, schema, records)
    return out.getvalue()


def framed(number, schema, record):
    body = io.BytesIO(b"\0" + number.to_bytes(4, "big"))
    body.seek(5)
    fastavro.schemaless_writer(body, schema, record)
    return body.getvalue()


class Flux:
    """A science module with a version at will."""

    needs = ("flux",)

    def __init__(self, version="1", name="bright", factor=1.0):
        self.name, self.version, self.factor = name, version, factor
        self.gives = score_schema(name, ["yes"])
        self.seen = 0

    def __call__(self, batch):
        self.seen += len(batch)
        values = np.clip(np.abs(batch.numpy("flux")) / 1e6 * self.factor, 0, 1)
        return score_batch(self.gives, values, [None] * len(batch))


# Dead letters


@pytest.fixture
def unknown_schema(packets, tmp_path):
    """A source of messages whose schema nobody knows yet; and the folder that will know it."""
    schema = split(packets[0])[0]
    messages = [framed(703, schema, split(p)[1][0]) for p in packets[:20]]
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "703.avsc").write_text(json.dumps(schema))
    return MemorySource(messages, "kafka:rubin", batch_size=7), folder


def test_a_schema_that_becomes_known(store, unknown_schema, monkeypatch, tmp_path):
    source, folder = unknown_schema
    monkeypatch.delenv("GUESTSTAR_SCHEMAS", raising=False)
    assert ingest([source], Pipeline([]), store).dead_letter == 20
    before = contents(store)
    done = replay_dead_letters(job(store))
    assert (done.read, done.revived, done.still_dead) == (20, 0, 20)
    assert contents(store) == before
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("GUESTSTAR_SCHEMAS", str(tmp_path / "empty"))
    assert replay_dead_letters(job(store)).still_dead == 20
    assert "schema 703 is not in" in store.health()["dead_letters"][0]["reason"]
    assert "put it there as 703.avsc" in rows_of(store, "ledger")[0][5]
    monkeypatch.setenv("GUESTSTAR_SCHEMAS", str(folder))
    done = replay_dead_letters(job(store, [Flux()], archive=Archive(tmp_path / "archive")))
    assert (done.read, done.revived, done.stored, done.still_dead) == (20, 20, 20, 0)
    assert (done.known, done.dead_letter, done.scores) == (0, 0, 20)
    positions = {(row[0], row[2], row[3]) for row in rows_of(store, "ledger")}
    assert positions == {("kafka:rubin", n, "stored") for n in range(20)}
    assert sum(len(b) for b in Archive(tmp_path / "archive").batches()) == 20
    health = store.health()
    assert health["in_equals_out"]
    assert (health["received"], health["stored"], health["dead_letter"]) == (20, 20, 0)
    assert ingest([source], Pipeline([]), store).known == 20
    again = replay_dead_letters(job(store, [Flux()]))
    assert (again.read, again.stored, again.scores) == (0, 0, 0)


def test_only_some_letters(store, unknown_schema, monkeypatch):
    source, folder = unknown_schema
    ingest([source, MemorySource([b"<html>"], "web#12345678")], Pipeline([]), store)
    monkeypatch.setenv("GUESTSTAR_SCHEMAS", str(folder))
    assert replay_dead_letters(job(store), reason="no such reason%").read == 0
    assert replay_dead_letters(job(store), source="web").read == 1
    assert replay_dead_letters(job(store), source="rubin", reason="%schema 703%").revived == 20
    with pytest.raises(BadInput, match=r"no source 'rubi' .*Did you mean"):
        replay_dead_letters(job(store), source="rubi")


def test_real_unreadable_packets_stay_dead(store, data):
    files = FileSource([data / "alerts/ztf/unreadable"])
    assert ingest([files], Pipeline([]), store).dead_letter == 11
    before = contents(store)
    done = replay_dead_letters(job(store))
    assert (done.read, done.still_dead, done.revived, done.dead_letter) == (11, 11, 0, 0)
    assert contents(store) == before


def older(dead_records, reason="an older gueststar cannot read it"):
    """The decoder of an older gueststar, which refuses some records of every packet."""

    def decode_badly(batch):
        result = decode(batch)
        alerts, rows = [], []
        for part in result.alerts:
            bad = np.isin(part.numpy("record"), dead_records)
            alerts.append(AlertBatch(part.arrow.filter(pa.array(~bad))))
            rows.append(origins(part.arrow.filter(pa.array(bad))))
        positions = pa.concat_batches(rows)
        offsets = positions.column("offset").to_pylist()
        packets = dict(
            zip(*(batch.column(n).to_pylist() for n in ("offset", "packet")), strict=True)
        )
        first = [offset not in offsets[:n] for n, offset in enumerate(offsets)]
        kept = [packets[o] if one else None for o, one in zip(offsets, first, strict=True)]
        return alerts, dead_letters(positions, kept, [reason] * len(kept))

    return decode_badly


@pytest.fixture
def several(packets):
    """Two packets of five records each."""
    schema = split(packets[0])[0]
    records = [split(p)[1][0] for p in packets[:10]]
    return MemorySource([container(schema, records[:5]), container(schema, records[5:])], "files")


def test_several_records_of_one_packet(store, several):
    """Records 1 and 3 were dead, the bytes are with record 1; 0, 2 and 4 were stored."""
    ingest([several], Pipeline([], older([1, 3])), store)
    assert (store.health()["stored"], store.health()["dead_letter"]) == (6, 4)
    done = replay_dead_letters(job(store))
    assert (done.read, done.revived, done.still_dead, done.stored) == (4, 4, 0, 4)
    assert done.known == 6
    assert {row[3] for row in rows_of(store, "ledger")} == {"stored"}
    assert store.health()["in_equals_out"]
    assert store.health()["received"] == 10


def test_the_bytes_stay_while_one_record_is_dead(store, several):
    """The fix reads record 1, which held the bytes; a later fix reads record 3 too."""
    ingest([several], Pipeline([], older([1, 3])), store)
    half = Job(store, Pipeline([], older([3], "half a fix")))
    done = replay_dead_letters(half)
    assert (done.read, done.revived, done.still_dead) == (4, 2, 2)
    for _, _, _, record, reason, packet in rows_of(store, "dead_letters"):
        assert (record, reason) == (3, "half a fix")
        assert packet is not None
    done = replay_dead_letters(job(store))
    assert (done.read, done.revived, done.still_dead) == (2, 2, 0)
    assert store.health()["in_equals_out"]
    assert store.health()["stored"] == 10


def test_a_fault_that_moves_on_is_read_to_the_end(store, several):
    """The older decoder gave up at record 1 and said nothing of the records after it."""

    def until_first(batch):
        alerts, dead = older([1, 2, 3, 4])(batch)
        return alerts, dead.filter(pa.compute.equal(dead.column("record"), 1))

    ingest([several], Pipeline([], until_first), store)
    assert store.health()["received"] == 4
    done = replay_dead_letters(job(store))
    assert (done.read, done.revived, done.stored, done.still_dead) == (2, 2, 8, 0)
    health = store.health()
    assert health["in_equals_out"]
    assert (health["received"], health["stored"]) == (10, 10)


def test_refused_alerts_and_records_of_parquet(store, packets, tmp_path):
    """What was kept as a row of Arrow: an alert that the store refused, a record without packet."""
    batch = random_alerts(6, 1)
    store.write([batch.slice(0, 3)])
    foreign = replaced(batch, survey=["lsst"] * 6, source=["stream"] * 6)
    store.write([foreign.slice(0, 3)])  # refused: ids of stored alerts of ztf
    refused = replaced(batch.slice(3, 3), source=["stream"] * 3)
    kept = [stream_bytes(refused.slice(n, 1).arrow) for n in range(3)]
    store.write([], [dead_letters(origins(refused.arrow), kept, ["an older reason"] * 3)])
    native = decode(next(iter(MemorySource(packets[:2], "sample.parquet")))).alerts[0]
    rows = [stream_bytes(native.arrow.slice(n, 1).select(["native"])) for n in range(2)]
    store.write([], [dead_letters(origins(native.arrow), rows, ["no position"] * 2)])
    done = replay_dead_letters(job(store, [Flux()]))
    assert (done.read, done.revived, done.still_dead) == (8, 5, 3)
    assert store.health()["in_equals_out"]
    reasons = {row[4] for row in rows_of(store, "dead_letters")}
    assert all("has the id of a stored alert of ztf" in reason for reason in reasons)
    first = batch.column("alert_id")[3].as_py()
    scores = {(s.module, s.version) for s in store.scores(first)}
    assert scores == {("rb", "1.0+abc"), ("bright", "1")}
    assert store.cutouts(first).science == batch.column("science")[3].as_py()
    assert replay_dead_letters(job(store)).revived == 0


def test_letters_without_bytes_and_forged_rows_stay(store):
    sources = letters(3)
    empty = sources.set_column(
        0, sources.schema.field(0), pa.array([b"", None, b""], pa.large_binary())
    )
    odd = pa.RecordBatch.from_pydict({"native": ["no struct"], "alert_id": ["no number"]})
    forged = [stream_bytes(odd), b"\xff\xff\xff\xff\0\1", stream_bytes(odd.select(["native"]))]
    other = letters(3, offset=50)
    other = other.set_column(0, other.schema.field(0), pa.array(forged, pa.large_binary()))
    store.write([], [empty, other])
    done = replay_dead_letters(job(store))
    assert (done.read, done.still_dead, done.without_bytes) == (6, 6, 3)
    reasons = {row[2]: row[4] for row in rows_of(store, "dead_letters")}
    assert reasons[1000] == "not Avro: HTML"  # nothing newer can be said
    assert "not an alert packet" in reasons[50]


# Archive


@pytest.fixture
def archived(store, packets, tmp_path):
    """A store and its archive, of two nights, with some duplicates and dead letters."""
    archive = Archive(tmp_path / "archive")
    given = [*packets, packets[0], b"<html>"]
    source = MemorySource(given, "night", batch_size=25)
    ingest([source], Pipeline([Flux()]), store, archive=archive)
    return archive


def test_an_archive_into_a_new_store(store, archived, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/new.db") as new:
        done = replay_archive(job(new, [Flux("2", factor=2.0)]), archived)
        assert (done.read, done.stored, done.duplicate, done.dead_letter) == (60, 60, 0, 0)
        assert done.scores == 120
        for view in ("alerts", "lightcurves", "objects"):
            assert rows_of(new, view) == rows_of(store, view), view
        assert rows_of(new, "ledger") == rows_of(store, "ledger", "state = 'stored'")
        old = rows_of(store, "scores")
        assert rows_of(new, "scores", "version = '1'") == old
        assert len(rows_of(new, "scores", "version = '2'")) == len(old) == 60
        some = old[0][0]
        assert new.cutouts(some) == store.cutouts(some)
        assert new.native(some) == store.native(some)
        assert new.alert(some).scores["bright_yes"].version == "2"
        before = contents(new)
        again = replay_archive(job(new, [Flux("2", factor=2.0)]), archived)
        assert (again.read, again.known, again.stored, again.scores) == (60, 60, 0, 0)
        assert contents(new) == before
        assert new.health()["in_equals_out"]


def test_an_archive_into_the_same_store(store, archived):
    before = contents(store)
    module = Flux()
    assert replay_archive(job(store, [module]), archived).known == 60
    assert contents(store) == before
    assert module.seen == 0
    done = replay_archive(job(store, [Flux("2")]), archived)
    assert (done.stored, done.duplicate, done.scores) == (0, 0, 60)
    assert rows_of(store, "ledger") == before["ledger"]


def test_nights_of_an_archive_and_what_is_left_of_their_packets(packets, tmp_path):
    """One packet with alerts of two nights: after one night the file is no known file."""
    records = [split(p)[1][0] for p in packets[:6]]
    for record in records[3:]:
        record["candidate"]["jd"] += 1
    several = MemorySource([container(split(packets[0])[0], records)], "files")
    archive = Archive(tmp_path / "archive")
    with open_store(f"sqlite:///{tmp_path}/old.db") as old:
        ingest([several], Pipeline([]), old, archive=archive)
        nights = old.nights().column("night").to_pylist()
        whole = contents(old)
    with open_store(f"sqlite:///{tmp_path}/new.db") as new:
        assert replay_archive(job(new), archive, nights=nights[:1]).stored == 3
        assert replay_archive(job(new), archive, nights=nights[1:]).stored == 3
        assert contents(new) == whole
    with open_store(f"sqlite:///{tmp_path}/rest.db") as rest:
        replay_archive(job(rest), archive, nights=nights[:1])
        assert ingest([several], Pipeline([]), rest).stored == 3
        assert ingest([several], Pipeline([]), rest).stored == 0
        assert contents(rest) == whole


def test_an_archive_revives_what_a_store_could_not_read(archived, packets, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/new.db") as new:
        source = MemorySource(packets, "night", batch_size=25)
        ingest([source], Pipeline([], older([0])), new)
        assert new.health()["dead_letter"] == 60
        done = replay_archive(job(new), archived)
        assert (done.stored, done.revived) == (60, 60)
        assert new.health()["in_equals_out"]


def test_archives_that_cannot_be_replayed(store, archived, tmp_path):
    with pytest.raises(BadInput, match="no archive at"):
        replay_archive(job(store), Archive(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="has no night 19000101; it has 2"):
        replay_archive(job(store), archived, nights=[19000101])
    with pytest.raises(BadInput, match="read from and written to"):
        replay_archive(job(store, archive=archived), archived)
    archived.files()[0].write_bytes(b"no Parquet")
    with pytest.raises(ArchiveError, match="cannot be read"):
        replay_archive(job(store), archived)


# Scores


def test_rescoring_by_a_newer_bundle(store, packets, tmp_path, monkeypatch):
    monkeypatch.setenv("GUESTSTAR_MODELS", str(tmp_path / "models"))
    [old] = modules_named(["rb"])
    ingest([MemorySource(packets, "night")], Pipeline([old]), store)
    before = contents(store)
    newer_bundle(tmp_path / "models")
    [new] = modules_named(["rb"])
    assert new.version != old.version
    done = rescore(job(store, [new]))
    assert (done.read, done.scores, done.stored, done.known) == (60, 60, 0, 60)
    assert rows_of(store, "scores", f"version = '{old.version}'") == before["scores"]
    side = store.sql(
        f"""SELECT a.value AS old, b.value AS new FROM scores AS a JOIN scores AS b USING (alert_id)
            WHERE a.version = '{old.version}' AND b.version = '{new.version}'"""
    )
    assert side.num_rows == 60
    assert side.column("old").to_pylist() != side.column("new").to_pylist()
    # The same net on the packets themselves says the same.
    with open_store(f"sqlite:///{tmp_path}/fresh.db") as fresh:
        ingest([MemorySource(packets, "night")], Pipeline([new]), fresh)
        assert rows_of(fresh, "scores") == rows_of(store, "scores", f"version = '{new.version}'")
        assert store.night()["score"].to_pylist() == fresh.night()["score"].to_pylist()
    for view in ("alerts", "objects", "lightcurves", "ledger"):
        assert rows_of(store, view) == before[view], view
    again = rescore(job(store, [new]))
    assert (again.read, again.scores) == (0, 0)
    everything = rescore(job(store, [new]), everything=True)
    assert (everything.read, everything.scores) == (60, 0)
    assert store.health()["in_equals_out"]


def test_rescoring_some(store, packets):
    ingest([MemorySource(packets, "night")], Pipeline([]), store)
    names = [row[0] for row in rows_of(store, "objects")]
    module = Flux()
    done = rescore(job(store, [module]), objects=names[:2])
    assert done.read == sum(store.object(name).alerts.num_rows for name in names[:2])
    night = store.nights().column("night")[0].as_py()
    assert (
        rescore(job(store, [module]), nights=[night]).read
        == store.night(limit=1000).num_rows - done.read
    )
    assert rescore(job(store, [Flux(name="other")])).scores == 60
    with pytest.raises(BadInput, match="no night 19000101"):
        rescore(job(store, [module]), nights=[19000101])
    with pytest.raises(BadInput, match="nearest names"):
        rescore(job(store, [module]), objects=["ZTF00nothere"])
    with pytest.raises(BadInput, match="needs a module"):
        rescore(job(store))


def test_a_module_that_failed_is_tried_again_by_all(store, packets):
    class Broken(Flux):
        def __call__(self, batch):
            raise ValueError("no luck")

    ingest([MemorySource(packets, "night")], Pipeline([Broken()]), store)
    assert rescore(job(store, [Flux()])).read == 0
    assert rescore(job(store, [Flux()]), everything=True).scores == 60
    assert all(row[4] is not None for row in rows_of(store, "scores"))


def test_an_older_version_does_not_become_the_latest(store, packets):
    ingest([MemorySource(packets[:5], "night")], Pipeline([Flux("1")]), store)
    rescore(job(store, [Flux("2", factor=0.0)]))
    ingest([MemorySource(packets, "night")], Pipeline([Flux("2", factor=0.0)]), store)
    rescore(job(store, [Flux("1")]))
    assert set(store.night(module="bright", limit=1000)["score"].to_pylist()) == {0.0}


def test_an_interrupted_replay_goes_on(store, packets):
    ingest([MemorySource(packets, "night", batch_size=10)], Pipeline([]), store)
    stop = threading.Event()
    first = Job(store, Pipeline([Flux()]), workers=1, progress=lambda *_: stop.set(), stop=stop)
    done = first.run(StoredAlerts(store, lacking={"bright": "1"}, batch_size=10))
    assert done.interrupted
    assert 0 < done.scores < 60
    rest = rescore(job(store, [Flux()]))
    assert done.scores + rest.scores == 60

"""Cutouts in the database, in a folder and in a bucket: the same bytes, nothing lost between."""

import threading
import zipfile

import numpy as np
import pyarrow as pa
import pytest

from buckets import BUCKET, KEYS, running
from gueststar.batch import CUTOUTS
from gueststar.errors import (
    BadInput,
    CutoutsLost,
    GueststarError,
    StoreError,
    StoreUnavailable,
)
from gueststar.rights import PUBLIC
from gueststar.run.patience import Patience
from gueststar.store import open_store
from gueststar.store.packs import Part, pack, unpack
from gueststar.store.places import MARK, place_of, place_url
from gueststar.store.shelf import STALE_S
from store.alerts import moved, random_alerts, replaced

FITS = b"SIMPLE  =                    T" + bytes(5000)


@pytest.fixture(scope="module")
def s3():
    with running() as server:
        yield server


class Place:
    """A folder or a bucket, and what a test does to it behind the store's back."""

    def __init__(self, kind, folder, server, prefix):
        self.kind, self.folder, self.server, self.prefix = kind, folder, server, prefix
        self.name = f"s3://{BUCKET}/{prefix}?endpoint={server.endpoint}" if server else str(folder)

    def packs(self):
        if self.server:
            return [key for key in self.server.keys(self.prefix) if key.endswith(".zip")]
        return sorted(self.folder.rglob("*.zip"))

    def change(self, name, data):
        if self.server:
            self.server.client().put_object(Bucket=BUCKET, Key=name, Body=data)
        else:
            name.write_bytes(data)

    def bytes(self, name):
        if self.server:
            return self.server.client().get_object(Bucket=BUCKET, Key=name)["Body"].read()
        return name.read_bytes()

    def lose(self, name):
        if self.server:
            self.server.client().delete_object(Bucket=BUCKET, Key=name)
        else:
            name.unlink()

    def away(self):
        self.server.away() if self.server else self.folder.rename(f"{self.folder}.away")

    def back(self):
        self.server.back() if self.server else self.folder.with_name(
            f"{self.folder.name}.away"
        ).rename(self.folder)


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path, monkeypatch):
    if request.param == "folder":
        return Place("folder", tmp_path / "stamps", None, "")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = request.getfixturevalue("s3")
    return Place("bucket", None, server, f"{tmp_path.parent.name}-{tmp_path.name}")


@pytest.fixture
def kept(store, place):
    """A store that keeps new cutouts in a place, with 20 alerts; and these."""
    assert store.keep_cutouts_in(place.name)
    batch = random_alerts(20, 1)
    store.write([batch])
    return store, batch


def check(store, batch, rows=None):
    """Every cutout is the one of the packet, however it is asked for."""
    ids = batch.column("alert_id").to_pylist()
    wanted = {n: batch.column(n).to_pylist() for n in CUTOUTS}
    for row in range(len(ids)) if rows is None else rows:
        mine = store.cutouts(ids[row])
        assert [getattr(mine, n) for n in CUTOUTS] == [wanted[n][row] for n in CUTOUTS]
    assert store.alert(ids[0]).cutouts == store.cutouts(ids[0])
    streamed = {}
    for one in store.alert_batches(columns=CUTOUTS, batch_size=7):
        for at, alert_id in enumerate(one.column("alert_id").to_pylist()):
            streamed[alert_id] = {n: one.column(n)[at].as_py() for n in CUTOUTS}
    for row, alert_id in enumerate(ids):
        assert streamed[alert_id] == {n: wanted[n][row] for n in CUTOUTS}


def others(n):
    return random_alerts(n, 2, first_id=5, source="others")


def rows(store, table):
    """Count rows behind the store's back."""
    with store._reading() as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_a_pack_is_a_zip_file_of_stamps_as_received(tmp_path):
    stamps = {7: [b"\x1f\x8bx", None, FITS], 8: [None] * 3, -9: [b"", b"odd", None]}
    data, parts = pack(stamps)
    assert [(part.alert_id, part.kinds) for part in parts] == [(7, 0b101), (-9, 0b011)]
    assert parts[0] == Part(7, 0, parts[1].start, 0b101)
    path = tmp_path / "some.zip"
    path.write_bytes(data)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "7/science.fits.gz", "7/difference.fits", "-9/science.fits", "-9/template.fits",
        ]  # fmt: skip
        assert archive.read("7/difference.fits") == FITS
    assert len(data) < len(FITS), "plain FITS is deflated"
    for part in parts:
        bytes_of_it = data[part.start : part.start + part.size]
        mine = unpack(bytes_of_it, part.alert_id, part.size, "some.zip")
        given = zip(CUTOUTS, stamps[part.alert_id], strict=True)
        assert mine == {name: stamp for name, stamp in given if stamp is not None}
    assert pack(stamps)[0] == data, "the same stamps give the same bytes"


def test_bytes_that_were_changed_are_never_taken_for_a_stamp():
    data, (part, _) = pack({7: [b"\x1f\x8bx" * 40, None, FITS], 8: [b"x", None, None]})
    mine = data[: part.size]
    rng = np.random.default_rng(1)
    lost = 0
    for at in range(0, part.size, 3):
        changed = bytearray(mine)
        changed[at] ^= int(rng.integers(1, 256))
        try:
            found = unpack(bytes(changed), 7, part.size, "here")
        except CutoutsLost as error:
            lost += "alert 7" in str(error) and "here" in str(error)
        else:  # what nobody reads was changed: dates, flags, a letter of the kind
            stamps = list(found.values())
            assert stamps == [b"\x1f\x8bx" * 40, FITS]
    assert lost > 30
    for end in range(part.size):
        with pytest.raises(CutoutsLost):
            unpack(mine[:end], 7, part.size, "here")
    with pytest.raises(CutoutsLost):
        unpack(mine, 8, part.size, "here")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("database", None),
        ("/data/stamps", "file:///data/stamps"),
        ("file:///data/a%20b", "file:///data/a%20b"),
        ("s3://night/a/b/", "s3://night/a/b"),
    ],
)
def test_places_as_people_write_them(text, url):
    assert place_url(text) == url


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("s3://key:secret@bucket", "AWS_SECRET_ACCESS_KEY in the environment"),
        ("https://host/bucket", "give a folder, s3://bucket/prefix, or database"),
        ("", "give a folder"),
        ("s3://", "lacks a bucket"),
        ("s3://bucket?secret_access_key=x", "no option. Known: endpoint"),
    ],
)
def test_places_that_cannot_be(store, text, sentence):
    with pytest.raises(BadInput, match=sentence):
        store.keep_cutouts_in(text)
    assert store.cutout_places() == [{"place": "database", "used": True, "alerts": 0}]


def test_cutouts_are_the_same_wherever_they_lie(kept, place, url):
    store, batch = kept
    check(store, batch)
    assert rows(store, "cutout_rows") == 0
    assert len(place.packs()) == 1
    with open_store(url, read_only=True) as other:  # another process finds them by itself
        check(other, batch)
        facts = other.health()
    assert facts["in_equals_out"]
    assert facts["cutouts"]["place"] == place_url(place.name)
    assert (facts["cutouts"]["packs"], facts["cutouts"]["trouble"]) == (1, None)
    assert "secret" not in str(store.cutout_places())
    store.write([batch])  # known: no pack is written
    assert len(place.packs()) == 1
    assert not store.keep_cutouts_in(place.name), "they go there already"


def test_a_duplicate_gives_what_is_missing_alone(store, place):
    batch = random_alerts(6, 1)
    science = batch.column("science").to_pylist()
    poor = replaced(batch, science=[None, *science[1:]], template=[None] * 6)
    store.keep_cutouts_in(place.name)
    store.write([poor, moved(batch, "again")])  # in one write
    check(store, batch)
    store.write([moved(replaced(batch, science=[b"other"] * 6), "third")])
    check(store, batch)
    store.keep_cutouts_in("database")
    store.write([moved(replaced(batch, science=[b"other"] * 6), "fourth")])
    check(store, batch)
    assert rows(store, "cutout_rows") == 0, "the first packet's are kept, wherever they lie"
    more = others(4)
    store.write([replaced(more, difference=[None] * 4)])
    store.keep_cutouts_in(place.name)
    store.write([moved(more, "fifth")])  # two kinds in the database, one in a pack
    check(store, more)


def test_a_viewer_reads_the_cutouts_of_his_alerts_alone(store, place):
    store.keep_cutouts_in(place.name)
    batch = random_alerts(8, 1)
    batch = replaced(batch, program=[1, 3] * 4)
    store.write([batch])
    seen, ids = store.seen_by(PUBLIC), batch.column("alert_id").to_pylist()
    assert seen.cutouts(ids[0]).science == batch.column("science")[0].as_py()
    with pytest.raises(BadInput, match="no alert"):
        seen.cutouts(ids[1])
    streamed = [b.column("science") for b in seen.alert_batches(columns=CUTOUTS)]
    assert pa.chunked_array(streamed).to_pylist() == batch.column("science").to_pylist()[::2]
    with pytest.raises(StoreError, match="reading only"):
        seen.keep_cutouts_in("database")
    with pytest.raises(GueststarError, match="for operators"):
        seen.cutout_places()


def test_a_pack_that_is_lost_or_cut_harms_its_own_alerts(kept, place):
    store, batch = kept
    more = others(5)
    (first,) = place.packs()
    store.write([more])
    data, alert_id = place.bytes(first), batch.column("alert_id")[19].as_py()
    for lose in (lambda: place.lose(first), lambda: place.change(first, data[:700])):
        lose()
        with pytest.raises(CutoutsLost, match="restore"):
            store.cutouts(alert_id)
        alert = store.alert(alert_id)  # is there, and says why its cutouts are not
        assert alert.object_id == batch.column("object_id")[19].as_py()
        with pytest.raises(CutoutsLost, match="restore"):
            alert.cutouts.array("science")
        assert "restore" in alert.cutouts._repr_html_()
        check_streamed_without(store, alert_id)
        assert store.cutouts(5).science == more.column("science")[0].as_py()
        (lost,) = store.lost_cutouts()
        assert "restore" in str(lost)
    place.change(first, data)
    assert list(store.lost_cutouts()) == []
    check(store, batch)
    (newest,) = set(place.packs()) - {first}
    place.lose(newest)
    assert "restore" in store.health()["cutouts"]["trouble"]


def check_streamed_without(store, alert_id):
    streamed = [
        row
        for batch in store.alert_batches(columns=CUTOUTS)
        for row in batch.arrow.select(["alert_id", *CUTOUTS]).to_pylist()
    ]
    mine = next(row for row in streamed if row["alert_id"] == alert_id)
    assert [mine[n] for n in CUTOUTS] == [None] * 3
    assert sum(row["science"] is not None for row in streamed) >= 5


def test_a_place_that_is_away_is_waited_for(kept, place):
    store, batch = kept
    more = others(5)
    place.away()
    try:
        with pytest.raises(StoreUnavailable):
            store.write([more])
        assert store.health()["alerts"] == 20, "nothing was written"
        assert store.health()["cutouts"]["trouble"]
        with pytest.raises(StoreUnavailable):
            store.cutouts(batch.column("alert_id")[0].as_py())
        with pytest.raises(StoreUnavailable):
            list(store.alert_batches(columns=CUTOUTS))
        if place.folder:
            assert not place.folder.exists(), "an empty mount point is not written into"
    except BaseException:
        place.back()
        raise
    threading.Timer(0.5, place.back).start()
    wait = Patience(threading.Event())
    assert wait(lambda: store.write([more])).stored == 5, "as a broker waits"
    check(store, more)
    check(store, batch)
    assert len(place.packs()) == 2


def test_a_bucket_that_is_not_there(store, s3, monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="no bucket s3://other/x: make it first"):
        store.keep_cutouts_in(f"s3://other/x?endpoint={s3.endpoint}")
    assert [one["place"] for one in store.cutout_places()] == ["database"]


@pytest.mark.parametrize("there", [True, False])
def test_what_a_killed_writer_left_is_swept_up(kept, place, there):
    """A pack was written, and its transaction never committed."""
    store, batch = kept
    with store._lock:
        store._commit(store._shelf.reserve)  # a writer, who is killed before or behind his pack
    name = store._shelf._name
    store._shelf._name = None
    if there:
        place_of(name.url).put(name.name, b"half a pack")
    assert len(place.packs()) == 1 + there
    age(store, STALE_S + 1)
    with store._lock:
        store._commit(store._shelf.reserve)  # another writer drops the name
        store._shelf._name = name
    with store._lock, pytest.raises(StoreError, match="full"):
        store._shelved(lambda connection: full(store._shelf, connection))
    age(store, 100)
    assert store.move_cutouts(grace_s=0) == []  # it sweeps
    assert len(place.packs()) == 1
    check(store, batch)


def full(shelf, connection):
    """Write a pack, and fail behind it: the pack is removed, and the name is not used again."""
    shelf.keep(connection, {1: [b"x", None, None]})
    raise StoreError("the disk of the database is full")


def age(store, seconds):
    with store._lock:
        store._commit(lambda c: c.execute("UPDATE cutout_names SET at = at - ?", (seconds,)))


def test_a_name_that_was_dropped_is_never_used(kept, place):
    """A writer that was held up for more than an hour."""
    store, _ = kept
    held_up = store._shelf._name
    with store._lock:
        store._commit(lambda c: c.execute("UPDATE cutout_names SET dropped = 1"))
    store.write([others(5)])
    assert len(place.packs()) == 2
    assert not any(held_up.name in str(one) for one in place.packs())


def test_cutouts_move_there_and_back(store, place, tmp_path):
    batch = random_alerts(700, 1, stamp=20)
    batch = replaced(batch, science=[FITS, None, *batch.column("science").to_pylist()[2:]])
    store.write([batch])
    told = []
    assert store.keep_cutouts_in(place.name)
    assert store.unmoved_cutouts() == 700
    stop = threading.Event()

    def one_step(count):
        told.append(count)
        stop.set()

    assert store.move_cutouts(stop=stop, progress=one_step) == []
    assert store.unmoved_cutouts() == 700 - sum(told)
    assert 0 < sum(told) < 700, "it was stopped"
    check(store, batch)
    store.move_cutouts(progress=told.append, grace_s=0)
    assert sum(told) == 700
    assert (rows(store, "cutout_rows"), rows(store, "cutout_parts")) == (0, 700)
    check(store, batch)
    elsewhere = tmp_path / "elsewhere"
    store.keep_cutouts_in(str(elsewhere))
    store.move_cutouts(grace_s=0)
    assert (len(list(elsewhere.rglob("*.zip"))), place.packs()) == (2, [])
    check(store, batch)
    store.keep_cutouts_in("database")
    store.move_cutouts(grace_s=0)
    assert rows(store, "cutout_rows") == 700
    assert [rows(store, f"cutout_{name}") for name in ("parts", "packs", "names")] == [0, 0, 2]
    assert [path.name for path in elsewhere.iterdir()] == [MARK]
    check(store, batch)


@pytest.mark.parametrize("to", ["folder", "database"])
def test_what_is_lost_is_told_and_the_rest_is_moved(kept, place, tmp_path, to):
    store, batch = kept
    more = others(5)
    (first,) = place.packs()
    store.write([more])
    data = bytearray(place.bytes(first))
    if to == "database":
        data[100] ^= 1  # in the first stamp
    else:
        del data[500:]
    place.change(first, bytes(data))
    store.keep_cutouts_in(str(tmp_path / "new") if to == "folder" else "database")
    (lost,) = store.move_cutouts(grace_s=0)
    assert "restore" in str(lost)
    assert store.unmoved_cutouts() == (1 if to == "database" else 20)
    check_some(store, more)
    if to == "database":
        assert store.cutouts(batch.column("alert_id")[19].as_py()).names


def check_some(store, batch):
    for row, alert_id in enumerate(batch.column("alert_id").to_pylist()):
        assert store.cutouts(alert_id).science == batch.column("science")[row].as_py()


def test_many_writers_keep_packs_beside_each_other(postgres, tmp_path, engine):
    if engine == "sqlite":
        pytest.skip("one writer at a time has the file")
    with postgres.fresh() as url, open_store(url) as store:
        store.keep_cutouts_in(str(tmp_path / "stamps"))
        batches = [random_alerts(30, k, first_id=10**6 * k, source=f"s{k}") for k in range(4)]
        both = random_alerts(30, 9, first_id=10**9, source="both")

        def work(k):
            with open_store(url) as mine:
                mine.write([batches[k]])
                mine.write([moved(both, f"of {k}")])

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(store, both)
        for batch in batches:
            check_some(store, batch)
        assert len(list((tmp_path / "stamps").rglob("*.zip"))) == 5
        assert store.health()["in_equals_out"]

"""The Parquet archive: files, their names, faults, and SQL over them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gueststar.errors import ArchiveError, BadInput
from gueststar.sinks.archive import FORMAT_KEY, Archive, ArchiveSink
from gueststar.sinks.archived import ArchivedAlerts
from gueststar.sinks.store import StoreSink
from gueststar.store import open_store
from store.alerts import letters, moved, random_alerts, replaced, scored


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def ids(archive):
    found = [b.column("alert_id").to_pylist() for b in archive.batches()]
    return sorted(i for part in found for i in part)


def test_files_by_night_sorted_by_healpix(archive):
    batch = random_alerts(200, 1, nights=3)
    paths = archive.write([batch])
    assert [p.parent.name for p in paths] == [f"night={20230225 + k}" for k in range(3)]
    for path in paths:
        table = pq.read_table(path)
        cells = table["healpix29"].to_pylist()
        assert cells == sorted(cells)
        assert set(table["night"].to_pylist()) == {int(path.parent.name[6:])}
    assert ids(archive) == sorted(batch.column("alert_id").to_pylist())


def test_every_column_comes_back(archive):
    batch = random_alerts(30, 1, nights=1)
    archive.write([batch])
    table = pa.Table.from_batches([b.arrow for b in archive.batches()]).sort_by("alert_id")
    for name in batch.names:
        if not name.startswith("rb_"):
            assert table[name].to_pylist() == batch.column(name).to_pylist(), name
    scores = table["scores"].to_pylist()
    assert [s[0]["value"] for s in scores] == batch.column("rb_real").to_pylist()
    assert scores[0][0].keys() == {"module", "version", "class", "value", "reason"}


def test_everything_but_stamps_is_compressed(archive):
    batch = random_alerts(30, 1, nights=1)
    native = pa.array([{"m": [("k", 1.5)], "l": [[{"x": k}]]} for k in range(30)], NESTED)
    arrow = batch.arrow
    at = arrow.schema.get_field_index("native")
    path = archive.write([type(batch)(arrow.set_column(at, "native", native))])[0]
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(k) for k in range(group.num_columns)]
    plain = {c.path_in_schema for c in columns if c.compression == "UNCOMPRESSED"}
    assert plain == {"science", "template", "difference"}


NESTED = pa.struct(
    [
        ("m", pa.map_(pa.string(), pa.float64())),
        ("l", pa.list_(pa.list_(pa.struct([("x", pa.int64())])))),
    ]
)


def test_several_modules_keep_their_rows(archive):
    batch = random_alerts(9, 1, nights=1)
    reasons = [None, "no cutout"] * 4 + [None]
    batch = scored(batch, np.arange(9) / 10, module="vgg", version="7", reasons=reasons)
    archive.write([batch])
    query = "SELECT * FROM scores WHERE module = 'vgg' ORDER BY alert_id"
    rows = archive.sql(query).to_pylist()
    assert [r["value"] for r in rows] == batch.column("vgg_real").to_pylist()
    assert [r["reason"] for r in rows] == reasons
    assert {r["version"] for r in rows} == {"7"}


def test_a_repeated_batch_replaces_its_own_file(archive):
    batch = random_alerts(50, 1)
    first = archive.write([batch])
    again = archive.write([AlertBatchReversed(batch)])
    assert first == again
    assert len(archive.files()) == len(first)
    archive.write([moved(batch, "elsewhere")])
    assert len(archive.files()) == 2 * len(first)


def AlertBatchReversed(batch):
    order = pa.array(np.arange(len(batch))[::-1])
    return type(batch)(batch.arrow.take(order))


def test_a_store_keeps_repeated_alerts_out(archive, tmp_path):
    batch = random_alerts(50, 1)
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        sink = StoreSink(store, archive)
        for part in (batch, moved(batch, "b"), batch):
            sink.write(part.arrow)
            sink.write(letters(2))
            sink.flush()
        assert (sink.report.stored, sink.report.duplicate, sink.report.known) == (50, 50, 54)
    assert ids(archive) == sorted(batch.column("alert_id").to_pylist())


def test_an_alert_of_the_archive_is_that_of_the_store(archive, tmp_path):
    batch = random_alerts(40, 1, objects=40)
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        store.write([batch], [], archive)
        alert_id = batch.column("alert_id")[7].as_py()
        one, two = store.alert(alert_id), archive.alert(alert_id)
        assert one.native == two.native
        assert one.scores == two.scores
        assert one.cutouts == two.cutouts
        assert (one.ra, one.flux, one.object_id) == (two.ra, two.flux, two.object_id)
    with pytest.raises(BadInput, match="no alert 5"):
        archive.alert(5)


@pytest.mark.parametrize("view", ["alerts", "scores", "objects", "lightcurves"])
def test_the_views_say_what_the_store_says(archive, tmp_path, view):
    one = random_alerts(80, 1, objects=12)
    parts = [one, random_alerts(30, 2, source="b", first_id=7, survey="lsst")]
    again = replaced(moved(one, "c"), alert_id=np.arange(100, 180))
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        store.write(parts, [], archive)
        store.write([again], [], archive)
        ours, theirs = (s.sql(f"SELECT * FROM {view}") for s in (store, archive))
        assert ours.column_names == theirs.column_names
        for left, right in zip(rows_of(ours), rows_of(theirs), strict=True):
            for name in left:
                assert same(left[name], right[name]), (name, left, right)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=1e-6)
    return a == b


def rows_of(table):
    keys = ("alert_id", "object_id", "exposure_id", "module", "class")
    order = [(name, "ascending") for name in table.column_names if name in keys]
    return table.sort_by(order).to_pylist()


def test_files_of_different_surveys_and_schemas_are_read_together(archive):
    batch = random_alerts(10, 1, nights=1)
    other = random_alerts(10, 2, source="b", first_id=5, survey="lsst", nights=1)
    arrow = other.arrow
    at = arrow.schema.get_field_index("native")
    native = pa.array([{"diaSource": {"psfFlux": float(k)}, "candidate": "x"} for k in range(10)])
    other = type(batch)(arrow.set_column(at, "native", native))
    archive.write([batch, other])
    assert archive.sql("SELECT count(*) AS n FROM alerts")["n"].to_pylist() == [20]
    query = "SELECT sum(native.diaSource.psfFlux) AS f FROM native_lsst"
    assert archive.sql(query)["f"].to_pylist() == [45.0]
    assert archive.sql("SELECT native.candidate.fid FROM native_ztf").num_rows == 10


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM alrts", "Did you mean 'alerts'"),
        ("SELECT nothing FROM alerts", "nothing"),
        ("DROP VIEW alerts", "only one SELECT"),
        ("SELECT 1; SELECT 2", "only one SELECT"),
        ("COPY alerts TO 'x.csv'", "only one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled"),
        ("selec", "selec"),
        ("", "only one SELECT"),
    ],
)
def test_queries_that_cannot_be(archive, query, message):
    archive.write([random_alerts(5, 1)])
    with pytest.raises(BadInput, match=message):
        archive.sql(query)


def test_an_empty_archive(archive):
    with pytest.raises(ArchiveError, match="gueststar ingest --archive"):
        archive.sql("SELECT 1")
    assert archive.files() == []


@pytest.mark.parametrize("form", [b"3", b"x", None])
def test_a_newer_or_foreign_file_is_refused(archive, form):
    path = archive.write([random_alerts(5, 1, nights=1)])[0]
    metadata = {FORMAT_KEY: form} if form else {}
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
    message = "pip install --upgrade" if form else "not written by gueststar"
    for read in (lambda: archive.sql("SELECT 1"), lambda: list(archive.batches())):
        with pytest.raises(ArchiveError, match=message):
            read()


def test_a_damaged_file_is_named(archive):
    path = archive.write([random_alerts(5, 1, nights=1)])[0]
    path.write_bytes(path.read_bytes()[:-500])
    for read in (
        lambda: archive.sql("SELECT * FROM alerts"),
        lambda: list(archive.batches()),
        lambda: archive.alert(1),
    ):
        with pytest.raises(ArchiveError, match=path.name):
            read()


def test_what_a_killed_writer_left_is_not_read_and_goes(archive):
    batch = random_alerts(5, 1)
    archive.prepare([batch])
    old = archive.prepare([batch], owner="other")[0].temporary
    day = time.time() - 2 * 86_400
    os.utime(old, (day, day))
    young = archive.prepare([batch], owner="other")[0].temporary
    assert archive.files() == []
    sink = ArchiveSink(archive)
    sink.write(batch.arrow)
    sink.flush()
    assert not old.exists()
    assert young.exists()
    assert ids(archive) == batch.column("alert_id").to_pylist()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="run the same command again"):
        Archive(tmp_path / "file" / "x").write([random_alerts(5, 1)])


def test_a_failing_archive_leaves_the_store_unchanged(tmp_path):
    (tmp_path / "file").write_text("")
    with open_store(f"sqlite:///{tmp_path}/night.db") as store:
        sink = StoreSink(store, Archive(tmp_path / "file"))
        sink.write(random_alerts(5, 1).arrow)
        with pytest.raises(ArchiveError):
            sink.flush()
        assert store.health()["received"] == 0
        (tmp_path / "file").unlink()
        sink.flush()
        assert store.health()["stored"] == 5


FULL = """
import resource, signal, sys
from store.alerts import random_alerts
from gueststar.errors import ArchiveError
from gueststar.sinks.archive import Archive
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    Archive(sys.argv[1]).write([random_alerts(300, 1, stamp=3000)])
except ArchiveError as error:
    print("ArchiveError", error)
"""


def test_a_full_disk_leaves_no_file(archive):
    pytest.importorskip("resource")
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    command = [sys.executable, "-c", FULL, str(archive.folder)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ArchiveError"), done.stderr
    assert [p for p in archive.folder.rglob("*") if p.is_file()] == []


def older(path):
    """Write a file as format 1 had it: points do not tell their program."""
    table = pq.read_table(path)
    lists = table["history"].combine_chunks()
    points = lists.flatten()
    fields = [field for field in points.type if field.name != "program"]
    narrow = pa.StructArray.from_arrays([points.field(f.name) for f in fields], fields=fields)
    at = table.column_names.index("history")
    table = table.set_column(at, "history", pa.ListArray.from_arrays(lists.offsets, narrow))
    pq.write_table(table.replace_schema_metadata({FORMAT_KEY: b"1"}), path)


def test_files_of_the_first_format_are_read_beside_newer_ones(archive):
    batch = random_alerts(20, 1, nights=1)
    query = "SELECT object_id, mjd_tai, flux, program FROM lightcurves ORDER BY 1, 2, 3"
    older(archive.write([batch])[0])
    old = archive.sql(query).to_pydict()
    assert set(old["program"]) == {None}
    [_one] = archive.batches()
    assert archive.alert(batch.column("alert_id")[3].as_py()).light_curve["program"][0] != 1
    assert next(iter(ArchivedAlerts(archive))).column("history").null_count == 0
    archive.write([moved(batch, "again")])  # the same points, and they tell their program
    new = archive.sql(query).to_pydict()
    assert set(new.pop("program")) == {1}
    assert new == {name: old[name] for name in new}

"""What a write does with new, repeated, contradicting and broken rows."""

import itertools
import zlib

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import CUTOUTS, dead_letters
from gueststar.errors import StoreError
from gueststar.store import WriteReport, open_store
from store.alerts import letters, moved, positions_of, random_alerts, replaced, scored

VIEWS = ("alerts", "scores", "objects", "lightcurves", "ledger", "dead_letters")


def content(store):
    """Everything that the public views say, in one order."""
    return {
        view: sorted(map(repr, store.sql(f"SELECT * FROM {view}").to_pylist())) for view in VIEWS
    }


def without(batch, rows):
    keep = np.ones(len(batch), bool)
    keep[rows] = False
    return batch.arrow.filter(pa.array(keep))


def test_every_row_ends_in_one_state(store):
    batch = random_alerts(50, 1)
    assert store.write([batch], [letters(3)]) == WriteReport(53, 50, 0, 3, 0, scores=50)
    assert store.write([moved(batch, "again")]) == WriteReport(50, 0, 50, 0, 0)
    health = store.health()
    assert health["in_equals_out"]
    assert [health[k] for k in ("received", "stored", "duplicate", "dead_letter")] == [
        103, 50, 50, 3,
    ]  # fmt: skip
    assert health["dead_letters"] == [{"reason": "not Avro: HTML", "count": 3}]


def test_writing_again_changes_nothing(store):
    batches = [random_alerts(40, 1), random_alerts(30, 2, source="b", first_id=10**17)]
    store.write(batches, [letters(2)])
    before, health = content(store), store.health()
    for _ in range(2):
        assert store.write(batches, [letters(2)]).known == 72
    assert content(store) == before
    assert store.health() == health


def test_an_alert_twice_in_one_write_is_stored_once(store):
    batch = random_alerts(20, 1)
    assert store.write([batch, moved(batch, "b")]) == WriteReport(40, 20, 20, 0, 0, scores=20)
    assert store.health()["in_equals_out"]


def test_the_same_position_twice_in_one_write_counts_once(store):
    batch = random_alerts(20, 1)
    assert store.write([batch, batch], [letters(1), letters(1)]) == WriteReport(
        21, 20, 0, 1, 21, scores=20
    )
    assert store.health()["in_equals_out"]


def test_order_of_batches_does_not_matter(new_url):
    parts = [
        random_alerts(30, 1, objects=8),
        moved(random_alerts(30, 1, objects=8), "b"),
        replaced(random_alerts(30, 1, objects=8, source="c"), alert_id=np.arange(30)),
    ]
    # The same alert from two files is stored from whichever comes first; the rest is a union.
    seen = []
    for order in itertools.permutations(parts):
        with open_store(new_url()) as store:
            for part in order:
                store.write([part])
            seen.append({v: content(store)[v] for v in ("alerts", "objects", "lightcurves")})
    assert all(one == seen[0] for one in seen)


def test_a_duplicate_adds_the_points_that_it_alone_has(store):
    batch = random_alerts(10, 1, points=4)
    longer = replaced(moved(batch, "b"), history=random_alerts(10, 1, points=9).column("history"))
    store.write([batch])
    first = store.sql("SELECT sum(n_points) AS n FROM objects")["n"][0].as_py()
    store.write([longer])
    assert store.sql("SELECT sum(n_points) AS n FROM objects")["n"][0].as_py() > first
    assert (
        store.sql("SELECT count(*) AS n FROM lightcurves")["n"]
        == store.sql("SELECT sum(n_points) AS n FROM objects")["n"]
    )


def test_a_duplicate_fills_cutouts_that_were_missing(store):
    batch = random_alerts(10, 1)
    nulls = pa.nulls(10, pa.binary())
    bare = replaced(batch, science=nulls, template=nulls, difference=nulls)
    store.write([bare])
    alert_id = batch.column("alert_id")[3].as_py()
    assert store.cutouts(alert_id).science is None
    store.write([moved(batch, "b")])
    assert store.cutouts(alert_id).science == batch.column("science")[3].as_py()
    store.write([moved(replaced(batch, science=[b"other"] * 10), "c")])
    assert store.cutouts(alert_id).science == batch.column("science")[3].as_py()


def test_plain_fits_is_compressed_and_comes_back_byte_for_byte(store):
    batch = random_alerts(3, 1)
    stamp = b"SIMPLE  =".ljust(8000) + bytes(range(256))
    odd = b"SIMPLE" + np.random.default_rng(0).bytes(50)
    batch = replaced(batch, science=[stamp, odd, None], template=[zlib.compress(stamp)] * 3)
    store.write([batch])
    for row, wanted in enumerate([stamp, odd, None]):
        cutouts = store.cutouts(batch.column("alert_id")[row].as_py())
        assert cutouts.science == wanted
        assert cutouts.template == zlib.compress(stamp)
        assert cutouts.difference == batch.column("difference")[row].as_py()


def test_an_alert_with_the_id_of_another_survey_is_a_dead_letter(store):
    batch = random_alerts(5, 1)
    store.write([batch])
    foreign = replaced(moved(batch, "b"), survey=["lsst"] * 5)
    assert store.write([foreign]) == WriteReport(5, 0, 0, 5, 0)
    row = store.sql('SELECT * FROM dead_letters WHERE record = 0 ORDER BY "offset"').to_pylist()[0]
    assert "has the id of a stored alert of ztf" in row["reason"]
    kept = pa.ipc.open_stream(row["packet"]).read_all()
    assert kept.column("difference")[0] == batch.column("difference")[0]
    assert store.write([foreign]).known == 5
    assert store.health()["in_equals_out"]


@pytest.mark.parametrize("column", ["mjd_tai", "ra", "dec"])
def test_a_row_without_what_every_alert_has_harms_no_other(store, column):
    batch = random_alerts(6, 1)
    values = batch.column(column).to_pylist()
    broken = replaced(batch, **{column: [float("nan"), *values[1:]]})
    assert store.write([broken]) == WriteReport(6, 5, 0, 1, 0, scores=5)
    assert column in store.health()["dead_letters"][0]["reason"]
    assert store.health()["in_equals_out"]


def test_a_dead_letter_that_can_be_read_later_becomes_an_alert(store):
    batch = random_alerts(5, 1)
    arrow = positions_of(batch)
    store.write([], [dead_letters(arrow, [b"x"] * 5, ["cannot be read yet"] * 5)])
    assert store.write([batch]) == WriteReport(5, 5, 0, 0, 0, revived=5, scores=5)
    health = store.health()
    assert health["in_equals_out"]
    assert (health["received"], health["stored"], health["dead_letter"]) == (5, 5, 0)
    store.write([], [dead_letters(arrow, [b"x"] * 5, ["cannot be read yet"] * 5)])
    assert store.health() == health


def test_a_position_with_another_alert_is_refused_as_a_whole(store):
    batch = random_alerts(5, 1)
    store.write([batch])
    with pytest.raises(StoreError, match=r"file#1 .*changed under its name"):
        store.write([replaced(batch, alert_id=[1, 2, 3, 4, 5])])
    assert store.health()["stored"] == 5


def test_new_versions_of_scores_stand_beside_the_old(store):
    batch = random_alerts(8, 1)
    bare = batch.select([n for n in batch.names if not n.startswith("rb_")])
    alert_id = batch.column("alert_id")[0].as_py()
    store.write([batch])
    store.write([scored(bare, [0.25] * 8, version="2.0+def")])
    store.write([scored(bare, [0.75] * 8, module="vgg", version="1+x")])
    found = [(s.module, s.version, s.value) for s in store.scores(alert_id)]
    assert found[1:] == [("rb", "2.0+def", 0.25), ("vgg", "1+x", 0.75)]
    assert len(found) == 3
    assert set(store.night()["score"].to_pylist()) == {0.25}
    store.write([batch])
    assert set(store.night()["score"].to_pylist()) == {0.25}
    assert store.alert(alert_id).scores["rb_real"].version == "2.0+def"


def test_a_missing_score_gives_way_to_a_value_and_not_back(store):
    batch = random_alerts(4, 1)
    bare = batch.select([n for n in batch.names if not n.startswith("rb_")])
    missing = scored(bare, [np.nan] * 4, reasons=["no science cutout"] * 4)
    alert_id = batch.column("alert_id")[0].as_py()
    store.write([missing])
    assert store.scores(alert_id)[0].reason == "no science cutout"
    store.write([moved(batch, "b")])
    value = store.scores(alert_id)[0].value
    assert value is not None
    store.write([moved(missing, "c")])
    assert store.scores(alert_id)[0].value == value


def test_known_positions(store):
    batch = random_alerts(10, 1)
    store.write([batch.slice(0, 6)], [letters(1, offset=9)])
    assert store.known(positions_of(batch)).tolist() == [True] * 6 + [False] * 3 + [True]
    assert not store.known(positions_of(moved(batch, "elsewhere"))).any()
    assert store.known(positions_of(batch.slice(0, 6)), modules={"rb": "1.0+abc"}).all()
    assert not store.known(positions_of(batch.slice(0, 6)), modules={"rb": "2"}).any()
    assert store.known(positions_of(batch.slice(9)), modules={"rb": "1.0+abc"}).all()


def test_alerts_without_object_keep_their_own_history(store):
    batch = random_alerts(6, 1)
    lone = replaced(batch, object_id=pa.nulls(6, pa.string()))
    store.write([lone])
    health = store.health()
    assert (health["stored"], health["objects"]) == (6, 0)
    alert = store.alert(batch.column("alert_id")[2].as_py())
    assert alert.object_id is None
    assert alert.light_curve.points.num_rows == 5
    assert alert.native == batch.column("native")[2].as_py()


def test_alerts_without_native_or_scores_or_points(store):
    batch = random_alerts(6, 1)
    bare = batch.select([n for n in batch.names if n != "native" and not n.startswith("rb_")])
    empty = pa.array([None] * 3 + [[]] * 3, bare.column("history").type)
    store.write([replaced(bare, history=empty)])
    alert_id = bare.column("alert_id")[0].as_py()
    assert store.native(alert_id) == {}
    assert store.scores(alert_id) == []
    record = store.object(bare.column("object_id")[0].as_py())
    assert (record.n_detections, record.first_mjd_tai) == (0, None)
    assert record.light_curve.points.num_rows == 0
    assert store.night()["score"].null_count == len(store.night())


def test_an_empty_write_is_nothing(store):
    batch = random_alerts(3, 1)
    assert store.write([], []) == WriteReport()
    assert store.write([batch.slice(0, 0)], [letters(0)]) == WriteReport()


def test_extreme_numbers_and_words(store):
    batch = random_alerts(2, 1)
    batch = replaced(
        batch,
        alert_id=[2**63 - 1, -(2**63)],
        flux=np.array([np.inf, np.nan], np.float32),
        object_id=['O\'Neill "x" é', "🌟" * 50],
        offset=[2**62, 0],
    )
    store.write([batch])
    assert store.alert(2**63 - 1).object_id == 'O\'Neill "x" é'
    assert store.object("🌟" * 50).alerts["alert_id"].to_pylist() == [-(2**63)]
    assert store.health()["in_equals_out"]


def test_health_notices_a_lost_alert_and_a_lost_line(tmp_path):
    import sqlite3

    for table in ("alert_rows", "ledger_rows", "dead_rows", "write_rows"):
        with open_store(f"sqlite:///{tmp_path / table}.db") as victim:
            victim.write([random_alerts(5, 1)], [letters(2)])
            assert victim.health()["in_equals_out"]
            connection = sqlite3.connect(tmp_path / f"{table}.db")
            key = {"alert_rows": "alert_id", "ledger_rows": "offset"}.get(table, "rowid")
            connection.execute(
                f'DELETE FROM {table} WHERE "{key}" = (SELECT min("{key}") FROM {table})'
            )
            connection.commit()
            connection.close()
            assert not victim.health()["in_equals_out"], table


def test_cutouts_are_never_shared_between_alerts(store):
    batch = random_alerts(100, 1, stamp=50)
    store.write([batch])
    for row in range(100):
        cutouts = store.cutouts(batch.column("alert_id")[row].as_py())
        for name in CUTOUTS:
            assert getattr(cutouts, name) == batch.column(name)[row].as_py()


def test_ages_follow_when_an_earlier_detection_arrives(store):
    late, early = (random_alerts(20, 1, objects=4, points=k) for k in (2, 8))
    early = replaced(moved(early, "b"), alert_id=np.arange(20))
    store.write([late])
    before = min(store.night(sort="age")["age"].to_pylist())
    store.write([early])
    rows = store.night(sort="age", limit=100).to_pylist()
    assert min(row["age"] for row in rows) > before
    for row in rows:
        assert row["age"] == pytest.approx(row["mjd_tai"] - row["first_mjd_tai"], abs=1e-9)

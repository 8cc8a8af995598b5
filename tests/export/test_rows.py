"""Which rows an export holds: all of those selected, once each, whatever the pages."""

import pyarrow.parquet as pq
import pytest

from gueststar.errors import BadInput
from gueststar.export import Wanted, export, rows


def exported(store, tmp_path, wanted, **options):
    done = export(store, wanted, tmp_path / "rows.parquet", overwrite=True, **options)
    table = pq.read_table(done.path)
    assert table.num_rows == done.rows
    return table


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(rows, "PAGE", 7)


@pytest.mark.parametrize("what", ["alerts", "objects", "lightcurves", "scores"])
def test_pages_make_the_whole_view(store, tmp_path, what):
    found = exported(store, tmp_path, Wanted.of(what))
    view = store.sql(f"SELECT * FROM {what}")
    names = [name for name in view.column_names if name in found.column_names]
    assert set(view.column_names) <= set(found.column_names)
    assert sorted(map(repr, found.select(names).to_pylist())) == sorted(
        map(repr, view.cast(found.select(names).schema.remove_metadata()).to_pylist())
    )


def test_conditions_select(store, tmp_path):
    night = store.nights()["night"][0].as_py()
    count = store.sql(f"SELECT count(*) AS n FROM alerts WHERE night = {night}")["n"][0].as_py()
    assert exported(store, tmp_path, Wanted.of("alerts", night=night)).num_rows == count
    good = exported(store, tmp_path, Wanted.of("scores", module="rb", min_score=0.5))
    assert 0 < good.num_rows < 60
    assert min(good["value"].to_pylist()) >= 0.5
    objects = exported(store, tmp_path, Wanted.of("objects", module="rb", min_score=0.5))
    names = objects["object_id"].to_pylist()
    assert len(set(names)) == len(names)
    expected = store.sql(
        "SELECT DISTINCT object_id FROM alerts JOIN scores USING (alert_id) WHERE value >= 0.5"
    )["object_id"].drop_null()
    assert set(names) == set(expected.to_pylist())
    curves = exported(store, tmp_path, Wanted.of("lightcurves", module="rb", min_score=0.5))
    assert set(curves["object_id"].to_pylist()) == set(names)
    many = exported(store, tmp_path, Wanted.of("objects", min_detections=5))
    assert min(many["n_detections"].to_pylist()) >= 5


def test_a_cone_selects(store, tmp_path):
    one = store.find_objects(Wanted.of("objects").objects, limit=1).to_pylist()[0]
    place = {"ra": one["ra"], "dec": one["dec"], "radius_arcsec": 1.0}
    found = exported(store, tmp_path, Wanted.of("objects", **place))
    assert found["object_id"].to_pylist() == [one["object_id"]]
    assert exported(store, tmp_path, Wanted.of("alerts", **place)).num_rows >= 1


def test_a_query_selects_or_is_exported(store, tmp_path):
    query = "SELECT object_id FROM objects ORDER BY n_points DESC LIMIT 3"
    three = store.sql(query)["object_id"].to_pylist()
    found = exported(store, tmp_path, Wanted.of("objects", sql=query))
    assert found["object_id"].to_pylist() == three
    curves = exported(store, tmp_path, Wanted.of("lightcurves", sql=query))
    assert curves["object_id"].unique().to_pylist() == three
    ids = "SELECT alert_id, 1 AS other FROM alerts WHERE mag < 22"
    assert (
        exported(store, tmp_path, Wanted.of("scores", sql=ids)).num_rows == store.sql(ids).num_rows
    )
    assert exported(store, tmp_path, Wanted.of(sql=query)).column_names == ["object_id"]
    with pytest.raises(BadInput, match="must give alert_id"):
        exported(store, tmp_path, Wanted.of("alerts", sql=query))
    with pytest.raises(BadInput, match="no such column"):
        exported(store, tmp_path, Wanted.of(sql="SELECT objectid FROM alerts"))


def test_a_query_that_gives_too_much_is_no_half_export(store, tmp_path):
    with pytest.raises(BadInput, match="more than 5 rows"):
        exported(store, tmp_path, Wanted.of(sql="SELECT alert_id FROM alerts"), most_sql=5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"what": "alert"}, "Did you mean 'alerts'"),
        ({"nights": 20240101}, "Did you mean 'night'"),
        ({"min_detections": 3}, "selected by those of alerts"),
        ({"what": "objects", "min_detections": 3, "night": 20240101}, "give one kind"),
        ({"sql": "SELECT 1", "night": 20240101}, "put night into the query"),
        ({"min_score": 0.5}, "needs the module"),
        ({"ra": 5.0}, "needs all three"),
    ],
)
def test_what_cannot_be_selected(given, message):
    with pytest.raises(BadInput, match=message):
        Wanted.of(**given)


def test_progress_is_told_row_by_row(store, tmp_path):
    told = []
    exported(store, tmp_path, Wanted.of("alerts"), tell=told.append)
    assert sum(told) == 60
    assert len(told) > 5

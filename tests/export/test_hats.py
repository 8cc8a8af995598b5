"""HATS: the layout of the specification, and what the hats package makes of it."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from gueststar.errors import BadInput
from gueststar.export import Wanted, export
from gueststar.export.tiles import DEEPEST, Histogram, starts_of


@pytest.fixture
def catalog(store, tmp_path):
    done = export(store, Wanted.of("alerts"), tmp_path / "night", form="hats", rows_per_file=4)
    assert done.rows == 60
    return done.path


def test_the_layout_is_that_of_the_specification(store, catalog):
    facts = dict(
        line.split("=", 1)
        for line in (catalog / "hats.properties").read_text().splitlines()
        if not line.startswith("#")
    )
    assert (facts["hats_nrows"], facts["hats_col_ra"]) == ("60", "ra")
    assert (catalog / "properties").read_text() == (catalog / "hats.properties").read_text()
    lines = (catalog / "partition_info.csv").read_text().split()
    assert lines[0] == "Norder,Npix"
    tiles = [tuple(map(int, line.split(","))) for line in lines[1:]]
    assert len({order for order, _ in tiles}) > 1, "the sky's density decides"
    dataset, seen = catalog / "dataset", []
    for order, cell in tiles:
        file = dataset / f"Norder={order}" / f"Dir={cell // 10000 * 10000}" / f"Npix={cell}.parquet"
        table = pq.ParquetFile(file).read()
        assert table.column_names[0] == "_healpix_29"
        index = table["_healpix_29"].to_numpy()
        assert (np.diff(index) >= 0).all()
        assert (index >> 2 * (29 - order) == cell).all()
        assert table["healpix29"].equals(table["_healpix_29"])
        assert table.num_rows <= 4 or order == DEEPEST
        seen += table["alert_id"].to_pylist()
    assert len(list(dataset.rglob("*.parquet"))) == len(tiles)
    every = store.sql("SELECT alert_id FROM alerts")["alert_id"].to_pylist()
    assert sorted(seen) == sorted(every)
    metadata = pq.read_metadata(dataset / "_metadata")
    assert metadata.num_rows == 60
    assert pq.read_schema(dataset / "_common_metadata").field("flux").metadata[b"unit"] == b"nJy"


def test_the_hats_package_reads_it(catalog):
    hats = pytest.importorskip("hats", reason="pip install hats")
    from hats.io.validation import is_valid_catalog

    assert is_valid_catalog(catalog, strict=True)
    read = hats.read_hats(catalog)
    assert (len(read), read.catalog_info.catalog_type) == (60, "source")


@pytest.mark.parametrize("what", ["objects", "lightcurves", "scores"])
def test_every_view_has_positions_in_hats(store, tmp_path, what):
    path = export(store, Wanted.of(what), tmp_path / what, form="hats").path
    table = pq.read_table(path / "dataset", partitioning=None)
    assert table.num_rows == store.sql(f"SELECT count(*) AS n FROM {what}")["n"][0].as_py()
    key = "alert_id" if what == "scores" else "object_id"
    of = {
        row[key]: row["ra"]
        for row in store.sql(
            f"SELECT {key}, ra FROM {'alerts' if what == 'scores' else 'objects'}"
        ).to_pylist()
    }
    assert all(of[row[key]] == row["ra"] for row in table.to_pylist())


def test_rows_of_a_query_are_placed_by_ra_and_dec(store, tmp_path):
    query = "SELECT alert_id, ra, dec, healpix29 AS known FROM alerts"
    path = export(store, Wanted.of(sql=query), tmp_path / "rows", form="hats").path
    table = pq.read_table(path / "dataset", partitioning=None)
    assert table["_healpix_29"].equals(table["known"])
    with pytest.raises(BadInput, match="have no ra and no dec"):
        export(store, Wanted.of(sql="SELECT 1 AS x"), tmp_path / "x", form="hats")
    with pytest.raises(BadInput, match="no rows are selected"):
        export(store, Wanted.of(night=19990101), tmp_path / "x", form="hats")
    assert not (tmp_path / "x").exists()


def test_tiles_hold_every_row_once():
    rng = np.random.default_rng(3)
    cells = np.concatenate([rng.integers(0, 12 << 58, 500), np.full(40, 7 << 50)])
    sky = Histogram()
    for part in np.array_split(cells, 7):
        sky.add(part)
    tiles = sky.tiles(25)
    assert sum(rows for _, _, rows in tiles) == len(cells)
    starts = starts_of(tiles)
    assert (np.diff(starts) > 0).all()
    at = np.searchsorted(starts, cells, side="right") - 1
    assert np.bincount(at).tolist() == [rows for _, _, rows in tiles]
    full = [order for order, _, rows in tiles if rows > 25]
    assert full == [DEEPEST], "one cell that is full cannot be divided further"

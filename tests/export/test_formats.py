"""Every form holds every row exactly, and is read back by the libraries that people use."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits, votable
from astropy.table import QTable, Table
from astropy.utils.masked import Masked

from export.conftest import ODD
from gueststar.errors import BadInput
from gueststar.export import Wanted, export
from gueststar.store.tables import FOUND

EVERY = 60


@pytest.fixture(scope="module")
def alerts(store):
    return store.find_alerts(Wanted.of("alerts").alerts, limit=100).replace_schema_metadata(None)


def ids(table):
    return [int(value) for value in table["alert_id"]]


def test_parquet_is_the_same_table_with_units(store, alerts, tmp_path):
    done = export(store, Wanted.of("alerts"), tmp_path / "night.parquet")
    assert (done.rows, done.form) == (EVERY, "parquet")
    table = pq.read_table(done.path)
    assert table.replace_schema_metadata(None).equals(alerts)
    assert table.schema.field("flux").metadata == {
        b"unit": b"nJy",
        b"description": b"difference flux with its sign, AB zero point 31.4",
    }
    assert table.schema.metadata[b"title"] == b"alerts"
    assert [p.name for p in tmp_path.iterdir()] == ["night.parquet"]


def test_arrow_streams_the_same_table(store, alerts, tmp_path):
    done = export(store, Wanted.of("alerts"), tmp_path / "night.arrow")
    with pa.ipc.open_stream(done.path.read_bytes()) as stream:
        assert stream.read_all().replace_schema_metadata(None).equals(alerts)


def test_csv_has_every_digit(store, alerts, tmp_path):
    done = export(store, Wanted.of("alerts"), tmp_path / "night.csv")
    options = pc.ConvertOptions(
        column_types=FOUND, strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    parsing = pc.ParseOptions(newlines_in_values=True)
    table = pc.read_csv(done.path, convert_options=options, parse_options=parsing)
    assert table.to_pydict() == alerts.to_pydict()


def test_votable_keeps_ids_units_and_unknown(store, alerts, tmp_path):
    done = export(store, Wanted.of("alerts"), tmp_path / "night.vot")
    votable.validate(str(done.path), output=io.StringIO())
    table = Table.read(done.path, format="votable")
    assert table["alert_id"].dtype == np.int64
    assert ids(table) == alerts["alert_id"].to_pylist()
    assert table["flux"].unit == u.nJy
    assert table["flux"].dtype == np.float32
    assert np.array_equal(np.asarray(table["flux"]), alerts["flux"].to_numpy())
    assert np.array_equal(np.asarray(table["mjd_tai"]), alerts["mjd_tai"].to_numpy())
    assert "difference flux" in table["flux"].description
    assert np.flatnonzero(table["program"].mask).tolist() == nulls(alerts["program"])
    names = [str(name) for name in table["object_id"]]
    expected = [(name or "").replace("\x07", "\ufffd") for name in alerts["object_id"].to_pylist()]
    assert names == expected
    assert np.flatnonzero(np.isnan(table["mag"].filled(np.nan))).tolist() == nulls(alerts["mag"])


def nulls(column):
    return np.flatnonzero(column.is_null().to_numpy()).tolist()


def test_fits_keeps_ids_units_and_unknown(store, alerts, tmp_path):
    done = export(store, Wanted.of("alerts"), tmp_path / "night.fits")
    with fits.open(done.path) as opened:
        opened.verify("exception")
        header = opened[1].header
        assert header["NAXIS2"] == EVERY
        assert header["TFORM1"] == "K"
        assert header["TUNIT10"] == "nJy"
        assert "difference flux" in header["TCOMM10"]
    table = QTable.read(done.path)
    assert ids(table) == alerts["alert_id"].to_pylist()
    assert table["flux"].unit == u.nJy
    assert np.array_equal(table["flux"].value, alerts["flux"].to_numpy())
    assert isinstance(table["mag"], Masked) or np.isnan(table["mag"].value).any()
    assert np.flatnonzero(table["program"].mask).tolist() == nulls(alerts["program"])
    names = [str(name) for name in table["object_id"]]
    assert ODD.encode("ascii", "backslashreplace").decode() in names
    assert done.path.stat().st_size % 2880 == 0


@pytest.mark.parametrize("form", ["parquet", "csv", "votable", "fits", "arrow"])
def test_no_rows_make_a_whole_file_of_no_rows(store, tmp_path, form):
    done = export(store, Wanted.of("alerts", night=19990101), tmp_path / "none", form=form)
    assert done.rows == 0
    read = {
        "parquet": pq.read_table,
        "csv": pc.read_csv,
        "votable": lambda path: Table.read(path, format="votable"),
        "fits": lambda path: Table.read(path, format="fits"),
        "arrow": lambda path: pa.ipc.open_stream(path.read_bytes()).read_all(),
    }[form](done.path)
    names = read.colnames if isinstance(read, Table) else read.column_names
    assert names == FOUND.names
    assert len(read) == 0


@pytest.mark.parametrize("form", ["parquet", "csv", "votable", "fits"])
def test_rows_of_any_query_are_carried(store, tmp_path, form):
    query = """SELECT alert_id, NULL AS empty, CAST('ab' AS BLOB) AS bytes, 'x' AS word,
                      1.5 AS half, 7 AS whole FROM alerts ORDER BY alert_id LIMIT 3"""
    done = export(store, Wanted.of(sql=query), tmp_path / "rows", form=form)
    assert done.rows == 3
    if form == "parquet":
        assert pq.read_table(done.path)["bytes"].to_pylist() == [b"ab"] * 3
    elif form in ("votable", "fits"):
        table = Table.read(done.path, format=form)
        assert [str(one) for one in table["bytes"]] == ["6162"] * 3
        assert ids(table) == sorted(ids(table))
        assert min(ids(table)) > 2**62
    else:
        assert "6162" in done.path.read_text()


def test_the_ending_says_the_form(store, tmp_path):
    with pytest.raises(BadInput, match="its ending names no format"):
        export(store, Wanted.of("alerts"), tmp_path / "night.txt")
    with pytest.raises(BadInput, match="Did you mean 'votable'"):
        export(store, Wanted.of("alerts"), tmp_path / "night.txt", form="votabel")

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import (
    DEAD_LETTERS,
    HISTORY,
    AlertBatch,
    dead_letters,
    history_rows,
    is_dead_letters,
    magnitude,
    magnitude_error,
    packets_batch,
)
from gueststar.errors import BadModule


def test_magnitude_of_known_fluxes_and_none_for_negative_ones():
    mags = magnitude(np.array([1.0, 3631e9, 0.0, -5.0, np.nan]))
    assert mags[0] == 31.4
    assert abs(mags[1]) < 1e-3  # 3631 Jy is AB magnitude 0
    assert np.isnan(mags[2:]).all()


def test_magnitude_error_is_relative_flux_error():
    assert magnitude_error(100.0, 10.0) == pytest.approx(0.1085736, abs=1e-6)
    assert np.isnan(magnitude_error(-100.0, 10.0))


def test_unknown_column_names_the_nearest():
    batch = AlertBatch.from_columns(ra=[1.0], dec=[2.0])
    with pytest.raises(BadModule, match="Did you mean 'dec'"):
        batch.column("decl")


def test_columns_cannot_be_added_twice_or_with_other_rows():
    batch = AlertBatch.from_columns(ra=[1.0, 2.0])
    with pytest.raises(BadModule, match="already has"):
        batch.with_columns(pa.record_batch({"ra": [1.0, 2.0]}))
    with pytest.raises(BadModule, match="1 rows cannot stand beside 2"):
        batch.with_columns(pa.record_batch({"x": [1.0]}))


def test_module_versions_survive_selection_and_new_columns():
    batch = AlertBatch.from_columns(ra=[1.0]).with_module("rb", "1+abc")
    later = batch.with_columns(pa.record_batch({"x": [1.0]})).select(["x"]).with_module("b", "2")
    assert later.modules == {"rb": "1+abc", "b": "2"}


def test_history_rows_count_nulls_as_empty():
    point = dict.fromkeys([f.name for f in HISTORY]) | {"mjd_tai": 60000.0}
    history = pa.array([[point, point], None, [], [point]], pa.list_(HISTORY))
    row, points = history_rows(history)
    assert row.tolist() == [0, 0, 3]
    assert points.num_rows == 3


def test_history_rows_of_a_slice_belong_to_the_slice():
    point = dict.fromkeys([f.name for f in HISTORY])
    make = lambda t: point | {"mjd_tai": t}  # noqa: E731
    history = pa.array([[make(1.0)], [make(2.0), make(3.0)]], pa.list_(HISTORY)).slice(1)
    row, points = history_rows(history)
    assert row.tolist() == [0, 0]
    assert points.column("mjd_tai").to_pylist() == [2.0, 3.0]


def test_dead_letters_keep_bytes_and_position():
    packets = packets_batch([b"x", b"y"], "night", ["a", "b"], [0, 7])
    dead = dead_letters(packets.drop_columns(["packet"]), [b"x", b"y"], ["no", "no"])
    assert dead.schema == DEAD_LETTERS
    assert is_dead_letters(dead)
    assert not is_dead_letters(packets)
    assert dead.column("offset").to_pylist() == [0, 7]

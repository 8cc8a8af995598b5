"""Filters that are functions: their parameters, their answers, and their faults."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gueststar.batch import AlertBatch
from gueststar.checks import check_filter
from gueststar.errors import BadInput, BadModule
from gueststar.filters import make_filter
from gueststar.filters.python import PythonFilter
from store.alerts import random_alerts

BATCH = random_alerts(100, 6)


def bright(mag, rb_real, limit=23.0):
    return (mag < limit) & (rb_real > 0.5)


def green(band: pa.Array, native):
    assert isinstance(native, pa.StructArray)
    return pc.equal(band, "g")


def test_numpy_and_arrow():
    select = PythonFilter("bright", bright)
    assert select.needs == ("flux", "rb_real")
    check_filter(select, BATCH)
    with np.errstate(invalid="ignore"):
        mag = 31.4 - 2.5 * np.log10(BATCH.numpy("flux").astype(float))
    want = (mag < 23) & (BATCH.numpy("rb_real") > 0.5)
    assert select(BATCH).to_pylist() == want.tolist()
    check_filter(PythonFilter("green", green), BATCH)
    batch = AlertBatch(BATCH.arrow.slice(0, 2))
    nulls = batch.arrow.set_column(
        batch.arrow.schema.get_field_index("band"), "band", pa.array([None, "g"], pa.string())
    )
    assert PythonFilter("green", green)(AlertBatch(nulls)).to_pylist() == [False, True]


def test_a_function_by_its_name(monkeypatch, tmp_path):
    (tmp_path / "of_mine.py").write_text("def positive(flux):\n    return flux > 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    select = make_filter("positive", "python", "of_mine:positive")
    assert select.needs == ("flux",)
    assert 0 < sum(select(BATCH).to_pylist()) < 100


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("numpy.isnan", "package.module:function"),
        ("no_such_package:f", "PYTHONPATH"),
        ("math:no_such_function", "cannot be imported"),
        ("math:pi", "no function"),
    ],
)
def test_what_cannot_be_imported(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        make_filter("x", "python", text)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda *columns: columns, "names no column"),
        (lambda: True, "no parameter"),
    ],
)
def test_parameters_that_name_no_columns(function, sentence):
    with pytest.raises(BadModule, match=sentence):
        PythonFilter("x", function)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda ra: ra, "not bool"),
        (lambda ra: ra[1:] > 0, "99 rows for 100"),
        (lambda raa: raa > 0, "Did you mean 'ra'"),
        (lambda ra: ra > ra.mean(), "reverse|batches of one"),
        (lambda ra: ra > ra[0], "raised IndexError|reverse|batches of one"),
    ],
)
def test_the_check_finds_what_is_wrong(function, sentence):
    with pytest.raises(BadModule, match=sentence):
        check_filter(PythonFilter("x", function), BATCH)


def test_names_and_kinds():
    with pytest.raises(BadInput, match="lower-case"):
        make_filter("Bright", "sql", "true")
    with pytest.raises(BadModule, match="Did you mean 'python'"):
        make_filter("x", "pyton", "true")

"""The small Avro writer agrees with fastavro."""

import io

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gueststar.simulate.encode import FixedPart, long, optional_list, text
from gueststar.simulate.schema import record


def read(schema, raw: bytes):
    stream = io.BytesIO(raw)
    datum = fastavro.schemaless_reader(stream, schema, None)
    assert stream.read() == b""
    return datum


@given(st.integers(-(2**63), 2**63 - 1))
def test_longs(value):
    assert read("long", long(value)) == value


@given(st.text(max_size=300))
def test_texts(value):
    assert read("string", text(value)) == value


def test_rows_of_fixed_width():
    table = "a ?float\nb double!\nc int!\nd ?int\ne string!\nf ?string\ng ?double!"
    part = FixedPart(table, {"e": "name", "f": "null"})
    rows = part.rows({"a": [1.5, 2.5], "b": [3.0, 4.0], "c": [0, 63], "d": 7, "g": 9.0}, 2)
    schema = record("r", table)
    assert read(schema, rows[1]) == {
        "a": 2.5, "b": 4.0, "c": 63, "d": 7, "e": "name", "f": "null", "g": 9.0,
    }  # fmt: skip
    assert read(schema, rows[0])["c"] == 0


@pytest.mark.parametrize("n", [0, 1, 200])
def test_lists(n):
    schema = ["null", {"type": "array", "items": "long"}]
    values = np.arange(n).tolist()
    assert read(schema, optional_list([long(v) for v in values])) == values

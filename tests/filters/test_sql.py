"""SQL filters: what they see, what they say, and what they must not do."""

import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import AlertBatch
from gueststar.checks import check_filter
from gueststar.errors import BadInput, BadModule
from gueststar.filters.sql import SqlFilter
from gueststar.pipeline import run_filter
from store.alerts import random_alerts

BATCH = random_alerts(300, 5)


def chosen(text, batch=BATCH):
    return np.array(SqlFilter("x", text)(batch).to_pylist())


def with_nulls(batch, name, every):
    index = batch.arrow.schema.get_field_index(name)
    mask = np.arange(len(batch)) % every == 0
    values = pa.array(batch.column(name).to_pylist(), batch.column(name).type, mask=mask)
    return AlertBatch(batch.arrow.set_column(index, batch.arrow.schema.field(index), values)), mask


def test_columns_scores_magnitudes_and_null_is_no():
    batch, null = with_nulls(BATCH, "rb_real", 3)
    flux, rb = batch.numpy("flux").astype(float), batch.numpy("rb_real")
    with np.errstate(invalid="ignore", divide="ignore"):
        mag = 31.4 - 2.5 * np.log10(flux)
    want = (mag < 23) & (rb > 0.3) & ~null
    assert 20 < want.sum() < 280
    assert (chosen("mag < 23 AND rb_real > 0.3", batch) == want).all()
    assert (chosen("NOT (rb_real > 0.3)", batch) == (~(rb > 0.3) & ~null)).all()


@pytest.mark.parametrize(
    "text",
    [
        "band IN ('g', 'r') -- a comment at its end",
        "alerts.night > 20230225 AND Object_ID LIKE 'ZTF%'",
        "len(list_filter(history, lambda p: p.flux > 1000)) >= 3",
        "native.candidate.fid = 1 OR native.prv_candidates[1].pid > 5",
        "CASE WHEN band = 'g' THEN flux > 100 ELSE flux / flux_err BETWEEN 3 AND 30 END",
        "coalesce(abs(dec) < 30, false)",
        "true",
    ],
)
def test_filters_pass_the_public_check(text):
    check_filter(SqlFilter("x", text), BATCH)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mag <", "no SQL expression"),
        ("", "no SQL expression"),
        ("true; DROP TABLE alerts", "SELECT"),
        ("true FROM read_csv('/etc/passwd')", "one expression"),
        ("true FROM alerts", "one expression"),
        ("true WHERE false", "one expression"),
        ("true LIMIT 1", "one expression"),
        ("DISTINCT ra", "one expression"),
        ("ra > 1, dec > 1", "one expression"),
        ("true UNION SELECT false", "one expression"),
        ("ra > (SELECT avg(ra) FROM alerts)", "subquery"),
        ("EXISTS (FROM '/etc/passwd')", "subquery"),
        ("ra > 1) OR (SELECT true", "no SQL expression"),
        ("row_number() OVER () > 3", "window"),
        ("avg(ra) > 3", "one alert at a time"),
        ("COLUMNS('ra') > 1", "COLUMNS"),
        ("ra > $1", "parameter"),
        ("random() > 0.5", "answer the same"),
        ("now() > make_timestamp(0)", "answer the same"),
        ("current_setting('memory_limit') = ''", "answer the same"),
        ("nextval('x') > 1", "answer the same"),
        ("write_log('x') IS NULL", "answer the same"),
        ("native IS NOT NULL", "with dots"),
        ("native['candidate'] IS NOT NULL", "with dots"),
    ],
)
def test_what_is_more_than_an_expression_is_refused(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        SqlFilter("x", text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("magg < 18", "Did you mean 'mag'"),
        ("science IS NOT NULL", "no column 'science'"),
        ("current_date > DATE '2020-01-01'", "no column 'current_date'"),
        ("flux", "not true or false"),
        ("read_text('/etc/passwd') IS NULL", "table function"),
        ("mag ~ 'x'", "explicit type casts"),
        ("no_such_function(mag)", "no_such_function"),
    ],
)
def test_what_does_not_fit_the_columns_is_told(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        SqlFilter("x", text)(BATCH)


def test_the_engine_is_locked():
    import duckdb

    engine = SqlFilter("x", "true")._connection
    for query in ("FROM read_text('/etc/passwd')", "COPY (SELECT 1) TO 'x.csv'", "SET threads = 2"):
        with pytest.raises(duckdb.Error, match=r"disabled|locked"):
            engine.sql(query).fetchall() if query.startswith("FROM") else engine.execute(query)


def test_fields_that_a_record_lacks_are_null_of_the_type_that_others_have(caplog):
    rows = pa.array([{"candidate": {"drb": 0.9}, "points": [{"mag": 17.0}]}] * 3)
    other = pa.array([{"diaSource": {"snr": 8.0}}] * 2)
    batches = [AlertBatch.from_columns(ra=[1.0] * len(n), native=n) for n in (rows, other)]
    select = SqlFilter("x", "native.candidate.drb > 0.5 AND native.Points[1].mag < 18 OR ra > 2")
    assert [sum(select(batch).to_pylist()) for batch in batches] == [3, 0]
    assert not select.unseen
    assert not caplog.text
    select = SqlFilter("x", "native.candidate.dbr > 0.5 OR ra > 0")
    for batch in batches * 2:
        assert all(select(batch).to_pylist())
    assert caplog.text.count("Did you mean 'drb'?") == 1


def test_a_failing_row_harms_itself():
    batch = AlertBatch.from_columns(object_id=["12", "x", "14", None], ra=[1.0] * 4)
    mask, reasons = run_filter(SqlFilter("x", "object_id::INT > 12"), batch)
    assert mask.to_pylist() == [False, None, True, False]
    assert len(reasons) == 1
    assert "Could not convert" in reasons[0]


class Forgetful(SqlFilter):
    def __call__(self, batch):
        return super().__call__(batch)[1:]


def test_the_check_finds_what_is_wrong():
    with pytest.raises(BadModule, match="299 rows for 300"):
        check_filter(Forgetful("x", "true"), BATCH)
    with pytest.raises(BadModule, match="Did you mean 'rb_real'"):
        check_filter(SqlFilter("x", "rb_rael > 0.5"), BATCH)

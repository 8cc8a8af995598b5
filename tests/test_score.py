import numpy as np
import pytest

from gueststar.batch import AlertBatch
from gueststar.score import long_scores, score_batch, score_schema, unscored

SCHEMA = score_schema("sn", ["Ia", "II"])


def scored(reasons):
    n = len(reasons)
    values = np.arange(2 * n, dtype=float).reshape(n, 2) / 10
    batch = AlertBatch.from_columns(alert_id=list(range(n)))
    return batch.with_columns(score_batch(SCHEMA, values, reasons)).with_module("sn", "1")


def test_a_reason_makes_the_value_null():
    batch = scored([None, "no stamp"])
    assert batch.column("sn_Ia").to_pylist() == [0.0, None]
    assert batch.column("sn_reason").to_pylist() == [None, "no stamp"]


def test_long_form_has_one_row_an_alert_and_class():
    rows = long_scores(scored([None, "no stamp"])).to_pylist()
    assert len(rows) == 4
    assert rows[2] == {
        "alert_id": 0,
        "module": "sn",
        "version": "1",
        "class": "II",
        "value": pytest.approx(0.1),
        "reason": None,
    }
    assert rows[3]["value"] is None
    assert rows[3]["reason"] == "no stamp"


def test_long_form_of_nothing():
    assert long_scores(AlertBatch.from_columns(alert_id=[1, 2])).num_rows == 0
    assert long_scores(scored([])).num_rows == 0


def test_module_names_may_end_like_a_class():
    schema = score_schema("real_sn", ["real"])
    batch = AlertBatch.from_columns(alert_id=[1]).with_columns(
        score_batch(schema, np.array([0.5]), [None])
    )
    assert long_scores(batch.with_module("real_sn", "3")).to_pylist()[0]["module"] == "real_sn"


def test_unscored_rows_have_the_reason():
    out = unscored(SCHEMA, 2, "switched off")
    assert out.column("sn_Ia").null_count == 2
    assert out.column("sn_reason").to_pylist() == ["switched off"] * 2

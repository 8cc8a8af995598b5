import numpy as np
import pyarrow as pa
import pytest

from gueststar.batch import AlertBatch, dead_letters, packets_batch
from gueststar.errors import BadModule
from gueststar.pipeline import Pipeline, run_module
from gueststar.score import long_scores, score_batch, score_schema


class Bright:
    """Scores how bright an alert is; raises on rows of magnitude 13."""

    name, version, needs = "bright", "1", ("flux",)
    gives = score_schema("bright", ["bright"])

    def __init__(self):
        self.calls = 0

    def __call__(self, batch):
        self.calls += 1
        flux = batch.numpy("flux")
        if (flux == 13).any():
            raise ValueError("thirteen")
        return score_batch(self.gives, flux / 100, [None] * len(batch))


class After(Bright):
    name, needs = "after", ("bright_bright",)
    gives = score_schema("after", ["x"])

    def __call__(self, batch):
        return score_batch(self.gives, batch.numpy("bright_bright"), [None] * len(batch))


def alerts(flux):
    return AlertBatch.from_columns(alert_id=list(range(len(flux))), flux=flux)


def test_modules_run_in_order_and_see_earlier_columns():
    out = Pipeline([Bright(), After()]).score(alerts([10.0, 20.0]))
    assert out.column("after_x").to_pylist() == pytest.approx([0.1, 0.2])
    assert out.modules == {"bright": "1", "after": "1"}
    assert long_scores(out).num_rows == 4


def test_a_module_before_what_it_needs_is_refused():
    with pytest.raises(BadModule, match="'after' needs column 'bright_bright'"):
        Pipeline([After(), Bright()])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "No Good"}, "lower-case"),
        ({"needs": ("fluxx",)}, "Did you mean 'flux'"),
        ({"gives": score_schema("other", ["x"])}, "must begin with its name"),
    ],
)
def test_false_declarations_are_refused(change, message):
    with pytest.raises(BadModule, match=message):
        Pipeline([type("Changed", (Bright,), change)()])


def test_the_same_module_twice_is_refused():
    with pytest.raises(BadModule, match="there already"):
        Pipeline([Bright(), Bright()])


def test_what_is_no_module_is_refused():
    with pytest.raises(BadModule, match="is no science module"):
        Pipeline([object()])


def test_one_bad_row_harms_one_row():
    flux = np.arange(40, dtype=np.float32)
    out = run_module(Bright(), alerts(flux))
    values = out.column("bright_bright").to_pylist()
    assert values[13] is None
    assert out.column("bright_reason")[13].as_py() == "failed: ValueError: thirteen"
    assert sum(v is None for v in values) == 1


def test_a_module_that_always_fails_does_not_cost_a_call_a_row():
    module = Bright()
    out = run_module(module, alerts(np.full(4096, 13, np.float32)))
    assert out.column("bright_bright").null_count == 4096
    assert out.column("bright_reason").null_count == 0
    assert module.calls < 200


def test_wrong_rows_are_a_failure_of_the_module_not_of_the_stream():
    class Short(Bright):
        def __call__(self, batch):
            return super().__call__(batch).slice(1)

    out = run_module(Short(), alerts([1.0, 2.0]))
    assert out.num_rows == 2
    assert "gave 0 rows for 1" in out.column("bright_reason")[0].as_py()


def test_the_pipeline_is_what_map_in_arrow_takes():
    def decode(batch):
        ids = batch.column("offset")
        return [
            AlertBatch(pa.record_batch({"alert_id": ids, "flux": pa.nulls(len(ids), "f4")}))
        ], None

    batches = [packets_batch([b"a", b"b"], "s", ["", ""], [0, 1])] * 2
    out = list(Pipeline([Bright()], decode)(iter(batches)))
    assert [b.num_rows for b in out] == [2, 2]
    assert out[0].schema.names == ["alert_id", "flux", "bright_bright", "bright_reason"]


def test_dead_letters_of_a_source_pass_through():
    packets = packets_batch([b"x"], "s", [""], [0])
    dead = dead_letters(packets.drop_columns(["packet"]), [b"x"], ["unreadable"])
    assert Pipeline([Bright()]).one(dead) == [dead]

"""Helpers of tests of replays."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from gueststar.models.bundle import GOLDEN, MODEL, Bundle, write_bundle
from gueststar.models.installed import SHIPPED

VIEWS = ("alerts", "objects", "lightcurves", "scores", "ledger", "dead_letters")


def rows_of(store, view, where="1"):
    """All rows of a view, in an order of their own."""
    table = store.sql(f"SELECT * FROM {view} WHERE {where}", limit=1_000_000)
    return sorted(zip(*(column.to_pylist() for column in table.columns), strict=True), key=repr)


def contents(store):
    """Everything that the public views show."""
    return {view: rows_of(store, view) for view in VIEWS}


def newer_bundle(folder: Path, name="rb", version="0.2.0") -> Path:
    """The shipped net with other weights, as a bundle whose golden vectors are its own."""
    import onnx
    from onnx import numpy_helper

    shipped = Bundle.load(SHIPPED / name)
    model = onnx.load_model_from_string((SHIPPED / name / MODEL).read_bytes())
    weights = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    weights += [a.t for n in model.graph.node for a in n.attribute if a.name == "value"]
    last = [t for t in weights if numpy_helper.to_array(t).dtype == np.float32][-1]
    last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last) * np.float32(0.5), last.name))
    with np.load(SHIPPED / name / GOLDEN) as arrays:
        golden = {recipe.name: arrays[recipe.name] for recipe in shipped.card.inputs}
    card = replace(shipped.card, version=version)
    return write_bundle(folder / name, model.SerializeToString(), card, golden)

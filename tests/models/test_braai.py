"""The published nets give their published scores."""

import csv
import json
from base64 import b64decode

import fastavro
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.classifiers.tasks import module_for
from gueststar.errors import BadInput
from gueststar.models.braai import import_braai, read_weights
from gueststar.models.bundle import Bundle
from gueststar.models.importing import import_model

FIELDS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
NORMS = {"row_norm": "row", "whole_image_norm": "image"}


def batch_of(triplets):
    columns = dict(zip(CUTOUTS, map(list, zip(*triplets, strict=True)), strict=True))
    return AlertBatch.from_columns(survey=["ztf"] * len(triplets), **columns)


def fixture_stamps(path):
    alert = json.loads(path.read_text())
    return [b64decode(alert[field]["stampData"]["$binary"]) for field in FIELDS]


@pytest.mark.parametrize("net", ["d6_m7", "braai_d6_m9"])
@pytest.mark.parametrize("norm", NORMS)
def test_golden_values(data, tmp_path, net, norm):
    golden = json.loads((data / "expected/braai_golden.json").read_text())
    file = data / f"models/braai/{net}.weights.h5"
    default = golden["intended_norm"][net] == norm
    path = import_braai(file, tmp_path / "b", norm=None if default else NORMS[norm])
    assert Bundle.load(path).card.recipe.options["norm"] == NORMS[norm]
    module = module_for(Bundle.load(path))
    names = list(golden["alerts"])
    batch = batch_of([fixture_stamps(data / "alerts/ztf/json" / name) for name in names])
    scores = module(batch).column(0).to_pylist()
    for name, score in zip(names, scores, strict=True):
        assert score == pytest.approx(golden["alerts"][name][net][norm], abs=golden["tolerance"])


def stamps_of_drb(data):
    """Stamps of all alerts of drb.csv by candid."""
    rows = list(csv.DictReader((data / "expected/drb.csv").read_text().splitlines()))
    found = {}
    for path in {row["path"] for row in rows}:
        if path.endswith(".parquet"):
            records = pq.read_table(data / path, columns=["candid", *FIELDS]).to_pylist()
        else:
            with (data / path).open("rb") as file:
                records = list(fastavro.reader(file))
        found |= {str(r["candid"]): [r[f]["stampData"] for f in FIELDS] for r in records}
    return rows, [found[row["candid"]] for row in rows]


def test_drb_of_all_real_alerts(data, tmp_path):
    rows, stamps = stamps_of_drb(data)
    path = import_model("braai", data / "models/braai/d6_m7.weights.h5", tmp_path / "b")
    scores = module_for(Bundle.load(path))(batch_of(stamps)).column(0).to_numpy()
    published = np.array([float(row["drb"]) for row in rows])
    # The shared table counts 275; the other three have templates of 3.4e38, see features.stamps.
    assert (np.abs(scores - published) < 1e-5).sum() == len(rows) == 278


def test_the_same_file_makes_the_same_bundle(data, tmp_path, monkeypatch):
    monkeypatch.setenv("GUESTSTAR_MODELS", str(tmp_path / "user"))
    file = data / "models/braai/braai_d6_m9.weights.h5"
    first = import_model("braai", file)
    assert first == tmp_path / "user/braai_d6_m9"
    second = import_model("braai", file, tmp_path / "again")
    assert Bundle.load(first).digest == Bundle.load(second).digest
    named = import_model("braai", file, name="mine")
    other = data / "models/braai/d6_m7.weights.h5"
    with pytest.raises(BadInput, match="holds another model named 'mine'"):
        import_model("braai", other, name="mine")
    with pytest.raises(BadInput, match="the name of a shipped model"):
        import_model("braai", file, name="rb")
    assert module_for(Bundle.load(named)).gives.names == ["mine_real", "mine_reason"]


def test_a_full_keras_file_with_optimiser(data, tmp_path):
    file = tmp_path / "d6_m7.h5"
    with h5py.File(data / "models/braai/d6_m7.weights.h5") as source, h5py.File(file, "w") as out:
        for layer in source:
            source.copy(layer, out.require_group("model_weights"))
        out.require_group("optimizer_weights")["iterations"] = 3
    ours, theirs = read_weights(file), read_weights(data / "models/braai/d6_m7.weights.h5")
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    assert Bundle.load(import_braai(file, tmp_path / "b")).card.recipe.options["norm"] == "row"


def test_other_files_are_refused(data, tmp_path):
    unknown = tmp_path / "retrained.h5"
    unknown.write_bytes((data / "models/braai/d6_m7.weights.h5").read_bytes() + b"\0")
    with pytest.raises(BadInput, match="say --norm row or --norm image"):
        import_braai(unknown, tmp_path / "b")
    assert import_braai(unknown, tmp_path / "b", norm="row")
    with pytest.raises(BadInput, match="is not a braai net"):
        import_braai(data / "models/acai/acai_b.h5", tmp_path / "c", norm="image")
    with pytest.raises(BadInput, match="not HDF5"):
        import_braai(data / "README.md", tmp_path / "c", norm="image")
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        import_braai(tmp_path / "nothing.h5", tmp_path / "c")
    with pytest.raises(BadInput, match="no normalisation 'all'"):
        import_braai(unknown, tmp_path / "c", norm="all")
    assert not (tmp_path / "c").exists()


def test_weights_through_a_link_to_another_file_are_refused(data, tmp_path):
    weights = data / "models/braai/d6_m7.weights.h5"
    file = tmp_path / "d6_m7.h5"
    with h5py.File(file, "w") as out:
        for layer in ("conv1", "conv2", "conv3", "conv4", "fc_1", "fc_out"):
            out[layer] = h5py.ExternalLink(str(weights), layer)
    with pytest.raises(BadInput, match="is in another file"):
        import_braai(file, tmp_path / "b")


def test_an_unknown_kind():
    with pytest.raises(BadInput, match="kind 'brai'. Did you mean 'braai'"):  # noqa: RUF043
        import_model("brai", "x.h5")

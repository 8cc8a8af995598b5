"""Bundles: golden vectors, one load per process, hostile folders."""

import io
import multiprocessing
import os
import pickle
import threading
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gueststar.checks import check_bundle
from gueststar.errors import BadBundle, BadInput
from gueststar.models import bundle as bundles
from gueststar.models.bundle import Bundle, golden_inputs, write_bundle
from gueststar.models.card import write_card
from gueststar.models.installed import find, installed, user_folder
from gueststar.models.vgg6 import VGG6, onnx_model

from .conftest import make_bundle, random_weights, small_card

STAMPS = golden_inputs(small_card().recipe, rows=150, seed=5)


def test_predict_in_chunks_and_one_by_one(bundle_folder):
    bundle = Bundle.load(bundle_folder)
    scores = bundle.predict(STAMPS)
    assert scores.shape == (150, 1)
    assert ((scores > 0) & (scores < 1)).all()
    for at in (0, 63, 64, 149):
        np.testing.assert_allclose(bundle.predict(STAMPS[at : at + 1])[0], scores[at], atol=1e-6)
    assert bundle.predict(STAMPS[:0]).shape == (0, 1)
    assert bundle.predict({"triplets": STAMPS[:2].astype("f8")}).dtype == np.float32


def test_a_net_is_loaded_once_per_process(bundle_folder, tmp_path):
    import shutil

    copy = shutil.copytree(bundle_folder, tmp_path / "copy")
    assert Bundle.load(bundle_folder)._net is Bundle.load(copy)._net
    assert make_bundle(tmp_path / "other", seed=1) != bundle_folder
    assert Bundle.load(tmp_path / "other").digest != Bundle.load(copy).digest
    bundle = Bundle.load(bundle_folder)
    assert pickle.loads(pickle.dumps(bundle))._net is bundle._net


def test_the_same_weights_make_the_same_digest(tmp_path):
    first, second = make_bundle(tmp_path / "a"), make_bundle(tmp_path / "b")
    assert (first / "model.onnx").read_bytes() == (second / "model.onnx").read_bytes()
    assert Bundle.load(first).digest == Bundle.load(second).digest


def test_threads_and_forks_give_the_same(bundle_folder):
    bundle = Bundle.load(bundle_folder)
    expected, results = bundle.predict(STAMPS), []
    workers = [
        threading.Thread(target=lambda: results.append(bundle.predict(STAMPS))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_gives_the_same(bundle_folder, method):
    bundle = Bundle.load(bundle_folder)
    expected = bundle.predict(STAMPS[:3])
    with multiprocessing.get_context(method).Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(bundle.predict, (STAMPS[:3],)), expected)


def test_wrong_inputs_are_named(bundle_folder):
    bundle = Bundle.load(bundle_folder)
    with pytest.raises(BadBundle, match=r"needs triplets of shape \(n, \(63, 63, 3\)\)"):
        bundle.predict(STAMPS[:, :60])
    with pytest.raises(BadBundle, match="needs the input 'triplets'"):
        bundle.predict({"images": STAMPS})


def test_check_sees_what_was_changed(bundle_folder):
    check_bundle(bundle_folder)
    bundle = Bundle.load(bundle_folder)
    text = (bundle_folder / "card.toml").read_text()
    (bundle_folder / "card.toml").write_text(text.replace("a test", "another"))
    with pytest.raises(BadBundle, match="was changed after it was loaded"):
        bundle.check()


def test_other_weights_do_not_give_the_golden_scores(bundle_folder):
    other = onnx_model(random_weights(seed=9)).SerializeToString()
    (bundle_folder / "model.onnx").write_bytes(other)
    with pytest.raises(BadBundle, match="the net gives scores that differ by"):
        Bundle.load(bundle_folder)


def replace_golden(folder, **arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    (folder / "golden.npz").write_bytes(out.getvalue())


@pytest.mark.parametrize("name", ["model.onnx", "card.toml", "golden.npz"])
def test_a_missing_file(bundle_folder, name):
    (bundle_folder / name).unlink()
    with pytest.raises(BadBundle, match=f"has no {name}"):
        Bundle.load(bundle_folder)


@pytest.mark.parametrize("name", ["model.onnx", "card.toml", "golden.npz"])
def test_a_link_to_outside(bundle_folder, tmp_path, name):
    secret = tmp_path / "secret"
    (bundle_folder / name).rename(secret)
    (bundle_folder / name).symlink_to(secret)
    with pytest.raises(BadBundle, match="link to outside"):
        Bundle.load(bundle_folder)


def test_garbage_in_each_file(bundle_folder):
    good = {path.name: path.read_bytes() for path in bundle_folder.iterdir()}
    for name, garbage, words in [
        ("model.onnx", b"garbage", "no usable ONNX"),
        ("model.onnx", b"", "no usable ONNX"),
        ("model.onnx", b"location, location", "no usable ONNX"),
        ("card.toml", b"\xff\xfe", "not UTF-8"),
        ("golden.npz", b"garbage", "golden.npz cannot be used"),
        ("golden.npz", good["golden.npz"][:900], "golden.npz cannot be used"),
    ]:
        (bundle_folder / name).write_bytes(garbage)
        with pytest.raises(BadBundle, match=words):
            Bundle.load(bundle_folder)
        (bundle_folder / name).write_bytes(good[name])
    Bundle.load(bundle_folder)


class Evil:
    """What a pickle would do."""

    def __reduce__(self):
        return os.abort, ()


def test_a_pickled_golden_array_is_refused(bundle_folder):
    (bundle_folder / "card.toml").write_text(write_card(small_card(source="pickled")))
    evil = np.array([Evil()], dtype=object)
    replace_golden(bundle_folder, triplets=STAMPS[:1], scores=evil)
    with pytest.raises(BadBundle, match="Object arrays cannot be loaded"):
        Bundle.load(bundle_folder)


def test_golden_of_wrong_shape_or_size(bundle_folder, monkeypatch):
    (bundle_folder / "card.toml").write_text(write_card(small_card(source="shapes")))
    for arrays, words in [
        ({"triplets": STAMPS[:2], "scores": np.zeros((3, 1))}, "as many inputs as scores"),
        ({"triplets": STAMPS[:0], "scores": np.zeros((0, 1))}, "one at least"),
        ({"triplets": STAMPS[:2], "scores": np.zeros((2, 5))}, "scores of shape"),
        ({"scores": np.zeros((2, 1))}, "triplets is not a file"),
    ]:
        replace_golden(bundle_folder, **arrays)
        with pytest.raises(BadBundle, match=words):
            Bundle.load(bundle_folder)
    with zipfile.ZipFile(bundle_folder / "golden.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scores.npy", b"\0" * (65 << 20))
    with pytest.raises(BadBundle, match="unpacks to more"):
        Bundle.load(bundle_folder)
    monkeypatch.setattr(bundles, "MAX_MODEL", 1000)
    with pytest.raises(BadBundle, match="more than the 1000 allowed"):
        Bundle.load(bundle_folder)


def test_weights_in_another_file_are_refused(bundle_folder, tmp_path):
    model = onnx_model(random_weights())
    tensor = model.graph.initializer[0]
    (tmp_path / "secret").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(tmp_path / "secret"))
    (bundle_folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BadBundle, match="in another file"):
        Bundle.load(bundle_folder)


def test_a_net_that_is_too_narrow_for_its_classes(tmp_path):
    model = onnx_model(random_weights()).SerializeToString()
    card = small_card(classes=("real", "bogus"))
    with pytest.raises(BadBundle, match=r"scores of shape \(4, 1\)"):
        write_bundle(tmp_path / "x", model, card, {"triplets": golden_inputs(card.recipe)})


def test_a_net_whose_output_has_another_name(tmp_path):
    node = helper.make_node("Identity", ["triplets"], ["answers"])
    shape = [None, 63, 63, 3]
    info = [helper.make_tensor_value_info(n, 1, shape) for n in ("triplets", "answers")]
    graph = helper.make_graph([node], "g", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    with pytest.raises(BadBundle, match="cannot be run"):
        write_bundle(
            tmp_path / "x",
            model.SerializeToString(),
            small_card(),
            {"triplets": golden_inputs(small_card().recipe)},
        )


def test_installed_and_find(tmp_path, monkeypatch):
    monkeypatch.setenv("GUESTSTAR_MODELS", str(tmp_path))
    make_bundle(tmp_path / "small")
    (tmp_path / "not-a-bundle").mkdir()
    assert installed()["small"] == tmp_path / "small"
    assert "not-a-bundle" not in installed()
    assert find("small").digest == find(tmp_path / "small").digest
    with pytest.raises(BadInput, match="no model 'smal'. Did you mean 'small'"):  # noqa: RUF043
        find("smal")
    monkeypatch.delenv("GUESTSTAR_MODELS")
    assert user_folder().parts[-2:] == ("gueststar", "models")


def test_vgg6_has_the_weights_of_the_paper(data):
    import json

    counts = json.loads((data / "expected/parameter_counts.json").read_text())
    ours = sum(int(np.prod(shape)) for shape in VGG6().shapes().values())
    assert ours == 312_081
    assert ours in json.loads(json.dumps(list(_numbers(counts))))


def _numbers(tree):
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _numbers(value)
    elif isinstance(tree, int):
        yield tree


def test_vgg6_says_which_weight_is_wrong():
    good = random_weights()
    for name, array, words in [
        ("fc_1.bias", np.zeros(3), "fc_1.bias of shape"),
        ("conv2.weight", np.full((16, 16, 3, 3), np.nan), "conv2.weight has values"),
    ]:
        with pytest.raises(BadInput, match=words):
            onnx_model({**good, name: array})
    del good["fc_out.bias"]
    with pytest.raises(BadInput, match="needs the weight fc_out"):
        onnx_model(good)


def test_weights_survive_in_onnx():
    weights = random_weights()
    model = onnx.load_model_from_string(onnx_model(weights).SerializeToString())
    for tensor in model.graph.initializer:
        np.testing.assert_array_equal(numpy_helper.to_array(tensor), weights[tensor.name])

"""Training: examples, split by object, the loop, and a bundle at the end."""

import numpy as np
import pytest

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.classifiers.tasks import module_for
from gueststar.errors import BadBundle, BadInput, MissingExtra
from gueststar.features.stamps import triplets
from gueststar.models.bundle import Bundle
from gueststar.models.vgg6 import VGG6, onnx_model
from gueststar.simulate.night import Night
from gueststar.train.data import Examples, in_share, real_examples, simulated_examples
from gueststar.train.fit import FitConfig, class_weights, fit, log_loss


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs the extra train")


def blobs(n, seed=0):
    """Real ones have a blob in the middle of the difference image."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.02, (n, 63, 63, 3))
    labels = np.arange(n) % 2
    images[labels == 1, 29:34, 29:34, 2] += 0.15
    names = np.array([f"{seed}-{k}" for k in range(n)])
    return Examples(images.astype("f2"), labels.astype("f4"), names)


def test_simulated_examples_are_what_the_stream_sees():
    seen = []
    examples = simulated_examples(40, 7, progress=lambda n, of: seen.append((n, of)))
    rows = list(Night(40, 7).cutouts())
    batch = AlertBatch.from_columns(
        **{name: [row[i] for row in rows] for i, name in enumerate(CUTOUTS)}
    )
    images, reasons = triplets(batch)
    assert reasons == [None] * 40
    np.testing.assert_array_equal(examples.images, images.astype("f2"))
    assert examples.labels.tolist() == [row[3] for row in rows]
    assert seen[-1] == (40, 40)
    assert set(examples.objects) == {"simulate:7"}
    longer = simulated_examples(170, 6)
    assert set(longer.objects) == {"simulate:6", "simulate:7"}
    np.testing.assert_array_equal(longer.images[160:], examples.images[:10])


def test_real_examples(data):
    examples = real_examples([data / "alerts/ztf"])
    assert len(examples) == 278
    assert (examples.labels < 0.5).sum() == 22
    assert len(set(examples.objects)) == 171
    half = in_share(examples.objects, 0.5)
    assert not set(examples.objects[half]) & set(examples.objects[~half])


def test_no_real_examples(tmp_path):
    with pytest.raises(BadInput, match="no alert with a published score"):
        real_examples([tmp_path])


def test_shares_follow_names_only():
    names = np.array([f"ZTF{k}" for k in range(2000)])
    chosen = in_share(names, 0.3)
    assert 0.26 < chosen.mean() < 0.34
    np.testing.assert_array_equal(in_share(names[::-1], 0.3), chosen[::-1])
    assert (in_share(names, 0.3, "other") != chosen).any()


@pytest.mark.train
def test_torch_and_onnx_are_the_same_net(torch):
    from gueststar.models.net import net_of
    from gueststar.models.vgg6 import torch_module

    config = VGG6(size=29, widths=(4, 4, 8, 8), pools=(2, 2), hidden=16)
    net = torch_module(config).eval()
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    assert {name: array.shape for name, array in weights.items()} == config.shapes()
    images = np.random.default_rng(0).normal(size=(5, 29, 29, 3)).astype("f4")
    with torch.no_grad():
        expected = torch.sigmoid(net(torch.from_numpy(images).permute(0, 3, 1, 2))).numpy()
    scores = net_of(onnx_model(weights, config).SerializeToString()).run({"triplets": images})
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert sum(p.numel() for p in torch_module().parameters()) == 312_081


@pytest.mark.train
def test_a_net_learns_and_keeps_its_best_epoch(torch):
    from gueststar.models.vgg6 import torch_module
    from gueststar.train.fit import predict

    torch.manual_seed(3)
    net, valid, steps = torch_module(), blobs(64, seed=2), []
    history = fit(
        net, blobs(256), valid, FitConfig(epochs=4, batch=32), lambda *now: steps.append(now)
    )
    assert [step[0] for step in steps] == list(range(1, 33))
    assert min(history.valid) < 0.2
    best = log_loss(predict(net, valid.images), valid.labels)
    assert best == pytest.approx(min(history.valid), abs=1e-6)
    assert history.best == int(np.argmin(history.valid)) + 1


@pytest.mark.train
def test_an_object_in_both_sets_is_refused(torch):
    from gueststar.models.vgg6 import torch_module

    with pytest.raises(BadInput, match="8 objects are in both sets"):
        fit(torch_module(), blobs(8), blobs(8))
    with pytest.raises(BadInput, match="0 examples to learn from"):
        fit(torch_module(), blobs(0), blobs(8))
    with pytest.raises(BadInput, match="cannot be trained with"):
        FitConfig(epochs=0)


def test_class_weights_balance():
    labels = np.array([1, 1, 1, 0], "f4")
    bogus, real = class_weights(labels)
    assert 3 * real == pytest.approx(bogus)
    assert class_weights(np.ones(3)) == (1.0, 1.0)


@pytest.mark.train
@pytest.mark.slow
def test_train_rb_writes_a_bundle_that_scores(torch, tmp_path, data):
    from gueststar.train.rb import train_rb

    stages = set()
    path = train_rb(
        tmp_path / "mine",
        simulated=320,
        epochs=1,
        data=[data / "alerts/ztf/4.01"],
        progress=lambda label, *_: stages.add(label),
    )
    assert stages == {
        "simulating",
        "training",
        "tuning on half 1",
        "tuning on half 2",
        "tuning on all real alerts",
    }
    bundle = Bundle.load(path)
    bundle.check()
    assert bundle.card.name == "mine"
    assert "drb" in bundle.card.training["real"]
    assert str(tmp_path) not in (path / "card.toml").read_text()
    figures = bundle.card.figures
    assert figures["real_agreement"].endswith(f" of {figures['real_alerts']}")
    assert 0 <= figures["simulated_auc"] <= 1
    assert "plotly" in (path / "report.html").read_text()
    assert module_for(bundle).gives.names == ["mine_real", "mine_reason"]


@pytest.mark.train
def test_train_rb_without_real_alerts_says_so(torch, tmp_path):
    from gueststar.train.rb import train_rb

    path = train_rb(tmp_path / "sim", simulated=200, epochs=1)
    card = Bundle.load(path).card
    assert "real" not in card.training
    assert not [name for name in card.figures if name.startswith("real_")]


def test_what_cannot_be_trained_is_refused_before_training(tmp_path):
    from gueststar.train.rb import train_rb

    with pytest.raises(BadBundle, match="'my-net' cannot name a model"):
        train_rb(tmp_path / "my-net")
    with pytest.raises(BadInput, match="160 simulated alerts are too few"):
        train_rb(tmp_path / "net", simulated=160)


def test_without_torch_the_way_out_is_said(monkeypatch):
    import sys

    from gueststar.train.fit import need_torch

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"gueststar\[train\]"):
        need_torch()

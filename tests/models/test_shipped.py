"""The bundle that the package ships: small, checked, honest."""

import numpy as np

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.checks import check_bundle, check_module
from gueststar.classifiers.realbogus import default_module
from gueststar.models.installed import SHIPPED
from gueststar.simulate.night import Night
from gueststar.train.metrics import auc


def test_rb_is_small_and_checked():
    check_bundle(SHIPPED / "rb")
    files = {path.name: path.stat().st_size for path in (SHIPPED / "rb").iterdir()}
    assert set(files) == {"model.onnx", "card.toml", "golden.npz"}
    assert sum(files.values()) < 1_500_000


def test_the_card_says_what_it_was_trained_on():
    card = default_module().bundle.card
    assert "simulated nights" in card.training["simulated"]
    assert "drb" in card.training["real"]
    assert card.training["command"].startswith("gueststar train rb")
    assert card.figures["real_alerts"] == 278
    assert "tuned on the other half only" in card.figures["real_how"]


def test_rb_tells_real_from_bogus_on_a_night_it_has_not_seen():
    rows = list(Night(400, 11).cutouts())
    stamps = {name: [row[i] for row in rows] for i, name in enumerate(CUTOUTS)}
    batch = AlertBatch.from_columns(survey=["ztf"] * len(rows), **stamps)
    module = default_module()
    scores = module(batch).column("rb_real").to_numpy(zero_copy_only=False)
    good = np.isfinite(scores)
    assert good.mean() > 0.99
    assert auc(scores[good], np.array([row[3] for row in rows])[good] == 1) > 0.97
    check_module(module, batch.slice(0, 20))

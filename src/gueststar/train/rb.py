"""Train our own real/bogus net, ``rb``: VGG6 on simulated stamps, tuned on real alerts.

Real alerts carry no truth, only the survey's own score (drb), so learning from them is partly
distilling braai. They are used sparingly: a short tuning at the end. What the card says of real
alerts is cross-fitted: their objects are divided in two halves by a hash, and each half is judged
by a net that has learnt from the other half only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from gueststar import __version__
from gueststar.batch import CUTOUTS
from gueststar.errors import BadInput
from gueststar.features.stamps import SIZE, Norm
from gueststar.models.bundle import CHUNK, golden_inputs, write_bundle
from gueststar.models.card import Card, Recipe, check_name
from gueststar.models.net import net_of
from gueststar.models.vgg6 import onnx_model, torch_module
from gueststar.train import metrics
from gueststar.train.data import (
    PER_NIGHT,
    Examples,
    in_share,
    real_examples,
    simulated_examples,
)
from gueststar.train.fit import FitConfig, History, fit, need_torch
from gueststar.train.report import write_report
from gueststar.train.watch import Watch, terminal_watch

NORM: Norm = "image"
FIRST_NIGHT, NIGHTS = 1_000_000, 10_000  # beyond the nights that people simulate; per seed
HELD_OUT = 0.1  # share of the simulated nights that is judged on
TUNE_SIMULATED = 3_000  # simulated examples beside the real ones while tuning
TUNE = {"epochs": 2, "rate": 5e-4}
MOST_PER_OBJECT = 8  # else one object with a long history rules
REPEAT = 20  # of real alerts while tuning, so that they weigh as much as the simulated ones


@dataclass(frozen=True)
class Trained:
    """A net and how well it did.

    Parameters
    ----------
    weights : dict of str to numpy.ndarray
    history : History
        Of the training on simulated stamps.
    simulated, real : tuple of numpy.ndarray, or None
        Scores and whether real, of simulated examples that were held out, and of real alerts
        (cross-fitted).
    before : numpy.ndarray or None
        Scores of the real alerts before the net was tuned on any.
    """

    weights: dict[str, np.ndarray]
    history: History
    simulated: tuple[np.ndarray, np.ndarray]
    real: tuple[np.ndarray, np.ndarray] | None
    before: np.ndarray | None


def train_rb(
    out: Path | str,
    *,
    simulated: int = 20_000,
    seed: int = 0,
    epochs: int = 20,
    data: Sequence[Path] = (),
    progress: Watch | None = None,
) -> Path:
    """Train the real/bogus net and write it as a bundle, with a page of how well it does.

    Parameters
    ----------
    out : path
        Folder of the bundle; its last part is the name of the module.
    simulated : int
        Simulated triplets; a tenth of them is judged on.
    seed : int
        Of the simulated nights, the weights and the order.
    epochs : int
        Passes over the simulated triplets.
    data : sequence of path
        Real alerts with a published score; without any, the net is trained on simulation only.
    progress : callable, optional
        Told what is going on; default a bar on the terminal.

    Returns
    -------
    pathlib.Path
        The bundle's folder; ``report.html`` is in it.

    Raises
    ------
    MissingExtra
        If torch is not installed.
    BadInput
        If no real alert can be used, or a number makes no sense.
    BadBundle
        If the folder's name cannot be a module's.
    """
    out = Path(out)
    check_name(out.name)
    if simulated <= PER_NIGHT:
        raise BadInput(
            f"{simulated} simulated alerts are too few: with more than {PER_NIGHT} there are two "
            "nights, one to learn from and one to be judged on"
        )
    need_torch()
    config = FitConfig(epochs=epochs, seed=seed)
    with terminal_watch() as bars:
        watch = progress or bars
        real = real_examples(data, NORM) if data else None
        examples = simulated_examples(
            simulated, _first_night(config), NORM, lambda n, of: watch("simulating", n, of)
        )
        trained = _train(examples, real, config, watch)
    command = _command(simulated, config, data)
    card = _card(out.name, trained, real, _training(examples, real, config, command))
    model = onnx_model(trained.weights).SerializeToString()
    write_bundle(out, model, card, {"triplets": golden_inputs(card.recipe)})
    judged = [("simulated", *trained.simulated)]
    if trained.real is not None:
        judged.append(("real alerts, drb >= 0.5", *trained.real))
    write_report(out / "report.html", judged, trained.history)
    return out


def _train(examples: Examples, real: Examples | None, config: FitConfig, watch: Watch) -> Trained:
    torch = need_torch()
    torch.manual_seed(config.seed)
    held = in_share(examples.objects, HELD_OUT, "rb")
    if not held.any():
        held = examples.objects == examples.objects[-1]
    learn, valid = examples.where(~held), examples.where(held)
    net = torch_module()
    history = _fit(net, learn, valid, config, watch, "training")
    before = cross = None
    if real is not None:
        before = judge(net, real.images)
        cross = _cross_fitted(net, learn, valid, real, config, watch)
        _tune(net, learn, valid, real, config, watch, "tuning on all real alerts")
    simulated = (judge(net, valid.images), valid.labels >= 0.5)
    return Trained(_weights(net), history, simulated, cross, before)


def _cross_fitted(
    net: Any, learn: Examples, valid: Examples, real: Examples, config: FitConfig, watch: Watch
) -> tuple[np.ndarray, np.ndarray]:
    """Judge each half of the real objects by a net tuned on the other half."""
    half = in_share(real.objects, 0.5, "rb")
    scores = np.zeros(len(real), np.float32)
    for number, mine in enumerate((half, ~half), 1):
        if not mine.any():
            continue
        copied = torch_module()
        copied.load_state_dict(net.state_dict())
        if (~mine).any():
            label = f"tuning on half {number}"
            _tune(copied, learn, valid, real.where(~mine), config, watch, label)
        scores[mine] = judge(copied, real.images[mine])
    return scores, real.labels >= 0.5


def _tune(
    net: Any,
    learn: Examples,
    valid: Examples,
    real: Examples,
    config: FitConfig,
    watch: Watch,
    label: str,
) -> None:
    few = learn.where(np.arange(len(learn)) < TUNE_SIMULATED)
    config = FitConfig(seed=config.seed, **TUNE)  # type: ignore[arg-type]
    _fit(net, few.beside(_balanced(real, config.seed)), valid, config, watch, label)


def _balanced(real: Examples, seed: int) -> Examples:
    """Repeat real alerts, some per object at most."""
    order = np.random.default_rng(seed).permutation(len(real))
    seen: dict[str, int] = {}
    repeats = np.zeros(len(real), int)
    for row in order:
        name = str(real.objects[row])
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= MOST_PER_OBJECT:
            repeats[row] = REPEAT
    rows = np.repeat(np.arange(len(real)), repeats)
    return Examples(real.images[rows], real.labels[rows], real.objects[rows])


def _fit(
    net: Any, learn: Examples, valid: Examples, config: FitConfig, watch: Watch, label: str
) -> History:
    def report(step: int, steps: int, loss: float, last: float) -> None:
        watch(label, step, steps, f"loss {loss:.3f}  validation {last:.3f}")

    return fit(net, learn, valid, config, report)


def _weights(net: Any) -> dict[str, np.ndarray]:
    return {name: tensor.detach().cpu().numpy() for name, tensor in net.state_dict().items()}


def judge(net: Any, images: np.ndarray) -> np.ndarray:
    """Score images as the stream will: the net as ONNX, in float32.

    Returns
    -------
    numpy.ndarray of float32, shape ``(n,)``
    """
    runner = net_of(onnx_model(_weights(net)).SerializeToString())
    chunks = (images[at : at + CHUNK].astype(np.float32) for at in range(0, len(images), CHUNK))
    return np.concatenate([runner.run({"triplets": chunk})[:, 0] for chunk in chunks])


def _card(name: str, trained: Trained, real: Examples | None, training: dict[str, Any]) -> Card:
    options = {"norm": NORM, "size": SIZE, "channels": list(CUTOUTS)}
    return Card(
        name=name,
        version=__version__,
        task="real-bogus",
        classes=("real",),
        inputs=(Recipe("triplets", "stamps", (SIZE, SIZE, len(CUTOUTS)), options),),
        licence="BSD-3-Clause",
        source="gueststar train rb",
        created=date.today().isoformat(),
        surveys=("ztf",),
        summary="Real or bogus, our own VGG6 on the three cutouts",
        training=training,
        figures=_simulated_figures(trained) | (_real_figures(trained, real) if real else {}),
    )


def _first_night(config: FitConfig) -> int:
    return FIRST_NIGHT + NIGHTS * config.seed


def _command(simulated: int, config: FitConfig, data: Sequence[Path]) -> str:
    """Say how to repeat this; the real alerts are named by what they are, not where they are."""
    words = ["gueststar", "train", "rb", "--simulated", str(simulated)]
    words += ["--epochs", str(config.epochs), "--seed", str(config.seed)]
    return " ".join(words + ["--data ALERTS"] * bool(data))


def _training(
    examples: Examples, real: Examples | None, config: FitConfig, command: str
) -> dict[str, Any]:
    nights = len(set(examples.objects))
    facts: dict[str, Any] = {
        "command": command,
        "simulated": f"{len(examples)} alerts of {nights} simulated nights from seed "
        f"{_first_night(config)}, by gueststar's simulator",
        "network": "VGG6 of arXiv 1907.11259, from random weights",
        "augmentation": "flips and turns by right angles",
    }
    if real is not None:
        facts["real"] = (
            f"then tuned on {len(real)} ZTF alerts of {len(set(real.objects))} objects, labelled "
            "by their published drb (so in part distilled from braai), among more simulated ones"
        )
    return facts


def _simulated_figures(trained: Trained) -> dict[str, Any]:
    scores, real = trained.simulated
    counts = metrics.rates(scores, real)
    return {
        "simulated_how": "alerts of simulated nights that were held out",
        "simulated_alerts": len(scores),
        "simulated_auc": round(metrics.auc(scores, real), 4),
        "simulated_fpr": round(counts.fpr, 4),
        "simulated_fnr": round(counts.fnr, 4),
        "simulated_calibration_error": round(metrics.calibration_error(scores, real), 4),
    }


def _real_figures(trained: Trained, examples: Examples) -> dict[str, Any]:
    assert trained.real is not None
    assert trained.before is not None
    scores, real = trained.real
    agree = int(((scores >= 0.5) == real).sum())
    counts = metrics.rates(scores, real)
    share = metrics.binomial_interval(agree, len(real))
    span = metrics.auc_interval(scores, real, examples.objects)
    return {
        "real_how": "real alerts against drb >= 0.5; each half of the objects judged by a net "
        "tuned on the other half only. The shipped net was tuned on both halves.",
        "real_alerts": len(real),
        "real_bogus": int((~real).sum()),
        "real_agreement": f"{agree} of {len(real)}",
        "real_agreement_95": [round(x, 3) for x in share],
        "real_always_real_agreement": f"{int(real.sum())} of {len(real)}",
        "real_fpr": f"{counts.false_real} of {counts.false_real + counts.true_bogus}",
        "real_fnr": f"{counts.false_bogus} of {counts.false_bogus + counts.true_real}",
        "real_auc": round(metrics.auc(scores, real), 4),
        "real_auc_95": [round(x, 3) for x in span],
        "real_auc_simulation_only": round(metrics.auc(trained.before, real), 4),
    }

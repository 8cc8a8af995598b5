"""One HTML page of how well a real/bogus net does: ROC, histogram of scores, reliability, loss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gueststar.train.fit import History
from gueststar.train.metrics import auc, reliability, roc

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

#: Name of a set, its scores, and which are real.
Judged = tuple[str, np.ndarray, np.ndarray]
COLOURS = ("#1f77b4", "#d62728")  # simulated, real sky
DASHES = ("solid", "dash")


def figure(judged: list[Judged], history: History) -> Figure:
    """Draw four panels.

    Parameters
    ----------
    judged : list of (str, numpy.ndarray, numpy.ndarray)
        Sets that the net was judged on: name, scores, whether real.
    history : History
        Of the training.
    """
    from plotly.subplots import make_subplots

    titles = ("ROC", "Scores", "Reliability", "Loss")
    page = make_subplots(rows=2, cols=2, subplot_titles=titles)
    for (name, scores, real), colour, dash in zip(judged, COLOURS, DASHES, strict=False):
        _add_roc(page, name, scores, real, {"color": colour, "dash": dash})
        _add_histograms(page, name, scores, real, dash)
        _add_reliability(page, name, scores, real, {"color": colour, "dash": dash})
    _add_loss(page, history)
    axes = [("bogus called real", "real called real"), ("score", "share of the class")]
    axes += [("score", "share of real"), ("epoch", "loss")]
    for place, (x, y) in enumerate(axes):
        page.update_xaxes(title_text=x, row=place // 2 + 1, col=place % 2 + 1)
        page.update_yaxes(title_text=y, row=place // 2 + 1, col=place % 2 + 1)
    page.update_xaxes(type="log", range=[-3, 0], row=1, col=1)
    page.update_layout(height=800, template="simple_white", title="Real or bogus")
    return page


def _line(name: str, x: np.ndarray, y: np.ndarray, line: dict[str, str], **more: object) -> object:
    from plotly.graph_objects import Scatter

    return Scatter(x=x, y=y, name=name, line=line, **more)


def _add_roc(
    page: Figure, name: str, scores: np.ndarray, real: np.ndarray, line: dict[str, str]
) -> None:
    fpr, tpr, _ = roc(scores, real)
    label = f"{name}: AUC {auc(scores, real):.3f}"
    page.add_trace(_line(label, np.maximum(fpr, 1e-3), tpr, line), row=1, col=1)


def _add_histograms(
    page: Figure, name: str, scores: np.ndarray, real: np.ndarray, dash: str
) -> None:
    edges = np.linspace(0, 1, 41)
    for label, rows, colour in (("real", real, "#2a9d4a"), ("bogus", ~real, "#7f3c8d")):
        share = np.histogram(scores[rows], edges)[0] / max(1, rows.sum())
        line = {"color": colour, "dash": dash, "shape": "hvh"}
        page.add_trace(_line(f"{name}, {label}", edges[:-1] + 0.0125, share, line), row=1, col=2)


def _add_reliability(
    page: Figure, name: str, scores: np.ndarray, real: np.ndarray, line: dict[str, str]
) -> None:
    mean, share, count = reliability(scores, real)
    text = [f"{n} alerts" for n in count]
    curve = _line(name, mean, share, line, mode="lines+markers", text=text, showlegend=False)
    page.add_trace(curve, row=2, col=1)


def _add_loss(page: Figure, history: History) -> None:
    epochs = np.arange(1, len(history.train) + 1)
    page.add_trace(_line("learning", epochs, np.array(history.train), {"dash": "solid"}), 2, 2)
    page.add_trace(_line("validation", epochs, np.array(history.valid), {"dash": "dash"}), 2, 2)


def write_report(path: Path, judged: list[Judged], history: History) -> None:
    """Write the page; it needs no network, the JavaScript of Plotly is in it."""
    figure(judged, history).write_html(path, include_plotlyjs=True)

"""Scores by module and class: those of one alert as bars, those of an object against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gueststar.score import TAXONOMY, Score

MOST_SERIES = 12  # that can be told apart in one plot
MOST_POINTS = 500  # of each: an object's newest alerts
MOST_ROWS = 200  # of the history


@dataclass(frozen=True)
class Bar:
    """One class of one module."""

    label: str
    meaning: str
    value: float | None


@dataclass(frozen=True)
class Verdict:
    """What the newest version of a module says of one alert, the likeliest class first."""

    module: str
    version: str
    bars: tuple[Bar, ...]
    reason: str | None


def verdicts(scores: Sequence[Score]) -> list[Verdict]:
    """Return the newest version's scores of each module.

    Parameters
    ----------
    scores : sequence of Score
        Of one alert, versions of a class from old to new, as the store gives them.
    """
    newest = {score.module: score.version for score in scores}
    return [
        _verdict(module, [s for s in scores if (s.module, s.version) == (module, version)])
        for module, version in newest.items()
    ]


def _verdict(module: str, mine: Sequence[Score]) -> Verdict:
    bars = [Bar(s.label, TAXONOMY.get(s.label, ""), s.value) for s in mine]
    bars.sort(key=lambda bar: 1.0 if bar.value is None else -bar.value)
    reason = next((s.reason for s in mine if s.value is None and s.reason), None)
    return Verdict(module, mine[0].version, tuple(bars), reason)


def older(scores: Sequence[Score]) -> list[Score]:
    """Return the scores of versions that are not the newest of their module, newest first."""
    newest = {score.module: score.version for score in scores}
    return [s for s in reversed(scores) if s.version != newest[s.module]]


def headline(scores: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Return the score of the class ``real`` that stands for each alert in a list.

    Parameters
    ----------
    scores : sequence of mapping
        Rows of the view ``scores``, versions of a class from old to new.

    Returns
    -------
    dict of int to mapping
        By alert: the newest version of the first module that gave a number, else of the first.
    """
    newest: dict[int, dict[str, Mapping[str, Any]]] = {}
    for row in scores:
        if row["class"] == "real":
            newest.setdefault(row["alert_id"], {})[row["module"]] = row
    return {alert: _first_scored(list(rows.values())) for alert, rows in newest.items()}


def _first_scored(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((row for row in rows if row["value"] is not None), rows[0])


def series(scores: Sequence[Mapping[str, Any]], mjd: Mapping[int, float]) -> list[dict[str, Any]]:
    """Return each class's newest scores against time, for drawing.

    Parameters
    ----------
    scores : sequence of mapping
        Rows of the view ``scores`` in order of time, versions from old to new.
    mjd : mapping of int to float
        Time of each alert, MJD TAI.

    Returns
    -------
    list of dict
        ``name``, ``mjd``, ``value``, ``alert`` (ids as strings): at most 12 classes, those that
        reach highest; empty when no class has scores of two alerts.
    """
    lines: dict[str, dict[int, float]] = {}
    for row in scores:
        if row["value"] is not None and row["alert_id"] in mjd:
            line = lines.setdefault(f"{row['module']} {row['class']}", {})
            line[row["alert_id"]] = row["value"]
    if all(len(line) < 2 for line in lines.values()):
        return []
    chosen = sorted(lines, key=lambda name: -max(lines[name].values()))[:MOST_SERIES]
    return [_line(name, lines[name], mjd) for name in chosen]


def _line(name: str, values: Mapping[int, float], mjd: Mapping[int, float]) -> dict[str, Any]:
    newest = list(values.items())[-MOST_POINTS:]
    return {
        "name": name,
        "mjd": [mjd[alert] for alert, _ in newest],
        "value": [round(value, 5) for _, value in newest],
        "alert": [str(alert) for alert, _ in newest],
    }

"""Altitudes of a night against UTC, with twilight and Moon."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from gueststar.client.observing import HIGHEST_AIRMASS, TWILIGHTS, Night, airmass

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from gueststar.client.visibility import Observability

MOST = 12  # lines that can be told apart
_SHADE = "rgba(30,60,120,0.13)"  # laid once more for each twilight: the darkest is the night
_WIDTH, _HEIGHT = 360, 90  # of the sketch, pixels: 4 a step of 15 minutes, 1 a degree


def night_figure(seen: Observability) -> Figure:
    """Draw a night.

    Parameters
    ----------
    seen : Observability
        Its first 12 positions are drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        Transparent background; hovering gives airmass, UTC and local time.
    """
    from plotly.graph_objects import Figure, Scatter

    night = seen.night
    figure = Figure()
    for start, end in _twilights(night):
        figure.add_vrect(x0=start, x1=end, fillcolor=_SHADE, line_width=0, layer="below")
    local = [seen.site.local(one) for one in night.utc.tolist()]
    for name, altitude in list(zip(seen.names, seen.altitude, strict=True))[:MOST]:
        told = np.column_stack([np.char.mod("%.2f", airmass(altitude)), local])
        figure.add_trace(
            Scatter(
                x=night.utc,
                y=altitude,
                mode="lines",
                name=name,
                customdata=told,
                hovertemplate="%{y:.1f}°, airmass %{customdata[0]}<br>%{x|%H:%M} UTC, "
                "%{customdata[1]} local",
            )
        )
    moon = f"Moon, {100 * night.illumination:.0f} %"
    line = {"color": "#888888", "dash": "dot"}
    figure.add_trace(Scatter(x=night.utc, y=night.moon, mode="lines", name=moon, line=line))
    _lay_out(figure, seen)
    return figure


def night_sketch(seen: Observability) -> str:
    """Draw a night as one small ``<svg>`` element: altitudes, the Moon dotted, twilight behind."""
    night = seen.night
    x = np.linspace(0, _WIDTH, len(night.utc))
    place = dict(zip(night.utc.tolist(), x.tolist(), strict=True))
    parts = [
        f'<rect x="{place[a]:.0f}" width="{place[b] - place[a]:.0f}" height="{_HEIGHT}" '
        'fill="#1e3c78" opacity=".13"/>'
        for a, b in ((a.item(), b.item()) for a, b in _twilights(night))
    ]
    parts += [_line(x, one, 'stroke="#2a7ab0" stroke-width="2"') for one in seen.altitude[:MOST]]
    parts.append(_line(x, night.moon, 'stroke="#888888" stroke-dasharray="2 3"'))
    label = f"altitudes at {seen.site.name} in the night of {night.date}, noon to noon"
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _line(x: np.ndarray, altitude: np.ndarray, style: str) -> str:
    points = " ".join(f"{a:.0f},{_HEIGHT - b:.1f}" for a, b in zip(x, altitude, strict=True))
    return f'<polyline points="{points}" fill="none" {style}/>'


def _twilights(night: Night) -> list[tuple[np.datetime64, np.datetime64]]:
    """Spans in which the Sun is down, and below each twilight's altitude."""
    spans = []
    for limit in (0.0, *TWILIGHTS.values()):
        below = np.concatenate([[False], night.sun < limit, [False]])
        (turns,) = np.nonzero(below[1:] != below[:-1])
        spans += [(night.utc[a], night.utc[b - 1]) for a, b in turns.reshape(-1, 2)]
    return spans


def _lay_out(figure: Figure, seen: Observability) -> None:
    night = seen.night
    down = night.utc[night.sun < 3]
    shown = [down[0], down[-1]] if len(down) else [night.utc[0], night.utc[-1]]
    grid = {"gridcolor": "rgba(128,128,128,0.2)"}
    more = f", the first {MOST} of {len(seen)}" if len(seen) > MOST else ""
    figure.add_hline(
        y=29.9, line={"color": "#888888", "width": 1, "dash": "dash"},
        annotation_text=f"airmass {HIGHEST_AIRMASS:g}", annotation_font_size=10,
    )  # fmt: skip
    figure.update_layout(
        template="plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        title=f"{seen.site.name}, night of {night.date}{more}",
        xaxis={"title": "UTC", "range": shown, "tickformat": "%H:%M", **grid},
        yaxis={"title": "altitude (deg)", "range": [0, 90], **grid},
        margin={"l": 70, "r": 20, "t": 60, "b": 50},
    )

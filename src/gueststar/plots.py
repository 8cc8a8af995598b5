"""Pictures of light curves: a Plotly figure and a small inline SVG. Notebook and portal share them.

Colours follow the field's habits; every band has its own marker too, so that a picture can be
read without seeing colours.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np

from gueststar.batch import AB_ZERO_POINT
from gueststar.errors import BadInput, did_you_mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scatter

    from gueststar.lightcurve import LightCurve

#: ZTF: green, red, orange, as its users draw them.
ZTF_COLOURS = {"g": "#2a9d4a", "r": "#d62728", "i": "#ff7f0e"}
#: LSST: after RTN-045 (Rubin's guidelines, safe for colour-blind eyes); y lighter, so that it
#: can be seen on dark pages.
LSST_COLOURS = {
    "u": "#0c71ff",
    "g": "#49be61",
    "r": "#c61c00",
    "i": "#ffc200",
    "z": "#f341a2",
    "y": "#a0522d",
}
MARKERS = {
    "u": "hexagon",
    "g": "circle",
    "r": "square",
    "i": "diamond",
    "z": "star",
    "y": "pentagon",
}
LIMIT_MARKER = "triangle-down"
OTHER = "#888888"
FAINTEST = 3.0  # signal to noise of a forced point that is drawn as a magnitude


def colour(band: str | None, survey: str | None = None) -> str:
    """Return the colour of a band as ``#rrggbb``.

    Examples
    --------
    >>> colour("g", "ztf"), colour("g", "lsst")
    ('#2a9d4a', '#49be61')
    """
    colours = LSST_COLOURS if survey == "lsst" else {**LSST_COLOURS, **ZTF_COLOURS}
    return colours.get(band or "", OTHER)


def light_curve_figure(
    curve: LightCurve,
    *,
    total: bool = False,
    y: Literal["mag", "flux"] = "mag",
    forced: bool = True,
    limits: bool = True,
) -> Figure:
    """Draw a light curve.

    Parameters
    ----------
    curve : LightCurve
        What to draw.
    total : bool
        Total flux (reference and difference) in the place of the difference.
    y : {'mag', 'flux'}
        AB magnitudes, bright is up; or flux, nJy. Only flux shows negative differences.
    forced : bool
        Draw forced photometry, as open markers; among magnitudes only where it exceeds 3 sigma.
    limits : bool
        Draw 5 sigma limits, as triangles that point down. They are limits of the difference
        image, so they are not drawn beside total flux.

    Returns
    -------
    plotly.graph_objects.Figure
        Transparent background; hovering gives MJD and UTC.

    Raises
    ------
    BadInput
        If ``y`` is something else.
    """
    from plotly.graph_objects import Figure

    if y not in ("mag", "flux"):
        raise BadInput(f"no y axis {y!r}.{did_you_mean(y, ('mag', 'flux'))}")
    shown = curve.total() if total else curve
    figure = Figure()
    for band in curve.bands:
        figure.add_traces(_band_traces(shown, band, y, forced))
        if limits and not total:
            figure.add_traces(_limit_traces(curve, band, y))
    _lay_out(figure, shown, y)
    return figure


def _band_traces(curve: LightCurve, band: str, y: str, forced: bool) -> list[Scatter]:
    kinds = {"detection": MARKERS.get(band, "circle")}
    if forced:
        kinds["forced"] = f"{MARKERS.get(band, 'circle')}-open"
    mine = curve["band"] == band
    if y == "mag":
        mine &= _has_magnitude(curve)
    parts = [
        (kind, symbol, curve[mine & (curve["kind"] == kind)]) for kind, symbol in kinds.items()
    ]
    return [_measured(part, band, kind, symbol, y) for kind, symbol, part in parts if len(part)]


def _has_magnitude(curve: LightCurve) -> np.ndarray:
    """Positive, and if forced above 3 sigma: a magnitude of noise would stretch the axis."""
    flux = curve["flux"]
    weak = (curve["kind"] == "forced") & (flux < FAINTEST * curve["flux_err"])
    return np.asarray((flux > 0) & ~weak)


def _measured(part: LightCurve, band: str, kind: str, symbol: str, y: str) -> Scatter:
    from plotly.graph_objects import Scatter

    values, errors = (part.mag, part.mag_err) if y == "mag" else (part["flux"], part["flux_err"])
    number = "%{y:.3f} ± %{customdata[2]} mag" if y == "mag" else "%{y:.4g} ± %{customdata[2]} nJy"
    digits = "%.3f" if y == "mag" else "%.3g"
    return Scatter(
        x=part["mjd_tai"],
        y=values,
        error_y={"type": "data", "array": errors, "thickness": 1, "width": 0},
        mode="markers",
        name=band if kind == "detection" else f"{band} {kind}",
        legendgroup=band,
        marker={"color": colour(band, part.survey), "symbol": symbol, "size": 8},
        customdata=np.column_stack([_dates(part), _ratios(part), np.char.mod(digits, errors)]),
        hovertemplate=(
            f"<b>{band} {kind}</b><br>{number}<br>S/N %{{customdata[1]}}<br>"
            "MJD %{x:.5f} (TAI)<br>%{customdata[0]} UTC<extra></extra>"
        ),
    )


def _limit_traces(curve: LightCurve, band: str, y: str) -> list[Scatter]:
    from plotly.graph_objects import Scatter

    part = curve.limits
    part = part[(part["band"] == band) & np.isfinite(part["limit"])]
    if not len(part):
        return []
    depth = part["limit"].astype(np.float64)
    trace = Scatter(
        x=part["mjd_tai"],
        y=depth if y == "mag" else 10 ** (0.4 * (AB_ZERO_POINT - depth)),
        mode="markers",
        name=f"{band} limit",
        legendgroup=band,
        opacity=0.35,
        marker={"color": colour(band, part.survey), "symbol": LIMIT_MARKER, "size": 7},
        customdata=np.column_stack([_dates(part), np.char.mod("%.2f", depth)]),
        hovertemplate=(
            f"<b>{band} limit</b><br>fainter than %{{customdata[1]}} mag (5 sigma)<br>"
            "MJD %{x:.5f} (TAI)<br>%{customdata[0]} UTC<extra></extra>"
        ),
    )
    return [trace]


def _dates(part: LightCurve) -> np.ndarray:
    stamps = part.time.utc.to_value("iso", subfmt="date_hm")
    return np.asarray(stamps)


def _ratios(part: LightCurve) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.char.mod("%.1f", part["flux"] / part["flux_err"])


def _lay_out(figure: Figure, shown: LightCurve, y: str) -> None:
    what = "total" if shown.quantity == "total" else "difference"
    unit = f"{what} magnitude (AB)" if y == "mag" else f"{what} flux (nJy)"
    grid = {"gridcolor": "rgba(128,128,128,0.2)", "zeroline": y == "flux"}
    grid["zerolinecolor"] = "rgba(128,128,128,0.6)"
    figure.update_layout(
        template="plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        title=shown.object_id,
        xaxis={"title": "MJD (TAI, d)", "tickformat": ".7~g", **grid},
        yaxis={"title": unit, "autorange": "reversed" if y == "mag" else True, **grid},
        yaxis_exponentformat="power",
        margin={"l": 70, "r": 20, "t": 60, "b": 50},
    )
    hidden = np.isfinite(shown["flux"]) & ~_has_magnitude(shown)
    if y == "mag" and hidden.any():
        text = f"{hidden.sum()} points are too faint or negative for a magnitude: choose flux"
        place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "showarrow": False}
        place |= {"yanchor": "bottom", "xanchor": "left"}
        figure.add_annotation(text=text, font={"size": 11, "color": OTHER}, **place)


def sparkline(curve: LightCurve, width: int = 240, height: int = 60) -> str:
    """Draw one point an exposure as a small SVG, flux against time; forced ones are paler.

    Parameters
    ----------
    curve : LightCurve
        What to draw.
    width, height : int
        Pixels.

    Returns
    -------
    str
        One ``<svg>`` element, light enough for one in each row of a table.
    """
    best = curve.best()
    some = best[np.isfinite(best["flux"])]
    dots = _dots(some, width, height) if len(some) else "<text x='4' y='14'>no points</text>"
    label = escape(f"light curve of {curve.object_id or 'an object'}, {len(some)} points")
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}" style="font-size:11px">{dots}</svg>'
    )


def _dots(some: LightCurve, width: int, height: int) -> str:
    flux = some["flux"].astype(np.float64)
    low, high = min(float(flux.min()), 0.0), max(float(flux.max()), 0.0)
    x = _scaled(some["mjd_tai"], float(some["mjd_tai"].min()), float(some["mjd_tai"].max()), width)
    heights = _scaled(np.append(flux, 0.0), low, high, height)
    zero = height - heights[-1]
    line = f'<path d="M0 {zero:.1f}H{width}" stroke="{OTHER}" stroke-width=".5"/>'
    place = np.char.add(np.char.mod("M%.0f ", x), np.char.mod("%.1fh0", height - heights[:-1]))
    paths = [line]
    for band in some.bands:
        for kind, opacity in (("forced", 0.45), ("detection", 1.0)):
            mine = (some["band"] == band) & (some["kind"] == kind)
            paths.append(
                f'<path d="{"".join(place[mine])}" stroke="{colour(band, some.survey)}" '
                f'stroke-width="4" stroke-linecap="round" opacity="{opacity}"/>'
            )
    return "".join(paths)


def _scaled(values: np.ndarray, low: float, high: float, length: int) -> np.ndarray:
    """Bring values to pixels, 4 of margin at each end."""
    return np.asarray(4 + (values - low) / ((high - low) or 1.0) * (length - 8))

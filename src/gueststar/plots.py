"""Pictures of light curves: a Plotly figure and a small inline SVG. Notebook and portal share them.

Colours follow the field's habits; every band has its own marker too, so that a picture can be
read without seeing colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from gueststar.batch import AB_ZERO_POINT
from gueststar.distances import absolute_offset
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
SQUEEZED = 4.0  # limits may make a flux axis so many times as long as measured fluxes do
FAINTEST = 3.0  # signal to noise of a forced point that is drawn as a magnitude


class Folding(Protocol):
    """Turns times into phases: see :class:`gueststar.periods.Fold`."""

    @property
    def label(self) -> str:
        """Title of the axis."""
        ...

    def __call__(self, mjd_tai: np.ndarray) -> np.ndarray:
        """Return phases in [0, 1)."""
        ...


@dataclass(frozen=True)
class _View:
    """What the axes are."""

    y: str
    fold: Folding | None = None
    offset: float = 0.0  # mag, taken off apparent magnitudes

    def x(self, part: LightCurve) -> np.ndarray:
        """Return times, or phases of two cycles."""
        mjd = part["mjd_tai"]
        if self.fold is None:
            return np.asarray(mjd)
        phase = self.fold(mjd)
        return np.concatenate([phase, phase + 1])

    def doubled(self, values: np.ndarray) -> np.ndarray:
        """Repeat the points of a folded curve for the second cycle."""
        return values if self.fold is None else np.concatenate([values, values])

    @property
    def when(self) -> str:
        """Lines of the label that say the time; the last two of ``customdata`` are UTC and MJD."""
        phase = "" if self.fold is None else "phase %{x:.4f}<br>"
        return f"{phase}MJD %{{customdata[3]}} (TAI)<br>%{{customdata[0]}} UTC<extra></extra>"


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
    fold: Folding | None = None,
    redshift: float | None = None,
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
    fold : callable, optional
        Turns MJD TAI into phases, such as :class:`gueststar.periods.Fold`; two cycles are drawn.
    redshift : float, optional
        Makes magnitudes absolute; see :func:`gueststar.distances.absolute_offset`.

    Returns
    -------
    plotly.graph_objects.Figure
        Transparent background; hovering gives MJD and UTC.

    Raises
    ------
    BadInput
        If ``y`` is something else, or a redshift is given for flux or out of range.
    """
    from plotly.graph_objects import Figure

    if y not in ("mag", "flux"):
        raise BadInput(f"no y axis {y!r}.{did_you_mean(y, ('mag', 'flux'))}")
    if redshift is not None and y == "flux":
        raise BadInput("a redshift makes magnitudes absolute: choose y = 'mag'")
    view = _View(y, fold, 0.0 if redshift is None else absolute_offset(redshift))
    shown = curve.total() if total else curve
    figure = Figure()
    for band in curve.bands:
        figure.add_traces(_band_traces(shown, band, view, forced))
        if limits and not total:
            figure.add_traces(_limit_traces(curve, band, view))
    _lay_out(figure, shown, view, redshift)
    if y == "mag":
        _tell_of_hidden(figure, shown)
    elif limits and not total:
        _fit_to_measured(figure, curve)
    return figure


def _band_traces(curve: LightCurve, band: str, view: _View, forced: bool) -> list[Scatter]:
    kinds = {"detection": MARKERS.get(band, "circle")}
    if forced:
        kinds["forced"] = f"{MARKERS.get(band, 'circle')}-open"
    mine = curve["band"] == band
    if view.y == "mag":
        mine &= _has_magnitude(curve)
    parts = [
        (kind, symbol, curve[mine & (curve["kind"] == kind)]) for kind, symbol in kinds.items()
    ]
    return [_measured(part, band, kind, symbol, view) for kind, symbol, part in parts if len(part)]


def _has_magnitude(curve: LightCurve) -> np.ndarray:
    """Positive, and if forced above 3 sigma: a magnitude of noise would stretch the axis."""
    flux = curve["flux"]
    weak = (curve["kind"] == "forced") & (flux < FAINTEST * curve["flux_err"])
    return np.asarray((flux > 0) & ~weak)


def _measured(part: LightCurve, band: str, kind: str, symbol: str, view: _View) -> Scatter:
    from plotly.graph_objects import Scatter

    if view.y == "mag":
        values, errors, digits = part.mag - view.offset, part.mag_err, "%.3f"
        number = "%{y:.3f} ± %{customdata[2]} mag"
    else:
        values, errors, digits = part["flux"], part["flux_err"], "%.3g"
        number = "%{y:.4g} ± %{customdata[2]} nJy"
    told = [_dates(part), _ratios(part), np.char.mod(digits, errors), _mjds(part)]
    return Scatter(
        x=view.x(part),
        y=view.doubled(values),
        error_y={"type": "data", "array": view.doubled(errors), "thickness": 1, "width": 0},
        mode="markers",
        name=band if kind == "detection" else f"{band} {kind}",
        legendgroup=band,
        marker={"color": colour(band, part.survey), "symbol": symbol, "size": 8},
        customdata=view.doubled(np.column_stack(told)),
        hovertemplate=f"<b>{band} {kind}</b><br>{number}<br>S/N %{{customdata[1]}}<br>{view.when}",
    )


def _limit_traces(curve: LightCurve, band: str, view: _View) -> list[Scatter]:
    from plotly.graph_objects import Scatter

    part = curve.limits
    part = part[(part["band"] == band) & np.isfinite(part["limit"])]
    if not len(part):
        return []
    depth = part["limit"].astype(np.float64)
    told = [_dates(part), np.char.mod("%.2f", depth), np.char.mod("%.2f", depth), _mjds(part)]
    trace = Scatter(
        x=view.x(part),
        y=view.doubled(depth - view.offset if view.y == "mag" else _limiting_flux(depth)),
        mode="markers",
        name=f"{band} limit",
        legendgroup=band,
        opacity=0.35,
        marker={"color": colour(band, part.survey), "symbol": LIMIT_MARKER, "size": 7},
        customdata=view.doubled(np.column_stack(told)),
        hovertemplate=(
            f"<b>{band} limit</b><br>fainter than %{{customdata[1]}} mag (5 sigma)<br>{view.when}"
        ),
    )
    return [trace]


def _limiting_flux(depth: np.ndarray) -> np.ndarray:
    return np.asarray(10 ** (0.4 * (AB_ZERO_POINT - depth)))


def _dates(part: LightCurve) -> np.ndarray:
    stamps = part.time.utc.to_value("iso", subfmt="date_hm")
    return np.asarray(stamps)


def _mjds(part: LightCurve) -> np.ndarray:
    return np.char.mod("%.5f", part["mjd_tai"])


def _ratios(part: LightCurve) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.char.mod("%.1f", part["flux"] / part["flux_err"])


def _lay_out(figure: Figure, shown: LightCurve, view: _View, redshift: float | None) -> None:
    what = "total" if shown.quantity == "total" else "difference"
    kind = "magnitude (AB)" if redshift is None else f"absolute magnitude (AB, z = {redshift:g})"
    unit = f"{what} {kind}" if view.y == "mag" else f"{what} flux (nJy)"
    grid = {"gridcolor": "rgba(128,128,128,0.2)", "zeroline": view.y == "flux"}
    grid["zerolinecolor"] = "rgba(128,128,128,0.6)"
    time: dict[str, Any] = {"title": "MJD (TAI, d)", "tickformat": ".7~g", **grid}
    if view.fold is not None:
        time |= {"title": view.fold.label, "range": [-0.02, 2.02], "tickformat": ".3~g"}
    figure.update_layout(
        template="plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        title=shown.object_id,
        xaxis=time,
        yaxis={"title": unit, "autorange": "reversed" if view.y == "mag" else True, **grid},
        yaxis_exponentformat="power",
        margin={"l": 70, "r": 20, "t": 60, "b": 50},
    )


def _tell_of_hidden(figure: Figure, shown: LightCurve) -> None:
    hidden = np.isfinite(shown["flux"]) & ~_has_magnitude(shown)
    if hidden.any():
        _remark(
            figure,
            f"{hidden.sum()} points are too faint or negative for a magnitude: choose flux",
        )


def _fit_to_measured(figure: Figure, curve: LightCurve) -> None:
    """Let the limit of a cloudy night not flatten the curve: measured fluxes make the axis."""
    flux, error = curve["flux"].astype(np.float64), np.nan_to_num(curve["flux_err"])
    flux, error = flux[np.isfinite(flux)], error[np.isfinite(flux)]
    if not len(flux):
        return
    low, high = min(0.0, np.min(flux - error)), max(0.0, np.max(flux + error))
    depth = curve.limits["limit"].astype(np.float64)
    drawn = _limiting_flux(depth[np.isfinite(depth)])
    shown_too = drawn[drawn <= low + SQUEEZED * (high - low)]
    above = len(drawn) - len(shown_too)
    if above:
        top = max(high, *shown_too)
        margin = 0.05 * (top - low)
        figure.update_yaxes(range=[low - margin, top + margin], autorange=False)
        _remark(figure, f"limits above the axis: {above}; a double click shows all")


def _remark(figure: Figure, text: str) -> None:
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

"""Small pictures of cutouts: grey PNG files and Plotly figures, from the same stretches."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gueststar.errors import BadInput, did_you_mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
GREY_ALPHA = 4  # PNG colour type
MAX_SIDE = 4096  # pixels of a picture
ASINH_SOFTENING = 0.1


def _linear(unit: np.ndarray) -> np.ndarray:
    return unit


def _log(unit: np.ndarray) -> np.ndarray:
    return np.asarray(np.log1p(1000 * unit) / np.log1p(1000))


def _asinh(unit: np.ndarray) -> np.ndarray:
    return np.asarray(np.arcsinh(unit / ASINH_SOFTENING) / np.arcsinh(1 / ASINH_SOFTENING))


def _percentiles(good: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(good, (0.5, 99.5))
    return float(low), float(high)


def _noise(good: np.ndarray) -> tuple[float, float]:
    """Limits that keep noise quiet: an image without a source stays grey, not black and white."""
    median = np.median(good)
    sigma = 1.4826 * np.median(np.abs(good - median))
    return float(median - 2 * sigma), float(max(np.percentile(good, 99.5), median + 16 * sigma))


def _zscale(good: np.ndarray) -> tuple[float, float]:
    from astropy.visualization import ZScaleInterval

    low, high = ZScaleInterval().get_limits(good)
    return float(low), float(high)


#: Curves on [0, 1], and how their limits are found.
_CURVES: dict[
    str,
    tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], tuple[float, float]]],
] = {
    "auto": (_asinh, _noise),
    "asinh": (_asinh, _percentiles),
    "linear": (_linear, _percentiles),
    "log": (_log, _percentiles),
    "zscale": (_linear, _zscale),
}
STRETCHES = tuple(_CURVES)


def stretched(image: np.ndarray, stretch: str = "asinh") -> np.ndarray:
    """Bring an image to [0, 1] for the eye.

    Parameters
    ----------
    image : numpy.ndarray, shape ``(rows, columns)``
        Any values; NaN and infinity are masked.
    stretch : {"auto", "asinh", "linear", "log", "zscale"}
        ``auto``: asinh from 2 sigma of the noise below the median to 16 above it, or to the 99.5
        percentile if that is more; ``asinh`` (Lupton et al. 2004, softening 0.1), ``linear`` and
        ``log`` between the 0.5 and 99.5 percentiles; ``zscale`` linear between the limits of
        IRAF's algorithm (astropy).

    Returns
    -------
    numpy.ndarray of float64, shape ``(rows, columns)``
        In [0, 1], NaN where masked.

    Raises
    ------
    BadInput
        If there is no such stretch.

    Examples
    --------
    >>> stretched(np.array([[0.0, 5.0, 10.0]]), "linear").round(2)
    array([[0. , 0.5, 1. ]])
    """
    if stretch not in _CURVES:
        raise BadInput(f"no stretch {stretch!r}.{did_you_mean(stretch, STRETCHES)}")
    curve, limits = _CURVES[stretch]
    image = np.where(np.isfinite(image), image, np.nan).astype(np.float64)
    good = image[np.isfinite(image)]
    if good.size == 0:
        return image
    low, high = limits(good)
    span = high - low if high > low else 1.0
    return np.asarray(curve(np.clip((image - low) / span, 0.0, 1.0)))


def grey_png(image: np.ndarray, stretch: str = "asinh", size: int | None = None) -> bytes:
    """Draw an image as an 8-bit grey PNG with transparent masked pixels.

    Row 0 of the image is drawn at the bottom, as FITS viewers do.

    Parameters
    ----------
    image : numpy.ndarray, shape ``(rows, columns)``
        Any values.
    stretch : str
        See :func:`stretched`.
    size : int, optional
        Length of the longer side, 1 to 4096 pixels; nearest neighbours, no smoothing.

    Raises
    ------
    BadInput
        If there is no such stretch or size.
    """
    return _png(_resized(stretched(image, stretch)[::-1], size))


def strip_png(images: Sequence[np.ndarray | None], stretch: str, side: int, gap: int) -> bytes:
    """Draw images side by side as one grey PNG, for lists: one request, not one an image.

    Parameters
    ----------
    images : sequence of numpy.ndarray or None
        What to draw, each stretched by itself; None and masked pixels are transparent.
    stretch : str
        See :func:`stretched`.
    side, gap : int
        Pixels of each square, and between two of them.
    """
    strip = np.full((side, len(images) * (side + gap) - gap), np.nan)
    for number, image in enumerate(images):
        if image is not None:
            unit = _resized(stretched(image, stretch)[::-1], side)
            left, top = number * (side + gap) + (side - unit.shape[1]) // 2, side - unit.shape[0]
            strip[top // 2 : top // 2 + unit.shape[0], left : left + unit.shape[1]] = unit
    return _png(strip)


def _png(unit: np.ndarray) -> bytes:
    """Write values in [0, 1], first row on top; NaN is transparent."""
    rows, columns = unit.shape
    lines = np.zeros((rows, 1 + 2 * columns), np.uint8)  # filter byte 0, then grey, alpha
    lines[:, 1::2] = np.round(255 * np.nan_to_num(unit))
    lines[:, 2::2] = np.where(np.isnan(unit), 0, 255)
    header = struct.pack(">IIBBBBB", columns, rows, 8, GREY_ALPHA, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return PNG_MAGIC + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _resized(image: np.ndarray, size: int | None) -> np.ndarray:
    if size is None:
        return image
    if not 1 <= size <= MAX_SIDE:
        raise BadInput(f"a picture of {size} pixels cannot be drawn; choose 1 to {MAX_SIDE}")
    rows, columns = (max(1, round(n * size / max(image.shape))) for n in image.shape)
    row = np.arange(rows) * image.shape[0] // rows
    column = np.arange(columns) * image.shape[1] // columns
    return image[np.ix_(row, column)]


def triplet_figure(images: Mapping[str, np.ndarray | None], stretch: str = "asinh") -> Figure:
    """Draw images side by side; hovering shows the pixel's own value.

    Parameters
    ----------
    images : mapping of str to numpy.ndarray or None
        What to draw, by title; None leaves an empty frame with a note.
    stretch : str
        See :func:`stretched`.
    """
    from plotly.subplots import make_subplots

    titles = [name if image is not None else f"no {name}" for name, image in images.items()]
    figure = make_subplots(rows=1, cols=len(titles), subplot_titles=titles)
    for column, image in enumerate(images.values(), start=1):
        if image is not None:
            figure.add_trace(_heatmap(image, stretch), row=1, col=column)
        axis = "" if column == 1 else str(column)
        figure.update_yaxes(scaleanchor=f"x{axis}", row=1, col=column)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain")
    figure.update_layout(height=280, margin={"l": 8, "r": 8, "t": 32, "b": 8})
    return figure


def _heatmap(image: np.ndarray, stretch: str) -> object:
    from plotly.graph_objects import Heatmap

    return Heatmap(
        z=stretched(image, stretch),
        customdata=image,
        hovertemplate="x %{x}, y %{y}: %{customdata:.5g}<extra></extra>",
        colorscale="Greys_r",
        showscale=False,
    )

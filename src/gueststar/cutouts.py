"""The three images of an alert: read from bytes as received, shown to people.

ZTF sends gzip'ed FITS, Rubin plain FITS. :func:`read_stamp` reads both, with its own small reader
for the usual primary image (five times faster than a general one) and astropy for odd ones. What
it allocates is bounded before it is allocated, so that a stamp which unpacks to gigabytes is
refused in constant memory.
"""

from __future__ import annotations

import threading
import zlib
from base64 import b64encode
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Literal, NamedTuple

import cramjam
import numpy as np

from gueststar.batch import CUTOUTS
from gueststar.errors import BadInput, GueststarError, did_you_mean

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_PIXELS = 512 * 512
MAX_BYTES = 4 << 20  # of an unpacked stamp: the largest image in float64 and its extensions
BLOCK = 2880  # bytes; FITS standard 4.0, section 3.1
CARD = 80
MAX_HEADER = 36 * BLOCK
GZIP = b"\x1f\x8b"
END = b"END".ljust(CARD)

_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}

Stretch = Literal["auto", "asinh", "linear", "zscale", "log"]


class _Layout(NamedTuple):
    """Where the pixels of a primary image are, and how to read them."""

    start: int  # byte
    dtype: str
    rows: int
    columns: int
    scale: float
    zero: float
    blank: int | None


def read_stamp(
    data: bytes | memoryview,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    what: str = "cutout",
) -> np.ndarray:
    """Read one cutout: FITS, gzip'ed or plain.

    Parameters
    ----------
    data : bytes
        The cutout as received.
    max_pixels : int
        A larger image is refused.
    max_bytes : int
        A stamp that unpacks to more is refused; no more than this is ever allocated.
    what : str
        What error messages call it.

    Returns
    -------
    numpy.ndarray of float32, shape ``(rows, columns)``
        Physical values (BSCALE and BZERO applied), NaN where the image is masked (BLANK).

    Raises
    ------
    BadInput
        If the bytes are no FITS image, are cut short or are too large; the message says which.

    Notes
    -----
    The first image of two dimensions counts; extensions behind it (Rubin: variance, PSF) are
    not read. FITS standard 4.0, sections 3 to 5.
    """
    try:
        if len(data) == 0:
            raise BadInput("is empty")
        packed = bytes(data[:2]) == GZIP
        plain = _gunzip(data, max_bytes) if packed else memoryview(data)
        return _read_image(plain, max_pixels)
    except BadInput as error:
        raise BadInput(f"{what} {error}") from None


class _Scratch(threading.local):
    """One buffer per thread that usual stamps are unpacked into."""

    def __init__(self) -> None:
        self.buffer = bytearray(1 << 16)


_scratch = _Scratch()


def _gunzip(data: bytes | memoryview, limit: int) -> memoryview:
    """Unpack into the scratch buffer of this thread; valid until the next call."""
    size = int.from_bytes(data[-4:], "little")  # what gzip says of itself; only a hint
    if size <= min(limit, len(_scratch.buffer)):
        try:
            n = cramjam.gzip.decompress_into(data, _scratch.buffer)
        except cramjam.DecompressionError:
            return _gunzip_slowly(data, limit)
        if n <= limit:
            return memoryview(_scratch.buffer)[:n]
    return _gunzip_slowly(data, limit)


def _gunzip_slowly(data: bytes | memoryview, limit: int) -> memoryview:
    """Unpack with a hard limit, and say what is wrong."""
    stream = zlib.decompressobj(wbits=31)
    try:
        out = stream.decompress(data, limit + 1)
    except zlib.error as error:
        raise BadInput(f"is damaged gzip: {error}") from None
    if len(out) > limit:
        raise BadInput(f"decompresses to more than {limit} bytes")
    if not stream.eof:
        raise BadInput(f"is gzip cut short after {len(data)} bytes")
    return memoryview(out)


def _read_image(data: memoryview, max_pixels: int) -> np.ndarray:
    layout = _layout_of(data)
    if layout is None:
        return _read_odd(data, max_pixels)
    pixels = layout.rows * layout.columns
    _check_size(layout.rows, layout.columns, max_pixels)
    dtype = np.dtype(layout.dtype)
    there = len(data) - layout.start
    if there < pixels * dtype.itemsize:
        raise BadInput(
            f"is cut short: {max(there, 0)} of {pixels * dtype.itemsize} bytes of its image"
        )
    raw = np.frombuffer(data, dtype, pixels, layout.start).reshape(layout.rows, layout.columns)
    return _physical(raw, layout)


def _check_size(rows: int, columns: int, max_pixels: int) -> None:
    if rows < 1 or columns < 1:
        raise BadInput(f"has no pixels ({rows} x {columns})")
    if rows * columns > max_pixels:
        raise BadInput(f"is {rows} x {columns} pixels, more than the {max_pixels} allowed")


def _physical(raw: np.ndarray, layout: _Layout) -> np.ndarray:
    """Convert raw pixels to float32; a new array, independent of the buffer."""
    plain = layout.scale == 1.0 and layout.zero == 0.0 and layout.blank is None
    if raw.dtype == np.dtype(">f4") and plain:
        return raw.astype(np.float32)
    image = raw.astype(np.float64) * layout.scale + layout.zero
    if layout.blank is not None:
        image[raw == layout.blank] = np.nan
    with np.errstate(over="ignore"):
        return image.astype(np.float32)


def _layout_of(data: memoryview) -> _Layout | None:
    """Read the primary header; None when the image is not a plain one of two dimensions."""
    if bytes(data[:10]) != b"SIMPLE  = ":
        raise BadInput(f"is not FITS: starts with {bytes(data[:10])!r}")
    first = bytes(data[:BLOCK])
    if _find_end(first) is not None:
        return _parse_one_block(first)
    return _parse_header(bytes(data[:MAX_HEADER]))


def _find_end(header: bytes) -> int | None:
    at = header.find(END)
    while at >= 0 and at % CARD:
        at = header.find(END, at + 1)
    return at if at >= 0 else None


def _parse_header(header: bytes) -> _Layout | None:
    end = _find_end(header)
    if end is None:
        raise BadInput(f"has a FITS header without END in {len(header)} bytes")
    cards: dict[bytes, bytes] = {}
    for at in range(0, end, CARD):
        if header[at + 8 : at + 10] == b"= ":
            cards.setdefault(header[at : at + 8].rstrip(), header[at + 10 : at + CARD])
    start = (end // BLOCK + 1) * BLOCK
    bitpix = int(_number(cards, b"BITPIX"))
    if bitpix not in _TYPES:
        raise BadInput(f"has BITPIX = {bitpix} in its FITS header, which does not exist")
    if int(_number(cards, b"NAXIS")) != 2 or bitpix == 64:
        return None
    return _Layout(
        start,
        _TYPES[bitpix],
        int(_number(cards, b"NAXIS2")),
        int(_number(cards, b"NAXIS1")),
        _number(cards, b"BSCALE", 1.0),
        _number(cards, b"BZERO", 0.0),
        int(_number(cards, b"BLANK")) if bitpix > 0 and b"BLANK" in cards else None,
    )


#: A survey writes the same short header on every stamp: parse it once.
_parse_one_block = lru_cache(maxsize=64)(_parse_header)


def _number(cards: dict[bytes, bytes], name: bytes, default: float | None = None) -> float:
    value = cards.get(name)
    if value is None:
        if default is None:
            raise BadInput(f"has no {name.decode()} in its FITS header")
        return default
    text = value.split(b"/")[0].strip().replace(b"D", b"E")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise BadInput(f"has {name.decode()} = {text.decode(errors='replace')} in its FITS header")
    return number


_odd_lock = threading.Lock()  # warnings.catch_warnings is not safe between threads


def _read_odd(data: memoryview, max_pixels: int) -> np.ndarray:
    """Read a valid FITS file whose image is not a plain primary one, by astropy."""
    import warnings
    from io import BytesIO

    from astropy.io import fits

    with _odd_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Packed images could unpack to any size, so they stay tables and are not images.
            with fits.open(BytesIO(data), memmap=False, disable_image_compression=True) as hdus:
                return _first_image(hdus, max_pixels)
        except (OSError, ValueError, TypeError, KeyError, IndexError, fits.VerifyError) as error:
            raise BadInput(f"is FITS that cannot be read: {error}") from None


def _first_image(hdus: list, max_pixels: int) -> np.ndarray:  # type: ignore[type-arg]
    for hdu in hdus:
        shape = tuple(n for n in getattr(hdu, "shape", ()) if n != 1)
        if hdu.is_image and len(shape) == 2:
            _check_size(*shape, max_pixels)
            return np.asarray(hdu.data, dtype=np.float32).reshape(shape)
    raise BadInput("is FITS without an image of two dimensions")


@dataclass(frozen=True)
class Cutouts:
    """The three images of one alert, as received and as pictures.

    Parameters
    ----------
    science, template, difference : bytes or None
        FITS, gzip'ed or plain; None when the packet had none.
    trouble : GueststarError, optional
        Why they cannot be read now, although the packet may have had them.

    Examples
    --------
    >>> Cutouts(None, None, None).names
    ()
    """

    science: bytes | None
    template: bytes | None
    difference: bytes | None
    trouble: GueststarError | None = field(default=None, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cutouts that are there."""
        return tuple(name for name in CUTOUTS if getattr(self, name) is not None)

    def array(self, name: str) -> np.ndarray:
        """Read one cutout.

        Parameters
        ----------
        name : str
            ``science``, ``template`` or ``difference``.

        Returns
        -------
        numpy.ndarray of float32, shape ``(rows, columns)``
            As :func:`read_stamp` gives it; row 0 is the first row of the FITS image.

        Raises
        ------
        BadInput
            If there is no such cutout or it cannot be read.
        """
        return read_stamp(self._received(name), what=f"{name} cutout")

    def _received(self, name: str) -> bytes:
        if name not in CUTOUTS:
            raise BadInput(f"no cutout {name!r}.{did_you_mean(name, CUTOUTS)}")
        data: bytes | None = getattr(self, name)
        if data is None and self.trouble is not None:
            raise self.trouble
        if data is None:
            raise BadInput(f"this alert has no {name} cutout")
        return data

    def fits(self, name: str) -> bytes:
        """Return one cutout as plain FITS, unpacked where the survey packed it.

        Parameters
        ----------
        name : str
            ``science``, ``template`` or ``difference``.

        Returns
        -------
        bytes

        Raises
        ------
        BadInput
            If there is no such cutout, or its gzip is damaged or unpacks to too much.
        """
        data = self._received(name)
        try:
            return bytes(_gunzip(data, MAX_BYTES)) if data[:2] == GZIP else data
        except BadInput as error:
            raise BadInput(f"{name} cutout {error}") from None

    def png(self, name: str, stretch: Stretch = "asinh", size: int | None = None) -> bytes:
        """Draw one cutout as an 8-bit grey PNG; masked pixels are transparent.

        Parameters
        ----------
        name : str
            ``science``, ``template`` or ``difference``.
        stretch : {"asinh", "linear", "zscale", "log"}
            How values become grey; see :func:`gueststar.pictures.stretched`.
        size : int, optional
            Length of the longer side in pixels; default one screen pixel a pixel.

        Raises
        ------
        BadInput
            If the cutout cannot be read or there is no such stretch.
        """
        from gueststar.pictures import grey_png

        return grey_png(self.array(name), stretch, size)

    def plot(self, stretch: Stretch = "asinh") -> Figure:
        """Draw all three as one Plotly figure; a cutout that cannot be read is left empty."""
        from gueststar.pictures import triplet_figure

        return triplet_figure({name: self._or_none(name) for name in CUTOUTS}, stretch)

    def _or_none(self, name: str) -> np.ndarray | None:
        try:
            return self.array(name)
        except GueststarError:
            return None

    def _repr_html_(self) -> str:
        return "".join(self._html(name) for name in CUTOUTS)

    def _html(self, name: str) -> str:
        frame = '<figure style="display:inline-block;margin:4px;text-align:center">{}</figure>'
        try:
            picture = b64encode(self.png(name, size=189)).decode()
        except GueststarError as error:
            return frame.format(f"<figcaption>{name}: {escape(str(error))}</figcaption>")
        image = f'<img alt="{name} cutout" src="data:image/png;base64,{picture}">'
        return frame.format(f"{image}<figcaption>{name}</figcaption>")

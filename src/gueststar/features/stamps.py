"""Triplets of cutouts as nets take them: the one preprocessing of training and stream.

Per cutout: read it, cut the centre if it is larger than the net's input, set NaN to 0, normalise,
and pad at the bottom and right with 1e-9 (so that a stamp cut by the detector's edge keeps its
top-left corner, as in braai; arXiv 1907.11259).

ZTF writes some masked templates with 3.4e38, the largest float32. The norm of such a row (or
image) overflows to infinity and the whole row (image) becomes 0. Production did the same: only so
are the published scores of these alerts reproduced.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal, cast, get_args

import numpy as np
import pyarrow as pa

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.cutouts import read_stamp
from gueststar.errors import BadInput, did_you_mean

Norm = Literal["image", "row"]
NORMS: tuple[str, ...] = get_args(Norm)
SIZE = 63  # pixels; ZTF's stamp, about 1 arcsec a pixel
PAD = 1e-9
GROUP = 48  # images normalised at once: they fit the processor's cache


def triplets(
    batch: AlertBatch, norm: Norm = "image", size: int = SIZE
) -> tuple[np.ndarray, list[str | None]]:
    """Read and normalise the cutouts of a batch.

    Parameters
    ----------
    batch : AlertBatch
        With the columns ``science``, ``template`` and ``difference``.
    norm : {"image", "row"}
        Divide each cutout by its L2 norm, or each pixel row by its own; a norm of 0 divides
        nothing. The published braai nets d6_m9 and d6_m7 were trained with one each, and their
        weights are not interchangeable.
    size : int
        Rows and columns of the result. Smaller cutouts are padded, of larger ones the centre is
        used: pixel ``n // 2`` comes to ``size // 2``.

    Returns
    -------
    images : numpy.ndarray of float32, shape ``(alerts, size, size, 3)``
        Channels science, template, difference. 0 where there is a reason.
    reasons : list of str or None
        Why a row has no triplet: the first cutout that is missing, broken, masked in all its
        pixels or 0 in all its pixels. One bad row harms no other.

    Raises
    ------
    BadInput
        If there is no such normalisation.
    """
    if norm not in NORMS:
        raise BadInput(f"no normalisation {norm!r}.{did_you_mean(norm, NORMS)}")
    images = np.zeros((len(batch), size, size, len(CUTOUTS)), np.float32)
    reasons: list[str | None] = [None] * len(batch)
    for channel, name in enumerate(CUTOUTS):
        _fill(images[..., channel], reasons, batch.column(name), name, norm)
    bad = [row for row, reason in enumerate(reasons) if reason is not None]
    images[bad] = 0.0
    return images, reasons


def _fill(
    images: np.ndarray, reasons: list[str | None], column: pa.Array, name: str, norm: Norm
) -> None:
    """Write one channel of all rows, in groups of one shape, and note what cannot be used."""
    waiting: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = defaultdict(list)
    for row, stamp in enumerate(_stamps(column)):
        if reasons[row] is not None:
            continue
        try:
            image = _read(stamp, name, images.shape[1])
        except BadInput as error:
            reasons[row] = str(error)
            continue
        group = waiting[image.shape]
        group.append((row, image))
        if len(group) == GROUP:
            _write(images, reasons, waiting.pop(image.shape), name, norm)
    for group in waiting.values():
        _write(images, reasons, group, name, norm)


def _stamps(column: pa.Array) -> list[memoryview | None]:
    """View the bytes of a binary column without copying them."""
    if len(column) == 0:
        return []
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        column = column.cast(pa.large_binary())
    large = pa.types.is_large_binary(column.type)
    _, ends, data = column.buffers()
    first, n = column.offset, len(column)
    offsets = np.frombuffer(ends, np.int64 if large else np.int32)[first : first + n + 1].tolist()
    there = column.is_valid().to_pylist()
    view = memoryview(data) if data is not None else memoryview(b"")
    return [
        view[a:b] if ok else None for a, b, ok in zip(offsets[:-1], offsets[1:], there, strict=True)
    ]


def _read(stamp: memoryview | None, name: str, size: int) -> np.ndarray:
    if stamp is None:
        raise BadInput(f"{name} cutout is missing")
    return _centre(read_stamp(stamp, what=f"{name} cutout"), size)


def _centre(image: np.ndarray, size: int) -> np.ndarray:
    rows, columns = (max(0, n // 2 - size // 2) for n in image.shape)
    return image[rows : rows + size, columns : columns + size]


def _write(
    images: np.ndarray,
    reasons: list[str | None],
    group: list[tuple[int, np.ndarray]],
    name: str,
    norm: Norm,
) -> None:
    """Normalise images of one shape and put them in their rows."""
    rows = [row for row, _ in group]
    stack = np.stack([image for _, image in group])
    for at, reason in _clean(stack).items():
        reasons[rows[at]] = f"{name} cutout {reason}"
    height, width = stack.shape[1:]
    if (height, width) != images.shape[1:]:
        images[rows] = np.float32(PAD)
    if rows[-1] - rows[0] + 1 == len(rows):  # no gap: a view, which is faster to write
        normalised(stack, norm, out=images[rows[0] : rows[-1] + 1, :height, :width])
    else:
        images[rows, :height, :width] = normalised(stack, norm)


def _clean(stack: np.ndarray) -> dict[int, str]:
    """Replace NaN by 0 and infinity by the largest float, in place; say which have no pixels."""
    useless = {}
    for at in np.flatnonzero(~np.isfinite(stack).all(axis=(1, 2))).tolist():
        if not np.isfinite(stack[at]).any():
            useless[at] = "is masked in all its pixels"
        np.nan_to_num(stack[at], copy=False)
    for at in np.flatnonzero(~stack.any(axis=(1, 2))).tolist():
        useless.setdefault(at, "is 0 in all its pixels")
    return useless


def normalised(stack: np.ndarray, norm: Norm, out: np.ndarray | None = None) -> np.ndarray:
    """Divide images by their L2 norm, or each of their rows by its own.

    Parameters
    ----------
    stack : numpy.ndarray of float32, shape ``(images, rows, columns)``
        Finite values.
    norm : {"image", "row"}
        What has one norm. A norm of 0 divides nothing; one that overflows float32 gives 0.
    out : numpy.ndarray of float32, optional
        Where to write.

    Returns
    -------
    numpy.ndarray of float32, shape ``(images, rows, columns)``

    Examples
    --------
    >>> normalised(np.array([[[3.0, 4.0], [0.0, 0.0]]], "f4"), "row").tolist()
    [[[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]]
    """
    with np.errstate(over="ignore"):
        if norm == "row":
            squares = np.einsum("nij,nij->ni", stack, stack)[..., None]
        else:
            flat = stack.reshape(len(stack), -1)
            squares = np.einsum("ni,ni->n", flat, flat)[:, None, None]
    squares[squares == 0] = 1.0
    return cast(np.ndarray, np.divide(stack, np.sqrt(squares), out=out))

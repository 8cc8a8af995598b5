"""Import braai, the real/bogus net of ZTF, from its public Keras weight files.

Duev et al. 2019 (arXiv 1907.11259), https://github.com/dmitryduev/braai, MIT licence. Both public
nets have the layers of :class:`~gueststar.models.vgg6.VGG6` but were trained with different
normalisations; with the wrong one a real alert falls from 1.000 to 0.658.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gueststar.errors import BadInput, did_you_mean
from gueststar.features.stamps import NORMS
from gueststar.models.bundle import golden_inputs, write_bundle
from gueststar.models.card import Card, Recipe, check_name
from gueststar.models.installed import check_free, user_folder
from gueststar.models.vgg6 import VGG6, check_weights, onnx_model

MAX_FILE = 64 << 20  # bytes; the public files have 1.3 and 3.8 MB
LAYERS = ("conv1", "conv2", "conv3", "conv4", "fc_1", "fc_out")


class _Known(NamedTuple):
    name: str
    version: str
    norm: str
    created: str = "unknown"  # never today: the same weights make the same bundle anywhere


_BY_DIGEST = {
    "b5af44ffe3c7077981f103dcfcbe08fa4a4e833de1961c46bd99fc60a55a03ad": "d6_m7",
    "de0d198246d1a30effecf3bdd83ada0b8218ccdfaf7d5fdaf2de0af061413b2f": "d6_m9",
}
_NETS = {
    "d6_m7": _Known("braai_d6_m7", "d6_m7", "row", "2019-07"),
    "d6_m9": _Known("braai_d6_m9", "d6_m9", "image", "2019"),
}


def import_braai(
    file: Path | str,
    out: Path | str | None = None,
    name: str | None = None,
    norm: str | None = None,
) -> Path:
    """Make a bundle of a braai weight file.

    Parameters
    ----------
    file : path
        ``*.weights.h5`` or a full Keras ``.h5``; the optimiser's state is left out.
    out : path, optional
        Folder of the bundle; default ``<user folder>/<name>``.
    name : str, optional
        Of the bundle and its module; default ``braai_d6_m7`` or ``braai_d6_m9``.
    norm : {"row", "image"}, optional
        Needed only for weights that are not one of the two public nets.

    Returns
    -------
    pathlib.Path
        The bundle's folder.

    Raises
    ------
    BadInput
        If the file is not HDF5, is another net, its normalisation is not known, or the name is
        another model's.
    BadBundle
        If the name cannot be a module's.
    """
    file = Path(file)
    if name:
        check_name(name)
    digest = _digest(file)
    weights = read_weights(file)
    known = _recognise(file, name, norm)
    if out is None:
        check_free(known.name, digest)
    card = _card(file, known)
    model = onnx_model(weights).SerializeToString()
    folder = Path(out) if out else user_folder() / known.name
    return write_bundle(folder, model, card, {"triplets": golden_inputs(card.recipe)})


def read_weights(file: Path) -> dict[str, np.ndarray]:
    """Read VGG6 weights from a Keras HDF5 file into our layout.

    Parameters
    ----------
    file : path
        Keras keeps kernels as (row, column, in, out) and flattens images as (row, column, channel).

    Returns
    -------
    dict of str to numpy.ndarray
        See :data:`gueststar.models.vgg6.Weights`.

    Raises
    ------
    BadInput
        If it is no such file.
    """
    raw = _read_arrays(file)
    config = VGG6()
    side = round((config.flat / config.widths[3]) ** 0.5)
    weights = {}
    for layer in LAYERS:
        kernel, weights[f"{layer}.bias"] = raw[layer]
        if layer.startswith("conv") and kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        elif layer == "fc_1" and kernel.shape == (config.flat, config.hidden):
            image = kernel.reshape(side, side, config.widths[3], config.hidden)
            kernel = image.transpose(3, 2, 0, 1).reshape(config.hidden, config.flat)
        elif kernel.ndim == 2:
            kernel = kernel.T
        weights[f"{layer}.weight"] = kernel
    return check_weights(weights, config)


def _read_arrays(file: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read kernel and bias of each layer; both files nest layer/layer/name."""
    import h5py

    try:
        with h5py.File(file, "r") as h5:
            root = h5.get("model_weights", h5)
            return {layer: _pair(root, layer) for layer in LAYERS}
    except KeyError as error:
        raise BadInput(f"{file} is not a braai net: {error.args[0]}") from None
    except OSError as error:
        raise BadInput(f"{file} is not HDF5 that can be read: {error}") from None


def _pair(root: object, layer: str) -> tuple[np.ndarray, np.ndarray]:
    import h5py

    arrays = []
    for what in ("kernel:0", "bias:0"):
        data = root[f"{layer}/{layer}/{what}"]  # type: ignore[index]
        if not isinstance(data, h5py.Dataset) or data.nbytes > MAX_FILE or data.dtype.kind != "f":
            raise KeyError(f"{layer}/{layer}/{what} is not an array of floats")
        if data.file != root.file or data.external or data.is_virtual:  # type: ignore[attr-defined]
            raise KeyError(f"{layer}/{layer}/{what} is in another file")
        arrays.append(np.asarray(data[()]))
    return arrays[0], arrays[1]


def _recognise(file: Path, name: str | None, norm: str | None) -> _Known:
    """Find out which net this is: by the digest of the file, else by its name."""
    if norm is not None and norm not in NORMS:
        raise BadInput(f"no normalisation {norm!r}.{did_you_mean(norm, NORMS)}")
    key = _BY_DIGEST.get(_digest(file)) or next((k for k in _NETS if k in file.name), None)
    if key is None and norm is None:
        raise BadInput(
            f"{file} is not one of the two public braai nets (d6_m7, d6_m9), so its normalisation "
            "is not known and cannot be guessed from weights: say --norm row or --norm image"
        )
    known = _NETS.get(key or "", _Known("braai", file.stem, norm or ""))
    return known._replace(name=name or known.name, norm=norm or known.norm)


def _digest(file: Path) -> str:
    try:
        if (size := file.stat().st_size) > MAX_FILE:
            raise BadInput(f"{file} has {size} bytes, more than a braai net ({MAX_FILE})")
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None


def _card(file: Path, known: _Known) -> Card:
    size, channels = VGG6().size, ["science", "template", "difference"]
    options = {"norm": known.norm, "size": size, "channels": channels}
    return Card(
        name=known.name,
        version=known.version,
        task="real-bogus",
        classes=("real",),
        inputs=(Recipe("triplets", "stamps", (size, size, len(channels)), options),),
        licence="MIT",
        source="https://github.com/dmitryduev/braai (c) Dmitry Duev and contributors, MIT licence",
        created=known.created,
        surveys=("ztf",),
        summary="Real or bogus, the deep score of ZTF (drb), VGG6 on the three cutouts",
        training={
            "data": "32,640 labelled ZTF alerts (d6), arXiv 1907.11259",
            "sha256": _digest(file),
        },
        figures=_FIGURES.get(known.version, {}),
    )


#: From the paper, section 4 (test set of 3,271 alerts).
_FIGURES = {"d6_m7": {"paper_fnr_at_0.5": 0.011, "paper_fpr_at_0.5": 0.029}}

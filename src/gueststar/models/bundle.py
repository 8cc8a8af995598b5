"""Model bundles: a net as a folder of data, never code.

``model.onnx`` (the net), ``card.toml`` (:mod:`gueststar.models.card`) and ``golden.npz`` (inputs
and the scores they must give). Loading checks the golden vectors, so that a net which was altered
or runs differently here is refused rather than believed. Each net is loaded once per process.
"""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from gueststar.errors import BadBundle
from gueststar.models.card import MAX_CARD, Card, Recipe, read_card, write_card
from gueststar.models.net import SCORES, Arrays, Net, first_line, net_of

MODEL, CARD, GOLDEN = "model.onnx", "card.toml", "golden.npz"
MAX_MODEL = 512 << 20  # bytes
MAX_GOLDEN = 64 << 20  # bytes, unpacked
GOLDEN_ROWS = 4  # checked at each load; check() looks at all
TOLERANCE = 1e-5  # between processors and versions of ONNX Runtime
CHUNK = 64  # rows per run: larger ones are no faster and need more memory


class Bundle:
    """A net ready to run; make it with :meth:`~gueststar.models.bundle.Bundle.load`.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    card : Card
        What it says of itself.
    digest : str
        SHA-256 of net and card, hexadecimal.
    net : Net
        Shared by all bundles of this process that have the same net.
    golden : mapping of str to numpy.ndarray
        Inputs by name, and ``scores``.
    threads : int
        Threads of ONNX Runtime for one call.
    """

    def __init__(
        self, path: Path, card: Card, digest: str, net: Net, golden: Arrays, threads: int
    ) -> None:
        self.path, self.card, self.digest, self.threads = path, card, digest, threads
        self._net, self._golden = net, golden

    @classmethod
    def load(cls, path: Path | str, *, threads: int = 1) -> Bundle:
        """Load a bundle; its net is loaded once per process.

        Parameters
        ----------
        path : path
            The folder.
        threads : int
            Threads of ONNX Runtime. One core a worker is fastest where there are many alerts.

        Raises
        ------
        BadBundle
            If a file is missing, too large, outside of the folder or not what it should be, or if
            the golden vectors are not reproduced.
        """
        path = Path(path)
        model, text = _read(path, MODEL, MAX_MODEL), _read(path, CARD, MAX_CARD)
        try:
            card = read_card(text.decode())
            net = net_of(model, threads)
        except UnicodeDecodeError:
            raise BadBundle(f"{path / CARD} is not UTF-8 text") from None
        except BadBundle as error:
            raise BadBundle(f"the bundle {path} cannot be used: its net or card {error}") from None
        bundle = cls(path, card, _digest(model, text), net, _read_golden(path, card), threads)
        bundle._check_golden(GOLDEN_ROWS)
        return bundle

    def __repr__(self) -> str:
        return f"<Bundle {self.card.name} {self.card.version} ({self.digest[:12]})>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as a path; there it is loaded once, too."""
        return _load_same, (str(self.path.resolve()), self.digest, self.threads)

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    def predict(self, inputs: np.ndarray | Arrays) -> np.ndarray:
        """Run the net.

        Parameters
        ----------
        inputs : numpy.ndarray of float32, shape ``(n, *shape)``, or a mapping of these by name
            What the card's recipes make; an array alone stands for the only input.

        Returns
        -------
        numpy.ndarray of float32, shape ``(n, classes)``
            Scores in the order of ``card.classes``. May be called from several threads.

        Raises
        ------
        BadBundle
            If an input is missing, has another shape, or the net fails.
        """
        arrays = self._arrays(inputs)
        n = len(next(iter(arrays.values())))
        scores = np.empty((n, len(self.card.classes)), np.float32)
        for at in range(0, n, CHUNK):
            chunk = {name: array[at : at + CHUNK] for name, array in arrays.items()}
            scores[at : at + CHUNK] = self._run(chunk)
        return scores

    def check(self) -> None:
        """Check everything again: the files on disk, the net's inputs, all golden vectors.

        Raises
        ------
        BadBundle
            If something is not as it should be.
        """
        model, text = _read(self.path, MODEL, MAX_MODEL), _read(self.path, CARD, MAX_CARD)
        if _digest(model, text) != self.digest:
            raise BadBundle(f"{self.path} was changed after it was loaded")
        self._golden = _read_golden(self.path, self.card)
        self._check_golden(len(self._golden[SCORES]))
        if not all(0 <= s <= 1 for s in self._golden[SCORES].flat):
            raise BadBundle(f"{self.path}: golden scores lie outside of [0, 1]")

    def _arrays(self, inputs: np.ndarray | Arrays) -> dict[str, np.ndarray]:
        if isinstance(inputs, np.ndarray):
            inputs = {self.card.recipe.name: inputs}
        arrays = {}
        for recipe in self.card.inputs:
            if recipe.name not in inputs:
                raise BadBundle(f"{self.name} needs the input {recipe.name!r}")
            array = np.ascontiguousarray(inputs[recipe.name], dtype=np.float32)
            if array.shape[1:] != recipe.shape:
                raise BadBundle(
                    f"{self.name} needs {recipe.name} of shape (n, {recipe.shape}), "
                    f"this one has {array.shape}"
                )
            arrays[recipe.name] = array
        if len({len(array) for array in arrays.values()}) != 1:
            raise BadBundle(f"the inputs of {self.name} differ in length")
        return arrays

    def _run(self, arrays: Arrays) -> np.ndarray:
        try:
            scores = self._net.run(arrays)
        except BadBundle as error:
            raise BadBundle(f"{self.path / MODEL} {error}") from None
        n = len(next(iter(arrays.values())))
        if scores.shape != (n, len(self.card.classes)):
            raise BadBundle(
                f"{self.name} gave scores of shape {scores.shape} for {n} alerts and the classes "
                f"{list(self.card.classes)}"
            )
        return scores

    def _check_golden(self, rows: int) -> None:
        """Compare with the golden vectors."""
        inputs = {r.name: self._golden[r.name][:rows] for r in self.card.inputs}
        expected = self._golden[SCORES][:rows]
        worst = np.abs(self.predict(inputs) - expected).max()
        if not worst <= TOLERANCE:
            raise BadBundle(
                f"{self.path}: the net gives scores that differ by {worst:.2g} from those of "
                f"{GOLDEN}; it was altered, or it does not run rightly here"
            )


def _digest(model: bytes, card: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(model).digest() + card).hexdigest()


def _load_same(path: str, digest: str, threads: int) -> Bundle:
    bundle = Bundle.load(path, threads=threads)
    if bundle.digest != digest:
        raise BadBundle(f"{path} holds another net here than where this work came from")
    return bundle


def _read(folder: Path, name: str, limit: int) -> bytes:
    """Read one file of the bundle, never one outside of it."""
    path = folder / name
    if not folder.is_dir():
        raise BadBundle(f"no model bundle at {folder} (no such folder)")
    if not path.is_file():
        raise BadBundle(f"the bundle {folder} has no {name}")
    if path.resolve().parent != folder.resolve():
        raise BadBundle(f"{path} is a link to outside of the bundle ({path.resolve()})")
    if (size := path.stat().st_size) > limit:
        raise BadBundle(f"{path} has {size} bytes, more than the {limit} allowed")
    return path.read_bytes()


def _read_golden(path: Path, card: Card) -> dict[str, np.ndarray]:
    raw = _read(path, GOLDEN, MAX_GOLDEN)
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_GOLDEN:
                raise BadBundle(f"{path / GOLDEN} unpacks to more than {MAX_GOLDEN} bytes")
        with np.load(BytesIO(raw), allow_pickle=False) as arrays:
            names = [SCORES, *(recipe.name for recipe in card.inputs)]
            golden = {name: np.asarray(arrays[name], np.float32) for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BadBundle(f"{path / GOLDEN} cannot be used: {first_line(error)}") from None
    rows = {len(array) if array.ndim else 0 for array in golden.values()}
    if len(rows) != 1 or 0 in rows:
        raise BadBundle(f"{path / GOLDEN} must hold as many inputs as scores, and one at least")
    if golden[SCORES].shape[1:] != (len(card.classes),):
        raise BadBundle(
            f"{path / GOLDEN}: scores of shape {golden[SCORES].shape} for {card.classes}"
        )
    return golden


def write_bundle(path: Path | str, model: bytes, card: Card, golden: Arrays) -> Path:
    """Write a bundle; the golden scores are computed here, with the net itself.

    Parameters
    ----------
    path : path
        The folder; made if need be, its files are replaced.
    model : bytes
        ONNX, with the inputs of the card and one output ``scores`` ``(n, classes)``.
    card : Card
        What it is.
    golden : mapping of str to numpy.ndarray
        Some inputs by name, float32.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    BadBundle
        If the net cannot be run with these inputs.
    """
    path = Path(path)
    scores = Bundle(path, card, "", net_of(model), {}, 1).predict(golden)
    path.mkdir(parents=True, exist_ok=True)
    (path / CARD).write_text(write_card(card), encoding="utf-8")
    (path / MODEL).write_bytes(model)
    with (path / GOLDEN).open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **{**golden, SCORES: scores})
    Bundle.load(path).check()
    return path


def golden_inputs(recipe: Recipe, rows: int = GOLDEN_ROWS, seed: int = 20) -> np.ndarray:
    """Make deterministic inputs that look like stamps: noise and a source, of length 1.

    Returns
    -------
    numpy.ndarray of float32, shape ``(rows, *recipe.shape)``
    """
    rng = np.random.default_rng(seed)
    size, _, channels = recipe.shape
    y, x = np.indices((size, size)) - size // 2
    source = np.exp(-(x**2 + y**2) / 8.0)[None, :, :, None]
    noise = rng.integers(-20, 21, (rows, size, size, channels)) / 20
    images = noise + 15 * rng.random((rows, 1, 1, channels)) * source
    lengths = np.sqrt((images**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(images / lengths, np.float32)

"""Import published nets as bundles, by kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gueststar.errors import BadInput, did_you_mean
from gueststar.models.braai import import_braai

Importer = Callable[[Path, Path | None, str | None, str | None], Path]

#: What can be imported: kind -> function of file, out, name and norm.
IMPORTERS: dict[str, Importer] = {"braai": import_braai}


def import_model(
    kind: str,
    file: Path | str,
    out: Path | str | None = None,
    name: str | None = None,
    norm: str | None = None,
) -> Path:
    """Make a bundle of a published weight file.

    Parameters
    ----------
    kind : str
        One of :data:`IMPORTERS`.
    file, out, name, norm
        See :func:`gueststar.models.braai.import_braai`.

    Returns
    -------
    pathlib.Path
        The bundle's folder.

    Raises
    ------
    BadInput
        If the kind is not known or the file cannot be used.
    """
    if kind not in IMPORTERS:
        raise BadInput(f"cannot import nets of kind {kind!r}.{did_you_mean(kind, IMPORTERS)}")
    return IMPORTERS[kind](Path(file), Path(out) if out else None, name, norm)

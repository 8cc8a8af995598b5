"""Where bundles are: those shipped in the package, and those that people import.

``GUESTSTAR_MODELS`` names the folder of imported bundles; its default is the platform's folder for
data of programs (Linux: ``~/.local/share/gueststar/models``). An imported bundle stands before a
shipped one of the same name.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gueststar.errors import BadInput, did_you_mean
from gueststar.models.bundle import CARD, Bundle

SHIPPED = Path(__file__).resolve().parents[1] / "bundles"


def user_folder() -> Path:
    """Return the folder of imported bundles; it may not exist yet."""
    if chosen := os.environ.get("GUESTSTAR_MODELS"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "gueststar" / "models"


def installed() -> dict[str, Path]:
    """Return all bundles by name, without loading them."""
    found: dict[str, Path] = {}
    for folder in (SHIPPED, user_folder()):
        if folder.is_dir():
            found |= {path.name: path for path in sorted(folder.iterdir()) if _is_bundle(path)}
    return found


def _is_bundle(path: Path) -> bool:
    return (path / CARD).is_file()


def find(name_or_path: str | Path, *, threads: int = 1) -> Bundle:
    """Load a bundle by its name or its folder.

    Raises
    ------
    BadInput
        If there is none; the message says which there are.
    BadBundle
        If it cannot be used.
    """
    known = installed()
    if str(name_or_path) in known:
        return Bundle.load(known[str(name_or_path)], threads=threads)
    if Path(name_or_path).is_dir():
        return Bundle.load(name_or_path, threads=threads)
    raise BadInput(f"no model {str(name_or_path)!r}.{did_you_mean(str(name_or_path), known)}")


def check_free(name: str, sha256: str) -> None:
    """Refuse to give an imported net the name of another one.

    Parameters
    ----------
    name : str
        Of the bundle that is to be made.
    sha256 : str
        Digest of the file that it is made from.

    Raises
    ------
    BadInput
        If a bundle of this name was shipped, or was made from another file.
    """
    if (SHIPPED / name).exists():
        raise BadInput(f"{name!r} is the name of a shipped model: give another by --name")
    folder = user_folder() / name
    if folder.exists() and Bundle.load(folder).card.training.get("sha256") != sha256:
        raise BadInput(
            f"{folder} holds another model named {name!r}: give another by --name, or remove it"
        )

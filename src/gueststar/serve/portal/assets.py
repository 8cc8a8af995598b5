"""Files that pages load: our own, and Plotly's JavaScript out of its installed package.

Addresses hold a digest of the contents, so browsers may keep them for ever. All of ours are read
when the application is built and looked up by name: no request reaches the file system.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import PurePosixPath

import cramjam

FOREVER = "public, max-age=31536000, immutable"
PLOTLY = "plotly.min.js"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_BROTLI_LEVEL = 5  # plotly.min.js: 4.8 MB to 1.3 MB in 0.15 s, once a process


@dataclass(frozen=True)
class Asset:
    """One file, and its packed forms (made when first asked for)."""

    name: str
    body: bytes

    @property
    def media_type(self) -> str:
        """Content type, by the name's ending."""
        return _TYPES[PurePosixPath(self.name).suffix]

    @cached_property
    def digest(self) -> str:
        """Name of the contents."""
        return digest(self.body)

    @cached_property
    def _brotli(self) -> bytes:
        return bytes(cramjam.brotli.compress(self.body, level=_BROTLI_LEVEL))

    @cached_property
    def _gzip(self) -> bytes:
        return bytes(cramjam.gzip.compress(self.body, level=6))

    def packed(self, accept_encoding: str) -> tuple[bytes, str | None]:
        """Return the body in the best encoding that the browser takes, and its name.

        Parameters
        ----------
        accept_encoding : str
            The request's header, ``""`` when there is none.
        """
        taken = {part.split(";")[0].strip() for part in accept_encoding.split(",")}
        if "br" in taken:
            return self._brotli, "br"
        if "gzip" in taken:
            return self._gzip, "gzip"
        return self.body, None


class Assets:
    """All files that pages load, by name.

    Our own share one version, so that modules which import each other by name stay together.
    """

    def __init__(self) -> None:
        folder = resources.files(__package__).joinpath("static")
        ours = sorted(
            (file for file in folder.iterdir() if PurePosixPath(file.name).suffix in _TYPES),
            key=lambda file: file.name,
        )
        self._files = {file.name: Asset(file.name, file.read_bytes()) for file in ours}
        self.version = digest(b"".join(asset.body for asset in self._files.values()))

    def get(self, version: str, name: str) -> Asset | None:
        """Return a file, or None; Plotly is read when it is first asked for."""
        if name == PLOTLY:
            return self._plotly if version == _plotly_version() else None
        return self._files.get(name) if version == self.version else None

    def address(self, name: str) -> str:
        """Return where a page finds a file."""
        version = _plotly_version() if name == PLOTLY else self.version
        return f"/static/{version}/{name}"

    @cached_property
    def _plotly(self) -> Asset:
        file = resources.files("plotly").joinpath("package_data", PLOTLY)
        return Asset(PLOTLY, file.read_bytes())


def digest(body: bytes) -> str:
    """Return a short name of some bytes."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def _plotly_version() -> str:
    from importlib.metadata import version

    return f"plotly-{version('plotly')}"

"""Which sources the compiled code was made of.

numba keys its cache on disk by the one file that holds a function. Ours inline functions of other
files, so these must be part of the key: each entry point carries the digest as a closure variable
(which numba hashes), and only entry points are cached.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest() -> int:
    """Return a number that changes with any source of this package."""
    folder = Path(__file__).parent
    text = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big")


SOURCES = digest()

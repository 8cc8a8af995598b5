"""Compiling the entry points, and which sources they were made of.

numba keys its cache on disk by the one file that holds a function. Ours inline functions of other
files, so these must be part of the key: each entry point carries the digest as a closure variable
(which numba hashes), and only entry points are cached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from numba import njit


def digest() -> int:
    """Return a number that changes with any source of this package."""
    folder = Path(__file__).parent
    text = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return int.from_bytes(hashlib.sha256(text).digest()[:6], "big")


SOURCES = digest()


def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile an entry point; keep it on disk where anything can be written."""
    try:
        return cast("Callable[..., Any]", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache: compile every time
        return cast("Callable[..., Any]", njit(nogil=True)(function))

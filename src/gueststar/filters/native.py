"""The fields of the survey's own record that a filter names, out of records that vary.

Surveys and schema versions differ in their fields. A field that a record lacks is null, of the
type that it had where it was seen last, so that the same text works over all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gueststar.errors import did_you_mean

Path = tuple[str, ...]


class NativeFields:
    """Takes some fields out of ``native``.

    Parameters
    ----------
    paths : sequence of tuple of str
        Such as ``("candidate", "drb")``; the case of letters does not matter.

    Attributes
    ----------
    unseen : dict
        What to say of each path that no record has had so far.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.unseen: dict[Path, str] = {}
        self._types: dict[Path, pa.DataType] = {}

    def pick(self, native: pa.Array) -> pa.StructArray:
        """Return a struct with the wanted fields alone, nested as they were."""
        tree: dict[str, Any] = {}
        for path in self.paths:
            branch = tree
            for name in path[:-1]:
                branch = branch.setdefault(name, {})
            branch[path[-1]] = self._leaf(native, path)
        return _built(tree)

    def _leaf(self, native: pa.Array, path: Path) -> pa.Array:
        found: pa.Array = native
        for name in path:
            if not pa.types.is_struct(found.type):
                break  # what is below a list is the engine's business
            exact = _exact(name, [field.name for field in found.type])
            if exact is None:
                return self._missing(path, name, found)
            found = pc.struct_field(found, [exact])
        self._types[path] = found.type
        self.unseen.pop(path, None)
        return found

    def _missing(self, path: Path, name: str, where: pa.Array) -> pa.Array:
        if path not in self._types:
            names = [field.name for field in where.type]
            hint = did_you_mean(name, names).partition(" Known:")[0]  # records have a hundred
            self.unseen[path] = f"native.{'.'.join(path)}: no record has {name!r} so far.{hint}"
        return pa.nulls(len(where), self._types.get(path, pa.null()))


def _exact(name: str, names: Sequence[str]) -> str | None:
    """Return the field of this name; SQL does not mind its case."""
    if name in names:
        return name
    return next((other for other in names if other.casefold() == name.casefold()), None)


def _built(tree: dict[str, Any]) -> pa.StructArray:
    arrays = [_built(part) if isinstance(part, dict) else part for part in tree.values()]
    return pa.StructArray.from_arrays(arrays, names=list(tree))

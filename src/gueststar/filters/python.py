"""A filter that is a plain Python function: its parameters name the columns it wants."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.errors import BadInput, BadModule
from gueststar.filters import columns

Function = Callable[..., Any]
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class PythonFilter:
    """Selects the rows for which a function gives true.

    Parameters
    ----------
    name : str
    function : str or callable
        ``package.module:function``, or the function. Each parameter without a default names a
        column (also ``mag`` and the cutouts). It comes as a NumPy array, nulls of numbers as
        NaN; as an Arrow array where the parameter is annotated with :class:`pyarrow.Array`, or is
        nested or binary. It gives a mask: one bool a row.

    Raises
    ------
    BadInput
        If the function cannot be imported.
    BadModule
        If its parameters cannot name columns.

    Examples
    --------
    >>> bright = PythonFilter("bright", lambda mag, ra: (mag < 18) & (ra > 10))
    >>> bright(AlertBatch.from_columns(ra=[11.0, 11.0], flux=[1e6, 1.0])).to_pylist()
    [True, False]
    """

    def __init__(self, name: str, function: str | Function) -> None:
        self.name = name
        self.text = function if isinstance(function, str) else repr(function)
        self._function = _imported(name, function) if isinstance(function, str) else function
        self._arrow = _arguments(name, self._function)

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the batch that it reads."""
        return columns.needed(self._arrow)

    def __call__(self, batch: AlertBatch) -> pa.BooleanArray:
        """Return which rows are selected.

        Raises
        ------
        BadModule
            If the function gives something else than one bool a row.
        """
        given = {
            name: _as_numpy(columns.column(batch, name), arrow)
            for name, arrow in self._arrow.items()
        }
        return self._mask(self._function(**given), len(batch))

    def _mask(self, answer: Any, rows: int) -> pa.BooleanArray:
        if isinstance(answer, pa.ChunkedArray):
            answer = answer.combine_chunks()
        if not isinstance(answer, pa.Array):
            answer = pa.array(np.asarray(answer).reshape(-1))
        if not pa.types.is_boolean(answer.type):
            raise BadModule(f"filter {self.name!r} ({self.text}) gave {answer.type}, not bool")
        if len(answer) != rows:
            raise BadModule(
                f"filter {self.name!r} ({self.text}) gave {len(answer)} rows for {rows}"
            )
        return answer.fill_null(False)


def _imported(name: str, text: str) -> Function:
    where, colon, what = text.partition(":")
    if not colon or not where or not what:
        raise BadInput(f"filter {name!r}: {text!r} should be package.module:function")
    try:
        found = getattr(import_module(where), what)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise BadInput(
            f"filter {name!r}: {text!r} cannot be imported: {error}. Is the package installed, or "
            "its folder in PYTHONPATH?"
        ) from error
    if not callable(found):
        raise BadInput(f"filter {name!r}: {text!r} is no function")
    function: Function = found
    return function


def _arguments(name: str, function: Function) -> dict[str, bool]:
    """Return the columns that a function wants, and which of them as Arrow arrays."""
    wanted = {}
    hints = _hints(function)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in _BY_NAME:
            raise BadModule(f"filter {name!r}: {parameter} names no column; write them out")
        if parameter.default is parameter.empty:
            hint = hints.get(parameter.name)
            wanted[parameter.name] = isinstance(hint, type) and issubclass(hint, pa.Array)
    if not wanted:
        raise BadModule(f"filter {name!r}: the function has no parameter, so it sees no column")
    return wanted


def _hints(function: Function) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError):  # annotations that are for type checkers alone
        return {}


def _as_numpy(array: pa.Array, arrow: bool) -> Any:
    kind = array.type
    if arrow or pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return array
    return array.to_numpy(zero_copy_only=False)

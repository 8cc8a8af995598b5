"""A filter that is an SQL expression, evaluated by DuckDB over the live batch.

``mag < 18 AND rb_real > 0.9 AND native.candidate.ndethist = 1``: what could stand after
``WHERE``. It sees the batch and nothing else: it is parsed before it is used, and the engine has
no access to files, settings or extensions.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cached_property
from typing import Any

import pyarrow as pa

from gueststar.batch import AlertBatch
from gueststar.errors import BadInput, did_you_mean
from gueststar.filters import columns
from gueststar.filters.expression import NATIVE, TABLE, read_expression
from gueststar.filters.native import NativeFields

log = logging.getLogger(__name__)

_SETTINGS = {
    "threads": 1,  # rows stay in order, and a batch is small
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # variables of this process are no tables
}


class SqlFilter:
    """Selects the rows for which an expression is true; null is "no".

    Parameters
    ----------
    name : str
    text : str
        Over the columns of the batch without cutouts, ``mag``, scores such as ``rb_real``, and
        fields of the survey's own record such as ``native.candidate.drb``.

    Raises
    ------
    BadInput
        If it is no single expression over one row.

    Examples
    --------
    >>> near = SqlFilter("near", "ra BETWEEN 10 AND 11 AND mag < 20")
    >>> near(AlertBatch.from_columns(ra=[10.5, 10.6, 12.0], flux=[1e5, None, 1e5])).to_pylist()
    [True, False, False]
    """

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self._expression = read_expression(text, f"filter {name!r}")
        self._native = NativeFields(self._expression.paths)
        self._said: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()  # DuckDB's connections are for one thread at a time

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns of the batch that it reads."""
        native = [NATIVE] if self._expression.paths else []
        return columns.needed([*map(str.casefold, self._expression.columns), *native])

    @property
    def unseen(self) -> tuple[str, ...]:
        """What to say of fields of ``native`` that no record has had so far."""
        return tuple(self._native.unseen.values())

    def __call__(self, batch: AlertBatch) -> pa.BooleanArray:
        """Return which rows are selected.

        Raises
        ------
        BadInput
            If the expression names a column that is not there, gives something else than true or
            false, or fails on a value.
        """
        with self._lock:
            answer = self._ask(self._table(batch))
            self._warn(batch)
        if not (pa.types.is_boolean(answer.type) or pa.types.is_null(answer.type)):
            raise BadInput(
                f"filter {self.name!r} gives {answer.type}, not true or false: {self.text!r}"
            )
        if len(answer) != len(batch):
            raise BadInput(f"filter {self.name!r} gave {len(answer)} rows for {len(batch)}")
        return answer.cast(pa.bool_()).fill_null(False)

    def _table(self, batch: AlertBatch) -> pa.Table:
        arrays = {}
        for given in self._expression.columns:
            name = given.casefold()
            known = columns.speakable(batch.names)
            if name not in known:
                hint = did_you_mean(given, [n for n in known if n != NATIVE])
                raise BadInput(f"filter {self.name!r}: no column {given!r}.{hint}")
            arrays[name] = columns.column(batch, name)
        if self._expression.paths:
            arrays[NATIVE] = self._native.pick(batch.column(NATIVE))
        rows = pa.nulls(len(batch), pa.bool_())  # an expression of constants alone has rows too
        return pa.table({**arrays, "gueststar row": rows})

    def _ask(self, table: pa.Table) -> pa.Array:
        import duckdb

        connection = self._connection
        connection.register(TABLE, table)
        try:
            # The expression stands on lines of its own: it may end with a comment.
            query = f"SELECT (\n{self.text}\n) AS answer FROM {TABLE}"
            return connection.sql(query).to_arrow_table().column(0).combine_chunks()
        except duckdb.Error as error:
            said = re.split(r"\n\s*\n|\nLINE", str(error))[0]
            raise BadInput(f"filter {self.name!r}: {said}: {self.text!r}") from error
        finally:
            connection.unregister(TABLE)

    @cached_property
    def _connection(self) -> Any:
        import duckdb

        connection = duckdb.connect(config=_SETTINGS)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def _warn(self, batch: AlertBatch) -> None:
        """Say once that a field which the filter names has not been met yet."""
        for path, sentence in self._native.unseen.items() if len(batch) else ():
            if path not in self._said:
                self._said.add(path)
                log.warning("filter %r: %s", self.name, sentence)

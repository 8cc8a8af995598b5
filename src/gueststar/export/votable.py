"""VOTable, row by row: astropy writes the head, Arrow's kernels the rows.

astropy holds a whole table before it writes one; here a page is held. See the VOTable standard,
version 1.4 (https://www.ivoa.net/documents/VOTable/).
"""

from __future__ import annotations

import io
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io.votable import from_table
from astropy.io.votable.tree import VOTableFile
from astropy.table import Column, Table

from gueststar.columns import COLUMNS
from gueststar.export.flat import flat_field, flattened
from gueststar.export.writers import About, Writer

_DATA = "<DATA>\n<TABLEDATA>\n"
_NOT_XML = "[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"


class VotableWriter(Writer):
    """A VOTable with TABLEDATA; unknown values are empty cells."""

    def begin(self) -> None:
        """Write the head."""
        flat = pa.schema([flat_field(field) for field in self.schema])
        head, self._tail = _frame(flat, self.about)
        self.file.write(head.encode() + _DATA.encode())

    def write(self, table: pa.Table) -> None:
        """Write some rows."""
        if not table.num_rows:
            return
        cells = [_texts(column.combine_chunks()) for column in flattened(table).columns]
        joined = pc.binary_join_element_wise(*cells, "</TD><TD>")
        lines = pc.binary_join_element_wise(
            pa.scalar("<TR><TD>"), joined, pa.scalar("</TD></TR>\n"), ""
        )
        self.file.write("".join(lines.to_pylist()).encode())

    def finish(self) -> None:
        """Close what is open."""
        self.file.write(f"</TABLEDATA>\n</DATA>\n{self._tail}".encode())


def _frame(schema: pa.Schema, about: About) -> tuple[str, str]:
    """Return what stands before and behind the data: astropy writes a row of zeros between."""
    columns = {field.name: _column(field) for field in schema}
    document: VOTableFile = from_table(Table(columns))
    document.description = f"{about.title}; {about.creator}"
    table = document.get_first_table()
    for field in table.fields:
        if field.name in COLUMNS:
            field.description = COLUMNS[field.name].text
    sink = io.BytesIO()
    document.to_xml(sink)
    text = sink.getvalue().decode()
    start, end = text.index("<DATA>"), text.index("</DATA>") + len("</DATA>\n")
    return text[:start], text[end:]


def _column(field: pa.Field) -> Column:
    kind = "U" if pa.types.is_string(field.type) else np.dtype(field.type.to_pandas_dtype())
    if kind == "U":
        return Column(np.array([""], object), dtype=object, name=field.name)
    unit = COLUMNS[field.name].unit if field.name in COLUMNS else ""
    return Column(np.zeros(1, kind), unit=unit or None, name=field.name)


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.type):
        words = column.cast(pa.string())
        for ours, theirs in (("nan", "NaN"), ("inf", "+Inf"), ("-inf", "-Inf")):
            words = pc.if_else(pc.equal(words, ours), theirs, words)
        return words.fill_null("")
    words = column.cast(pa.string()).fill_null("")
    if pa.types.is_string(column.type) and len(words):
        words = pa.array([escape(word) for word in _clean(words).to_pylist()], pa.string())
    return words


def _clean(words: pa.Array) -> pa.Array:
    """XML has no control characters: the sign for what cannot be shown stands for them."""
    return pc.replace_substring_regex(words, _NOT_XML, "\ufffd")

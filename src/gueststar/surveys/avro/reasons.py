"""Why a packet could not be read, as a sentence, from what the compiled decoder noted."""

from __future__ import annotations

from collections.abc import Sequence

from gueststar.surveys.avro import values as v
from gueststar.surveys.avro.program import Column

_IN_RECORD = {
    v.CUT_SHORT: "the data end inside the value",
    v.LONG_VARINT: "an integer is longer than ten bytes",
    v.BAD_BRANCH: "{value} is not a branch of its union",
    v.BAD_RANGE: "{value} is out of the range of its type",
    v.BAD_LENGTH: "its length is given as {value} bytes, {left} are left",
    v.NOT_UTF8: "a string of {value} bytes is not UTF-8",
    v.BAD_COUNT: "a block of items gives its size as {value} bytes, {left} are left",
    v.TOO_MANY: "a block of {value} items cannot be in the {left} bytes that are left",
    v.TOO_WIDE: "{value} items would take more memory than a packet of this size may",
}

_IN_CONTAINER = {
    v.CUT_SHORT: "the container ends inside the head of a block",
    v.LONG_VARINT: "the head of a block has an integer longer than ten bytes",
    v.BLOCK_COUNT: "a block says it holds {said} records",
    v.BLOCK_LENGTH: "truncated block: it says it holds {said} bytes, {left} are left before the"
    " sync marker",
    v.BAD_SYNC: "a block says it holds {said} bytes, but the sync marker does not stand behind"
    " them: bytes were lost, added or changed",
    v.EMPTY: "the container holds no record",
}


def record_reason(error: Sequence[int], columns: Sequence[Column], start: int, end: int) -> str:
    """Say why a record could not be read.

    Parameters
    ----------
    error : sequence of int
        Code, column, address, value.
    columns : sequence of Column
        Of the program.
    start, end : int
        Addresses of the block (or message).
    """
    code, column, pos, value = (int(word) for word in error)
    if code == v.TRAILING:
        return (
            f"{value} bytes are left over behind the last record:"
            " the data do not fit the schema, or bytes were added"
        )
    if code == v.TOO_WIDE and column < 0:
        return f"after {value} records: more would take more memory than a packet may"
    sentence = _IN_RECORD[code].format(value=value, left=end - pos)
    return f"cannot read {columns[column].path!r} at byte {pos - start} of the data: {sentence}"


def container_reason(error: Sequence[int]) -> str:
    """Say why the blocks of a container could not be found: code, record, byte, said, left."""
    code, _, byte, said, left = (int(word) for word in error)
    where = "" if code == v.EMPTY else f"at byte {byte}: "
    return where + _IN_CONTAINER[code].format(said=said, left=max(left, 0))

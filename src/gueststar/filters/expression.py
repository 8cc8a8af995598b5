"""Takes an SQL expression apart: the columns it names, and what it must not do.

DuckDB parses it (``json_serialize_sql``), so nothing here guesses about quotes or comments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from gueststar.errors import BadInput

NATIVE = "native"
TABLE = "alerts"  # what a column may be prefixed with

#: Kinds of expressions that stay within one row; no other kind is let through.
_ROW_WISE = {
    "COMPARISON", "CONJUNCTION", "CONSTANT", "COLUMN_REF", "FUNCTION", "OPERATOR", "CASE", "CAST",
    "TYPE", "BETWEEN", "LAMBDA", "LAMBDA_REF", "COLLATE",
}  # fmt: skip
_REFUSED = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "* or COLUMNS",
    "PARAMETER": "a parameter",
}
#: They answer differently tomorrow, or speak of the engine and not of the alert.
_MOODY = re.compile(
    r"(current|get_current|pg|has|inet|session|txid|in_search)_.*|now|today|ago|age|user|stats"
    r"|transaction_timestamp|getvariable|getenv|parse_duckdb_log_message|(col|sh?obj)_description"
)


@dataclass(frozen=True)
class Expression:
    """An expression that was found harmless.

    Parameters
    ----------
    text : str
        As it was given.
    columns : tuple of str
        Columns that it names, ``native`` left out, in the spelling of the expression.
    paths : tuple of tuple of str
        Fields of ``native`` that it names; none is the beginning of another.
    """

    text: str
    columns: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]


def read_expression(text: str, place: str) -> Expression:
    """Parse an expression.

    Parameters
    ----------
    text : str
        What could stand after ``WHERE``.
    place : str
        For error messages.

    Raises
    ------
    BadInput
        If it is no single expression over one row.

    Examples
    --------
    >>> read_expression("mag < 18 AND native.candidate.drb > 0.9", "here").paths
    (('candidate', 'drb'),)
    """
    root = _parsed(text, place)
    for node in _nodes(root):
        _check(node, place)
    bound = {ref[0].casefold() for node in _nodes(root) for ref in _parameters(node)}
    refs = [_unprefixed(node["column_names"]) for node in _nodes(root) if _is_column(node)]
    refs = [ref for ref in refs if ref[0].casefold() not in bound]
    native = {tuple(ref[1:]) for ref in refs if ref[0].casefold() == NATIVE}
    if () in native:
        raise BadInput(f"{place}: name fields of {NATIVE} with dots, as {NATIVE}.candidate.drb")
    plain = dict.fromkeys(ref[0] for ref in refs if ref[0].casefold() != NATIVE)
    return Expression(text, tuple(plain), tuple(sorted(_shortest(native))))


def _parsed(text: str, place: str) -> dict[str, Any]:
    """Return the one expression of a text that is nothing else."""
    answer = _ask("SELECT json_serialize_sql(?)", f"SELECT {text}")[0][0]
    tree = json.loads(answer)
    if tree["error"]:
        raise BadInput(f"{place} is no SQL expression: {tree['error_message']}: {text!r}")
    nodes = [statement["node"] for statement in tree["statements"]]
    if len(nodes) != 1 or not _is_bare(nodes[0]):
        raise BadInput(
            f"{place} must be one expression, such as mag < 18 AND rb_real > 0.9, without FROM, "
            f"WHERE or anything after it: {text!r}"
        )
    root: dict[str, Any] = nodes[0]["select_list"][0]
    return root


def _is_bare(node: dict[str, Any]) -> bool:
    """Tell ``SELECT expression`` from a statement that has any other part."""
    parts = ("where_clause", "group_expressions", "group_sets", "having", "sample", "qualify")
    return bool(
        node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not any(node.get(part) for part in (*parts, "modifiers"))
        and not node["cte_map"]["map"]
        and not node["select_list"][0].get("alias")
    )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for part in tree.values():
            yield from _nodes(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)


def _is_column(node: dict[str, Any]) -> bool:
    return bool(node["class"] == "COLUMN_REF")


def _check(node: dict[str, Any], place: str) -> None:
    if node["class"] not in _ROW_WISE:
        what = _REFUSED.get(node["class"], node["class"])
        raise BadInput(f"{place}: {what} is not allowed; a filter sees one alert at a time")
    name = str(node.get("function_name", "")).casefold()
    if node["class"] != "FUNCTION" or name not in _unfit():
        return
    raise BadInput(f"{place}: {name}() is not allowed; {_unfit()[name]}")


@cache
def _unfit() -> dict[str, str]:
    """Return the functions that cannot stand in a filter, and why."""
    rows = _ask("SELECT function_name, function_type, stability FROM duckdb_functions()")
    scalar = {name for name, kind, _ in rows if kind in ("scalar", "macro")}
    aggregate = {name for name, kind, _ in rows if kind in ("aggregate", "window")}
    volatile = {name for name, _, stability in rows if stability == "VOLATILE"}
    moody = {name for name, _, _ in rows if _MOODY.fullmatch(name)} | volatile
    return {
        **dict.fromkeys(aggregate - scalar, "a filter sees one alert at a time"),
        **dict.fromkeys(moody, "a filter must answer the same whenever it is asked"),
    }


def _ask(query: str, *values: str) -> list[tuple[Any, ...]]:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(query, list(values)).fetchall()
        return rows


def _parameters(node: dict[str, Any]) -> list[list[str]]:
    """Return the names that a lambda binds."""
    if node["class"] != "LAMBDA":
        return []
    return [part["column_names"] for part in _nodes(node.get("lhs")) if _is_column(part)]


def _unprefixed(names: list[str]) -> list[str]:
    return names[1:] if len(names) > 1 and names[0].casefold() == TABLE else names


def _shortest(paths: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Leave out paths below another one: the whole struct is there already."""
    return {p for p in paths if not any(p[:n] in paths for n in range(1, len(p)))}

"""Which SQL anybody may run: parsed, checked node by node, and written anew from what was parsed.

PostgreSQL never sees the text that was given. What the parser does not know, and every function,
type and relation that is not listed here, is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gueststar.errors import BadInput, MissingExtra, did_you_mean
from gueststar.store import answers

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

LONGEST = 100_000  # characters
DEEPEST = 200  # nested nodes

#: Functions that compute from their arguments alone and make nothing large.
FUNCTIONS = frozenset({
    "abs", "acos", "acosd", "array_agg", "array_length", "array_position", "asin", "asind",
    "atan", "atan2", "atand", "atan2d", "avg", "bit_and", "bit_or", "bool_and", "bool_or",
    "btrim", "cbrt", "ceil", "ceiling", "char_length", "coalesce", "concat", "concat_ws",
    "corr", "cos", "cosd", "cot", "count", "covar_pop", "covar_samp", "cume_dist", "degrees",
    "dense_rank", "div", "encode", "every", "exp", "first_value", "floor", "generate_series",
    "greatest", "initcap", "lag", "last_value", "lead", "least", "left", "length", "ln", "log",
    "log10", "lower", "ltrim", "max", "md5", "min", "mod", "mode", "nth_value", "ntile",
    "nullif", "num_nonnulls", "num_nulls", "octet_length", "percent_rank", "percentile_cont",
    "percentile_disc", "pi", "position", "power", "pow", "radians", "rank", "regr_intercept",
    "regr_r2", "regr_slope", "replace", "reverse", "right", "round", "row_number", "rtrim",
    "sha256", "sign", "sin", "sind", "split_part", "sqrt", "starts_with", "stddev",
    "stddev_pop", "stddev_samp", "string_agg", "strpos", "substr", "substring", "sum", "tan",
    "tand", "to_hex", "trim", "trunc", "unnest", "upper", "var_pop", "var_samp", "variance",
    "width_bucket",
})  # fmt: skip

#: Types that a value may be cast to.
TYPES = frozenset({
    "BIGINT", "INT", "SMALLINT", "DOUBLE", "FLOAT", "DECIMAL", "TEXT", "VARCHAR", "CHAR",
    "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "ARRAY",
})  # fmt: skip


def checked(
    query: str, views: Mapping[str, Sequence[str]], schema: str, others: Collection[str] = ()
) -> str:
    """Return the query, written anew, if it only reads the public views.

    Parameters
    ----------
    query : str
    views : mapping of str to sequence of str
        Columns by view.
    schema : str
        Where the views are.
    others : collection of str
        Relations that a part of the query must not be named after: outside of its reach the name
        would mean them.

    Raises
    ------
    BadInput
        If it does more, or is not SQL.
    """
    tree = _parsed(query)
    names = {cte.alias_or_name.lower() for cte in tree.find_all(_expressions().CTE)}
    if taken := sorted((names - set(views)) & set(others)):
        raise BadInput(f"{taken[0]} cannot be the name of a part of a query: choose another")
    for node in tree.walk():
        _check(node, views, names)
        _qualify(node, names, schema)
    return str(tree.sql(dialect="postgres", comments=False))


def _expressions() -> Any:
    try:
        from sqlglot import expressions
    except ImportError as error:
        raise MissingExtra("sqlglot", "postgres") from error
    return expressions


def _parsed(query: str) -> Expression:
    nodes = _expressions()
    import sqlglot

    if len(query) > LONGEST or "\0" in query or (not query.isprintable() and _odd(query)):
        raise BadInput(f"cannot run this query: it is longer than {LONGEST} characters, or no text")
    try:
        trees = [t for t in sqlglot.parse(query, dialect="postgres") if t is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise BadInput(f"cannot run this query: {_first_line(error)}") from None
    if len(trees) != 1 or not isinstance(trees[0], nodes.Query | nodes.Values):
        raise BadInput(answers.ONLY_SELECT)
    tree: Expression = trees[0]
    if (
        max((_depth(node) for node in tree.find_all(nodes.Select, nodes.Paren)), default=0)
        > DEEPEST
    ):
        raise BadInput(f"cannot run this query: it nests deeper than {DEEPEST} levels")
    return tree


def _odd(query: str) -> bool:
    """Tell whether a text holds what no encoding knows, such as half a character."""
    try:
        query.encode()
    except UnicodeEncodeError:
        return True
    return False


def _depth(node: Any) -> int:
    return int(node.depth)


def _check(node: Any, views: Mapping[str, Sequence[str]], names: set[str]) -> None:
    nodes = _expressions()
    changes = (
        nodes.DML, nodes.DDL, nodes.Command, nodes.Into, nodes.Lock, nodes.Set, nodes.Placeholder,
        nodes.Parameter, nodes.SessionParameter, nodes.Drop, nodes.Alter, nodes.Copy, nodes.Pragma,
        nodes.Transaction, nodes.Commit, nodes.Rollback, nodes.Use,
    )  # fmt: skip
    if isinstance(node, changes) and not isinstance(node, nodes.Query):
        raise BadInput(f"{answers.ONLY_SELECT} (found {type(node).__name__.upper()})")
    if isinstance(node, nodes.Table):
        _check_table(node, views, names)
    elif isinstance(node, nodes.DataType):
        if getattr(node.this, "name", None) not in TYPES:
            raise BadInput(f"no cast to {node.sql(dialect='postgres')} is allowed here")
    elif isinstance(node, nodes.Dot):
        raise BadInput(f"{node.sql(dialect='postgres')} is not allowed here: name a column")
    elif isinstance(node, nodes.Func) and not isinstance(node, nodes.Connector | nodes.Case):
        _check_function(node)


def _check_function(node: Any) -> None:
    nodes = _expressions()
    if isinstance(node, nodes.Cast | nodes.Exists | nodes.If):
        return
    if isinstance(node, nodes.Anonymous | nodes.AnonymousAggFunc):
        names = {str(node.this).lower()}
    else:
        written = node.sql(dialect="postgres").partition("(")[0].strip().lower()
        names = {written, *(name.lower() for name in node.sql_names())}
    if not names & FUNCTIONS:
        name = min(names)
        raise BadInput(f"the function {name} is not allowed here.{did_you_mean(name, FUNCTIONS)}")


def _check_table(node: Any, views: Mapping[str, Sequence[str]], names: set[str]) -> None:
    nodes = _expressions()
    if isinstance(node.this, nodes.Func):
        return  # a function as a table: looked at as a function
    name = node.name.lower()
    if node.args.get("db") or node.args.get("catalog") or name not in {*views, *names}:
        raise BadInput(f"no such table: {node.sql(dialect='postgres')}.{did_you_mean(name, views)}")


def _qualify(node: Any, names: set[str], schema: str) -> None:
    """Name the schema of a view, so that nothing of the same name stands before it."""
    nodes = _expressions()
    if not isinstance(node, nodes.Table) or isinstance(node.this, nodes.Func):
        return
    if node.name.lower() not in names:
        node.set("this", nodes.to_identifier(node.name.lower(), quoted=True))
        node.set("db", nodes.to_identifier(schema, quoted=True))


def _first_line(error: object) -> str:
    return next(iter(str(error).strip().splitlines()), "it nests too deeply")

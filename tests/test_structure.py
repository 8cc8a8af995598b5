"""The house rules that a program can check: who imports whom, how long, how documented."""

import ast
import re
from pathlib import Path

import pytest

import gueststar

ROOT = Path(gueststar.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60  # lines; of functions without their docstring

#: Rooms from top to bottom: each imports from lower lines only. What touches files, networks and
#: databases (sources, sinks, store, serve) stands above the arrays, and nothing below knows it.
LAYERS = [
    "__main__ __init__",
    "cli",
    "bench",
    "run train checks",
    "serve client",
    "export",
    "sinks",
    "store sources",
    "simulate classifiers filters pipeline times catalogs",
    "models surveys streams",
    "features alert periods",
    "registry cutouts lightcurve contracts score alarms",
    "pictures plots points",
    "batch positions columns distances rights sites",
    "errors",
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms.split()}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def room_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def statements(node):
    """All statements that run: what stands under TYPE_CHECKING is for readers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        yield child
        yield from statements(child)


def imports(path):
    """Dotted names that a module imports when it runs, wherever in it."""
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path):
    ours = (name.split(".")[1] for name in imports(path) if name.startswith("gueststar."))
    return {room for room in ours if not room.startswith("__")}


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function):
    """Lines of a function without its docstring."""
    first, lines = function.body[0], function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    return lines - (first.end_lineno - first.lineno + 1)


def test_every_room_has_its_place():
    rooms = {room_of(path) for path in MODULES} - {"bundles"}
    assert rooms == set(LEVEL)


def test_imports_point_one_way():
    wrong = [
        f"{name_of(path)} imports {room}"
        for path in MODULES
        for room in rooms_imported(path) - {room_of(path)}
        if LEVEL[room] <= LEVEL[room_of(path)]
    ]
    assert not wrong


def test_modules_are_short():
    assert not [
        name_of(path) for path in MODULES if len(path.read_text().splitlines()) > LONGEST_MODULE
    ]


def test_functions_are_short():
    assert not [
        f"{name_of(path)}:{function.lineno} {function.name}"
        for path in MODULES
        for function in functions(path)
        if length(function) > LONGEST_FUNCTION
    ]


def test_nothing_prints():
    assert not [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]


def test_only_training_imports_torch():
    users = {name_of(path) for path in MODULES if any(n.startswith("torch") for n in imports(path))}
    assert users
    assert {name for name in users if not name.startswith("train/")} <= {"models/vgg6.py"}


def test_only_the_runner_keeps_what_it_catches_broadly():
    """Others may catch everything for a moment, to tidy up or to say where, and raise again."""
    broad = ("Exception", "BaseException", None)
    kept = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (None if node.type is None else getattr(node.type, "id", "")) in broad
        and not isinstance(node.body[-1], ast.Raise)
    ]
    assert set(kept) == {"pipeline.py"}


def public(node):
    """Public definitions of a module and of its public classes."""
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not child.name.startswith("_"):
                yield child
            if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
                yield from public(child)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_is_documented(path):
    tree = ast.parse(path.read_text())
    if tree.body:
        assert ast.get_docstring(tree), "the module says nothing of itself"
    assert not [node.name for node in public(tree) if ast.get_docstring(node) is None]


def test_the_architecture_page_names_every_room():
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text()
    table = page[page.index("| room |") : page.index("## The batch")]
    for path in sorted(ROOT.iterdir()):
        if path.suffix == ".py" and not path.name.startswith("__"):
            assert f"`{path.name}`" in table, f"{path.name} is not in the table of rooms"
        elif path.is_dir() and re.fullmatch("[a-z]+", path.name):
            assert f"`{path.name}/" in table, f"{path.name}/ is not in the table of rooms"

"""The card of a model bundle: what the net is, what it takes, what it was trained on.

A card is TOML that a person reads and writes::

    name = "rb"
    version = "1"
    task = "real-bogus"            # which module runs it
    classes = ["real"]             # one score a class, in this order
    surveys = ["ztf"]              # alerts of other surveys are not scored
    threshold = 0.5
    licence = "BSD-3-Clause"
    source = "..."
    created = "2026-01-31"

    [[inputs]]                     # one table per input tensor
    name = "triplets"
    recipe = "stamps"              # the function in features/ that makes it
    shape = [63, 63, 3]            # of one alert
    norm = "image"                 # what else the recipe needs

    [training]                     # free, shown as it is
    [figures]                      # free, shown as it is
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gueststar.errors import BadBundle

MAX_CARD = 1 << 20  # bytes
_NEEDED = ("name", "version", "task", "classes", "licence", "source", "created", "inputs")
_PLAIN = (str, int, float, bool)


@dataclass(frozen=True)
class Recipe:
    """How one input of a net is made from alerts.

    Parameters
    ----------
    name : str
        Of the tensor in the ONNX graph.
    recipe : str
        Which feature function makes it, such as ``stamps``.
    shape : tuple of int
        Of one alert.
    options : mapping of str
        What else the recipe takes, such as ``norm``.
    """

    name: str
    recipe: str
    shape: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """What a bundle says of itself.

    Parameters
    ----------
    name, version, task : str
        The module's name, the weights' version, and what the net is for (``real-bogus``).
    classes : tuple of str
        One score each, in the order of the net's output.
    inputs : tuple of Recipe
        What the net takes.
    licence, source, created : str
        SPDX name, where the weights come from, ISO date.
    surveys : tuple of str
        Whose alerts it may score; empty means any.
    threshold : float
        Score at and above which a yes is meant.
    summary : str
        One sentence for people.
    training, figures : mapping
        Plain values: what it was trained on, what was measured.
    """

    name: str
    version: str
    task: str
    classes: tuple[str, ...]
    inputs: tuple[Recipe, ...]
    licence: str
    source: str
    created: str
    surveys: tuple[str, ...] = ()
    threshold: float = 0.5
    summary: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what is easily wrong.

        Raises
        ------
        BadBundle
            If the name cannot be a prefix of columns, or there is no class or input.
        """
        check_name(self.name)
        for what in ("classes", "inputs"):
            if not getattr(self, what):
                raise BadBundle(f"the card of {self.name!r} has no {what}")
        if not 0 <= self.threshold <= 1:
            raise BadBundle(f"threshold = {self.threshold} in the card of {self.name!r}; need 0..1")

    @property
    def recipe(self) -> Recipe:
        """The only input.

        Raises
        ------
        BadBundle
            If there are several.
        """
        if len(self.inputs) != 1:
            raise BadBundle(f"{self.name!r} has {len(self.inputs)} inputs where one is expected")
        return self.inputs[0]


def check_name(name: str) -> None:
    """Refuse a name that cannot be a prefix of columns.

    Raises
    ------
    BadBundle
        If it is not lower-case letters, digits and underscores, a letter first.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise BadBundle(
            f"{name!r} cannot name a model: use lower-case letters, digits and underscores, "
            "a letter first"
        )


def read_card(text: str) -> Card:
    """Read a card.

    Raises
    ------
    BadBundle
        If it is no TOML, or something is missing or of a wrong type.
    """
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadBundle(f"card.toml is not TOML: {error}") from None
    if missing := [name for name in _NEEDED if name not in raw]:
        raise BadBundle(f"card.toml has no {', '.join(missing)}")
    if unknown := set(raw) - set(Card.__dataclass_fields__):
        raise BadBundle(f"card.toml has fields that are not known: {', '.join(sorted(unknown))}")
    return Card(**{name: _typed(name, value) for name, value in raw.items()})


def _typed(name: str, value: Any) -> Any:
    """Check one field of the card by its name."""
    if name == "inputs":
        return tuple(_recipe(table) for table in _expect(name, value, list))
    if name in ("classes", "surveys"):
        return tuple(_expect(name, text, str) for text in _expect(name, value, list))
    if name in ("training", "figures"):
        return _expect(name, value, dict)
    if name == "threshold":
        return float(_expect(name, value, (int, float)))
    return _expect(name, value, str)


def _expect(name: str, value: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadBundle(f"card.toml: {name} cannot be {value!r}")
    return value


def _recipe(table: Any) -> Recipe:
    fields = dict(_expect("inputs", table, dict))
    try:
        name, recipe, shape = (fields.pop(k) for k in ("name", "recipe", "shape"))
    except KeyError as missing:
        raise BadBundle(f"card.toml: an input has no {missing}") from None
    sizes = tuple(_expect("shape", n, int) for n in _expect("shape", shape, list))
    if any(n < 1 for n in sizes):
        raise BadBundle(f"card.toml: shape cannot be {shape}")
    return Recipe(_expect("name", name, str), _expect("recipe", recipe, str), sizes, fields)


def write_card(card: Card) -> str:
    """Write a card as TOML; :func:`read_card` gives the same card back.

    Raises
    ------
    BadBundle
        If ``training`` or ``figures`` hold something that is no text, number or list of these.
    """
    plain = {
        name: getattr(card, name)
        for name in Card.__dataclass_fields__
        if name not in ("inputs", "training", "figures")
    }
    lines = [_pair(name, value) for name, value in plain.items()]
    for recipe in card.inputs:
        fields = {"name": recipe.name, "recipe": recipe.recipe, "shape": recipe.shape}
        lines += _table("[[inputs]]", {**fields, **recipe.options})
    for name in ("training", "figures"):
        lines += _table(f"[{name}]", getattr(card, name))
    return "\n".join(lines) + "\n"


def _table(head: str, fields: Mapping[str, Any]) -> list[str]:
    return ["", head, *(_pair(name, value) for name, value in fields.items())] if fields else []


def _pair(name: str, value: Any) -> str:
    bare = name.isascii() and name.replace("-", "_").isidentifier()
    return f"{name if bare else _quoted(name)} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(v) for v in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, _PLAIN):
        return repr(value)
    raise BadBundle(f"a card cannot hold {value!r}; give text, numbers or lists of them")


def _quoted(text: str) -> str:
    """Write a TOML basic string: JSON's escapes are valid TOML, and DEL needs one too."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

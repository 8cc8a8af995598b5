"""A form of a page: every field is read for itself, so that a fault stands beside its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gueststar.errors import BadInput
from gueststar.serve.api.operation import LONGEST, Field
from gueststar.serve.portal.parameters import Parameters


@dataclass
class Filled:
    """What a form was given.

    Parameters
    ----------
    typed : dict of str to str
        As it came, for the inputs.
    values : dict
        What it means; None where a field is empty or at fault.
    faults : dict of str to str
        A sentence for each field that cannot be used, without its name.
    """

    typed: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def refuse(self, name: str, sentence: str) -> None:
        """Say why a field cannot be used; its first fault stays."""
        self.faults.setdefault(name, sentence)

    def given(self, *names: str) -> list[str]:
        """Return those of some fields that hold a value."""
        return [name for name in names if self.values.get(name) is not None]


def fill(fields: Sequence[Field], query: Mapping[str, str]) -> Filled:
    """Read a form.

    Parameters
    ----------
    fields : sequence of Field
        What it has.
    query : mapping of str to str
        Of the request. A name that no field has is a fault of that name.

    Examples
    --------
    >>> fill([Field("dec", "number", "deg", low=-90, high=90)], {"dec": "99"}).faults
    {'dec': '99 is not in -90 to 90'}
    """
    filled = Filled({name: value.strip() for name, value in query.items() if value.strip()})
    known = [one.name for one in fields]
    for name, value in query.items():
        _try(filled, name, partial(Parameters, {name: value}, known, LONGEST))
    for one in fields:
        filled.values[one.name] = None
        if one.name not in filled.faults:
            _try(filled, one.name, partial(_read, filled, one, query.get(one.name, "")))
    return filled


def _read(filled: Filled, one: Field, text: str) -> None:
    filled.values[one.name] = one.read(Parameters({one.name: text}, (one.name,), LONGEST))


def _try(filled: Filled, name: str, read: Callable[[], Any]) -> None:
    try:
        read()
    except BadInput as error:
        filled.refuse(name, str(error).removeprefix(f"{name}: "))

"""A question to the API: declared once, and from that checked, answered and documented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from gueststar.errors import BadInput
from gueststar.serve.effort import Effort
from gueststar.serve.portal.parameters import Parameters
from gueststar.times import mjd_tai_of

LONGEST = 4_000  # characters of one parameter; cursors hold names of objects
Kind = Literal["number", "whole", "text", "time", "choice", "yes or no"]


@dataclass(frozen=True)
class Field:
    """A parameter.

    Parameters
    ----------
    name : str
    kind : str
        ``time`` takes MJD (TAI), JD (UTC) or an ISO date (UTC) and gives MJD TAI.
    text : str
        What it is, with its unit.
    example : object
        A value that works.
    low, high : float
        Of numbers, both included.
    among : tuple of str
        Of choices.
    default : object
        Used where it is not given.
    required : bool
    longest : int
        Of texts, characters.
    """

    name: str
    kind: Kind
    text: str
    example: Any = None
    low: float = -1e12
    high: float = 1e12
    among: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    longest: int = 200

    def read(self, given: Parameters) -> Any:
        """Return the value, checked.

        Raises
        ------
        BadInput
            Beginning with the name.
        """
        value = _READ[self.kind](self, given)
        if value is None and self.required:
            raise BadInput(f"{self.name}: must be given: {self.text}")
        return self.default if value is None else value


def _text(field: Field, given: Parameters) -> str | None:
    text = given.text(field.name)
    if text is not None and len(text) > field.longest:
        raise BadInput(f"{field.name}: {len(text)} characters are more than {field.longest}")
    return text


def _time(field: Field, given: Parameters) -> float | None:
    text = given.text(field.name)
    return None if text is None else mjd_tai_of(text, field.name)


def _flag(field: Field, given: Parameters) -> bool | None:
    text = given.text(field.name)
    return None if text is None else given.choice(field.name, ("yes", "no"), "no") == "yes"


_READ: dict[str, Callable[[Field, Parameters], Any]] = {
    "number": lambda field, given: given.number(field.name, field.low, field.high),
    "whole": lambda field, given: given.whole(field.name, int(field.low), int(field.high)),
    "text": _text,
    "time": _time,
    "choice": lambda field, given: (
        given.choice(field.name, field.among, "") if given.text(field.name) else None
    ),
    "yes or no": _flag,
}


@dataclass(frozen=True)
class Body:
    """What a POST carries.

    Parameters
    ----------
    schema : mapping
        JSON schema of its JSON form.
    example : object
    largest : int
        Bytes.
    media_types : tuple of str
    """

    schema: Mapping[str, Any]
    example: Any
    largest: int
    media_types: tuple[str, ...] = ("application/json",)


@dataclass(frozen=True)
class Operation:
    """A question.

    Parameters
    ----------
    path : str
        Below ``/api``; parts in braces are named in ``places``.
    name : str
        Of the operation, as client generators use it.
    summary, text : str
    fields : tuple of Field
        Query parameters, but for ``format``.
    places : tuple of Field
        Parts of the path.
    answer : pyarrow.Schema, optional
        Columns of a table; None for another kind of answer.
    forms : tuple of str
        Forms of the answer, the first one the default.
    body : Body, optional
        Makes it a POST.
    group : str
        Heading in the documentation.
    missing : bool
        Answers 404 where the path names what there is not.
    verb : str
        HTTP method; empty: POST where there is a body, else GET.
    operators : bool
        It speaks of inputs, for operators: its function is given the whole store.
    writes : bool
        It changes the store: its function is given a :class:`~gueststar.serve.api.access.Desk`.
    enters : bool
        It is about logins: its function is given a :class:`~gueststar.serve.lobby.Lobby`, and
        what it returns is kept by nobody.
    effort : str
        What it costs (:mod:`~gueststar.serve.effort`). The answer of an ``export`` is sent while it
        is made.
    """

    path: str
    name: str
    summary: str
    text: str = ""
    fields: tuple[Field, ...] = ()
    places: tuple[Field, ...] = ()
    answer: pa.Schema | None = None
    forms: tuple[str, ...] = ("json", "arrow", "csv", "votable", "parquet")
    body: Body | None = None
    group: str = "Alerts and objects"
    missing: bool = False
    verb: Literal["", "GET", "POST", "PATCH", "DELETE"] = ""
    operators: bool = False
    writes: bool = False
    enters: bool = False
    effort: Effort = "page"
    all_fields: tuple[Field, ...] = field(init=False)

    def __post_init__(self) -> None:
        form = Field(
            "format", "choice", "form of the answer, instead of the header Accept",
            example=self.forms[0], among=self.forms,
        )  # fmt: skip
        object.__setattr__(self, "all_fields", (*self.fields, form))

    @property
    def method(self) -> str:
        """HTTP method."""
        return self.verb or ("POST" if self.body else "GET")

    @property
    def streams(self) -> bool:
        """Whether its function returns one of the form, which gives pieces."""
        return self.effort == "export"

    def read(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of a request's query, checked.

        Raises
        ------
        BadInput
            Naming the parameter; for an unknown one with the nearest that there is.
        """
        longest = max([LONGEST, *(field.longest for field in self.fields)])
        given = Parameters(query, [field.name for field in self.all_fields], longest)
        return {field.name: field.read(given) for field in self.all_fields}

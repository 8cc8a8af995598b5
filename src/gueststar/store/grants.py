"""What accounts and tokens are given: a role, and programs; names of whom they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from gueststar.errors import BadInput, did_you_mean
from gueststar.rights import UNRESTRICTED, Rights

Role = Literal["reader", "annotator", "operator"]
#: From the least to the most.
ROLES: tuple[Role, ...] = get_args(Role)
LONGEST_NAME = 100

Programs = tuple[int, ...] | None


def check_name(name: str, field: str = "name") -> None:
    """Refuse what is no name.

    Raises
    ------
    BadInput
        Beginning with the field.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise BadInput(f"{field}: {name[:64]!r} cannot be: 1 to {LONGEST_NAME} printable signs")


def check_role(role: str) -> None:
    """Refuse what is no role.

    Raises
    ------
    BadInput
        If it is none.
    """
    if role not in ROLES:
        raise BadInput(f"role: no role {role!r}.{did_you_mean(role, ROLES)}")


def lower(one: Role, other: Role) -> Role:
    """Return the role that may less.

    Examples
    --------
    >>> lower("operator", "reader")
    'reader'
    """
    return min(one, other, key=ROLES.index)


def rights_of(programs: Programs) -> Rights:
    """Return what these programs show; None is everything."""
    return UNRESTRICTED if programs is None else Rights.of(programs)


def programs_of(rights: Rights) -> Programs:
    """Return the programs of rights, sorted."""
    return None if rights.programs is None else tuple(sorted(rights.programs))


def written(programs: Iterable[int] | None) -> str | None:
    """Return programs as the store keeps them.

    Raises
    ------
    BadInput
        If a program cannot be.
    """
    if programs is None:
        return None
    return ",".join(map(str, sorted(Rights.of(programs).programs or ())))


def read(text: str | None) -> Programs:
    """Return programs as :func:`written` has kept them.

    Examples
    --------
    >>> read(written([2, 1])), read(written([])), read(written(None))
    ((1, 2), (), None)
    """
    return None if text is None else tuple(int(part) for part in text.split(",") if part)


def in_words(programs: Programs) -> str:
    """Say which programs, as people write them: ``1,2``, ``all`` or ``none``."""
    return "all" if programs is None else ",".join(map(str, programs)) or "none"


def from_words(text: str) -> list[int] | None:
    """Read programs as people write them: ``1,2``, ``all`` or ``none``.

    Raises
    ------
    BadInput
        If they cannot be read.
    """
    if text.strip() == "all":
        return None
    try:
        return [int(part) for part in text.split(",") if part.strip() not in ("", "none")]
    except ValueError:
        raise BadInput(f"programs: {text[:64]!r} cannot be: give numbers, as 1,2, or all") from None

"""Turns the names of ``--modules`` into science modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gueststar import registry
from gueststar.contracts import ScienceModule
from gueststar.errors import BadModule, did_you_mean


def available() -> tuple[str, ...]:
    """Names that ``--modules`` accepts: registered modules, then installed bundles."""
    from gueststar.models.installed import installed

    registered = registry.names("modules")
    return (*registered, *sorted(name for name in installed() if name not in registered))


def modules_named(names: Sequence[str] | None = None) -> list[ScienceModule]:
    """Make the modules of these names, in this order.

    Parameters
    ----------
    names : sequence of str, optional
        Registered modules, installed bundles, or folders of bundles; all registered modules and
        installed bundles when None.

    Raises
    ------
    BadModule
        If a name is unknown or stands twice.

    Examples
    --------
    >>> modules_named([])
    []
    """
    wanted = available() if names is None else tuple(names)
    if twice := {name for name in wanted if wanted.count(name) > 1}:
        raise BadModule(f"modules named twice: {', '.join(sorted(twice))}")
    return [_make(name) for name in wanted]


def _make(name: str) -> ScienceModule:
    from gueststar.classifiers.tasks import module_for
    from gueststar.models.installed import find, installed

    if name in registry.names("modules"):
        module: ScienceModule = registry.load("modules", name)()
        return module
    if name not in installed() and not Path(name, "card.toml").is_file():
        raise BadModule(f"no module or model bundle {name!r}.{did_you_mean(name, available())}")
    return module_for(find(name))

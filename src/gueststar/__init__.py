"""gueststar: an open astronomical alert broker with deep learning inside.

>>> from gueststar import Broker
>>> b = Broker("sqlite:///night.db")           # doctest: +SKIP
>>> b["ZTF18abcdefg"].lc.plot()                # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gueststar.client import Broker

__version__ = "0.1.0"
__all__ = ["Broker", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: ``import gueststar`` alone costs nothing."""
    if name == "Broker":
        from gueststar.client import Broker

        return Broker
    raise AttributeError(f"module 'gueststar' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Which science module runs which kind of net."""

from __future__ import annotations

from collections.abc import Callable

from gueststar.classifiers.realbogus import RealBogus
from gueststar.contracts import ScienceModule
from gueststar.errors import BadBundle, did_you_mean
from gueststar.models.bundle import Bundle

#: The task of a bundle's card, and what runs such nets.
TASKS: dict[str, Callable[[Bundle], ScienceModule]] = {"real-bogus": RealBogus}


def module_for(bundle: Bundle) -> ScienceModule:
    """Make the science module that runs a bundle.

    Parameters
    ----------
    bundle : Bundle
        Its card's task decides which class; its name becomes the module's.

    Raises
    ------
    BadBundle
        If nothing here runs such nets.
    """
    task = bundle.card.task
    if task not in TASKS:
        raise BadBundle(f"nothing runs nets of task {task!r}.{did_you_mean(task, TASKS)}")
    return TASKS[task](bundle)

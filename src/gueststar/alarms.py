"""An alarm: something that a person should see to.

It is a log record like any other, and what watches a stream (:mod:`gueststar.run.monitor`) takes
note of it in the store, where ``gueststar health``, the portal and Prometheus show it.
"""

from __future__ import annotations

import logging


def alarm(logger: logging.Logger, text: str, *values: object) -> None:
    """Raise an alarm.

    Parameters
    ----------
    logger : logging.Logger
        Of the module that raises it.
    text : str
        With ``%s`` and the like for the values.
    """
    logger.error("ALARM: %s", text % values if values else text, extra={"alarm": True})


def text_of(record: logging.LogRecord) -> str | None:
    """Return what an alarm says; None for any other log record.

    Examples
    --------
    >>> text_of(logging.makeLogRecord({"msg": "ALARM: no room", "alarm": True}))
    'no room'
    >>> text_of(logging.makeLogRecord({"msg": "all is well"}))
    """
    if not getattr(record, "alarm", False):
        return None
    return record.getMessage().removeprefix("ALARM: ")

"""Logs of a broker: a line of text, or one JSON object a line for programs to read."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import orjson

Form = Literal["text", "json"]
#: Attributes of every log record; what else a record has was given as ``extra``.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One object a record: ``time`` (UTC), ``level``, ``logger``, ``process``, ``message``.

    What was given as ``extra`` (such as ``alarm``) follows, then ``error`` with its traceback.

    Examples
    --------
    >>> record = logging.makeLogRecord({"msg": "read %d", "args": (3,), "created": 0.0})
    >>> JsonLines().format(record)[:62]
    '{"time":"1970-01-01T00:00:00+00:00","level":"Level None","logg'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "process": record.processName,
            "message": record.getMessage(),
            **{k: v for k, v in vars(record).items() if k not in _USUAL},
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return orjson.dumps(fields, default=str).decode()


def set_up(form: Form | str = "text", level: int = logging.WARNING) -> None:
    """Send this process's log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines()
        if form == "json"
        else logging.Formatter("%(asctime)s %(processName)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)

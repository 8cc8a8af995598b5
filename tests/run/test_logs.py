"""Logs as lines of JSON."""

import json
import logging

from gueststar.run.logs import JsonLines


def test_one_object_a_line():
    logger = logging.getLogger("gueststar.test")
    record = logger.makeRecord(
        "gueststar.x",
        logging.ERROR,
        "x.py",
        1,
        "lost %d\nthings",
        (3,),
        None,
        extra={"alarm": True},
    )
    text = JsonLines().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert line["message"] == "lost 3\nthings"
    assert line["level"] == "ERROR"
    assert line["alarm"] is True
    assert line["time"].endswith("+00:00")


def test_an_error_brings_its_traceback():
    try:
        raise ValueError("no")
    except ValueError as error:
        caught = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "so", (), caught)
    assert "ValueError: no" in json.loads(JsonLines().format(record))["error"]

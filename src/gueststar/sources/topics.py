"""Names of topics: given, with a date in them, or as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gueststar.errors import BadInput, did_you_mean


def patterns(topics: Sequence[str]) -> list[str]:
    """Turn names with a date in them into regular expressions.

    Examples
    --------
    >>> patterns(["ztf_YYYYMMDD_programid1", "lsst-alerts-v10.0"])
    ['^ztf_[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]_programid1$', 'lsst-alerts-v10.0']
    """
    return [_pattern(name) if "YYYYMMDD" in name else name for name in topics]


def _pattern(name: str) -> str:
    whole = name if name.startswith("^") else f"^{re.escape(name)}$".replace(r"\-", "-")
    return whole.replace("YYYYMMDD", "[0-9]" * 8)


def matching(topics: Sequence[str], there: Mapping[str, int]) -> list[str]:
    """Return those topics of a broker that are meant.

    Raises
    ------
    BadInput
        If a topic that is named is not there.
    """
    found: set[str] = set()
    for name in patterns(topics):
        if name.startswith("^"):
            found |= {topic for topic in there if re.search(name, topic)}
        elif name in there:
            found.add(name)
        else:
            raise BadInput(f"no topic {name!r} on this Kafka.{did_you_mean(name, there)}")
    return sorted(found)

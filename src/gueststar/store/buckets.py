"""Packs of cutouts in a bucket that speaks S3, by ``obstore`` (extra ``s3``).

Each pack is one ``PUT``: it appears whole or not at all, and leaves no parts of an upload behind.
Reading is one ``GET`` of a range. Keys come from the environment (``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``), or from the machine's own role.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from gueststar.errors import BadInput, MissingExtra, StoreError, StoreUnavailable, did_you_mean
from gueststar.store.places import MARK, MARK_TEXT, Span, lost

T = TypeVar("T")

OPTIONS = ("endpoint", "region", "virtual_hosted_style_request")
CONNECT_S, ANSWER_S = 5, 60
GAP, LONGEST = 1 << 18, 1 << 24  # bytes between ranges, and of ranges, that are read at once
_BEHIND = "416 Range Not Satisfiable"
RETRIES, RETRY_S = 2, 20  # within one call; longer waits are the runner's


class Bucket:
    """A bucket, or what lies below a prefix in it.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, with ``?endpoint=https://host&region=name`` where they are not in
        the environment (``AWS_ENDPOINT_URL``, ``AWS_REGION``).

    Raises
    ------
    BadInput
        If the URL asks for something else.
    MissingExtra
        If obstore is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from obstore import store
        except ImportError:
            raise MissingExtra("obstore", "s3") from None
        self.url = url
        parts = urlsplit(url)
        given: dict[str, Any] = dict(parse_qsl(parts.query))
        for name in given:
            if name not in OPTIONS:
                raise BadInput(f"cutouts: {name!r} is no option.{did_you_mean(name, OPTIONS)}")
        if not parts.netloc:
            raise BadInput("cutouts: s3:// lacks a bucket: s3://bucket/prefix")
        self._name = f"s3://{parts.netloc}{parts.path}"
        self._store = store.S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "allow_http": True,  # an endpoint of one's own network
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "timeout": timedelta(seconds=ANSWER_S),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
            **given,
        )

    def prepare(self) -> None:
        """Write the mark, and read it."""
        self.put(MARK, MARK_TEXT)
        self.size(MARK)

    def put(self, name: str, data: bytes) -> None:
        """Write an object."""
        import obstore

        self._tried(lambda: obstore.put(self._store, name, data, use_multipart=False), None)

    def read(self, name: str, spans: Sequence[Span]) -> list[bytes]:
        """Read ranges of an object; ranges that are neighbours are read at once.

        ``obstore.get_ranges`` would do that too, but panics where an object was cut short.
        """
        found: dict[Span, bytes] = {}
        for run in runs(spans):
            first = run[0][0]
            data = self._range(name, first, max(end for _, end in run))
            found |= {span: data[span[0] - first : span[1] - first] for span in run}
        return [found[span] for span in spans]

    def _range(self, name: str, start: int, end: int) -> bytes:
        """Read a range; what lies behind the end of the object is left out."""
        import obstore
        from obstore.exceptions import GenericError

        def work() -> bytes:
            try:
                return bytes(obstore.get_range(self._store, name, start=start, end=end))
            except GenericError as error:
                if _BEHIND in str(error):
                    return b""
                raise

        return self._tried(work, name)

    def size(self, name: str) -> int:
        """Return the length of an object."""
        import obstore

        return int(self._tried(lambda: obstore.head(self._store, name), name)["size"])

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        import obstore

        self._tried(lambda: obstore.delete(self._store, name), None)

    def _tried(self, work: Callable[[], T], name: str | None) -> T:
        """Turn obstore's errors into a sentence with the way out."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            return work()
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise StoreError(f"there is no bucket {self._name}: make it first") from error
            raise lost(f"{self._name}/{name}") from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise StoreError(
                f"{self._name} does not let us in: give AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY of somebody who may read and write there"
            ) from error
        except BaseError as error:
            raise StoreUnavailable(
                f"the bucket of cutouts {self._name} does not answer: {_reason(error)}"
            ) from error


def runs(spans: Sequence[Span]) -> list[list[Span]]:
    """Gather neighbours.

    Examples
    --------
    >>> runs([(10, 20), (0, 10), (10_000_000, 10_000_001)])
    [[(0, 10), (10, 20)], [(10000000, 10000001)]]
    """
    found: list[list[Span]] = []
    for span in sorted(set(spans)):
        near = found and span[0] - found[-1][-1][1] <= GAP
        if near and span[1] - found[-1][0][0] <= LONGEST:
            found[-1].append(span)
        else:
            found.append([span])
    return found


def _reason(error: Exception) -> str:
    """Return what was wrong, without the request and how often it was sent."""
    return str(error).partition("\n")[0].rpartition(" - ")[2][:200]

"""Writer schemas of messages that come without one: a folder of files, or a schema registry.

Rubin's messages are Confluent-framed: a zero byte, a four-byte schema id, the bare Avro body. The
schema is not in our code base; it comes from where the user says, in ``GUESTSTAR_SCHEMAS`` or as
an argument: the path of a folder, or the URL of a registry.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from functools import cache
from hashlib import sha256
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import urlopen

from fastavro.repository.base import SchemaRepositoryError
from fastavro.schema import SchemaParseException, load_schema

from gueststar.errors import BadInput, RegistryUnavailable, UnknownSchema

VARIABLE = "GUESTSTAR_SCHEMAS"
TIMEOUT = 10.0  # s
MAX_ANSWER = 16 << 20  # bytes
_PASSING = {408, 425, 429}  # timeout, too early, too many: HTTP's own words for "later"
Schema = dict[str, Any]


class Schemas(Protocol):
    """Knows writer schemas by their id."""

    def __call__(self, schema_id: int) -> Schema:
        """Return a schema.

        Raises
        ------
        UnknownSchema
            If there is none of this id.
        """
        ...


class NoSchemas:
    """What there is when nobody has said where schemas are."""

    def __call__(self, schema_id: int) -> Schema:
        """Raise :class:`~gueststar.errors.UnknownSchema` and say what to do."""
        raise UnknownSchema(
            f"schema {schema_id} is not in the message: set {VARIABLE} to a folder of .avsc files "
            "(such as python/lsst/alert/packet/schema of lsst/alert_packet) or to the URL of a "
            "schema registry"
        )


class SchemaFolder:
    """Schemas in a folder of ``.avsc`` files.

    An id is looked for as ``<id>.avsc``, then in Rubin's layout with Rubin's numbering: id
    ``100*major + minor`` is ``<major>/<minor>/lsst.v<major>_<minor>.alert.avsc``, whose named
    types are in files beside it.

    Parameters
    ----------
    path : path-like
        The folder.

    Raises
    ------
    BadInput
        If it is no folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        if not self.path.is_dir():
            raise BadInput(f"no folder of schemas at {self.path}: check {VARIABLE}")
        self._known: dict[int, Schema] = {}

    def __call__(self, schema_id: int) -> Schema:
        """Return a schema, read once.

        Raises
        ------
        UnknownSchema
            If there is no file for this id, or it cannot be used.
        """
        if schema_id not in self._known:
            self._known[schema_id] = self._load(schema_id)
        return self._known[schema_id]

    def _load(self, schema_id: int) -> Schema:
        file = self._file(schema_id)
        try:
            return dict(load_schema(file))
        except (SchemaParseException, SchemaRepositoryError, ValueError, OSError) as error:
            raise UnknownSchema(f"schema {schema_id} in {file} cannot be used: {error}") from error

    def _file(self, schema_id: int) -> Path:
        major, minor = divmod(schema_id, 100)
        names = [
            f"{schema_id}.avsc",
            f"{major}/{minor}/lsst.v{major}_{minor}.alert.avsc",
        ]
        for name in names:
            if (self.path / name).is_file():
                return self.path / name
        raise UnknownSchema(
            f"schema {schema_id} is not in {self.path}: put it there as {names[0]} or {names[1]}"
        )


class SchemaRegistry:
    """Schemas of a Confluent schema registry, kept on disk: ids never change their meaning.

    Parameters
    ----------
    url : str
        Of the registry; ``GET <url>/schemas/ids/<id>`` answers ``{"schema": "..."}``.
    cache_dir : path-like, optional
        Where answers are kept, so that a restart works offline. Default: the user's cache folder.
    """

    def __init__(self, url: str, cache_dir: str | os.PathLike[str] | None = None) -> None:
        self.url = url.rstrip("/")
        where = Path(cache_dir) if cache_dir else user_cache() / "schemas"
        self._folder = where / sha256(self.url.encode()).hexdigest()[:16]
        self._known: dict[int, Schema] = {}

    def __call__(self, schema_id: int) -> Schema:
        """Return a schema: from memory, from disk, or from the registry.

        Raises
        ------
        UnknownSchema
            If the registry does not know the id or its answer is no schema.
        RegistryUnavailable
            If the registry cannot be reached. That is no fault of the message: try again later.
        BadInput
            If it refuses to answer us.
        """
        if schema_id not in self._known:
            kept = self._folder / f"{schema_id}.avsc"
            schema = _kept(kept)
            if schema is None:
                schema = self._fetch(schema_id)
                with suppress(OSError):  # a full or read-only disk: it is only asked again
                    _keep(kept, schema)
            self._known[schema_id] = schema
        return self._known[schema_id]

    def _fetch(self, schema_id: int) -> Schema:
        place = f"{self.url}/schemas/ids/{schema_id}"
        try:
            with urlopen(place, timeout=TIMEOUT) as answer:
                text = answer.read(MAX_ANSWER)
                if answer.length:  # bytes that were promised and have not come
                    raise IncompleteRead(text, answer.length)
                return dict(json.loads(json.loads(text)["schema"]))
        except HTTPError as error:
            error.close()
            if error.code == 404:
                raise UnknownSchema(f"{self.url} knows no schema {schema_id}") from error
            passing = error.code >= 500 or error.code in _PASSING
            kind, hint = (RegistryUnavailable, "try again") if passing else (BadInput, "may you?")
            raise kind(f"{place} answers {error.code} {error.reason}: {hint}") from error
        except (OSError, HTTPException) as error:
            raise RegistryUnavailable(
                f"the schema registry {self.url} cannot be reached ({error}): try again when it "
                f"can, or set {VARIABLE} to a folder of .avsc files"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise UnknownSchema(f"{place} answers something that is no schema") from error


def _kept(file: Path) -> Schema | None:
    """Read what was kept; None when there is nothing, or nothing that can be used."""
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _keep(file: Path, schema: Schema) -> None:
    """Write in one step: another process may be reading."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(schema))
    draft.replace(file)


def user_cache() -> Path:
    """Return ``$XDG_CACHE_HOME/gueststar``, else ``~/.cache/gueststar``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gueststar"


def find_schemas(where: str | os.PathLike[str] | Schemas | None = None) -> Schemas:
    """Open what the user points to.

    Parameters
    ----------
    where : path-like, str or callable, optional
        Folder, URL of a registry, or any callable from id to schema. Default: what
        ``GUESTSTAR_SCHEMAS`` says; without it every id is unknown.

    Raises
    ------
    BadInput
        If a folder is named that is not there.
    """
    if where is None:
        where = os.environ.get(VARIABLE) or NoSchemas()
    if isinstance(where, str | os.PathLike):
        return _opened(os.fspath(where))
    return where


@cache
def _opened(where: str) -> Schemas:
    return SchemaRegistry(where) if re.match(r"https?://", where) else SchemaFolder(where)

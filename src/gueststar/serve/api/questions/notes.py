"""``/annotations``: what people have written about objects and alerts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from litestar.exceptions import HTTPException, NotFoundException

from gueststar.errors import BadInput
from gueststar.positions import alert_number
from gueststar.serve.api.access import Desk
from gueststar.serve.api.body import JSON, json_object
from gueststar.serve.api.fields import AFTER, LIMIT
from gueststar.serve.api.operation import Body, Field, Operation
from gueststar.serve.api.questions.alerts import single
from gueststar.serve.api.routing import asks
from gueststar.store import Store
from gueststar.store.annotates import Annotation
from gueststar.store.notes import ANNOTATIONS, HISTORY, LONGEST_NAME, LONGEST_TEXT

_GROUP = "Annotations"
_LARGEST = 32 << 10  # bytes of a body
_ID = Field("annotation_id", "text", "number of an annotation")
_TEXT = {"type": "string", "maxLength": LONGEST_TEXT, "description": "a tag: one line of 64"}
_STRING = {"type": "string", "maxLength": 200}
_ONE: dict[str, Any] = {
    "answer": ANNOTATIONS,
    "forms": ("json", "arrow"),
    "group": _GROUP,
    "writes": True,
    "effort": "write",
}


@asks(
    Operation(
        "/annotations",
        "annotations",
        "Notes and tags that people have written, page by page",
        "In the order of writing; those that were removed are left out.",
        fields=(
            Field("object_id", "text", "only about this object"),
            Field("alert_id", "text", "only about this alert"),
            Field("author", "text", "only by this author"),
            Field("kind", "text", "only of this kind: note, tag, ..."),
            AFTER,
            LIMIT,
        ),
        answer=ANNOTATIONS,
        group=_GROUP,
    )
)
def find(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer one page."""
    return store.annotations(**{**given, "alert_id": _alert(given["alert_id"])})


@asks(
    Operation(
        "/annotations/{annotation_id}",
        "annotation_history",
        "How an annotation was written and changed",
        "One row a change, oldest first.",
        places=(_ID,),
        answer=HISTORY,
        group=_GROUP,
        missing=True,
    )
)
def history(store: Store, given: dict[str, Any]) -> pa.Table:
    """Answer the changes."""
    found = _visible(store, given)
    if found.removed_at is not None:
        raise BadInput(f"annotation {found.annotation_id} was removed")
    return store.annotation_history(found.annotation_id)


@asks(
    Operation(
        "/annotations",
        "annotate",
        "Write a note or a tag about an object or an alert",
        "`key` names the request: sent again, it writes nothing twice.",
        body=Body(
            {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {
                    "object_id": _STRING,
                    "alert_id": {**_STRING, "description": "one of its alerts"},
                    "text": _TEXT,
                    "kind": {**_STRING, "description": "a short word; default note"},
                    "key": {"type": "string", "maxLength": LONGEST_NAME},
                },
            },
            {"object_id": "ZTF18abcdefg", "text": "host at z = 0.03"},
            _LARGEST,
        ),
        **_ONE,
    )
)
def write(
    desk: Desk, given: dict[str, Any], body: bytes, media_type: str
) -> Callable[[str], bytes]:
    """Write one, and answer it."""
    names = ("object_id", "alert_id", "text", "kind", "key")
    sent = _strings(body, media_type, names)
    alert_id, kind = _alert(sent.pop("alert_id", None)), sent.pop("kind", "note")
    object_id = sent.pop("object_id", None)
    desk.sees.annotations(object_id, alert_id=alert_id, limit=1)  # refuses what is out of sight
    new = desk.writes.annotate(
        object_id, alert_id=alert_id, kind=kind, author=desk.author, **_with_text(sent)
    )
    return _answer(new)


@asks(
    Operation(
        "/annotations/{annotation_id}",
        "edit_annotation",
        "Change the text of an annotation of yours",
        places=(_ID,),
        body=Body(
            {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {"text": _TEXT},
            },
            {"text": "host at z = 0.031"},
            _LARGEST,
        ),
        verb="PATCH",
        missing=True,
        **_ONE,
    )
)
def edit(desk: Desk, given: dict[str, Any], body: bytes, media_type: str) -> Callable[[str], bytes]:
    """Change one, and answer it."""
    number = _found(desk, given).annotation_id
    text = _with_text(_strings(body, media_type, ("text",)))["text"]
    return _answer(
        desk.writes.edit_annotation(number, text, author=desk.author, anybody=desk.anybody)
    )


@asks(
    Operation(
        "/annotations/{annotation_id}",
        "remove_annotation",
        "Take an annotation of yours out of sight",
        "Its history stays in the store.",
        places=(_ID,),
        verb="DELETE",
        missing=True,
        **_ONE,
    )
)
def remove(desk: Desk, given: dict[str, Any]) -> Callable[[str], bytes]:
    """Remove one, and answer it."""
    number = _found(desk, given).annotation_id
    return _answer(desk.writes.remove_annotation(number, author=desk.author, anybody=desk.anybody))


def _visible(store: Store, given: dict[str, Any]) -> Annotation:
    """Return an annotation, if what it is about may be seen."""
    number = alert_number(given["annotation_id"])
    if number is None:
        raise BadInput(f"{given['annotation_id'][:64]!r} is no annotation: they have numbers")
    found = store.annotation(number)
    store.annotations(found.object_id, alert_id=found.alert_id, limit=1)
    return found


def _found(desk: Desk, given: dict[str, Any]) -> Annotation:
    try:
        return _visible(desk.sees, given)
    except BadInput as error:
        raise NotFoundException(str(error)) from None


def _alert(text: str | None) -> int | None:
    number = None if text is None else alert_number(text)
    if text is not None and number is None:
        raise BadInput(f"alert_id: {text[:64]!r} is none: they are whole numbers")
    return number


def _strings(body: bytes, media_type: str, names: tuple[str, ...]) -> dict[str, str]:
    """Read a body of texts; a page of another site cannot send one that says that it is JSON."""
    if media_type != JSON:
        raise HTTPException(f"content-type: send {JSON}", status_code=415)
    sent = json_object(body, media_type, names)
    for name, value in sent.items():
        if not isinstance(value, str):
            raise BadInput(f"{name}: send a string")
    return sent


def _with_text(sent: dict[str, str]) -> dict[str, str]:
    if "text" not in sent:
        raise BadInput("text: must be given")
    return sent


def _answer(annotation: Annotation) -> Callable[[str], bytes]:
    row = annotation._asdict()
    return single(pa.Table.from_pylist([{n: row[n] for n in ANNOTATIONS.names}], ANNOTATIONS))

"""What every store offers for annotations, and how an engine gives it."""

from __future__ import annotations

import pyarrow as pa

from gueststar.store import audit, notes
from gueststar.store.annotates import Annotation
from gueststar.store.session import Session
from gueststar.store.transactions import Transactions


class Annotating:
    """Gives a store its annotations; the store gives ``_reading`` and ``_commit``."""

    def annotate(
        self: Transactions,
        object_id: str | None,
        text: str,
        *,
        alert_id: int | None = None,
        kind: str = "note",
        author: str = "local",
        key: str | None = None,
    ) -> Annotation:
        """Write an annotation; see :meth:`gueststar.store.annotates.Annotates.annotate`."""

        def work(connection: Session) -> Annotation:
            new = notes.write(connection, object_id, alert_id, text, kind, author, key)
            audit.note(connection, "annotate", _about(new), who=author)
            return new

        with self._lock:
            done: Annotation = self._commit(work)
        return done

    def annotations(
        self: Transactions,
        object_id: str | None = None,
        *,
        alert_id: int | None = None,
        author: str | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return annotations; see :meth:`gueststar.store.annotates.Annotates.annotations`."""
        conditions = {"alert_id": alert_id, "author": author, "kind": kind}
        with self._reading() as connection:
            return notes.find(connection, object_id, conditions, after, limit)

    def annotation(self: Transactions, annotation_id: int) -> Annotation:
        """Return one annotation, also when it was removed.

        Raises
        ------
        BadInput
            If there is none.
        """
        with self._reading() as connection:
            return notes.one(connection, annotation_id)

    def annotation_history(self: Transactions, annotation_id: int) -> pa.Table:
        """Return every change of an annotation, oldest first.

        Raises
        ------
        BadInput
            If there is none.
        """
        with self._reading() as connection:
            return notes.history(connection, annotation_id)

    def edit_annotation(
        self: Transactions,
        annotation_id: int,
        text: str,
        *,
        author: str = "local",
        anybody: bool = False,
    ) -> Annotation:
        """Change a text; see :meth:`gueststar.store.annotates.Annotates.edit_annotation`."""

        def work(connection: Session) -> Annotation:
            now = notes.edit(connection, annotation_id, text, author, anybody)
            audit.note(connection, "edit_annotation", _about(now), who=author)
            return now

        with self._lock:
            done: Annotation = self._commit(work)
        return done

    def remove_annotation(
        self: Transactions, annotation_id: int, *, author: str = "local", anybody: bool = False
    ) -> Annotation:
        """Take one away; see :meth:`gueststar.store.annotates.Annotates.remove_annotation`."""

        def work(connection: Session) -> Annotation:
            gone = notes.remove(connection, annotation_id, author, anybody)
            audit.note(connection, "remove_annotation", _about(gone), who=author)
            return gone

        with self._lock:
            done: Annotation = self._commit(work)
        return done


def _about(one: Annotation) -> str:
    alert = "" if one.alert_id is None else f", alert {one.alert_id}"
    named = "" if one.object_id is None else f", object {one.object_id}"
    return f"annotation {one.annotation_id}{named}{alert}"

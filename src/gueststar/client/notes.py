"""Notes and tags about objects and alerts, from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from gueststar.client.pages import pulled
from gueststar.client.places import alert_id_of
from gueststar.client.results import Result

if TYPE_CHECKING:
    from gueststar.client.remote import RemoteStore
    from gueststar.store import Store
    from gueststar.store.annotates import Annotation


class Notes:
    """Gives a :class:`~gueststar.client.Broker` its annotations."""

    _store: Store | RemoteStore
    _progress: bool | None

    def _writable(self) -> Store | RemoteStore:
        """Return where annotations are written."""
        raise NotImplementedError

    def annotate(
        self,
        object_id: str | None,
        text: str,
        *,
        kind: str = "note",
        alert_id: int | str | None = None,
    ) -> Annotation:
        """Write a note or a tag about an object, or about one of its alerts.

        Parameters
        ----------
        object_id : str or None
            May be None where an alert is given.
        text : str
            1 to 4,000 characters; a ``tag`` is one line of at most 64.
        kind : str
            ``note``, ``tag``, or another short word.
        alert_id : int or str, optional

        Returns
        -------
        Annotation
            With its ``annotation_id``; the author is ``local``, or who the server says you are.

        Raises
        ------
        BadInput
            If there is no such object or alert, or the text cannot be.
        StoreError, ServerError
            If it cannot be written.
        """
        from uuid import uuid4

        number = None if alert_id is None else alert_id_of(alert_id)
        # The key makes it safe to ask again when an answer is lost.
        return self._writable().annotate(
            object_id, text, alert_id=number, kind=kind, key=uuid4().hex
        )

    def annotations(
        self,
        object_id: str | None = None,
        *,
        alert_id: int | str | None = None,
        author: str | None = None,
        kind: str | None = None,
        limit: int = 10_000,
    ) -> Result:
        """Return annotations in the order of writing, columns of the view ``annotations``.

        Parameters
        ----------
        object_id, alert_id, author, kind
            Only those about this object, this alert, by this author, of this kind.
        limit : int
            Rows at most; ``meta["truncated"]`` says that there are more.
        """
        number = None if alert_id is None else alert_id_of(alert_id)

        def find(after: str | None, rows: int) -> pa.Table:
            return self._store.annotations(
                object_id, alert_id=number, author=author, kind=kind, after=after, limit=rows
            )

        return pulled(find, limit, "annotations", self._progress)

    def edit_annotation(self, annotation_id: int, text: str) -> Annotation:
        """Change the text of an annotation of yours; the old one stays in its history.

        Raises
        ------
        NotAllowed
            If it is somebody else's.
        """
        return self._writable().edit_annotation(int(annotation_id), text)

    def remove_annotation(self, annotation_id: int) -> Annotation:
        """Take an annotation of yours out of sight; its history stays.

        Raises
        ------
        NotAllowed
            If it is somebody else's.
        """
        return self._writable().remove_annotation(int(annotation_id))

    def annotation_history(self, annotation_id: int) -> Result:
        """Return every change of an annotation, oldest first."""
        return Result.from_arrow(self._store.annotation_history(int(annotation_id)))

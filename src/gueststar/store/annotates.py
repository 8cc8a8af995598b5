"""What people write about objects and alerts, as every store offers it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import pyarrow as pa


class Annotation(NamedTuple):
    """What somebody has written about an object or an alert.

    Parameters
    ----------
    annotation_id : int
        In the order of writing.
    object_id : str or None
        None for an alert of no object.
    alert_id : int or None
        None where it is about the object as a whole.
    author : str
    at : float
        When it was written, Unix time, s.
    kind : str
        Such as ``note`` or ``tag``.
    text : str
    edited_at, removed_at : float or None
        Unix time, s, of the last change and of the removal.
    """

    annotation_id: int
    object_id: str | None
    alert_id: int | None
    author: str
    at: float
    kind: str
    text: str
    edited_at: float | None = None
    removed_at: float | None = None


class Annotates(Protocol):
    """The annotating part of :class:`gueststar.store.interface.Store`."""

    def annotate(
        self,
        object_id: str | None,
        text: str,
        *,
        alert_id: int | None = None,
        kind: str = "note",
        author: str = "local",
        key: str | None = None,
    ) -> Annotation:
        """Write an annotation, in a short transaction of its own.

        Parameters
        ----------
        object_id : str or None
            What it is about; may be None where an alert is given.
        text : str
            1 to 4,000 characters, lines and tabs but no other control characters; a ``tag`` is one
            line of at most 64.
        alert_id : int, optional
            One alert of that object.
        kind : str
            A short word: ``note``, ``tag``, or your own.
        author : str
            Who writes.
        key : str, optional
            Name of this request: asked again by the same author, what it has written is returned
            and nothing is written twice.

        Raises
        ------
        BadInput
            If there is no such object (the message names the nearest) or alert, or the text or
            the kind cannot be.
        StoreError
            If it cannot be written.
        """
        ...

    def annotations(
        self,
        object_id: str | None = None,
        *,
        alert_id: int | None = None,
        author: str | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 1_000,
    ) -> pa.Table:
        """Return one page of annotations in the order of writing; removed ones are left out.

        Parameters
        ----------
        object_id, alert_id, author, kind
            Only those about this object, this alert, by this author, of this kind.
        after : str, optional
            Where to begin: :func:`gueststar.store.selection.next_of` the page before.
        limit : int
            Rows, 1 to 10,000.

        Returns
        -------
        pyarrow.Table
            Columns of the view ``annotations``.

        Raises
        ------
        BadInput
            If there is no such object or alert.
        """
        ...

    def annotation(self, annotation_id: int) -> Annotation:
        """Return one annotation, also when it was removed."""
        ...

    def annotation_history(self, annotation_id: int) -> pa.Table:
        """Return every change, oldest first: ``number, at, author, action, text``.

        ``action`` is ``written``, ``edited`` or ``removed``.
        """
        ...

    def edit_annotation(
        self, annotation_id: int, text: str, *, author: str = "local", anybody: bool = False
    ) -> Annotation:
        """Change a text; the old one stays in the history.

        Parameters
        ----------
        annotation_id : int
        text : str
        author : str
            Who changes it.
        anybody : bool
            Allow others than its author to.

        Raises
        ------
        NotAllowed
            If it is somebody else's.
        BadInput
            If there is none, or it was removed.
        """
        ...

    def remove_annotation(
        self, annotation_id: int, *, author: str = "local", anybody: bool = False
    ) -> Annotation:
        """Take an annotation out of sight; its history stays. Twice is allowed.

        Raises
        ------
        NotAllowed
            If it is somebody else's.
        BadInput
            If there is none.
        """
        ...

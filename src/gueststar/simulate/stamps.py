"""Labelled cutouts for training: the same bytes as in the packets, without the packets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.simulate.night import Night


class Labelled(NamedTuple):
    """Some cutouts and what they show.

    Attributes
    ----------
    batch : AlertBatch
        Columns ``science``, ``template``, ``difference``: gzip FITS as a packet holds them, so
        that training reads them with the stream's own code.
    labels : numpy.ndarray of int8, shape ``(alerts,)``
        1 real, 0 bogus.
    kinds : list of str
        What each is: ``supernova_ia``, ``cosmic_ray``, ...
    """

    batch: AlertBatch
    labels: np.ndarray
    kinds: list[str]


def training_batches(
    alerts: int, seed: int = 1, *, batch_size: int = 512, bogus: float = 0.45
) -> Iterator[Labelled]:
    """Give labelled cutouts of a simulated night, some at a time.

    Parameters
    ----------
    alerts, seed, bogus
        As of :class:`~gueststar.simulate.night.Night`, whose alerts these are.
    batch_size : int
        Cutouts held at once; it does not change them. About 45 kB each.

    Yields
    ------
    Labelled
    """
    cutouts = Night(alerts, seed, bogus=bogus).cutouts()
    while rows := list(islice(cutouts, batch_size)):
        science, template, difference, labels, kinds = zip(*rows, strict=True)
        columns = dict(zip(CUTOUTS, (science, template, difference), strict=True))
        batch = AlertBatch.from_columns(**{k: pa.array(v, pa.binary()) for k, v in columns.items()})
        yield Labelled(batch, np.array(labels, np.int8), list(kinds))


def training_set(alerts: int, seed: int = 1, *, bogus: float = 0.45) -> Labelled:
    """Give the labelled cutouts of a whole simulated night; see :func:`training_batches`.

    Examples
    --------
    >>> shown = training_set(4, seed=1)
    >>> shown.batch.names, shown.labels.shape
    (('science', 'template', 'difference'), (4,))
    """
    for labelled in training_batches(alerts, seed, batch_size=max(alerts, 1), bogus=bogus):
        return labelled
    empty = {name: pa.array([], pa.binary()) for name in CUTOUTS}
    return Labelled(AlertBatch.from_columns(**empty), np.zeros(0, np.int8), [])

"""Real or bogus: tell changes on the sky from artefacts of the image."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gueststar.batch import CUTOUTS, AlertBatch
from gueststar.errors import BadBundle
from gueststar.features.stamps import NORMS, SIZE, triplets
from gueststar.models.bundle import Bundle
from gueststar.models.installed import find
from gueststar.score import score_batch, score_schema

CODE_VERSION = "1"
CHUNK = 256  # alerts whose triplets are in memory at once (12 MB)


class RealBogus:
    """Score the three cutouts of alerts by a net.

    Parameters
    ----------
    bundle : Bundle
        A net of the task ``real-bogus`` with one input of recipe ``stamps``.
    name : str, optional
        Prefix of the columns; default the bundle's name.

    Raises
    ------
    BadBundle
        If the bundle is another kind of net.
    """

    def __init__(self, bundle: Bundle, name: str | None = None) -> None:
        recipe = bundle.card.recipe
        norm, size = recipe.options.get("norm"), recipe.options.get("size", SIZE)
        if recipe.recipe != "stamps" or norm not in NORMS or recipe.shape != (size, size, 3):
            raise BadBundle(
                f"{bundle.path} is not a real/bogus net: need one input of recipe 'stamps', "
                f"norm one of {NORMS} and shape (size, size, 3)"
            )
        if list(recipe.options.get("channels", CUTOUTS)) != list(CUTOUTS):
            raise BadBundle(f"{bundle.path} takes the channels in another order than {CUTOUTS}")
        self.bundle, self.norm, self.size = bundle, norm, int(size)
        self.name = name or bundle.name
        self.version = f"{CODE_VERSION}+{bundle.digest[:12]}"
        self.needs: tuple[str, ...] = (*CUTOUTS, "survey") if bundle.card.surveys else CUTOUTS
        self.gives: pa.Schema = score_schema(self.name, bundle.card.classes)

    def __repr__(self) -> str:
        return f"<RealBogus {self.name} {self.version}>"

    def __call__(self, batch: AlertBatch) -> pa.RecordBatch:
        """Score a batch.

        Parameters
        ----------
        batch : AlertBatch
            With the columns of ``needs``.

        Returns
        -------
        pyarrow.RecordBatch
            Columns of ``gives``, same rows, same order; null with a reason where a cutout cannot
            be used or the net was not made for the alert's survey.
        """
        values = np.full((len(batch), len(self.bundle.card.classes)), np.nan, np.float32)
        reasons = self._foreign(batch)
        for at in range(0, len(batch), CHUNK):
            chunk = slice(at, at + CHUNK)
            if not all(reasons[chunk]):
                values[chunk], found = self._score(batch.slice(at, CHUNK))
                reasons[chunk] = [a or b for a, b in zip(reasons[chunk], found, strict=True)]
        return score_batch(self.gives, values, reasons)

    def _score(self, batch: AlertBatch) -> tuple[np.ndarray, list[str | None]]:
        images, reasons = triplets(batch, self.norm, self.size)
        good = np.array([reason is None for reason in reasons], dtype=bool)
        scores = np.full((len(batch), len(self.bundle.card.classes)), np.nan, np.float32)
        if good.any():
            scores[good] = self.bundle.predict(images if good.all() else images[good])
        for row in np.flatnonzero(good & ~np.isfinite(scores).all(axis=1)):
            reasons[row] = f"{self.name} gave no finite score"
        return scores, reasons

    def _foreign(self, batch: AlertBatch) -> list[str | None]:
        """Say which alerts are of a survey that the net was not made for."""
        known = self.bundle.card.surveys
        if not known:
            return [None] * len(batch)
        return [
            None if survey in known else f"{self.name} was made for {', '.join(known)} only"
            for survey in batch.column("survey").to_pylist()
        ]


def default_module() -> RealBogus:
    """Return the module ``rb`` on the bundle that the package ships."""
    return RealBogus(find("rb"), name="rb")

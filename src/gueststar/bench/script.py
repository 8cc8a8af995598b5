"""The rival of whole jobs: the script that one writes in an afternoon, with the same parts.

fastavro, astropy, ONNX Runtime and sqlite3, one alert at a time, with a commit for each. It keeps
the candidate, the cutouts and the score; it neither merges light curves, nor archives, nor keeps
a ledger.
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any

import fastavro
import numpy as np

CUTOUTS = ("Science", "Template", "Difference")
QUIET_S = 30.0  # without a message: something is wrong


class Script:
    """Scores packets and keeps them.

    Parameters
    ----------
    database : Path
        Made here.
    """

    def __init__(self, database: Path) -> None:
        import onnxruntime

        from gueststar.models.installed import find

        self._session = onnxruntime.InferenceSession(find("rb").path / "model.onnx")
        self._input = self._session.get_inputs()[0].name
        self._database = sqlite3.connect(database)
        self._database.execute(
            "CREATE TABLE alerts (candid INTEGER PRIMARY KEY, rb REAL, packet, a, b, c)"
        )

    def take(self, packet: bytes) -> list[dict[str, Any]]:
        """Score and keep the alerts of one packet; return them without cutouts."""
        kept = []
        for alert in fastavro.reader(io.BytesIO(packet)):
            assert isinstance(alert, dict)
            stamps = [alert[f"cutout{k}"]["stampData"] for k in CUTOUTS]
            score = self._session.run(None, {self._input: triplet(stamps)})[0].item()
            slim = {k: v for k, v in alert.items() if not k.startswith("cutout")}
            row = (alert["candid"], score, json.dumps(slim), *stamps)
            self._database.execute("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?)", row)
            self._database.commit()
            kept.append({**slim, "rb": score})
        return kept


def triplet(stamps: list[bytes]) -> np.ndarray:
    """Read three stamps with astropy, and normalise them."""
    from astropy.io import fits

    out = np.full((1, 63, 63, 3), 1e-9, np.float32)
    for channel, stamp in enumerate(stamps):
        with gzip.open(io.BytesIO(stamp)) as raw, fits.open(io.BytesIO(raw.read())) as hdus:
            image = np.nan_to_num(hdus[0].data)
        with np.errstate(over="ignore"):  # masked templates hold the largest float32
            norm = float(np.linalg.norm(image)) or 1.0
        out[0, : image.shape[0], : image.shape[1], channel] = image / norm
    return out


def consume(servers: str, topic: str, output: str, alerts: int, folder: str) -> None:
    """Read, score, keep and send so many alerts; write what was measured into the folder.

    ``rival.json`` gets ``seconds`` from the first message to the last one that is stored and
    acknowledged, ``began`` (s since 1970) and ``alerts``.
    """
    from confluent_kafka import Consumer, Producer

    script = Script(Path(folder) / "rival.db")
    settings = {"bootstrap.servers": servers, "group.id": uuid.uuid4().hex}
    large = {"auto.offset.reset": "earliest", "fetch.message.max.bytes": 16 << 20}
    consumer, producer = Consumer({**settings, **large}), Producer({"bootstrap.servers": servers})
    consumer.subscribe([topic])
    done, began, quiet = 0, 0.0, time.monotonic()
    while done < alerts and time.monotonic() - quiet < QUIET_S:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        began = began or time.time()
        for alert in script.take(message.value()):
            producer.produce(output, json.dumps(alert).encode(), alert["objectId"].encode())
            producer.poll(0)
        done, quiet = done + 1, time.monotonic()
    producer.flush(60)
    measured = {"seconds": time.time() - began, "began": began, "alerts": done}
    consumer.close()
    (Path(folder) / "rival.json").write_text(json.dumps(measured))

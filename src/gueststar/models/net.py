"""An ONNX net in ONNX Runtime: loaded once per process, safe for threads and forks."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from gueststar.errors import BadBundle

SCORES = "scores"  # the one output of every net

Arrays = Mapping[str, np.ndarray]


class Net:
    """A net that runs; get it by :func:`~gueststar.models.net.net_of`.

    Parameters
    ----------
    model : bytes
        ONNX, without weights in other files.
    threads : int
        Threads of ONNX Runtime for one call.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        self._model, self._threads = model, threads
        self._session: Any = None
        self._pid = 0
        self._lock = threading.Lock()

    def run(self, inputs: Arrays) -> np.ndarray:
        """Return the output ``scores`` for some inputs, float32.

        Raises
        ------
        BadBundle
            If this is no usable ONNX, or it does not take these inputs.
        """
        session = self._own_session()
        try:
            (scores,) = session.run([SCORES], dict(inputs))
        except _ort_errors() as error:
            raise BadBundle(f"cannot be run: {first_line(error)}") from None
        return np.asarray(scores, np.float32)

    def _own_session(self) -> Any:
        """Return the session of this process; a forked one makes its own."""
        if self._pid != os.getpid():
            with self._lock:
                if self._pid != os.getpid():
                    self._session, self._pid = _session(self._model, self._threads), os.getpid()
        return self._session


def _session(model: bytes, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only; they are raised, too
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _ort_errors() as error:
        raise BadBundle(f"is no usable ONNX: {first_line(error)}") from None


@cache
def _ort_errors() -> tuple[type[Exception], ...]:
    """Everything that ONNX Runtime raises; its errors share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state

    kinds = vars(onnxruntime_pybind11_state).values()
    own = [k for k in kinds if isinstance(k, type) and issubclass(k, Exception)]
    return (*own, ValueError, RuntimeError)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


_nets: dict[tuple[str, int], Net] = {}
_nets_lock = threading.Lock()


def net_of(model: bytes, threads: int = 1) -> Net:
    """Return the net of these bytes: one per process, however often it is asked for.

    Raises
    ------
    BadBundle
        If its weights are in other files.
    """
    key = (hashlib.sha256(model).hexdigest(), threads)
    with _nets_lock:
        if key not in _nets:
            _refuse_external_data(model)
            _nets[key] = Net(model, threads)
        return _nets[key]


def _free_locks() -> None:
    """Give a forked child free locks: another thread of the parent may have held them."""
    global _nets_lock
    _nets_lock = threading.Lock()
    for net in _nets.values():
        net._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)


def _refuse_external_data(model: bytes) -> None:
    """Refuse a net that would read its weights from other files.

    External data names its file under the key ``location``, so a net without this word has none;
    only then can the import of onnx (slow) be spared.
    """
    if b"location" not in model:
        return
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        graph = onnx.load_model_from_string(model)
    except DecodeError:
        raise BadBundle("is no usable ONNX") from None
    for tensor in onnx.external_data_helper._get_all_tensors(graph):
        if onnx.external_data_helper.uses_external_data(tensor):
            raise BadBundle(f"keeps {tensor.name} in another file; put it into the net")

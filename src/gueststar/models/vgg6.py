"""VGG6, the real/bogus network of braai (Duev et al. 2019, arXiv 1907.11259, table 2).

One list of layers, two ways to run it: :func:`onnx_model` writes it with given weights (needs no
torch), :func:`torch_module` builds it for training (extra ``train``). Both use :data:`Weights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gueststar.errors import BadInput, MissingExtra

if TYPE_CHECKING:
    import onnx

OPSET = 17
IR_VERSION = 9

#: Weights by name: ``conv1.weight`` (out, in, 3, 3), ``fc_1.weight`` (out, in), biases (out,).
#: The input of ``fc_1`` is flattened as (channel, row, column).
Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class VGG6:
    """Sizes of the network; the defaults are braai's, with 312,081 weights.

    Parameters
    ----------
    size : int
        Rows and columns of the input.
    channels : int
        Images per alert.
    widths : tuple of int
        Filters of the four convolutions (3 x 3, no padding, ReLU).
    pools : tuple of int
        Max-pooling after the second and the fourth convolution.
    hidden : int
        Neurons of the dense layer.
    dropout : tuple of float
        After the poolings and after the dense layer; in training only.
    """

    size: int = 63
    channels: int = 3
    widths: tuple[int, int, int, int] = (16, 16, 32, 32)
    pools: tuple[int, int] = (2, 4)
    hidden: int = 256
    dropout: tuple[float, float] = (0.25, 0.5)

    @property
    def flat(self) -> int:
        """Numbers that enter the dense layer: 6 x 6 x 32 by default."""
        side = (self.size - 4) // self.pools[0]
        side = (side - 4) // self.pools[1]
        return side * side * self.widths[3]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        sizes = (self.channels, *self.widths)
        shapes: dict[str, tuple[int, ...]] = {}
        for i, (before, after) in enumerate(pairwise(sizes), start=1):
            shapes |= {f"conv{i}.weight": (after, before, 3, 3), f"conv{i}.bias": (after,)}
        for name, before, after in (("fc_1", self.flat, self.hidden), ("fc_out", self.hidden, 1)):
            shapes |= {f"{name}.weight": (after, before), f"{name}.bias": (after,)}
        return shapes


def check_weights(weights: Weights, config: VGG6) -> dict[str, np.ndarray]:
    """Return the weights as float32, or say which one has a wrong shape or value.

    Raises
    ------
    BadInput
        If a weight is missing, has another shape or is not finite.
    """
    checked = {}
    for name, shape in config.shapes().items():
        if name not in weights:
            raise BadInput(f"VGG6 needs the weight {name} {shape}, which is not there")
        array = np.ascontiguousarray(weights[name], dtype=np.float32)
        if array.shape != shape:
            raise BadInput(f"VGG6 needs {name} of shape {shape}, this one has {array.shape}")
        if not np.isfinite(array).all():
            raise BadInput(f"the weight {name} has values that are not finite")
        checked[name] = array
    return checked


def onnx_model(weights: Weights, config: VGG6 | None = None) -> onnx.ModelProto:
    """Write the network with its weights as ONNX.

    Parameters
    ----------
    weights : mapping of str to numpy.ndarray
        See :data:`Weights`.
    config : VGG6, optional
        Sizes; default braai's.

    Returns
    -------
    onnx.ModelProto
        Input ``triplets`` ``(n, size, size, channels)`` float32, output ``scores`` ``(n, 1)``
        in [0, 1].

    Raises
    ------
    BadInput
        If the weights do not fit.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    config = config or VGG6()
    checked = check_weights(weights, config)
    image = [None, config.size, config.size, config.channels]
    graph = helper.make_graph(
        _nodes(config),
        "vgg6",
        [helper.make_tensor_value_info("triplets", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(array, name) for name, array in checked.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    model.producer_name = "gueststar"
    checker.check_model(model, full_check=True)
    return model


def _nodes(config: VGG6) -> list[Any]:
    """List the layers; end-of-line comments give (channels, rows, columns) of braai's sizes."""
    first, second = config.pools
    return [
        _node("Transpose", "triplets", "images", perm=[0, 3, 1, 2]),  # 3, 63, 63
        *_conv(1, "images"),  # 16, 61, 61
        *_conv(2, "relu1"),  # 16, 59, 59
        _node("MaxPool", "relu2", "pool1", kernel_shape=[first] * 2, strides=[first] * 2),  # 29
        *_conv(3, "pool1"),  # 32, 27, 27
        *_conv(4, "relu3"),  # 32, 25, 25
        _node("MaxPool", "relu4", "pool2", kernel_shape=[second] * 2, strides=[second] * 2),  # 6
        _node("Flatten", "pool2", "flat", axis=1),  # 1152
        _dense("fc_1", "flat", "fc1"),  # 256
        _node("Relu", "fc1", "relu5"),
        _dense("fc_out", "relu5", "logits"),  # 1
        _node("Sigmoid", "logits", "scores"),
    ]


def _node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    from onnx import helper

    return helper.make_node(kind, inputs.split(), [output], **attributes)


def _conv(i: int, before: str) -> list[Any]:
    return [
        _node("Conv", f"{before} conv{i}.weight conv{i}.bias", f"conv{i}", kernel_shape=[3, 3]),
        _node("Relu", f"conv{i}", f"relu{i}"),
    ]


def _dense(name: str, before: str, after: str) -> Any:
    return _node("Gemm", f"{before} {name}.weight {name}.bias", after, transB=1)


def torch_module(config: VGG6 | None = None) -> Any:
    """Build the network for training; it returns logits.

    Parameters
    ----------
    config : VGG6, optional
        Sizes; default braai's.

    Returns
    -------
    torch.nn.Module
        Takes ``(n, channels, size, size)``, gives ``(n, 1)``. Glorot-uniform kernels, zero
        biases. Its ``state_dict`` has the names of :data:`Weights`.

    Raises
    ------
    MissingExtra
        If torch is not installed.
    """
    try:
        from torch import nn
    except ImportError:
        raise MissingExtra("torch", "train") from None
    from collections import OrderedDict

    config = config or VGG6()
    widths, drop = (config.channels, *config.widths), config.dropout
    layers: list[tuple[str, Any]] = []  # sizes for braai's config
    for i in range(1, 5):  # (16, 61, 61), (16, 59, 59); (32, 27, 27), (32, 25, 25)
        layers += [(f"conv{i}", nn.Conv2d(widths[i - 1], widths[i], 3)), (f"relu{i}", nn.ReLU())]
        if i % 2 == 0:  # (16, 29, 29); (32, 6, 6)
            layers += [(f"pool{i // 2}", nn.MaxPool2d(config.pools[i // 2 - 1]))]
            layers += [(f"drop{i // 2}", nn.Dropout(drop[0]))]
    layers += [("flat", nn.Flatten()), ("fc_1", nn.Linear(config.flat, config.hidden))]  # (256,)
    layers += [("relu5", nn.ReLU()), ("drop3", nn.Dropout(drop[1]))]
    layers += [("fc_out", nn.Linear(config.hidden, 1))]  # (1,)
    net = nn.Sequential(OrderedDict(layers))
    for name, parameter in net.named_parameters():
        init = nn.init.zeros_ if name.endswith("bias") else nn.init.xavier_uniform_
        init(parameter)
    return net

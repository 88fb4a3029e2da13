"""Networks of ONNX files through torch, many pictures at once, with the operators that this package's files use.

Each operator is a function of its inputs and, by name, of its attributes, as https://onnx.ai/onnx/operators/ defines them
for the versions in `onnx_file.OPSETS`; one that a function here does not name is an error. Importing this module loads
torch: import it where it is used.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.contract.errors import WeightsError
from metrics.extractors.onnx_file import Node, read_onnx


class OnnxGraph:
    """A network with one input and one output, its numbers on `device`: float32 in and out.

    The files were exported for one picture, and some say so in the shapes they reshape to; so each picture goes through as
    a batch of one, and torch.vmap makes many of them one pass. WeightsError if the file does not fit.
    """

    def __init__(self, path: Path, device: str = "cpu"):
        graph = read_onnx(path)
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise WeightsError(f"{path}: expected one input and one output, got {graph.inputs} and {graph.outputs}")
        (self._input,), (self._output,) = graph.inputs, graph.outputs
        self._device = device
        # what does not depend on the picture is computed here, once
        values = {name: torch.tensor(array) for name, array in graph.arrays.items()}
        ready = {self._input, *values}
        self._steps: list[tuple[Callable[..., Tensor], Node]] = []
        for node in graph.nodes:
            step = _step(path, node, ready)
            ready.update(node.outputs)
            if all(name in values for name in node.inputs):
                try:
                    values[node.outputs[0]] = step(*(values[name] for name in node.inputs), **node.attributes)
                except (RuntimeError, ValueError, TypeError) as error:
                    raise WeightsError(f"{path}: {node.operator} of {node.outputs[0]}: {error}") from None
            else:
                self._steps.append((step, node))
        if self._output not in ready:
            raise WeightsError(f"{path}: nothing computes its output {self._output}")
        used = {name for _, node in self._steps for name in node.inputs} | {self._output}
        # shapes and places stay where Python reads them
        self._values = {
            name: value.to(device) if value.is_floating_point() else value
            for name, value in values.items()
            if name in used
        }
        last = {name: place for place, (_, node) in enumerate(self._steps) for name in node.inputs}
        self._spent = [
            [name for name in dict.fromkeys(node.inputs) if last[name] == place and name != self._output]
            for place, (_, node) in enumerate(self._steps)
        ]

    def __call__(self, pictures: np.ndarray, batch: int) -> np.ndarray:
        """(N, C, H, W) float32 -> (N, ...) float32, N at least 1, in passes of `batch`, the last one filled up with zeros.

        So a picture's numbers do not depend on how many others there are.
        """
        found = []
        with torch.inference_mode():
            for start in range(0, len(pictures), batch):
                part = np.zeros((batch, *pictures.shape[1:]), np.float32)
                there = len(pictures[start : start + batch])
                part[:there] = pictures[start : start + batch]
                made = torch.vmap(self._forward)(torch.from_numpy(part).to(self._device)[:, None])  # (B, 1, ...)
                found.append(made[:there, 0].cpu().numpy())
        return np.concatenate(found)

    def _forward(self, picture: Tensor) -> Tensor:
        values = {**self._values, self._input: picture}
        for (step, node), spent in zip(self._steps, self._spent, strict=True):
            values[node.outputs[0]] = step(*(values[name] for name in node.inputs), **node.attributes)
            for name in spent:
                del values[name]
        return values[self._output]


def _step(path: Path, node: Node, ready: set[str]) -> Callable[..., Tensor]:
    """The function of a node, checked against what it is given; WeightsError."""
    if node.operator not in OPERATORS:
        raise WeightsError(
            f"{path}: operator {node.operator} is not known; those that are: {', '.join(sorted(OPERATORS))}"
        )
    if unknown := [name for name in node.inputs if name not in ready]:
        raise WeightsError(f"{path}: {node.operator} reads {unknown[0]!r}, which nothing before it computes")
    if len(node.outputs) != 1:
        raise WeightsError(f"{path}: {node.operator} has {len(node.outputs)} outputs; expected one")
    function = OPERATORS[node.operator]
    try:
        inspect.signature(function).bind(*node.inputs, **node.attributes)
    except TypeError as error:
        raise WeightsError(f"{path}: {node.operator} of {node.outputs[0]}: {error}") from None
    return function


def _sides(pads: Sequence[int]) -> tuple[int, int]:
    """Rows above and below, columns left and right; ValueError where the two of an axis differ."""
    top, left, bottom, right = pads
    if (top, left) != (bottom, right):
        raise ValueError(f"padding {tuple(pads)}: expected as much at the end of an axis as at its beginning")
    return top, left


def _convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    group: int = 1,
) -> Tensor:
    if tuple(kernel_shape) != tuple(weight.shape[2:]):
        raise ValueError(f"a kernel of {tuple(weight.shape)} for {tuple(kernel_shape)}")
    return functional.conv2d(x, weight, bias, tuple(strides), _sides(pads), tuple(dilations), group)


def _max_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    dilations: Sequence[int] = (1, 1),
    ceil_mode: int = 0,
) -> Tensor:
    return functional.max_pool2d(x, kernel_shape, strides, _sides(pads), dilations, bool(ceil_mode))


def _average_pool(
    x: Tensor,
    *,
    kernel_shape: Sequence[int],
    strides: Sequence[int] = (1, 1),
    pads: Sequence[int] = (0, 0, 0, 0),
    ceil_mode: int = 0,
    count_include_pad: int = 0,
) -> Tensor:
    return functional.avg_pool2d(x, kernel_shape, strides, _sides(pads), bool(ceil_mode), bool(count_include_pad))


def _batch_normalization(
    x: Tensor,
    scale: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,  # of training
) -> Tensor:
    factor, shape = scale / (variance + epsilon).sqrt(), (-1, *[1] * (x.ndim - 2))
    return x * factor.reshape(shape) + (bias - mean * factor).reshape(shape)


def _fully_connected(
    a: Tensor, b: Tensor, c: Tensor, *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0, transB: int = 0
) -> Tensor:
    return alpha * ((a.T if transA else a) @ (b.T if transB else b)) + beta * c


def _reshape(x: Tensor, shape: Tensor) -> Tensor:
    """A length of 0 is that of `x`."""
    return x.reshape([length or x.shape[axis] for axis, length in enumerate(shape.tolist())])


def _flatten(x: Tensor, *, axis: int = 1) -> Tensor:
    return x.reshape(math.prod(x.shape[:axis]), -1)


def _slice(x: Tensor, starts: Tensor, ends: Tensor, axes: Tensor, steps: Tensor) -> Tensor:
    parts = [slice(None)] * x.ndim
    for start, end, axis, step in zip(*(each.tolist() for each in (starts, ends, axes, steps)), strict=True):
        parts[axis] = slice(start, end, step)
    return x[tuple(parts)]


def _gather(x: Tensor, place: Tensor, *, axis: int = 0) -> Tensor:
    if place.ndim:
        raise ValueError(f"expected the number of one place, got an array {tuple(place.shape)}")
    return x.select(axis, int(place))


def _constant_of_shape(shape: Tensor, *, value: np.ndarray) -> Tensor:
    return torch.tensor(value).expand(shape.tolist())


def _expand(x: Tensor, shape: Tensor) -> Tensor:
    return x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist())))


def _dropout(x: Tensor, *, ratio: float = 0.5) -> Tensor:
    """Of training: nothing is dropped here."""
    return x


OPERATORS: Mapping[str, Callable[..., Tensor]] = {
    "Add": lambda a, b: a + b,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Constant": lambda *, value: torch.tensor(value),
    "ConstantOfShape": _constant_of_shape,
    "Conv": _convolution,
    "Div": lambda a, b: a / b,
    "Dropout": _dropout,
    "Equal": lambda a, b: a == b,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _fully_connected,
    "Max": lambda *values: reduce(torch.maximum, values),
    "MaxPool": _max_pool,
    "Mul": lambda a, b: a * b,
    "PRelu": lambda x, slope: torch.where(x < 0, slope * x, x),
    "Pow": lambda a, b: a**b,
    "ReduceSum": lambda x, *, axes, keepdims=1: x.sum(axes, keepdim=bool(keepdims)),
    "Relu": lambda x: x.relu(),
    "Reshape": _reshape,
    "Slice": _slice,
    "Sqrt": lambda x: x.sqrt(),
    "Sub": lambda a, b: a - b,
    "Where": lambda chosen, a, b: torch.where(chosen, a, b),
}

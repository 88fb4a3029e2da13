"""ONNX files read as data, without the onnx package: operators, their attributes, and the numbers that a network was given.

The format is protocol buffers; the fields are those of onnx.proto (ONNX IR version 3 and later, the numbers in comments).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.errors import WeightsError

OPSETS = (11, 12)
"""Versions of ONNX's own operators whose meaning `onnx_graph` has."""
TYPES = {1: "<f4", 6: "<i4", 7: "<i8"}
"""TensorProto.DataType -> numpy's; networks of other numbers are not read."""
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
LONGEST_VARINT = 10


@dataclass(frozen=True)
class Node:
    """One step: `outputs` are what `operator` makes of the values named `inputs`."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they can be computed, the arrays they begin with, and what goes in and comes out."""

    nodes: tuple[Node, ...]
    arrays: Mapping[str, np.ndarray]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_onnx(path: Path) -> Graph:
    """The network of an ONNX file; `arrays` are float32, int32 or int64 and read-only.

    WeightsError for a file that is damaged, or has operators of another version or domain, subgraphs, sparse or outside data.
    """
    try:
        content = memoryview(Path(path).read_bytes())
        model = _fields(content)
        versions = [_one(_fields(entry), 2) for entry in model.get(8, []) if not bytes(_one(_fields(entry), 1, b""))]
        if len(versions) != 1 or versions[0] not in OPSETS:
            raise ValueError(f"expected operators of version {' or '.join(map(str, OPSETS))}, got {versions}")
        return _graph(_fields(_one(model, 7)))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error})") from None
    except (
        ValueError,
        TypeError,
        OverflowError,
        struct.error,
    ) as error:  # another kind of number or field than the format has there
        raise WeightsError(f"{path}: expected a network as an ONNX file: {error}") from None


def _graph(graph: Mapping[int, list]) -> Graph:
    if 15 in graph:  # sparse_initializer
        raise ValueError("sparse arrays are not read")
    arrays = dict(_array(_fields(entry)) for entry in graph.get(5, []))
    inputs = [_text(_one(_fields(entry), 1)) for entry in graph.get(11, [])]
    return Graph(
        nodes=tuple(_node(_fields(entry)) for entry in graph.get(1, [])),
        arrays=arrays,
        inputs=tuple(name for name in inputs if name not in arrays),  # older files list the arrays here too
        outputs=tuple(_text(_one(_fields(entry), 1)) for entry in graph.get(12, [])),
    )


def _node(node: Mapping[int, list]) -> Node:
    operator = _text(_one(node, 4))
    if domain := _text(_one(node, 7, b"")):
        raise ValueError(f"operator {operator} of {domain} is not one of ONNX's own")
    attributes = dict(_attribute(_fields(entry)) for entry in node.get(5, []))
    return Node(operator, tuple(map(_text, node.get(1, []))), tuple(map(_text, node.get(2, []))), attributes)


def _attribute(attribute: Mapping[int, list]) -> tuple[str, Any]:
    name, kind = _text(_one(attribute, 1)), _one(attribute, 20)
    if kind == 1:
        return name, struct.unpack("<f", _one(attribute, 2))[0]
    if kind == 2:
        return name, _signed(_one(attribute, 3))
    if kind == 3:
        return name, _text(_one(attribute, 4))
    if kind == 4:
        return name, _array(_fields(_one(attribute, 5)))[1]
    if kind == 7:
        return name, tuple(_integers(attribute.get(8, [])))
    raise ValueError(f"attribute {name} is of kind {kind}; numbers, words and arrays are read")


def _array(tensor: Mapping[int, list]) -> tuple[str, np.ndarray]:
    """Name and numbers of a TensorProto."""
    name, shape, kind = _text(_one(tensor, 8, b"")), tuple(_integers(tensor.get(1, []))), _one(tensor, 2)
    if kind not in TYPES or 13 in tensor or _one(tensor, 14, 0):
        raise ValueError(
            f"array {name}: type {kind}, or data outside the file; float32, int32 and int64 inside it are read"
        )
    dtype = np.dtype(TYPES[kind])
    if 9 in tensor:
        values = np.frombuffer(_one(tensor, 9), dtype)
    elif dtype.kind == "f":
        values = np.frombuffer(b"".join(tensor.get(4, [])), dtype)  # packed or one by one: four bytes each
    else:
        values = np.array(list(_integers(tensor.get(5 if dtype.itemsize == 4 else 7, []))), dtype)
    if min(shape, default=0) < 0 or values.size != np.prod(shape, dtype=object):
        raise ValueError(f"array {name}: {values.size} numbers for the shape {shape}")
    values = values.reshape(shape)
    values.flags.writeable = False
    return name, values


def _fields(message: memoryview) -> dict[int, list]:
    """Field number -> its values in order: int of a varint, memoryview of what is counted in bytes."""
    if not isinstance(message, memoryview):
        raise ValueError("a number stands where a message belongs")
    found: dict[int, list] = {}
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
        elif kind in (EIGHT_BYTES, FOUR_BYTES, BYTES):
            if kind == BYTES:
                length, place = _varint(message, place)
            else:
                length = 8 if kind == EIGHT_BYTES else 4
            value, place = message[place : place + length], place + length
            if place > len(message):
                raise ValueError("it ends in the middle of a field; the file is cut short or damaged")
        else:
            raise ValueError(f"a field of wire type {kind}; the file is damaged or of another format")
        found.setdefault(number, []).append(value)
    return found


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number at `place`, seven bits a byte and the lowest first, and the place after it."""
    value = 0
    for i, byte in enumerate(message[place : place + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return value, place + i + 1
    raise ValueError("it ends in the middle of a number; the file is cut short or damaged")


def _integers(values: list) -> Iterator[int]:
    """Signed numbers of a repeated field, each by itself or several packed into one run of bytes."""
    for value in values:
        if isinstance(value, int):
            yield _signed(value)
            continue
        place = 0
        while place < len(value):
            number, place = _varint(value, place)
            yield _signed(number)


def _signed(value: int) -> int:
    """Two's complement of 64 bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _one(fields: Mapping[int, list], number: int, default: Any = None) -> Any:
    """The value of a field that is not repeated: the last one, as the format has it."""
    if number in fields:
        return fields[number][-1]
    if default is None:
        raise ValueError(f"field {number} is missing")
    return default


def _text(value: Any) -> str:
    if not isinstance(value, memoryview | bytes):
        raise ValueError("a number stands where a word belongs")
    return bytes(value).decode("utf-8")

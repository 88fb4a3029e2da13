"""Arrays out of weight files, read as data: no code that a file names or contains is run."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.contract.errors import WeightsError

STORAGE_TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8"}


def read_array_pickle(path: Path) -> dict[str, np.ndarray]:
    """Numeric arrays of a pickle of nested dicts, {"outer/inner/name": array}, in the file's order.

    WeightsError for a file that is no pickle, or asks for anything but numpy arrays; nothing of that kind is called.
    """
    try:
        with Path(path).open("rb") as file:
            content = _ArraysOnly(file).load()
    except WeightsError:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise WeightsError(f"{path}: expected a pickle of numpy arrays: {type(error).__name__}: {error}") from None
    return dict(_leaves(content, "", path))


def _leaves(node: Any, prefix: str, path: Path) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, f"{prefix}/{key}" if prefix else str(key), path)
    elif isinstance(node, np.ndarray) and node.dtype.kind in "fiub":
        yield prefix, node
    else:
        raise WeightsError(f"{path}: {prefix or 'content'}: expected an array of numbers, got {type(node).__name__}")


class _ArraysOnly(pickle.Unpickler):
    """Admits numpy arrays, and dicts, strings and numbers, which need no class."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np._core.multiarray._reconstruct  # the module's name differs between numpy 1 and 2
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise WeightsError(f"the file asks for {module}.{name}; only numpy arrays are admitted")


def read_torchscript(path: Path) -> dict[str, np.ndarray]:
    """Parameters and buffers of a TorchScript archive, {"module.submodule.name": array}, in the order of definition.

    Only the tensors are read; the archive's program is neither compiled nor run (torch.jit.load would do both).
    WeightsError for another kind of file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (index,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            with archive.open(index) as file:
                module = _TensorsOnly(file, archive, index[: -len("data.pkl")]).load()
    except WeightsError:
        raise
    except Exception as error:
        raise WeightsError(f"{path}: expected a TorchScript archive: {type(error).__name__}: {error}") from None
    return dict(_tensors(module, ""))


class _Record:
    """Stands in for every class of the archive's own program: holds the attributes, has no behaviour."""

    def __setstate__(self, state: Any) -> None:
        self.attributes = state


class _TensorsOnly(pickle.Unpickler):
    def __init__(self, file: Any, archive: zipfile.ZipFile, root: str):
        super().__init__(file)
        self.archive, self.root = archive, root

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "__torch__":
            return _Record
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _strided
        if module == "torch.jit._pickle" and name in ("build_intlist", "build_doublelist", "build_boollist"):
            return list
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise WeightsError(f"the archive asks for {module}.{name}; only tensors are admitted")

    def persistent_load(self, identity: tuple) -> np.ndarray:
        _, dtype, key, _, _ = identity
        return np.frombuffer(self.archive.read(f"{self.root}data/{key}"), dtype)


def _strided(storage: np.ndarray, offset: int, size: tuple, stride: tuple, *_: Any) -> np.ndarray:
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if not 0 <= offset <= last < len(storage) or min(stride, default=0) < 0:
        raise WeightsError(f"a tensor of shape {size} reaches outside its storage of {len(storage)} numbers")
    bytes_apart = [s * storage.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, bytes_apart).copy()


def _tensors(node: Any, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(node, np.ndarray):
        yield prefix, node
    elif isinstance(node, _Record):
        for key, value in node.attributes.items():
            yield from _tensors(value, f"{prefix}.{key}" if prefix else key)

"""A network of an ONNX file, run where it is asked for: OpenCV's dnn module knows the CPU alone, torch every device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

BATCH = 5
"""Pictures per pass on a device other than the CPU: as many as the extractors take of a clip."""
Network = Callable[[np.ndarray], np.ndarray]
"""(N, C, H, W) float32 -> (N, ...) float32, N at least 1; a picture's numbers do not depend on the others."""


def load_network(path: Path, device: str) -> Network:
    """The network of `path` on "cpu", one picture at a time through OpenCV, or on another torch device, in passes of `BATCH`.

    Both give the same to about 1e-5 of the largest number. WeightsError if torch is to run a file that does not fit.
    """
    if device == "cpu":
        return _through_opencv(path)
    from metrics.extractors.onnx_graph import OnnxGraph

    return partial(OnnxGraph(path, device), batch=BATCH)


def _through_opencv(path: Path) -> Network:
    import cv2

    network = cv2.dnn.readNetFromONNX(str(path))

    def run(pictures: np.ndarray) -> np.ndarray:
        found = []
        for picture in pictures:
            network.setInput(np.ascontiguousarray(picture[None]))
            found.append(network.forward()[0])
        return np.stack(found)

    return run

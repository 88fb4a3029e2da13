"""Forward passes of an evaluation, counted and timed where they happen: what of a row's time is network, and how many passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

FACE_NETWORKS = {128: "face_detector", 256: "face_landmarks", 1: "face_blendshapes"}
"""Name of MediaPipe's networks by the side of their input; the blendshapes' input is a list of points."""


@dataclass
class Passes:
    """Per network what went through it (`items`: pictures of a batch) and processor seconds inside it."""

    items: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, items: int, seconds: float) -> None:
        self.items[name] = self.items.get(name, 0) + items
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def since(self, earlier: Passes) -> Passes:
        """What came after a copy was taken."""
        return Passes(
            {name: count - earlier.items.get(name, 0) for name, count in self.items.items()},
            {name: spent - earlier.seconds.get(name, 0.0) for name, spent in self.seconds.items()},
        )

    def copy(self) -> Passes:
        return Passes(dict(self.items), dict(self.seconds))


class _Watch:
    """Times the outermost of nested calls, under the name of the extractor or metric that is at work."""

    def __init__(self, passes: Passes):
        self.passes, self.owner, self.depth = passes, "", 0

    def timed(self, call: Callable, items: Callable[..., int], name: Callable[..., str] | None = None) -> Callable:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self.depth:
                return call(*args, **kwargs)
            self.depth += 1
            start = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.depth -= 1
                named = name(*args) if name else self.owner
                self.passes.add(named, items(*args), time.process_time() - start)

        return wrapped


@contextmanager
def watched() -> Iterator[Passes]:
    """Counts and times every forward pass inside the block: torch modules, OpenCV's and LiteRT's networks. Imports torch.

    Networks are to be loaded inside the block; one that was loaded by OpenCV before it is not seen.
    """
    import cv2
    import torch

    from bench import engine, sides
    from metrics.extractors import face_network, gaze_xgaze

    watch = _Watch(Passes())

    @contextmanager
    def blamed(name: str) -> Iterator[None]:
        before, watch.owner = watch.owner, name
        try:
            with unwatched(name):
                yield
        finally:
            watch.owner = before

    class Net:
        """An OpenCV network whose `forward` is timed: OpenCV's own class takes no other method."""

        def __init__(self, *args: Any):
            self._net = read_onnx(*args)
            self.forward = watch.timed(self._net.forward, lambda *_: 1)
            self.setInput = self._net.setInput

    unwatched, read_onnx = sides.blamed, cv2.dnn.readNetFromONNX
    face = watch.timed(
        face_network.Network.__call__, lambda _, x: len(x), lambda _, x: FACE_NETWORKS[x.shape[1] if x.ndim == 4 else 1]
    )
    module = watch.timed(torch.nn.Module.__call__, lambda _, x, *rest: len(x) if torch.is_tensor(x) else 1)
    with ExitStack() as stack:
        for place in (sides, engine):
            stack.enter_context(patch.object(place, "blamed", blamed))
        stack.enter_context(patch.object(cv2.dnn, "readNetFromONNX", Net))
        stack.enter_context(patch.object(face_network.Network, "__call__", face))
        stack.enter_context(patch.object(torch.nn.Module, "__call__", module))
        stack.enter_context(
            patch.object(gaze_xgaze, "resnet18", watch.timed(gaze_xgaze.resnet18, lambda x, _: x.shape[0]))
        )
        yield watch.passes

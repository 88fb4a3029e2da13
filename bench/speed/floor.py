"""The floor under a row's time: bare forward passes of the networks that it needs, at the batch and layout that suit them best."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = (1, 5, 10, 16, 32)
LAYOUTS = ("channels-first", "channels-last")
LEAST_SECONDS = 0.6
"""A way to run a network is timed for at least this long."""


@dataclass(frozen=True)
class Way:
    """One way to run a network on random pictures: `run` is one forward pass of `batch` of them."""

    network: str
    batch: int
    layout: str
    run: Callable[[], Any]

    @property
    def name(self) -> tuple[str, int, str]:
        return self.network, self.batch, self.layout

    def milliseconds(self) -> float:
        """Processor time per picture."""
        passes, start = 0, time.process_time()
        while not passes or time.process_time() - start < LEAST_SECONDS:
            self.run()
            passes += 1
        return 1e3 * (time.process_time() - start) / (passes * self.batch)


def ways(weights: Mapping[str, Path]) -> Iterator[Way]:
    """Every way to run every network; `weights` by the names of bench/weights.toml.

    One network at a time is in memory. OpenCV's and LiteRT's take one picture: 6DRepNet and the face networks as they were
    exported, the identity networks because a batch is no faster (tests/speed/test_image_metrics.py).
    """
    yield from _torch_ways(weights)
    yield from _opencv_ways(weights)
    yield from _face_ways(weights)


def _torch_ways(weights: Mapping[str, Path]) -> Iterator[Way]:
    import torch

    from metrics import lpips
    from metrics.extractors import gaze_xgaze, inception

    inception_net = inception.inception_network(weights["fid_inception"])
    trunk = lpips.network("alex", weights["lpips_alex"]).net
    gaze = gaze_xgaze.GazeXGaze({"gaze_eth_xgaze": weights["gaze_eth_xgaze"]})._loaded()

    for layout in LAYOUTS:
        memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
        inception_net, trunk = inception_net.to(memory_format=memory), trunk.to(memory_format=memory)
        laid = {key: w.contiguous(memory_format=memory) if w.ndim == 4 else w for key, w in gaze.items()}
        networks: dict[str, tuple[int, Callable]] = {
            "inception": (inception.INPUT_SIZE, inception_net),
            "LPIPS": (256, trunk),
            "gaze_xgaze": (gaze_xgaze.SIZE, lambda x, laid=laid: gaze_xgaze.resnet18(x, laid)),
        }
        for name, (side, network) in networks.items():
            for batch in BATCHES:
                pictures = torch.rand(batch, 3, side, side).contiguous(memory_format=memory)
                yield Way(name, batch, layout, _inferring(network, pictures))


def _inferring(network: Callable, pictures: Any) -> Callable[[], Any]:
    import torch

    def run() -> Any:
        with torch.inference_mode():
            return network(pictures)

    return run


def _opencv_ways(weights: Mapping[str, Path]) -> Iterator[Way]:
    import cv2

    from metrics.extractors import head_pose_6drepnet, identity

    sides = {"head_pose_6drepnet": ("head_pose_6drepnet", head_pose_6drepnet.INPUT)}
    sides |= {"identity_arcface": ("arcface_mbf", identity.CROP), "identity_sface": ("sface", identity.CROP)}
    for name, (file, side) in sides.items():
        network = cv2.dnn.readNetFromONNX(str(weights[file]))
        pictures = np.random.default_rng(0).random((1, 3, side, side), np.float32)

        def run(network: Any = network, pictures: np.ndarray = pictures) -> Any:
            network.setInput(pictures)
            return network.forward()

        yield Way(name, 1, LAYOUTS[0], run)


def _face_ways(weights: Mapping[str, Path]) -> Iterator[Way]:
    from metrics.extractors.face_network import BLENDSHAPE_POINTS, DETECTOR_SIZE, LANDMARK_SIZE, FaceNetworks

    networks = FaceNetworks(weights["face_landmarker"])
    shapes = {
        "face_detector": (networks._detector, (1, DETECTOR_SIZE, DETECTOR_SIZE, 3)),
        "face_landmarks": (networks._landmarks, (1, LANDMARK_SIZE, LANDMARK_SIZE, 3)),
        "face_blendshapes": (networks._blendshapes, (1, len(BLENDSHAPE_POINTS), 2)),
    }
    for name, (network, shape) in shapes.items():
        given = np.random.default_rng(0).random(shape, np.float32)
        yield Way(name, 1, "channels-last", lambda network=network, given=given: network(given))


def floor(weights: Mapping[str, Path], only: set[tuple[str, int, str]] | None = None) -> dict[tuple, float]:
    """Milliseconds per picture of every way, or of those named, timed one after another on one thread."""
    import cv2
    import torch

    from bench.progress import keep_freed_memory

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    keep_freed_memory()
    found = {}
    for way in ways(weights):
        if only is None or way.name in only:
            way.run()  # the first pass sets memory and kernels up
            found[way.name] = way.milliseconds()
    return found

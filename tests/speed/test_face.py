"""The face extractor against its bare networks on the same frames, one thread: prints the ratio (pytest -s -m slow tests/speed)."""

import time

import numpy as np
import pytest
import skimage.data

from metrics.extractors.face import FaceExtractor
from metrics.extractors.face_network import BLENDSHAPE_POINTS, LANDMARK_SIZE


@pytest.mark.slow
def test_cues_cost_little_more_than_the_networks_they_come_from(face_weights):
    extract = FaceExtractor({"face_landmarker": face_weights})
    picture = np.ascontiguousarray(skimage.data.astronaut()[0:256, 96:352])
    video = [np.roll(picture, (i % 7, i % 5), (0, 1)) for i in range(60)]
    points = extract(video).landmarks[:1, BLENDSHAPE_POINTS, :2]
    pixels = np.random.default_rng(0).random((1, LANDMARK_SIZE, LANDMARK_SIZE, 3), dtype=np.float32)
    landmark_network, blendshape_network = extract._networks._landmarks, extract._networks._blendshapes

    def milliseconds(function) -> float:
        start = time.process_time()
        function()
        return (time.process_time() - start) / len(video) * 1e3

    rows = []
    for _ in range(5):
        landmarks = milliseconds(lambda: [landmark_network(pixels) for _ in video])
        blendshapes = milliseconds(lambda: [blendshape_network(points) for _ in video])
        rows.append((landmarks, blendshapes, milliseconds(lambda: extract(video))))
    landmarks, blendshapes, whole = np.median(rows, axis=0)
    both = (landmarks + blendshapes) / whole
    print(
        f"\nface cues 256x256: {1e3 / whole:.0f} frames/s per core; landmark network alone {1e3 / landmarks:.0f}, ratio ",
        end="",
    )
    print(
        f"{landmarks / whole:.2f}; with the blendshape network {1e3 / (landmarks + blendshapes):.0f}, ratio {both:.2f}"
    )
    assert landmarks / whole > 0.7 and both > 0.78

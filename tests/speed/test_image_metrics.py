"""What the image metrics cost on one core, in processor time (pytest -s -m slow tests/speed/test_image_metrics.py)."""

import time
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from skimage import data

from metrics.extractors.identity import ArcFaceEmbedding, SFaceEmbedding
from metrics.extractors.inception import inception_network, pool3
from metrics.extractors.sharpness import cpbd, gray_8bit
from metrics.extractors.warp import warp_error
from metrics.fid import FID
from metrics.kid import KID
from metrics.lpips import LPIPS


@pytest.mark.slow
def test_what_a_frame_costs(weight_file):
    import torch
    from feature_clips import feature_clips

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    picture = data.astronaut()[:256, 100:356]
    frames = np.stack([np.roll(picture, k, 1) for k in range(16)])
    lpips = LPIPS()
    lpips.load({"lpips_alex": weight_file("lpips_alex")})
    network = inception_network(weight_file("fid_inception")).to(memory_format=torch.channels_last)
    arcface = ArcFaceEmbedding({"arcface_mbf": weight_file("arcface_mbf")})
    sface = SFaceEmbedding({"sface": weight_file("sface")})
    clips = feature_clips(24, frames=10, dimensions=2048)
    every = np.arange(24) > 0
    fid, kid = FID().estimate(clips, 0), KID().estimate(clips, 0)

    def milliseconds(work: Callable[[], object], pieces: int) -> float:
        work()
        taken = []
        for _ in range(5):
            start = time.process_time()
            work()
            taken.append((time.process_time() - start) / pieces * 1e3)
        return min(taken)  # the least disturbed

    costs = {
        "LPIPS, pair of frames": milliseconds(lambda: lpips.frames(frames, frames[::-1]), 16),
        "Inception, frame": milliseconds(lambda: pool3(network, frames[:10]), 10),
        "ArcFace, frame": milliseconds(lambda: arcface.embed(picture[:112, :112]), 1),
        "SFace, frame": milliseconds(lambda: sface.embed(picture[:112, :112]), 1),
        "CPBD, frame": milliseconds(lambda: [cpbd(gray_8bit(frame)) for frame in frames], 16),
        "WarpE, step": milliseconds(lambda: [warp_error(a, b) for a, b in pairwise(frames)], 15),
        "FID, value of 240 frames": milliseconds(lambda: fid.statistic(every), 1),
        "KID, value of 240 frames": milliseconds(lambda: kid.statistic(every), 1),
    }
    print("\n| what | ms |\n|---|---|")
    for name, cost in costs.items():
        print(f"| {name} | {cost:.1f} |")
    assert costs["LPIPS, pair of frames"] < 60
    assert costs["FID, value of 240 frames"] < 1000

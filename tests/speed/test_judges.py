"""How long the judges take per frame of a video, three seeds together."""

import time

import numpy as np
import pytest

from metrics.judge.answers import clip_probabilities, cue_probabilities
from metrics.judge.faces import SIDE, STEP
from metrics.judge.geometry_data import FEATURES

FRAMES, SEEDS = 60, 3
MOST = 2.0
"""Milliseconds of processor time per frame of the video."""


@pytest.mark.slow
def test_the_judges_take_less_than_two_milliseconds_a_frame():
    import torch

    from metrics.judge.model_frames import FrameJudge
    from metrics.judge.model_geometry import GeometryJudge

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (FRAMES // STEP, SIDE, SIDE), np.uint8)
    features = rng.normal(0, 1, (FRAMES, FEATURES)).astype(np.float32)
    frame_judge, geometry_judge = FrameJudge(8).eval(), GeometryJudge(8).eval()
    for name, ask in (
        ("frame judge", lambda: clip_probabilities(frame_judge, pictures)),
        ("geometry judge", lambda: cue_probabilities(geometry_judge, features)),
    ):
        ask()
        started = time.process_time()
        for _ in range(5 * SEEDS):
            ask()
        spent = 1000 * (time.process_time() - started) / 5 / FRAMES
        print(f"{name}: {spent:.2f} ms per frame of the video, {SEEDS} seeds")
        assert spent < MOST

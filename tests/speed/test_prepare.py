"""Speed of `prepare` against the bare landmark network, one core, CPU time, one run."""

import time
from pathlib import Path

import numpy as np
import pytest

from bench.contract.clip import SourceClip
from bench.data.prepare_clip import face_extractor, prepare_clip

pytestmark = pytest.mark.slow


def seconds(work, repeat=3) -> float:
    """Least CPU time of some runs: other processes on the machine only ever add."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def test_prepare_runs_at_a_quarter_of_the_bare_landmark_networks_rate_or_better(smoke_tree, cremad_tree, tmp_path):
    """The aim is 0.8; docs/performance.md says what is reached and where the rest goes. This only guards against decay."""
    network, picture = face_extractor()._networks._landmarks, np.zeros((1, 256, 256, 3), np.float32)
    for name, source in (("puppet", next(smoke_tree.rglob("*.mp4"))), ("cremad", next(cremad_tree.rglob("*.flv")))):
        clip = SourceClip("c", name, "s", "happy", 1, None, Path(source))
        record = prepare_clip(clip, tmp_path / name, None, "k")
        frames = record["n_frames"]
        # frames that went through the network: 25 fps, and the native rate where that is higher
        passes = frames * (1 + (record["source_fps"] / 25 if record["source_fps"] > 25.5 else 0))
        bare = seconds(lambda: [network(picture) for _ in range(100)]) / 100
        whole = seconds(lambda clip=clip, name=name: prepare_clip(clip, tmp_path / name, None, "k")) / passes
        print(
            f"{name}: bare network {1 / bare:.0f} frames/s, prepare {1 / whole:.0f} frames/s per core, ratio {bare / whole:.2f}"
        )
        assert bare / whole > 0.25

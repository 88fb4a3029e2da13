"""I3D logits: the published distances of black and white videos, runs of 16 frames, refusals."""

import pickle

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, WeightsError
from bench.contract.seen import Video
from metrics.extractors.i3d import FRAMES, I3DLogits, i3d_layers, logits

PUBLISHED = {15: 134.24, 16: 153.110, 24: 66.081, 30: 151.168}
"""Length -> FVD of black against white 64 x 64 videos in the documentation of common_metrics_on_video_quality (a PyTorch port
after VideoGPT). The authors' own example says "around 131" for 15 frames."""


def video(frames: np.ndarray | None) -> Video:
    return Video(cues=Cues.empty(0 if frames is None else len(frames)), frames=frames)


@pytest.fixture(scope="module")
def layers(weight_file) -> dict:
    return i3d_layers(weight_file("i3d_kinetics"))


@pytest.mark.slow
def test_black_against_white_gives_the_reference_values_of_a_public_port(layers, tolerance):
    for length, published in PUBLISHED.items():
        black, white = (logits(layers, np.full((length, 64, 64, 3), level, np.uint8)) for level in (0, 255))
        value = float(((black.astype(np.float64) - white) ** 2).sum())  # constant sets: only the means differ
        tolerance(
            "FVD",
            "documented values of a public port",
            "black against white, relative",
            abs(value / published - 1),
            5e-3,
        )
        if length == 15:
            tolerance("FVD", "the authors' example", '"around 131", relative', abs(value / 131 - 1), 3e-2)


@pytest.mark.slow
def test_each_whole_run_of_sixteen_frames_gives_a_vector_of_its_own(weight_file, layers):
    frames = np.random.default_rng(0).integers(0, 256, (2 * FRAMES + 5, 32, 32, 3)).astype(np.uint8)
    out = I3DLogits({"i3d_kinetics": weight_file("i3d_kinetics")})(video(frames))["logits"]
    assert out.shape == (2, 400) and out.dtype == np.float32
    assert (out[1] == logits(layers, frames[FRAMES : 2 * FRAMES])).all()
    assert not np.allclose(out[0], logits(layers, frames[:FRAMES][::-1]), rtol=1e-3)  # the order of frames counts


def test_clips_shorter_than_a_run_have_a_reason():
    extract = I3DLogits({"i3d_kinetics": "absent"})
    for frames in (None, np.zeros((FRAMES - 1, 8, 8, 3), np.uint8)):
        with pytest.raises(Unscorable) as error:
            extract(video(frames))
        assert error.value.reason == Reason.TOO_FEW_FRAMES


def test_another_file_is_refused(tmp_path):
    (tmp_path / "w").write_bytes(
        pickle.dumps({"params": {"Conv3d_1a_7x7": {"Conv_0": {"kernel": np.zeros((7, 7, 7, 3, 64))}}}})
    )
    with pytest.raises(WeightsError, match="I3D"):
        i3d_layers(tmp_path / "w")

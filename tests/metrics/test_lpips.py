"""LPIPS: equal to the package and to published values, 0 for equal frames, growing with damage, 8-bit frames only."""

import os
import pickle
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from bench.contract.errors import UsageError, WeightsError
from bench.contract.metric import FrameMetric
from metrics.lpips import BATCH, LPIPS, network


@pytest.fixture(scope="module")
def alex(weight_file) -> LPIPS:
    metric = LPIPS()
    metric.load({"lpips_alex": weight_file("lpips_alex")})
    return metric


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return cv2.resize(data.astronaut(), (128, 128), interpolation=cv2.INTER_AREA)[None]


def blurred(frames: np.ndarray, sigma: float) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")
def test_equals_the_reference_package_fed_as_its_manual_says(alex, frame, weight_file, tolerance):
    import lpips
    import torch

    package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    arrays = pickle.loads(weight_file("lpips_alex").read_bytes())["AlexNet_0"]  # the very file its SHA-256 names
    layers = [layer for layer in package.net.modules() if isinstance(layer, torch.nn.Conv2d)]
    for i, layer in enumerate(layers):
        layer.weight.data = torch.tensor(arrays[f"Conv_{i}"]["kernel"]).permute(3, 2, 0, 1)
        layer.bias.data = torch.tensor(arrays[f"Conv_{i}"]["bias"])
    rng = np.random.default_rng(0)
    others = [blurred(frame, 2), np.roll(frame, 3, 2), rng.integers(0, 256, frame.shape).astype(np.uint8)]
    for other in others:
        with torch.no_grad():
            expected = package(lpips.im2tensor(frame[0]), lpips.im2tensor(other[0])).item()
        tolerance("LPIPS", "lpips 0.1.4, alex", "value", abs(alex.frames(frame, other)[0] - expected), 1e-6)


@pytest.mark.slow
def test_vgg_gives_the_reference_value_documented_by_torchmetrics(weight_file, tolerance):
    """torchmetrics 0.11.4, LearnedPerceptualImagePatchSimilarity, net_type="vgg": 0.3493 with torch.manual_seed(123)."""
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import torch
    import torchvision
    from lpips.lpips import NetLinLayer

    module = network("vgg", weight_file("vgg16"))
    torch.manual_seed(123)
    # its example draws the pictures after building the network, which draws numbers first
    torchvision.models.vgg16(weights=None, init_weights=False)
    for channels in (64, 128, 256, 512, 512):
        NetLinLayer(channels)
    first, second = (torch.rand(10, 3, 100, 100) * 2 - 1 for _ in range(2))
    with torch.inference_mode():
        value = module(first, second).mean().item()
    tolerance("LPIPS", "torchmetrics' documented example, vgg", "value", abs(value - 0.3493), 5e-5)


@pytest.mark.slow
def test_the_projects_own_example_pairs_are_a_reference(alex, tolerance):
    """README of richzhang/PerceptualSimilarity: ex_ref against ex_p0 is 0.722, against ex_p1 0.138."""
    folder = Path(os.environ.get("LPIPS_EXAMPLES", "imgs"))
    if not (folder / "ex_ref.png").is_file():
        pytest.skip(
            "imgs/ex_ref.png, ex_p0.png, ex_p1.png of the LPIPS project are not here: name their folder in LPIPS_EXAMPLES"
        )
    reference, *others = (cv2.imread(str(folder / f"ex_{name}.png"))[None, ..., ::-1] for name in ("ref", "p0", "p1"))
    for other, published in zip(others, (0.722, 0.138), strict=True):
        tolerance(
            "LPIPS", "example pairs of its project", "value", abs(alex.frames(reference, other)[0] - published), 5e-4
        )


def test_equal_frames_are_zero_and_the_sides_can_be_swapped(alex, frame):
    other = blurred(frame, 2)
    assert alex.frames(frame, frame).tolist() == [0.0]
    assert alex.frames(frame, other)[0] == pytest.approx(alex.frames(other, frame)[0], abs=1e-7)


def test_grows_with_every_step_of_blur(alex, frame):
    values = [alex.frames(frame, blurred(frame, sigma))[0] for sigma in (0.01, 0.7, 1.5, 3, 6)]
    assert all(a < b for a, b in pairwise(values))


def test_a_frame_does_not_depend_on_its_batch(alex, frame):
    frames = np.stack([np.roll(frame[0], shift, 0) for shift in range(BATCH + 3)])
    other = frames[::-1]
    whole = alex.frames(frames, other)
    alone = [alex.frames(frames[i : i + 1], other[i : i + 1])[0] for i in (0, 4, BATCH + 2)]
    assert whole[[0, 4, BATCH + 2]] == pytest.approx(alone, abs=1e-6)
    assert alex.frames(frames[:0], other[:0]).shape == (0,)


def test_only_eight_bit_frames_are_taken_so_the_range_cannot_be_mistaken(alex, frame):
    for wrong in (frame / 255.0, frame.astype(np.float32) / 127.5 - 1, frame.astype(np.int16)):
        with pytest.raises(ValueError, match="uint8"):
            alex.frames(wrong, wrong)


def test_the_trunk_names_its_weights_and_stands_in_the_definition():
    assert LPIPS().needs == ("lpips_alex",) and LPIPS("vgg").needs == ("vgg16",)
    assert LPIPS("vgg").definition != LPIPS().definition
    assert isinstance(LPIPS(), FrameMetric)
    with pytest.raises(UsageError, match="alex, vgg"):
        LPIPS("squeeze")


def test_a_file_of_another_network_is_refused_and_nothing_is_scored_unloaded(weight_file, frame, tmp_path):
    wrong = tmp_path / "w"
    wrong.write_bytes(pickle.dumps({"Conv_0": {"kernel": np.zeros((3, 3, 3, 64), "f4"), "bias": np.zeros(64, "f4")}}))
    with pytest.raises(WeightsError, match="convolutions of alex"):
        LPIPS().load({"lpips_alex": wrong})
    with pytest.raises(RuntimeError, match="load"):
        LPIPS().frames(frame, frame)


def test_pickles_small_and_goes_on_after_loading_again(alex):
    assert len(pickle.dumps(alex)) < 2000

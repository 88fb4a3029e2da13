"""FID: equal to pytorch-fid and to published values, 0 for equal sets, the same in any order, flagged where it is mostly bias."""

import numpy as np
import pytest
from feature_clips import feature_clips

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Collected, SetMetric
from bench.contract.seen import Labels, Pair, Seen
from metrics.fid import FID, MIN_FRAMES, frechet_distance


def draw(n: int, d: int, seed: int, scale: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.gamma(1, 0.3, (n, d)) * np.linspace(scale, 1, d)).astype(np.float32)


def statistics(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As pytorch-fid takes them."""
    return features.mean(axis=0, dtype=np.float64), np.cov(features.astype(np.float64), rowvar=False)


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
@pytest.mark.parametrize(
    ("n", "m", "d"),
    [(500, 400, 64), (80, 60, 128), (300, 50, 128), pytest.param(240, 240, 2048, marks=pytest.mark.slow)],
)
def test_equals_the_reference_pytorch_fid_on_the_same_features(n, m, d, tolerance):
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    from pytorch_fid.fid_score import calculate_frechet_distance

    x, y = draw(n, d, 0), draw(m, d, 1, 1.5)
    expected = calculate_frechet_distance(*statistics(x), *statistics(y))
    difference = abs(frechet_distance(x, y) / expected - 1)
    tolerance("FID", "pytorch-fid 0.3.0", "value on the same features, relative", difference, 1e-4)


@pytest.mark.slow
def test_the_reference_values_documented_by_torchmetrics(weight_file, tolerance, monkeypatch):
    """torchmetrics 1.9.0: FrechetInceptionDistance(feature=64) 12.6388, KernelInceptionDistance(subset_size=50) 0.0312, 0.0025.

    Its examples run from seed 42, build torch-fidelity's network (which draws numbers) and then draw the pictures.
    """
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import torch
    from torch_fidelity import feature_extractor_inceptionv3 as package

    from metrics.extractors.inception import inception_network
    from metrics.kid import squared_mmd

    torch.manual_seed(42)
    monkeypatch.setattr(package, "load_state_dict_from_url", lambda *_, **__: None)
    monkeypatch.setattr(package.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
    package.FeatureExtractorInceptionV3("drawn", ["64"])
    pictures = [torch.randint(*limits, (100, 3, 299, 299), dtype=torch.uint8) for limits in ((0, 200), (100, 255))]
    numbers = torch.get_rng_state()
    network = inception_network(weight_file("fid_inception")).to(memory_format=torch.channels_last)

    def features(layers, images):
        with torch.inference_mode():
            parts = [layers((part.float() - 128) / 128).mean((2, 3)) for part in images.split(10)]  # its own scaling
        return torch.cat(parts).numpy()

    low = [features(network[:4], images) for images in pictures]
    tolerance(
        "FID", "torchmetrics' documented example", "value, 64 features", abs(frechet_distance(*low) - 12.6388), 5e-5
    )
    high = [features(network, images) for images in pictures]
    torch.set_rng_state(numbers)
    values = []
    for _ in range(100):
        chosen = [torch.randperm(100)[:50].numpy() for _ in high]
        values.append(squared_mmd(*(side[rows] for side, rows in zip(high, chosen, strict=True))))
    tolerance("KID", "torchmetrics' documented example", "mean of 100 subsets", abs(np.mean(values) - 0.0312), 5e-5)
    tolerance("KID", "torchmetrics' documented example", "SD of 100 subsets", abs(np.std(values) - 0.0025), 5e-5)


@pytest.mark.parametrize(("n", "d"), [(20, 64), (200, 16)])
def test_equal_sets_are_zero_and_the_sides_can_be_swapped(n, d):
    x, y = draw(n, d, 0), draw(n + 3, d, 1, 2.0)
    assert abs(frechet_distance(x, x)) < 1e-6
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-10)
    assert frechet_distance(x, y) > 0


def test_a_shift_of_every_feature_adds_its_squared_length():
    x = draw(300, 8, 0)
    assert frechet_distance(x, x + 2.0) == pytest.approx(8 * 4.0, rel=1e-5)


def test_few_and_many_samples_take_two_ways_to_one_number():
    """Above and below as many samples as dimensions: the same normal distributions, the same distance."""
    x, y = draw(40, 12, 0), draw(40, 12, 1, 2.0)
    wide = [np.pad(side, ((0, 0), (0, 60))) for side in (x, y)]  # constant features: more dimensions than samples
    assert frechet_distance(*wide) == pytest.approx(frechet_distance(x, y), rel=1e-9)


def test_grows_with_the_damage_and_falls_with_no_order_of_clips():
    values = [
        FID().estimate(feature_clips(24, shift=shift), 0).statistic(np.ones(24, bool)) for shift in (0, 0.5, 1, 2)
    ]
    assert values == sorted(values)
    clips = feature_clips(24, shift=1)
    order = np.random.default_rng(3).permutation(24)
    one, other = FID().estimate(clips, 7), FID().estimate([clips[i] for i in order], 7)
    mask = np.arange(24) % 3 > 0
    assert one.statistic(mask) == other.statistic(mask[order])
    assert one.details == other.details and one.flags == other.flags


def test_identical_videos_give_zero_and_the_cell_says_what_it_rests_on():
    clips = feature_clips(24, same=True)
    cell = FID().estimate(clips, 0)
    assert abs(cell.statistic(np.ones(24, bool))) < 1e-6
    assert cell.details["n_clips"] == 24 and cell.details["n_frames"] == cell.details["n_frames_real"] == 96
    assert cell.flags == ("rank-deficient",) and MIN_FRAMES == 4096
    # other speakers are further apart than other clips of the same speakers, and copies of the real clips are no nearer
    assert cell.details["floor_across_speakers"] > cell.details["floor_within_speakers"] > 0
    assert cell.details["value_at_floor_n"] == pytest.approx(cell.details["floor_across_speakers"])


def test_one_speaker_has_no_floor_across_speakers_and_too_small_parts_no_value():
    cell = FID().estimate(feature_clips(6, speakers=1), 0)
    assert cell.details["floor_across_speakers"] is None and cell.details["value_at_floor_n"] is None
    assert cell.details["floor_within_speakers"] > 0
    assert np.isnan(cell.statistic(np.eye(6, dtype=bool)[0])) and np.isnan(cell.statistic(np.zeros(6, bool)))
    with pytest.raises(Unscorable) as error:
        FID().estimate(feature_clips(1), 0)
    assert error.value.reason == Reason.TOO_FEW_CLIPS


def test_clips_of_one_frame_each_still_have_a_value():
    cell = FID().estimate(feature_clips(8, frames=1), 0)
    assert np.isfinite(cell.statistic(np.ones(8, bool)))


def test_collects_both_sides_and_refuses_numbers_that_are_not_finite():
    labels = Labels("c", "d", "s", None, None)
    good, bad = np.ones((3, 4), np.float32), np.full((3, 4), np.nan, np.float32)

    def pair(real: np.ndarray, generated: np.ndarray) -> Pair:
        return Pair(*(Seen(labels, Cues.empty(3), {"inception": {"features": x}}) for x in (real, generated)))

    arrays = FID().collect(pair(good, 2 * good))
    assert (arrays["generated"] == 2 * arrays["real"]).all()
    assert isinstance(FID(), SetMetric) and isinstance(Collected(labels, arrays), Collected)
    for wrong in (pair(good, bad), pair(bad, good)):
        with pytest.raises(Unscorable) as error:
            FID().collect(wrong)
        assert error.value.reason == Reason.NOT_FINITE


def test_the_jackknife_over_speakers_costs_milliseconds_per_speaker():
    """240 frames of 2048 features: one value needs singular values of a 240 x 240 matrix, no 2048 x 2048 square root."""
    import time

    cell = FID().estimate(feature_clips(24, frames=10, dimensions=2048), 0)
    start = time.process_time()
    for k in range(12):
        cell.statistic(np.arange(24) % 12 != k)
    assert (time.process_time() - start) / 12 < 1.0  # seconds; the square root takes about 30

"""KID: equal to torch-fidelity, without bias, 0 for equal sides, pairs of one clip left out."""

import numpy as np
import pytest
from feature_clips import feature_clips

from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import SetMetric
from metrics.fid import FID, FeatureSet
from metrics.kid import KID, ClipSums, kernel, squared_mmd


@pytest.fixture(scope="module")
def package():
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    from torch_fidelity import metric_kid

    return metric_kid


def draw(n: int, seed: int, shift: float = 0.0, d: int = 2048) -> np.ndarray:
    return np.random.default_rng(seed).gamma(1, 0.3, (n, d)) + shift


POLYNOMIAL = {"kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}


@pytest.mark.parametrize("shift", [0.0, 0.02, 1.0])
def test_two_sets_equal_the_reference_torch_fidelity(package, shift, tolerance):
    x, y = draw(60, 0), draw(60, 1, shift)
    expected = package.kernel_mmd(x, y, kid_kernel="poly", **POLYNOMIAL)
    tolerance("KID", "torch-fidelity 0.4.0", "value of two sets", abs(squared_mmd(x, y) - expected), 1e-6)


def test_clips_of_one_frame_equal_the_u_statistic_of_the_reference_torch_fidelity(package, tolerance):
    clips = feature_clips(30, frames=1, dimensions=64, shift=0.3)
    x, y = (np.concatenate([c.arrays[side] for c in clips]).astype(float) for side in ("real", "generated"))
    kernels = [package.kernel_poly(a, b, **POLYNOMIAL) for a, b in ((x, x), (x, y), (y, y))]
    expected = package.mmd2(*kernels, mmd_est="u-statistic")
    value = KID().estimate(clips, 0).statistic(np.ones(30, bool))
    tolerance("KID", "torch-fidelity 0.4.0", "u-statistic, one frame per clip", abs(value - expected), 1e-6)


def test_pairs_of_one_clip_are_left_out_in_all_three_means():
    clips = feature_clips(5, frames=3, shift=0.5)
    x, y = ([c.arrays[side] for c in clips] for side in ("real", "generated"))

    def mean(a: list, b: list) -> float:
        return float(np.mean([kernel(a[i], b[j]) for i in range(5) for j in range(5) if i != j]))

    expected = mean(x, x) + mean(y, y) - 2 * mean(x, y)
    assert KID().estimate(clips, 0).statistic(np.ones(5, bool)) == pytest.approx(expected, rel=1e-12)


def test_any_part_is_as_if_only_its_clips_were_there():
    clips = feature_clips(9, shift=0.4)
    clips[3].arrays["generated"].resize((2, 16), refcheck=False)  # clips need not give equally many frames
    mask = np.arange(9) % 4 != 1
    alone = KID().estimate([clip for clip, kept in zip(clips, mask, strict=True) if kept], 0)
    whole = KID().estimate(clips, 0)
    assert whole.statistic(mask) == pytest.approx(alone.statistic(np.ones(mask.sum(), bool)), rel=1e-12)


def test_identical_videos_give_zero_and_the_sides_can_be_swapped():
    assert KID().estimate(feature_clips(12, same=True), 0).statistic(np.ones(12, bool)) == pytest.approx(0, abs=1e-12)
    features, every = FeatureSet(feature_clips(12, shift=0.5)), np.arange(12)
    there = ClipSums(features).value(every)
    features.real, features.generated = features.generated, features.real
    assert there > 0 and ClipSums(features).value(every) == pytest.approx(there, rel=1e-9)


def test_two_draws_of_one_distribution_are_zero_on_average_and_negative_half_the_time():
    values = [squared_mmd(draw(20, seed, d=8), draw(20, seed + 1000, d=8)) for seed in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert 0.3 < np.mean(np.array(values) < 0) < 0.8


def test_grows_with_the_damage_and_keeps_no_order_of_clips():
    values = [KID().estimate(feature_clips(24, shift=s), 0).statistic(np.ones(24, bool)) for s in (0, 0.5, 1, 2)]
    assert values == sorted(values)
    clips = feature_clips(24, shift=1)
    order = np.random.default_rng(3).permutation(24)
    one, other = KID().estimate(clips, 7), KID().estimate([clips[i] for i in order], 7)
    mask = np.arange(24) % 3 > 0
    assert one.statistic(mask) == other.statistic(mask[order])
    assert one.details == other.details


def test_the_cell_says_what_it_rests_on():
    cell = KID().estimate(feature_clips(24, shift=0.5), 0)
    assert cell.details["n_clips"] == 24 and cell.details["n_frames"] == 96
    assert cell.details["floor_across_speakers"] > cell.details["floor_within_speakers"]
    assert cell.flags == ("small-sample",)
    lone = KID().estimate(feature_clips(6, speakers=1), 0)
    assert lone.details["floor_across_speakers"] is None


@pytest.mark.parametrize("per_speaker", [2, 6])
def test_the_floor_of_the_same_speakers_is_zero_on_average(per_speaker):
    cells = [KID().estimate(feature_clips(4 * per_speaker, seed=seed), seed) for seed in range(60)]
    floors = [cell.details["floor_within_speakers"] for cell in cells]
    assert abs(np.mean(floors)) < 3 * np.std(floors) / np.sqrt(len(floors))


def test_too_few_clips_have_a_reason_and_no_value():
    with pytest.raises(Unscorable) as error:
        KID().estimate(feature_clips(1), 0)
    assert error.value.reason == Reason.TOO_FEW_CLIPS
    assert np.isnan(KID().estimate(feature_clips(4), 0).statistic(np.eye(4, dtype=bool)[2]))


def test_shares_what_fid_collects():
    assert isinstance(KID(), SetMetric) and KID.collection == FID.collection

"""FD-5f: five frames as EAT's evaluator takes them, its exchanged colours as an option, and never the name of FID."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, UsageError
from bench.contract.metric import Collected, Direction, SetMetric
from bench.contract.seen import Labels, Video
from metrics.extractors import inception
from metrics.extractors.inception_five import InceptionFive, InceptionFiveSwapped, first_of_each_part
from metrics.fd5 import EXTRACTOR, FiveFrameFrechet
from metrics.fid import frechet_distance
from metrics.registry import OPTIONAL


def clips(seed=0, count=4, shift=0.0):
    rng = np.random.default_rng(seed)
    labels = [Labels(f"c{n}", "made-up", f"s{n % 2}", "happy", 1) for n in range(count)]
    sides = [
        (rng.normal(size=(5, 6)).astype(np.float32), rng.normal(shift, 1, (5, 6)).astype(np.float32)) for _ in labels
    ]
    return [Collected(label, {"real": r, "generated": g}) for label, (r, g) in zip(labels, sides, strict=True)]


def value(metric, found):
    return metric.estimate(found, 0).statistic(np.ones(len(found), bool))


@pytest.mark.parametrize("frames", [1, 4, 5, 6, 50, 57, 103])
def test_frames_in_parity_with_numpy_s_linspace_without_its_end_as_the_published_script_takes_them(frames, tolerance):
    theirs = np.linspace(0, frames, min(frames, 5), False).astype(np.int32)
    ours = first_of_each_part(frames)
    tolerance(
        "FD-5f", "numpy.linspace(0, n, min(n, 5), False)", "frame numbers", np.abs(ours - theirs).max(), 0, "frames"
    )


def test_it_is_the_frechet_distance_of_fid_on_other_features():
    found = clips()
    real, generated = (np.concatenate([clip.arrays[side] for clip in found]) for side in ("real", "generated"))
    assert value(FiveFrameFrechet(), found) == pytest.approx(frechet_distance(real, generated), rel=1e-9)
    assert (
        value(FiveFrameFrechet(), clips(shift=3.0))
        > value(FiveFrameFrechet(), clips(shift=1.0))
        > value(FiveFrameFrechet(), found)
    )


def test_equal_sides_are_zero_and_the_sides_can_be_swapped():
    found = clips()
    same = [Collected(clip.labels, {"real": clip.arrays["real"], "generated": clip.arrays["real"]}) for clip in found]
    turned = [Collected(c.labels, {"real": c.arrays["generated"], "generated": c.arrays["real"]}) for c in found]
    assert value(FiveFrameFrechet(), same) == pytest.approx(0, abs=1e-5)
    assert value(FiveFrameFrechet(), turned) == pytest.approx(value(FiveFrameFrechet(), found), rel=1e-9)


def test_it_says_that_it_is_no_fid_and_stands_in_no_default_table():
    for channels, extractor in EXTRACTOR.items():
        metric = FiveFrameFrechet(channels)
        assert isinstance(metric, SetMetric) and metric.direction is Direction.LOWER
        assert metric.extractors == (extractor,) and metric.collection == extractor
        assert "not FID" in metric.definition and not metric.name.startswith("FID")
    assert FiveFrameFrechet.name in OPTIONAL
    assert "exchanged" in FiveFrameFrechet("bgr").definition
    with pytest.raises(UsageError, match=r"fd\.channels"):
        FiveFrameFrechet("grb")


def test_the_swapped_view_is_the_other_one_of_a_picture_whose_red_and_blue_are_exchanged(monkeypatch):
    monkeypatch.setattr(inception, "pool3", lambda _, frames, __: frames.astype(np.float32).mean((1, 2)))
    frames = np.random.default_rng(1).integers(0, 256, (9, 8, 8, 3), np.uint8)
    found = {}
    for cls in (InceptionFive, InceptionFiveSwapped):
        for turned in (False, True):
            extractor = cls({"fid_inception": "none"})
            extractor._network = "none"
            found[cls, turned] = extractor(Video(Cues.empty(9), frames[..., ::-1] if turned else frames))
    np.testing.assert_array_equal(
        found[InceptionFive, False]["features"], found[InceptionFiveSwapped, True]["features"]
    )
    np.testing.assert_array_equal(
        found[InceptionFive, False]["features"][:, ::-1], found[InceptionFiveSwapped, False]["features"]
    )
    assert found[InceptionFive, False]["frame"].tolist() == [0, 1, 3, 5, 7]


@pytest.mark.parametrize("frames", [None, np.zeros((0, 8, 8, 3), np.uint8)])
def test_a_video_without_frames_has_a_reason(frames):
    with pytest.raises(Unscorable) as caught:
        InceptionFive({"fid_inception": "none"})(Video(Cues.empty(0), frames))
    assert caught.value.reason is Reason.TOO_FEW_FRAMES


def test_one_clip_is_too_few():
    with pytest.raises(Unscorable) as caught:
        FiveFrameFrechet().estimate(clips(count=1), 0)
    assert caught.value.reason is Reason.TOO_FEW_CLIPS


@pytest.mark.slow
def test_exchanged_colours_are_seen_by_the_network_itself(weight_file):
    frames = np.random.default_rng(2).integers(0, 256, (5, 8, 8, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    weights = {"fid_inception": weight_file("fid_inception")}
    one, other = (
        cls(weights)(Video(Cues.empty(5), frames))["features"] for cls in (InceptionFive, InceptionFiveSwapped)
    )
    assert one.shape == (5, 2048) and np.abs(one - other).max() > 0.1 * np.abs(one).max()

"""Blink-rate and Blink-dur: blinks that were put there are counted, seconds and not clips are what is averaged over."""

import numpy as np
import pytest
from posed_face import collected, face_at, seen

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import SetMetric
from bench.contract.seen import Pair
from metrics.blink import BlinkDuration, BlinkRate, closures


def lids(*blinks, frames=100, openness=0.3, valid=None):
    """Cues of `frames` with the eyes closed over each (first, length)."""
    track = np.full(frames, openness)
    for first, length in blinks:
        track[first : first + length] = 0.05
    return face_at(np.zeros((frames, 3)), openness=track, valid=valid)


def clip(made, name="c", speaker="s", real=None):
    labels = (name, speaker, "happy")
    return Pair(seen(real or lids(), *labels), seen(made, *labels))


def value(metric, *pairs):
    clips = collected(metric(), pairs)
    return metric().estimate(clips, 0).statistic(np.ones(len(clips), bool))


def test_blinks_and_their_length_come_back():
    video = lids((20, 4), (60, 6), frames=101)
    assert closures(video) == (2, 0, 2, 0.4, 4.0)
    assert value(BlinkRate, clip(video)) == 30
    assert value(BlinkDuration, clip(video)) == pytest.approx(0.2)


def test_the_rate_is_of_all_seconds_not_of_clips():
    short, long = clip(lids((10, 3), frames=26), "a"), clip(lids(frames=226), "b")
    assert value(BlinkRate, short, long) == 6.0


def test_no_blink_is_a_rate_of_zero_and_no_duration():
    assert value(BlinkRate, clip(lids())) == 0.0
    with pytest.raises(Unscorable) as nothing:
        value(BlinkDuration, clip(lids()))
    assert nothing.value.reason == Reason.NO_VARIATION


def test_eyes_closed_for_long_or_throughout_are_no_blink_and_are_counted():
    assert closures(lids((20, 13))).blinks == 0 and closures(lids((20, 13))).long == 1
    assert closures(lids((20, 12))).blinks == 1
    assert closures(lids(openness=0.05)) == (0, 0, 0, 0.0, 3.96)


def test_a_flutter_is_one_blink_and_two_are_two():
    assert closures(lids((20, 2), (24, 2)))[:4] == (1, 0, 1, 6 / 25)
    assert closures(lids((20, 2), (25, 2))).blinks == 2


def test_only_what_begins_in_sight_is_counted_and_only_whole_ones_have_a_length():
    assert closures(lids((0, 4))).blinks == 0
    at_the_end = closures(lids((97, 3)))
    assert (at_the_end.blinks, at_the_end.whole) == (1, 0)
    unseen = np.ones(100, bool)
    unseen[48:52] = False
    assert closures(lids((46, 4), valid=unseen))[:3] == (1, 0, 0)
    assert closures(lids((52, 4), valid=unseen))[:3] == (0, 0, 0)
    assert closures(lids(valid=unseen)).seconds == pytest.approx((47 + 47) / 25)


def test_one_eye_alone_is_a_wink():
    cues = lids((20, 4))
    cues.openness[:, 1] = 0.3
    assert closures(cues).blinks == 0


def test_details_give_the_counts_of_both_sides_and_few_blinks_are_flagged():
    found = BlinkRate().estimate(collected(BlinkRate(), [clip(lids((20, 4)), real=lids((5, 3), (40, 3)))]), 0)
    assert found.details["blinks"] == 1 and found.details["blinks of the real clips"] == 2
    assert found.details["n_frames"] == round(25 * found.details["seconds"]) > 0
    assert found.flags == ("few-blinks",)


def test_parts_and_order():
    pairs = [clip(lids((20, 3 + i), frames=90 + i), f"c{i}", f"s{i % 2}") for i in range(6)]
    for metric in (BlinkRate(), BlinkDuration()):
        clips = collected(metric, pairs)
        mask = np.array([True, False, True, True, False, True])
        assert metric.estimate(clips, 0).statistic(mask) == metric.estimate(clips[::-1], 0).statistic(mask[::-1])
        assert isinstance(metric, SetMetric)


def test_a_video_without_a_face_is_named():
    with pytest.raises(Unscorable) as nothing:
        BlinkRate().collect(clip(Cues.empty(50)))
    assert nothing.value.reason == Reason.NO_FACE

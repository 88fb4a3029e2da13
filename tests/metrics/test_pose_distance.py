"""Pose-W1 and Pose2-W1: distributions only, centred per speaker, 0 where both sides are one, honest about what it cannot know."""

import json
import time

import numpy as np
import pytest
from posed_face import collected, face_at, row, seen, sway

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import SetMetric
from bench.contract.seen import Pair
from metrics.pose_distance import AngleSamples, PoseW1, wasserstein1
from metrics.pose_second_opinion import PoseSecondOpinion, rank_correlation

REST = np.array([[-4.0, 2, 0], [5, -3, 1], [0, 8, -2], [1, 1, 4]])


def acted(s, e, take, sd=2.0, side=0):
    return REST[s] + [3.0 * e, 0, 0] + sway(40, sd, seed=1000 * side + 100 * s + 10 * e + take)


def estimate(pairs, seed=0):
    clips = collected(PoseW1(), pairs)
    found = PoseW1().estimate(clips, seed)
    return found, found.statistic(np.ones(len(clips), bool))


def test_wasserstein_against_scipy_is_the_reference(tolerance):
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(0)
    worst = 0.0
    for n, m in ((1, 1), (5, 9), (400, 700)):
        x, y, p, q = rng.normal(0, 3, n), rng.normal(1, 2, m).round(1), rng.random(n) + 0.1, rng.random(m) + 0.1
        worst = max(worst, abs(wasserstein1(x, y, p, q) - wasserstein_distance(x, y, p, q)))
    tolerance("Pose-W1", "scipy.stats.wasserstein_distance", "weighted samples of 1 to 700", worst, 1e-12, "deg")


def test_the_uncorrected_value_is_the_mean_over_emotions_and_axes_of_the_reference(tolerance):
    from scipy.stats import wasserstein_distance

    pairs = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t, 4.0, 1))))
    clips = collected(PoseW1(), pairs)
    sides = {}
    for name in ("real", "generated"):
        centre = {
            s: np.mean([c.arrays[name].astype(float).mean(0) for c in clips if c.labels.speaker == s], 0)
            for s in ("s0", "s1", "s2")
        }
        sides[name] = [(c.labels.emotion, c.arrays[name] - centre[c.labels.speaker]) for c in clips]
    cells = [
        wasserstein_distance(*(np.concatenate([a for m, a in sides[n] if m == e])[:, axis] for n in sides))
        for e in ("happy", "sad")
        for axis in range(3)
    ]
    difference = abs(estimate(pairs)[0].details["uncorrected"] - np.mean(cells))
    tolerance("Pose-W1", "scipy.stats.wasserstein_distance", "uncorrected value of 18 clips", difference, 1e-9, "deg")


def test_identical_videos_are_exactly_zero():
    found, value = estimate(row(lambda s, e, t: (face_at(acted(s, e, t)),) * 2))
    assert value == 0 and found.details["p"] == 1
    assert all(found.details[key] == 0 for key in ("uncorrected", "null", "pitch", "yaw", "roll", "uncentred"))


def test_two_draws_of_one_distribution_are_near_zero_and_a_wider_one_is_not():
    same, near = estimate(row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t, 2.0, 1))), takes=6))
    wide, far = estimate(row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t, 6.0, 1))), takes=6))
    assert abs(near) < 0.15 < 2 < far
    assert same.details["p"] > 0.05 > wide.details["p"]


def test_clips_of_one_speaker_and_emotion_in_each_others_place_are_zero_and_not_better_than_real():
    found, value = estimate(
        row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, 1 - t))), speakers=4, takes=2)
    )
    assert value == pytest.approx(0, abs=1e-9) and found.details["p"] == 1


def test_sides_can_be_swapped():
    pairs = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t, 5.0, 1))))
    swapped = [Pair(pair.generated, pair.reference) for pair in pairs]
    assert estimate(pairs)[1] == pytest.approx(estimate(swapped)[1], rel=1e-9)


def test_grows_with_the_amplitude():
    values = [
        estimate(row(lambda s, e, t, sd=sd: (face_at(acted(s, e, t)), face_at(acted(s, e, t, sd)))))[1]
        for sd in (2, 4, 8)
    ]
    assert values[0] < values[1] < values[2]


def test_a_constant_of_the_person_does_not_count_and_is_seen_uncentred():
    lifted = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t) + [6, 0, 0])))
    found, value = estimate(lifted)
    assert value == pytest.approx(0, abs=1e-4)
    assert found.details["uncentred"] > 1


def test_what_differs_between_emotions_counts():
    flat = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, 0, t, 2.0, 1))))
    found, value = estimate(flat)
    assert value > 0.2 and found.details["pitch"] > 0.8 > 0.3 > abs(found.details["yaw"])


def test_a_true_difference_is_not_part_of_its_own_null():
    apart = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t) + [8 * e - 4, 0, 0])), takes=4)
    assert estimate(apart)[0].details["pitch"] == pytest.approx(4.0, abs=0.4)


def test_the_order_of_frames_and_of_clips_does_not_matter():
    rng = np.random.default_rng(5)

    def shuffled(s, e, t):
        angles = acted(s, e, t, 4.0, 1)
        return face_at(acted(s, e, t)), face_at(angles[rng.permutation(len(angles))])

    in_order = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t, 4.0, 1))))
    value = estimate(in_order)[1]
    assert estimate(row(shuffled))[1] == pytest.approx(value, abs=1e-9)
    clips = collected(PoseW1(), in_order)
    order = rng.permutation(len(clips))
    mask = np.arange(len(clips)) % 5 > 0
    first, again = PoseW1().estimate(clips, 3), PoseW1().estimate([clips[i] for i in order], 3)
    assert first.statistic(mask) == again.statistic(mask[order])
    assert first.details == again.details and first.figure == again.figure


def test_parts_keep_the_centres_of_the_whole_and_too_small_ones_are_nan():
    pairs = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t) + [8 * e - 4, 0, 0])), takes=4)
    clips = collected(PoseW1(), pairs)
    found = PoseW1().estimate(clips, 0)
    happy = np.array([clip.labels.emotion == "happy" for clip in clips])
    assert found.statistic(happy) == pytest.approx(4 / 3, abs=0.2)
    assert np.isnan(found.statistic(np.arange(len(clips)) == 0))


def test_frames_without_a_face_are_left_out():
    gone = np.ones(40, bool)
    gone[10:20] = False

    def make(s, e, t):
        return face_at(acted(s, e, t)), face_at(acted(s, e, t, 4.0, 1), valid=gone)

    def cut(s, e, t):
        return face_at(acted(s, e, t)), face_at(acted(s, e, t, 4.0, 1)[gone])

    kept = [{**c.arrays} for c in collected(PoseW1(), row(make))]
    assert all(np.isnan(c["generated"]).any(-1).sum() == 10 for c in kept)
    assert estimate(row(make))[0].details["frames"] == 18 * 40
    assert estimate(row(make))[0].details["n_frames"] == 18 * 30
    # the common beginning of the cut one is shorter, so only the generated side is compared
    assert np.allclose(
        AngleSamples(None, [], [c["generated"][gone] for c in kept]).generated,
        [c.arrays["generated"] for c in collected(PoseW1(), row(cut))],
        atol=1e-5,
    )
    with pytest.raises(Unscorable) as nothing:
        PoseW1().collect(Pair(seen(face_at(sway(40))), seen(Cues.empty(40))))
    assert nothing.value.reason == Reason.NO_FACE


def test_one_clip_per_emotion_is_pooled_and_flagged_and_one_clip_in_all_refused():
    pairs = row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(acted(s, e, t, 4.0, 1))), ("a", "b", "c"), 1, 1)
    found, value = estimate(pairs)
    assert {"emotions-pooled", "small-sample"} <= set(found.flags) and np.isfinite(value)
    assert found.details["floor across speakers"] is None and "one speaker only" in found.details["floors"]
    with pytest.raises(Unscorable) as one:
        estimate(pairs[:1])
    assert one.value.reason == Reason.TOO_FEW_CLIPS


def test_identical_clips_throughout_have_a_value():
    still = face_at(np.zeros((20, 3)))
    assert estimate(row(lambda s, e, t: (still, still)))[1] == 0


def test_floors_say_what_real_clips_differ_by():
    narrow = row(lambda s, e, t: (face_at(acted(s, e, t, 1.0 + 6 * (s == 0))),) * 2, speakers=4, takes=4)
    details = estimate(narrow)[0].details
    assert 0 < details["floor within speakers"] < details["floor across speakers"]
    assert len(narrow) < details["effective frames"] <= details["frames"]
    held = row(lambda s, e, t: (face_at(acted(s, e, t, 0.1) + t),) * 2, speakers=4, takes=4)
    assert estimate(held)[0].details["effective frames"] < 2 * len(held)


def test_the_figure_is_small_json_with_the_numbers_of_both_sides():
    found, _ = estimate(row(lambda s, e, t: (face_at(acted(s, e, t)), face_at(2 * sway(40, 2.0, t)))))
    document = json.loads(json.dumps(found.figure))
    assert [(c["emotion"], c["axis"]) for c in document["cells"][:4]] == [
        ("happy", "pitch"), ("happy", "yaw"), ("happy", "roll"), ("sad", "pitch"),
    ]  # fmt: skip
    cell = document["cells"][0]
    assert cell["generated"]["spread"] == pytest.approx(4.0, rel=0.05) and cell["generated"]["speed"] > 0
    assert sum(cell["real"]["histogram"]) == pytest.approx(1, abs=1e-3)
    assert len(cell["real"]["spectrum"]) == len(document["bands_hz"]) - 1
    assert cell["real"]["mean"] == pytest.approx(REST[:3, 0].mean(), abs=0.01)


def test_asking_for_parts_is_cheap():
    def make(s, e, t):
        return face_at(acted(s % 4, e, t)), face_at(acted(s % 4, e, t, 4.0, 1))

    clips = collected(PoseW1(), row(make, tuple("abcdefgh"), 6, 4))
    found = PoseW1().estimate(clips, 0)
    found.statistic(np.ones(192, bool))
    started = time.process_time()
    found.statistic(np.arange(192) >= 32)
    assert time.process_time() - started < 0.5


def second(noise, rng):
    """Pairs whose other estimator reads the angles with this much noise."""

    def make(s, e, t):
        return face_at(acted(s, e, t)), face_at(acted(s, e, t, 4.0, 1))

    frames = np.array([4, 12, 20, 28, 36])
    pairs = []
    for pair in row(make):
        sides = []
        for side, angles in zip((pair.reference, pair.generated), (0, 1), strict=True):
            s, e, t = (int(x) for x in (side.labels.speaker[1:], side.labels.emotion == "sad", side.labels.clip_id[-1]))
            true = acted(s, e, t, 4.0 if angles else 2.0, angles)[frames]
            read = {"angles": (true + rng.normal(0, noise, (5, 3))).astype(np.float32), "frames": frames}
            sides.append(seen(side.cues, side.labels.clip_id, *_names(side), features={"head_pose_6drepnet": read}))
        pairs.append(Pair(*sides))
    return pairs


def _names(side):
    return side.labels.speaker, side.labels.emotion


def test_the_second_opinion_agrees_where_both_read_the_same_and_says_so_where_not():
    metric, rng = PoseSecondOpinion(), np.random.default_rng(0)
    agreeing = metric.estimate(collected(metric, second(0.0, rng)), 0)
    assert agreeing.details["Spearman pitch, generated"] == pytest.approx(1, abs=1e-3)
    assert "estimators-disagree" not in agreeing.flags
    doubtful = metric.estimate(collected(metric, second(40.0, rng)), 0)
    assert "estimators-disagree" in doubtful.flags


def test_rank_correlation_is_scipys_spearman_the_reference(tolerance):
    from scipy.stats import spearmanr

    rng = np.random.default_rng(1)
    x = rng.normal(size=200).round(1)
    y = x + rng.normal(size=200).round(1)
    difference = abs(rank_correlation(x, y) - spearmanr(x, y).statistic)
    tolerance("Pose2-W1", "scipy.stats.spearmanr", "rank agreement with ties", difference, 1e-12)
    assert rank_correlation(np.ones(5), np.arange(5.0)) is None


def test_kinds():
    assert isinstance(PoseW1(), SetMetric) and isinstance(PoseSecondOpinion(), SetMetric)

"""The judges of the difficulty probes find what is there, on speakers they have not seen, and call nothing chance."""

import numpy as np
import pytest

from bench.data.puppet.difficulty import judge
from bench.data.puppet.difficulty.judge import Verdict, against_chance, auc, folds, judged, scores, shrunk_covariance


@pytest.fixture
def world():
    """16 speakers x 8 emotions x 6 clips: emotion, level and speaker as numbers."""
    speaker, emotion, clip = (a.ravel() for a in np.meshgrid(np.arange(16), np.arange(8), np.arange(6), indexing="ij"))
    return emotion, 1 + clip % 3, speaker


def test_speakers_are_never_on_both_sides_and_both_sexes_are_in_every_fold(world):
    _, _, speaker = world
    fold = folds(speaker)
    for f in np.unique(fold):
        assert not set(speaker[fold == f]) & set(speaker[fold != f])
        assert set(speaker[fold == f] % 2) == {0, 1}


def test_a_judge_reads_what_depends_on_the_emotion_and_nothing_else(world):
    emotion, level, speaker = world
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((len(emotion), 8))
    signal = noise + 3.0 * np.eye(8)[emotion]
    own = rng.standard_normal((16, 8))[speaker] * 5
    assert judged(signal, emotion, level, speaker).accuracy()[0] > 0.85
    assert judged(noise, emotion, level, speaker).accuracy()[0] < 0.20
    assert judged(own, emotion, level, speaker).accuracy()[0] < 0.20  # a speaker seen in training would give it away


def test_scale_and_offset_of_the_numbers_do_not_matter(world):
    emotion, _, speaker = world
    x = np.random.default_rng(1).standard_normal((len(emotion), 5)) + np.eye(8)[emotion][:, :5]
    fold = folds(speaker)
    moved = x * np.array([1e3, 1e-3, 7.0, 1.0, -2.0]) + np.array([5.0, -3.0, 0.0, 100.0, 1.0])
    np.testing.assert_array_equal(scores(x, emotion, fold).argmax(1), scores(moved, emotion, fold).argmax(1))


def test_shrinkage_lies_between_the_sample_and_the_identity():
    rng = np.random.default_rng(2)
    few, many = rng.standard_normal((12, 40)), rng.standard_normal((20_000, 4)) @ np.diag([1.0, 2.0, 3.0, 4.0])
    assert np.linalg.cond(shrunk_covariance(few)) < 100  # the sample itself has no inverse
    one_line = np.array([[1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]] * 2)  # backgrounds of two speakers, about their mean
    assert np.isfinite(np.linalg.inv(shrunk_covariance(one_line))).all()
    np.testing.assert_allclose(shrunk_covariance(many), many.T @ many / len(many), rtol=0.02, atol=0.02)


def test_auc_is_the_share_of_pairs_in_order():
    assert auc(np.array([0, 0, 1, 1]), np.array([1, 2, 3, 4])) == 1.0
    assert auc(np.array([1, 0, 1, 0]), np.array([1, 1, 1, 1])) == 0.5
    rng = np.random.default_rng(3)
    truth, score = rng.integers(0, 2, 40), rng.integers(0, 6, 40)
    pairs = [(a > b) + 0.5 * (a == b) for a in score[truth == 1] for b in score[truth == 0]]
    assert auc(truth, score) == pytest.approx(np.mean(pairs))


def test_a_verdict_counts_by_row_and_its_interval_holds_the_mean():
    emotion, said = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 1, 1, 2, 0])
    verdict = Verdict(emotion, said, np.ones(6, int), np.array([0, 0, 1, 1, 2, 2]))
    assert verdict.confusion().tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    accuracy, low, high = verdict.accuracy()
    assert accuracy == pytest.approx(4 / 6)
    assert low < accuracy < high
    assert Verdict(emotion, emotion, np.ones(6, int), emotion).accuracy() == (1.0, 1.0, 1.0)
    assert verdict.macro_f1() == pytest.approx(np.mean([1 / 2, 4 / 5, 2 / 3]))


def test_permutation_calls_a_leak_a_leak_and_noise_noise(world):
    emotion, _, speaker = world
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((len(emotion), 1)) + 10 * speaker[:, None]
    leak = noise + 1.5 * (emotion == 3)[:, None]
    constant = speaker[:, None] * 0.1
    found = against_chance(leak, emotion, speaker)
    assert max(found.p, found.p_means) < 0.01
    nothing = against_chance(noise, emotion, speaker)
    assert min(nothing.p, nothing.p_means) > 0.05
    still = against_chance(constant, emotion, speaker)
    assert still.p == still.p_means == 1.0
    assert still.seen == 0


def test_a_leak_as_large_as_said_is_found_four_times_in_five(world, monkeypatch):
    """`seen` is a rise of accuracy: larger leaks are found in most worlds, much smaller ones are not."""
    monkeypatch.setattr(judge, "PERMUTATIONS", 60)
    emotion, _, speaker = world
    rng = np.random.default_rng(5)
    step = np.linspace(-1.5, 1.5, 8)[emotion]

    def found(strength: float) -> tuple[float, float, float]:
        """Mean rise of accuracy, mean of what is said to be seen, share found, over 12 worlds."""
        runs = [
            against_chance(rng.standard_normal((len(emotion), 1)) + strength * step[:, None], emotion, speaker, i)
            for i in range(12)
        ]
        return tuple(np.mean([(c.accuracy - c.null, c.seen, c.p < 0.05) for c in runs], axis=0))

    rise, seen, share = found(0.4)
    assert rise > seen
    assert share > 0.7
    rise, seen, share = found(0.05)
    assert rise < seen
    assert share < 0.6


def test_an_emotion_with_few_clips_counts_as_much_as_the_others(world):
    emotion, _, speaker = world
    keep = (emotion > 0) | (np.arange(len(emotion)) % 6 == 0)  # a sixth of the first emotion's clips is left
    x = np.random.default_rng(6).standard_normal((len(emotion), 1))
    assert against_chance(x[keep], emotion[keep], speaker[keep]).null == pytest.approx(1 / 8, abs=0.004)

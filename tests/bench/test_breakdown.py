"""A result seen closer: groups, quartiles, worst clips, and which clips are shown first."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.breakdown import breakdown, distributions, showcase
from bench.contract.clip import EMOTIONS
from bench.contract.metric import Direction
from bench.contract.result import CLIP_COLUMNS
from metrics.statistics import new_speakers

SSIM = SimpleNamespace(name="SSIM", direction=Direction.HIGHER)


def table(rows, metric="SSIM", truth=None):
    """rows: (clip, speaker, emotion, level, value, status); `truth` the real clips' own value."""
    lines = [("d", "s", c, who, e, level, "m", "p", metric, v, truth, status, None if v is not None else "no-face", 50)
             for c, who, e, level, v, status in rows]  # fmt: skip
    return pd.DataFrame(lines, columns=list(CLIP_COLUMNS)).astype(CLIP_COLUMNS)


def many(seed=0, speakers=6):
    rng = np.random.default_rng(seed)
    return [
        (f"{s}-{e}-{t}", f"s{s}", e, 1 + (s + t) % 3, float(rng.uniform()), "ok")
        for s in range(speakers)
        for e in ("happy", "sad")
        for t in range(2)
    ]


def groups(rows, metric=SSIM):
    return {(g.by, g.group): g for g in breakdown(table(rows), [metric])}


def test_a_group_is_the_mean_of_its_clips_with_students_t_on_its_speakers():
    rows = many()
    found = groups(rows)["emotion", "happy"]
    mine = [row for row in rows if row[2] == "happy"]
    values, speakers = np.array([r[4] for r in mine]), np.array([r[1] for r in mine])
    assert found.value == pytest.approx(values.mean())
    assert found.interval == new_speakers(values, speakers)
    assert (found.n_clips, found.n_speakers, found.n_expected) == (12, 6, 12)


def test_emotions_and_levels_each_part_all_clips():
    found = groups(many())
    for by, names in (("emotion", {"happy", "sad"}), ("level", {"1", "2", "3"})):
        mine = {name: g for (kind, name), g in found.items() if kind == by}
        assert set(mine) == names and sum(g.n_clips for g in mine.values()) == 24


def test_two_speakers_have_a_value_and_the_reason_for_no_interval():
    found = groups(many(speakers=2))["emotion", "sad"]
    assert found.value is not None
    assert found.interval.low is None and "3 are needed" in found.interval.reason


def test_clips_without_a_level_are_a_group_of_their_own():
    rows = [("a", "s1", "happy", None, 0.5, "ok"), ("b", "s2", "happy", 2, 0.7, "ok")]
    assert {g for by, g in groups(rows) if by == "level"} == {"2", "none"}


def test_what_is_missing_is_null_with_a_reason_and_what_is_not_applicable_is_no_group():
    rows = [
        ("a", "s1", "happy", 1, None, "null"),
        ("b", "s2", "sad", 2, None, "n/a"),
        ("c", "s3", "fear", 3, 0.2, "static"),
    ]
    found = groups(rows)
    assert found["emotion", "happy"].value is None and found["emotion", "happy"].reason == "no-face"
    assert found["emotion", "happy"].interval is None
    assert ("emotion", "sad") not in found and ("level", "2") not in found
    assert found["emotion", "fear"].n_substituted == 1


@settings(deadline=None, max_examples=8)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(random):
    rows = many()
    mixed = random.sample(rows, len(rows))
    assert breakdown(table(mixed), [SSIM]) == breakdown(table(rows), [SSIM])
    assert distributions(table(mixed), [SSIM]) == distributions(table(rows), [SSIM])


def test_quartiles_are_those_of_the_scored_clips():
    values = [0.0, 1.0, 2.0, 3.0, 10.0]
    rows = [(f"c{k}", "s", "happy", 1, v, "ok") for k, v in enumerate(values)] + [
        ("x", "s", "sad", 1, None, "excluded")
    ]
    [found] = distributions(table(rows), [SSIM])
    five = (found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum)
    assert five == (0.0, 1.0, 2.0, 3.0, 10.0) and found.n_clips == 5


@pytest.mark.parametrize(
    ("direction", "worst"),
    [
        (Direction.HIGHER, ["a", "b", "c"]),
        (Direction.LOWER, ["d", "c", "b"]),
        (Direction.ZERO, ["a", "d", "b"]),
        (Direction.MATCH, []),
    ],
)
def test_the_worst_clips_are_those_farthest_on_the_bad_side(direction, worst):
    rows = [(n, "s", "happy", 1, v, "ok") for n, v in zip("abcd", (-5.0, -2.0, 1.0, 4.0), strict=True)]
    [found] = distributions(table(rows), [SimpleNamespace(name="SSIM", direction=direction)])
    assert [w.clip_id for w in found.worst] == worst


def test_beside_a_truth_the_worst_clips_are_those_farthest_from_it():
    rows = [(f"c{k}", "s", "sad", 1, v, "ok") for k, v in enumerate((1.0, 4.0, 5.0, 5.5))]
    metric = SimpleNamespace(name="SSIM", direction=Direction.MATCH)
    (found,) = distributions(table(rows, truth=5.0), [metric])
    assert [w.clip_id for w in found.worst] == ["c0", "c1", "c3"]


def test_where_all_clips_are_equal_none_is_the_worst():
    rows = [("a", "s", "happy", 1, 0.5, "ok"), ("b", "s", "sad", 1, 0.5, "ok")]
    assert distributions(table(rows), [SSIM])[0].worst == []


def test_a_metric_without_a_value_has_no_distribution():
    assert distributions(table([("a", "s", "happy", 1, None, "null")]), [SSIM]) == []


def clip(speaker, emotion, level=3, take=1):
    return SimpleNamespace(clip_id=f"{speaker}_{emotion}_{level}_{take}", speaker=speaker, emotion=emotion, level=level)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(EMOTIONS), st.integers(1, 3)), min_size=1, unique=True))
def test_the_showcase_differs_in_emotion_and_speaker_as_far_as_it_can(found):
    clips = [clip(f"s{s}", e, level) for s, e, level in found]
    shown = showcase(clips)
    assert len(shown) == len(set(shown)) == min(6, len(clips))
    assert shown == showcase(clips[::-1])


def test_six_emotions_of_six_speakers_are_found_where_only_one_choice_of_speakers_does_it():
    pairs = [("s1", "happy"), ("s2", "angry"), ("s3", "sad"), ("s4", "surprised"), ("s5", "fear"), ("s6", "disgusted")]
    # greedy choices would take s1 for every emotion
    clips = (
        [clip(*pair) for pair in pairs] + [clip("s1", e) for _, e in pairs[1:]] + [clip("s2", e) for _, e in pairs[2:]]
    )
    shown = showcase(clips)
    assert {(c.speaker, c.emotion) for c in clips if c.clip_id in shown} == set(pairs)


def test_the_strongest_level_is_shown():
    assert showcase([clip("s", "happy", 1), clip("s", "happy", 3)], count=1) == ["s_happy_3_1"]

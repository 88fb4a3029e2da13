"""Scores: the reference's own, to the last bit; the corrected ones, without its defects."""

import re
from pathlib import Path

import numpy as np
import pytest
import syncnet_case

from bench.contract.errors import Reason, Unscorable
from metrics.syncnet import modes
from metrics.syncnet.distances import lag_distances

PACKAGE = "syncnet-python 0.2.3"


def like_sound(windows, late, seed=0):
    """Picture and sound embeddings that agree when the sound is heard `late` frames later; every window is real."""
    rng = np.random.default_rng(seed)
    long = rng.normal(size=(windows + 40, 32))
    return long[20 : 20 + windows], long[20 - late : 20 - late + windows] + 0.1


@pytest.mark.parametrize("windows", syncnet_case.POST_WINDOWS)
def test_post_processing_of_given_embeddings_has_parity_with_the_reference(windows, golden, tolerance):
    ours = modes.reference(*syncnet_case.made_up(windows))
    offset, confidence, distance = golden[f"post/{windows}"]
    tolerance("LSE post-processing", PACKAGE, "offset, 1 to 295 windows", abs(ours.offset - offset), 0, "frames")
    tolerance("LSE post-processing", PACKAGE, "LSE-D, relative", abs(ours.distance / distance - 1), 1e-6)
    tolerance("LSE post-processing", PACKAGE, "LSE-C, over LSE-D", abs(ours.confidence - confidence) / distance, 1e-6)


def test_reference_scores_are_those_of_the_plain_zero_padded_curve():
    visual, audio = like_sound(60, late=4)
    ours, (curve, _) = modes.reference(visual, audio), lag_distances(visual, audio, masked=False)
    assert ours.distance == pytest.approx(curve.min(), rel=1e-5) and ours.offset == -4
    assert ours.distance_at_zero == pytest.approx(curve[15], rel=1e-5)
    assert ours.confidence == pytest.approx(np.median(curve) - curve.min(), rel=1e-4)


@pytest.mark.parametrize("late", [-12, 0, 5])
def test_corrected_scores_find_the_shift_and_its_cost_at_zero(late):
    found = modes.corrected(*like_sound(60, late))
    assert found.offset == -late
    assert found.distance < 1 < found.confidence
    assert (found.distance_at_zero > found.distance) == (late != 0)


def test_corrected_scores_do_not_depend_on_clip_length_where_the_reference_s_do():
    """Sound of small norm: zero vectors are nearer than wrong sound, and the shorter the clip the more there are."""
    rng = np.random.default_rng(1)
    visual, audio = rng.normal(size=(2, 300, 1024)) + [[[0.0]], [[3.0]]]
    spread = {}
    for function in (modes.corrected, modes.reference):
        confidences = [function(visual[:n], audio[:n]).confidence for n in (25, 50, 100, 300)]
        spread[function.__name__] = np.ptp(confidences)
    assert spread["corrected"] < 1 < 10 < spread["reference"]


def test_the_sign_of_an_offset_survives_where_zero_padding_moves_it_to_the_edge():
    visual, audio = like_sound(25, late=3)
    audio = audio + 5  # zero vectors lie nearer than any sound
    assert modes.corrected(visual, audio).offset == -3
    assert abs(modes.reference(visual, audio).offset) == 15


def test_corrected_takes_unequal_lengths_and_leaves_unseen_windows_out():
    visual, audio = like_sound(60, late=2)
    visual = visual.copy()
    visual[20:40] = np.nan
    found = modes.corrected(visual, audio[:58])
    assert found.offset == -2 and found.windows == 40


@pytest.mark.parametrize("windows", [1, 10, 18])
def test_a_clip_too_short_for_every_lag_has_a_reason(windows):
    with pytest.raises(Unscorable) as error:
        modes.corrected(*like_sound(windows, late=0))
    assert error.value.reason == Reason.WINDOW_TOO_SHORT


def test_one_second_is_long_enough():
    visual, audio = like_sound(21, late=1)
    assert modes.corrected(visual, audio[:20]).offset == -1


def test_a_video_without_a_seen_face_in_enough_windows_has_a_reason():
    visual, audio = like_sound(60, late=0)
    with pytest.raises(Unscorable, match="scarcest has 0"):
        modes.corrected(np.full_like(visual, np.nan), audio)


def test_scores_of_tracks_are_the_mean_of_each_alone():
    parts = [like_sound(40, 1), like_sound(70, 3, seed=1)]
    visual, audio = (np.concatenate(side) for side in zip(*parts, strict=True))
    both = modes.reference_of_tracks(visual, audio, np.array([[0, 40], [40, 110]]))
    each = [modes.reference(*part) for part in parts]
    assert both.offset == -2 and both.windows == 110
    assert both.distance == pytest.approx(np.mean([one.distance for one in each]))


@pytest.mark.parametrize(
    ("pictures", "samples", "windows"), [(25, 16_000, 20), (25, 12_800, 15), (20, 99_999, 15), (5, 16_000, 0)]
)
def test_the_reference_drops_the_last_window_and_cuts_to_the_shorter_side(pictures, samples, windows):
    assert modes.reference_windows(pictures, samples) == windows


def test_share_of_zero_vectors_is_what_padding_makes():
    for pictures in (6, 16, 25, 60, 300):
        windows = pictures - 5
        padded = np.r_[np.zeros(15, bool), np.ones(windows, bool), np.zeros(15, bool)]
        zeros = np.mean([~padded[i : i + 31] for i in range(windows)])
        assert modes.zero_share(pictures) == pytest.approx(zeros)
    assert np.isnan(modes.zero_share(5))


def test_the_table_of_zero_vectors_in_the_docs_is_what_the_function_says():
    page = (Path(__file__).resolve().parents[3] / "docs" / "metrics-syncnet.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [\d.]+ \| ([\d.]+) \|$", page, re.MULTILINE)
    assert len(rows) == 7
    assert [f"{100 * modes.zero_share(int(frames)):.1f}" for frames, _ in rows] == [share for _, share in rows]

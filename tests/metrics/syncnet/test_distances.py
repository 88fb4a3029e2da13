"""Distances by lag: known shifts, signs, masks."""

import numpy as np
import pytest

from metrics.syncnet import distances as d


def embeddings(windows, dimensions=16, seed=0):
    return np.random.default_rng(seed).normal(size=(windows, dimensions))


def late_sound(visual, frames):
    """The sound of each moment comes `frames` frames later (earlier if negative); noise where nothing came."""
    audio = embeddings(len(visual), visual.shape[1], seed=1)
    source = np.arange(len(visual)) - frames
    there = (source >= 0) & (source < len(visual))
    audio[there] = visual[source[there]]
    return audio


def test_equal_streams_have_distance_zero_at_lag_zero_and_a_full_count():
    visual = embeddings(40)
    curve, counts = d.lag_distances(visual, visual)
    assert curve[15] == 0 and (np.delete(curve, 15) > 1).all()
    assert d.offset(curve) == 0
    assert counts.tolist() == [40 - abs(lag) for lag in d.lags()]


@pytest.mark.parametrize("frames", [-15, -3, 0, 1, 7, 15])
@pytest.mark.parametrize("masked", [True, False])
def test_sound_late_by_n_frames_gives_offset_minus_n(frames, masked):
    visual = embeddings(60)
    curve, _ = d.lag_distances(visual, late_sound(visual, frames), masked=masked)
    assert d.lags()[np.argmin(curve)] == frames
    assert d.offset(curve) == -frames


def test_swapping_the_sides_mirrors_the_masked_curve_but_not_the_zero_padded_one():
    visual, audio = embeddings(30), embeddings(30, seed=2)
    there, counts = d.lag_distances(visual, audio)
    back, counts_back = d.lag_distances(audio, visual)
    np.testing.assert_allclose(there, back[::-1], rtol=1e-13)
    assert (counts == counts_back[::-1]).all()
    padded, padded_back = (d.lag_distances(*sides, masked=False)[0] for sides in ((visual, audio), (audio, visual)))
    assert np.abs(padded - padded_back[::-1]).max() > 1e-3


def test_masked_means_are_those_of_a_plain_loop_for_unequal_lengths():
    visual, audio = embeddings(9), embeddings(7, seed=3)
    curve, counts = d.lag_distances(visual, audio, max_lag=8)
    for lag, mean, count in zip(d.lags(8), curve, counts, strict=True):
        each = [np.linalg.norm(visual[i] - audio[i + lag]) for i in range(9) if 0 <= i + lag < 7]
        assert count == len(each)
        assert mean == pytest.approx(np.mean(each)) if each else np.isnan(mean)


def test_zero_padding_adds_the_norm_of_the_picture_where_there_is_no_sound():
    visual, audio = embeddings(20), embeddings(20, seed=4)
    padded, counts = d.lag_distances(visual, audio, masked=False)
    masked, pairs = d.lag_distances(visual, audio)
    lag = 6
    norms = np.linalg.norm(visual[20 - lag :], axis=1).sum()
    assert padded[15 + lag] == pytest.approx((masked[15 + lag] * pairs[15 + lag] + norms) / 20)
    assert (counts == 20).all()
    assert padded[15] == masked[15]


def test_zero_padding_of_a_clip_shorter_than_the_lag_range_is_all_zero_vectors_at_the_ends():
    visual = embeddings(4)
    curve, _ = d.lag_distances(visual, visual, masked=False)
    assert curve[0] == curve[-1] == pytest.approx(np.linalg.norm(visual, axis=1).mean())


def test_a_row_of_nan_is_absent_and_leaves_the_other_pairs_alone():
    visual, audio = embeddings(30), embeddings(30, seed=5)
    holes = visual.copy()
    holes[10:13] = np.nan
    curve, counts = d.lag_distances(holes, audio)
    assert counts[15] == 27 and np.isfinite(curve).all()
    kept = np.r_[0:10, 13:30]
    assert curve[15] == pytest.approx(np.linalg.norm(visual - audio, axis=1)[kept].mean())


def test_confidence_is_zero_for_a_flat_curve_and_grows_with_the_dip():
    flat = np.full(31, 7.0)
    assert d.confidence(flat) == 0
    dips = [np.where(d.lags() == 0, 7 - depth, flat) for depth in (1, 2)]
    assert d.confidence(dips[0]) == 1 < d.confidence(dips[1])


def test_lags_without_a_pair_are_nan_and_do_not_enter():
    curve, counts = d.lag_distances(embeddings(5), embeddings(5))
    assert np.isnan(curve[counts == 0]).all() and (counts == 0).any()
    assert d.offset(curve) == 0 and d.confidence(curve) > 0


@pytest.mark.parametrize("curve", [np.full(31, np.nan), np.zeros(30), np.zeros((31, 2))])
def test_curves_without_a_value_or_without_a_middle_are_refused(curve):
    for function in (d.offset, d.confidence):
        with pytest.raises(ValueError, match="odd number of distances"):
            function(curve)


def test_embeddings_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="embeddings"):
        d.lag_distances(embeddings(5, 4), embeddings(5, 6))
    with pytest.raises(ValueError, match="as many sound as picture"):
        d.lag_distances(embeddings(5), embeddings(6), masked=False)


def quiet_ends(seed, windows=50):
    """Picture and sound that have nothing to do with each other; the sound is silent for 12 windows at either end."""
    visual, audio = embeddings(windows, seed=seed), embeddings(windows, seed=seed + 1000) * 3
    audio[:12] = audio[-12:] = 0
    return visual, audio


def test_silent_ends_pull_the_best_plain_lag_to_zero_and_leave_the_centred_one_alone():
    pairs = [quiet_ends(seed) for seed in range(60)]
    plain = [d.offset(d.lag_distances(*pair)[0]) for pair in pairs]
    centred = [d.offset(d.centred_distances(*pair)) for pair in pairs]
    assert np.mean(np.abs(plain) <= 1) > 0.5  # chance: 3 of 31
    assert np.mean(np.abs(centred) <= 1) < 0.25
    assert len(set(centred)) > 15


@pytest.mark.parametrize("frames", [-15, -3, 0, 1, 15])
def test_the_centred_curve_finds_known_shifts(frames):
    visual = embeddings(60)
    assert d.offset(d.centred_distances(visual, late_sound(visual, frames))) == -frames


def test_the_centred_curve_is_blind_to_what_one_side_has_alone():
    visual, audio = embeddings(40), embeddings(38, seed=6)
    still = np.repeat(visual[:1], 40, 0)
    np.testing.assert_allclose(d.centred_distances(still, audio), 0, atol=1e-9)
    np.testing.assert_allclose(d.centred_distances(visual, audio), d.centred_distances(audio, visual)[::-1], atol=1e-9)


def test_windows_that_are_nan_do_not_enter_the_centred_curve():
    visual, audio = embeddings(40), embeddings(40, seed=7)
    holes = np.vstack([visual, np.full((5, 16), np.nan)])
    np.testing.assert_allclose(d.centred_distances(holes, audio), d.centred_distances(visual, audio), rtol=1e-9)
    assert np.isnan(d.centred_distances(visual[:3] * np.nan, audio)).all()

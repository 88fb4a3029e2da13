"""The matcher of the cohesion probe sees events that two cues share, and nothing where they share none; gaze has modes."""

import numpy as np
import pytest

from bench.data.puppet.difficulty.clips import Seen, Spot
from bench.data.puppet.difficulty.cohesion import matched
from bench.data.puppet.difficulty.modes import line_of_sight, modes

EMPTY = np.zeros(0, np.float32)


def clip(rng: np.random.Generator, shared: bool, frames: int = 50) -> Seen:
    """A clip whose head follows its gaze, or does not."""
    jumps = np.cumsum(rng.standard_normal((frames, 2)) * (rng.random((frames, 1)) < 0.1) * 8, axis=0)
    other = (
        jumps if shared else np.cumsum(rng.standard_normal((frames, 2)) * (rng.random((frames, 1)) < 0.1) * 8, axis=0)
    )
    pose = np.c_[other[:, 1], other[:, 0], np.zeros(frames)] * 0.5 + 0.2 * rng.standard_normal((frames, 3))
    gaze = np.repeat(jumps[:, None], 2, axis=1) + 0.2 * rng.standard_normal((frames, 2, 2))
    return Seen(rng.random((frames, 52)), pose, gaze, 0.3 + 0.01 * rng.standard_normal((frames, 2)), np.ones(frames, bool),
                EMPTY, EMPTY, EMPTY, 0, 0)  # fmt: skip


def auc_of(shared: bool, strangers: bool = False) -> float:
    rng = np.random.default_rng(0)
    wanted = [
        Spot(f"{'MW'[i % 2]}{301 + i // 2}", "sad", level, take)
        for i in range(8)
        for level in (1, 2, 3)
        for take in (1, 2)
    ]
    return matched(wanted, [clip(rng, shared) for _ in wanted], ("gaze",), strangers=strangers).auc


def test_shared_events_are_found_and_none_are_invented():
    assert auc_of(shared=True) > 0.9
    assert abs(auc_of(shared=False) - 0.5) < 0.2
    assert (
        abs(auc_of(shared=True, strangers=True) - 0.5) < 0.2
    )  # put together from three people: nothing is shared any more


def test_modes_are_the_places_looked_at():
    rng = np.random.default_rng(1)
    places, shares = np.array([[0.0, 0.0], [12.0, -3.0], [-6.0, 8.0]]), (0.5, 0.3, 0.2)
    sight = np.concatenate([p + rng.standard_normal((round(4000 * s), 2)) for p, s in zip(places, shares, strict=True)])
    found = modes(sight)
    assert len(found) == 3
    np.testing.assert_allclose([m[:2] for m in found], places, atol=1.0)
    np.testing.assert_allclose([m[2] for m in found], shares, atol=0.02)
    assert len(modes(places[1] + rng.standard_normal((3000, 2)))) == 1


def test_line_of_sight_adds_head_and_eyes():
    gaze = np.full((1, 2, 2), [5.0, -2.0])
    np.testing.assert_allclose(line_of_sight(gaze, np.zeros((1, 3))), [[5.0, -2.0]], atol=1e-9)
    assert line_of_sight(np.zeros((1, 2, 2)), np.array([[3.0, 7.0, 0.0]]))[0] == pytest.approx([7.0, 3.0], abs=0.1)

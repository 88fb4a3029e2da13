"""The frames that stand for a clip: evenly spread, each once, within the clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.extractors.sampling import spread_frames


@given(st.integers(1, 2000), st.integers(1, 40))
def test_frames_are_distinct_inside_the_clip_and_nearest_the_middles_of_equal_parts(frames, count):
    chosen = spread_frames(frames, count)
    assert (np.diff(chosen) > 0).all() and chosen[0] >= 0 and chosen[-1] < frames
    assert len(chosen) == min(frames, count)
    if frames >= count:
        middles = (np.arange(count) + 0.5) / count * frames
        assert (np.abs(chosen + 0.5 - middles) <= 0.5 + 1e-9).all()


def test_a_clip_of_fifty_frames_and_ten_places():
    assert spread_frames(50, 10).tolist() == [2, 7, 12, 17, 22, 27, 32, 37, 42, 47]


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        spread_frames(0, 10)

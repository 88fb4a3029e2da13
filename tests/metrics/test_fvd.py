"""FVD: the Frechet distance of FID on I3D logits, and its column."""

import numpy as np
import pytest
from feature_clips import feature_clips

from bench.contract.cues import Cues
from bench.contract.errors import Unscorable
from bench.contract.metric import SetMetric
from bench.contract.seen import Labels, Pair, Seen
from metrics.fid import frechet_distance
from metrics.fvd import FVD


def test_is_the_frechet_distance_of_all_runs_and_counts_them():
    clips = feature_clips(8, frames=2, shift=0.5)
    cell = FVD().estimate(clips, 0)
    sides = [np.concatenate([clip.arrays[side] for clip in clips]) for side in ("real", "generated")]
    assert cell.statistic(np.ones(8, bool)) == pytest.approx(frechet_distance(*sides), rel=1e-9)
    assert cell.details["n_runs"] == 16 and cell.flags == ("rank-deficient",)
    assert isinstance(FVD(), SetMetric)


def test_collects_both_sides_and_refuses_numbers_that_are_not_finite():
    labels = Labels("c", "d", "s", None, None)
    real, made = np.zeros((2, 4), np.float32), np.ones((2, 4), np.float32)
    sides = [Seen(labels, Cues.empty(32), {"i3d": {"logits": x}}) for x in (real, made)]
    assert (FVD().collect(Pair(*sides))["generated"] == 1).all()
    with pytest.raises(Unscorable):
        made[0, 0] = np.inf
        FVD().collect(Pair(*sides))

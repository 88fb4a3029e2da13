from pathlib import Path

import numpy as np
import pytest

from bench.data.puppet import measure
from bench.data.puppet.actions import ACTIONS


def test_conditions_cover_every_pose_gaze_and_action():
    performance, at = measure.conditions(np.random.default_rng(0))
    assert {tuple(p) for p in performance.pose[at["pose"]]} == set(measure.POSES)
    assert len({tuple(g[0]) for g in performance.gaze[at["gaze"]]}) == 25
    for name in measure.ANSWERS:
        moved = performance.actions[at[name]]
        assert (moved.max(1) == [0, 0.5, 1]).all(), name
    asked = {c for name in measure.ANSWERS for c in ([name] if name in ACTIONS else [f"{name}_left", f"{name}_right"])}
    assert set(ACTIONS) - asked == {"lips_part", "lip_close", "tongue"}


def test_slope_finds_gain_and_offset_and_leaves_out_gaps():
    truth = np.array([-2.0, -1, 0, 1, np.nan])
    seen = np.array([-1.0, 0, 1, 2, 99])
    assert measure.slope(truth, seen) == pytest.approx((1, 1, 1))
    assert measure.slope(truth, -0.5 * seen)[0] == pytest.approx(-0.5)


def test_the_page_names_every_action():
    page = (Path(__file__).parents[4] / "docs" / "puppet-faces.md").read_text()
    assert [name for name in ACTIONS if f"| `{name}` |" not in page] == []

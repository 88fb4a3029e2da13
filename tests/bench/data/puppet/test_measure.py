from pathlib import Path

import numpy as np
import pytest

from bench.contract.errors import UsageError
from bench.data.puppet import measure, measure_page
from bench.data.puppet.actions import ACTIONS

PAGE = Path(__file__).parents[4] / "docs" / "puppet-faces.md"


def test_conditions_cover_every_pose_gaze_and_action():
    performance, at = measure.conditions(np.random.default_rng(0))
    assert {tuple(p) for p in performance.pose[at["pose"]]} == set(measure.POSES)
    assert len({tuple(g[0]) for g in performance.gaze[at["gaze"]]}) == 25
    for name in measure.ANSWERS:
        moved = performance.actions[at[name]]
        assert (moved.max(1) == measure.LEVELS).all(), name
        assert set(np.flatnonzero(moved.any(0))) == set(measure.columns(name))
        assert not performance.pose[at[name]].any()
        assert not performance.gaze[at[name]].any()
    asked = {column for name in measure.ANSWERS for column in measure.columns(name)}
    assert {ACTIONS[i] for i in set(range(len(ACTIONS))) - asked} == set(measure_page.UNANSWERED)


def test_slope_finds_gain_and_offset_and_leaves_out_gaps():
    truth = np.array([-2.0, -1, 0, 1, np.nan])
    seen = np.array([-1.0, 0, 1, 2, 99])
    assert measure.slope(truth, seen) == pytest.approx((1, 1, 1))
    assert measure.slope(truth, -0.5 * seen)[0] == pytest.approx(-0.5)


def test_rising_means_never_a_clear_fall_and_an_end_above_the_start():
    rows = np.array(
        [[0, 0.1, 0.2, 0.3, 0.4], [0.2, 0.195, 0.3, 0.4, 0.5], [0, 0.3, 0.2, 0.4, 0.5], [0.1, 0.1, 0.1, 0.1, 0.1]]
    )
    assert measure.rises(rows).tolist() == [True, True, False, False]


def seen_of(people, swing):
    """What networks would have seen that read everything right, and whose scores rise by `swing`."""
    seen = measure.Seen(first_frame_seconds=0.5)
    for k in range(people):
        performance, at = measure.conditions(np.random.default_rng(k))
        seen.valid.append(np.ones(len(performance), bool))
        seen.marks.append(np.ones((len(performance), 478)))
        seen.pose.append(np.stack([performance.pose, performance.pose])[:, at["pose"]].astype(float))
        seen.gaze.append(np.stack([performance.gaze, performance.gaze])[:, at["gaze"]].astype(float))
        gap = [0.0 if a.get("jaw_open", 0) == 0 or "lip_close" in a else 12.0 for a in measure.LIPS]
        seen.gap.append(np.array([gap, gap]))
        for name in measure.ANSWERS:
            seen.answer[name].append(swing * np.array(measure.LEVELS))
            seen.reach[name].append(5.0)
        seen.frame_seconds.append(0.014)
        seen.setup_seconds.append(0.4)
    return seen


def test_right_readings_meet_every_wish_and_weak_ones_do_not():
    likeness = {"median_same": 0.8, "median_different": 0.4, "auc": 0.99, "auc_within_one_sex": 0.99}
    rows = measure_page.figures(seen_of(3, 0.5), likeness)
    assert {row.met for row in rows if row.wanted} == {True}
    weak = {
        row.name: row.met for row in measure_page.figures(seen_of(3, 0.1), {**likeness, "auc": 0.9}) if row.met is False
    }
    assert len(weak) == 2
    assert "ArcFace AUC, all pairs (pairs of one sex)" in weak
    # a figure that could not be measured is not met
    assert [row.met for row in measure_page.figures(seen_of(3, 0.5), None) if "ArcFace" in row.name] == [False]


def test_the_page_is_filled_between_its_marks_and_nowhere_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured: actions -->\nstale\n<!-- end -->\nafter\n")
    for _ in range(2):
        measure_page.fill(page, {"actions": measure_page.actions_table(seen_of(2, 0.5))})
    text = page.read_text()
    assert text.startswith("before\n<!-- measured: actions -->\n")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "stale" not in text
    assert "| 0.00 | 0.12 | 0.25 | 0.38 | 0.50 | 2/2 |" in text
    with pytest.raises(UsageError, match="measured: figures"):
        measure_page.fill(page, {"figures": ""})


def test_the_page_names_every_action_and_has_room_for_its_figures():
    text = PAGE.read_text()
    assert [name for name in ACTIONS if f"| `{name}` |" not in text] == []
    assert text.count("<!-- measured: ") == text.count("<!-- end -->") == 2

"""The extractor against rendered truth: signs, what worse pictures do, and a page whose numbers come back."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.contract.cues import FIELDS
from bench.extractor_error import floors, gaze, landmarks, pose
from bench.extractor_error.__main__ import DATA, main, write
from bench.extractor_error.conditions import AS_RENDERED, STORE, Condition
from bench.extractor_error.figures import Figure
from bench.extractor_error.readings import points_in_head, read
from bench.extractor_error.report import gather, measure, summarise
from bench.extractor_error.scenes import EXPRESSIONS, GAZES, JAW, PITCHES, POSES, clip_of, stills_of

ROOT = Path(__file__).resolve().parents[3]
CONDITIONS = (Condition("none", 0), STORE, Condition("size", 256), Condition("blur", 1), Condition("blur", 4))
PEOPLE, FRAMES = 2, 25


@pytest.fixture(scope="module")
def extract(face_weights):
    from metrics.extractors.face import FaceExtractor

    return FaceExtractor({"face_landmarker": face_weights})


@pytest.fixture(scope="module")
def gathered(extract):
    return gather(PEOPLE, FRAMES, CONDITIONS, extract)


@pytest.fixture(scope="module")
def report(gathered):
    return summarise(*gathered, tuple(c.name for c in CONDITIONS), lambda: 1.0)


@pytest.mark.parametrize(("axis", "low"), [("pitch", 0.75), ("yaw", 0.85), ("roll", 0.95)])
def test_head_pose_has_the_right_sign_and_scale(report, axis, low):
    row = report.pose_lines[axis]
    assert low < row["slope"].value < 1.15 and row["r"].value > 0.95 and abs(row["offset"].value) < 5


@pytest.mark.parametrize("eye", gaze.EYES)
@pytest.mark.parametrize(("axis", "low", "high"), [("yaw", 0.8, 1.4), ("pitch", 0.5, 1.3)])
def test_gaze_has_the_right_sign_and_scale(report, eye, axis, low, high):
    row = report.gaze_lines[f"{eye} {axis}"]
    assert low < row["slope"].value < high and row["r"].value > 0.8 and abs(row["offset"].value) < 10


@pytest.mark.parametrize("axis", gaze.AXES)
def test_turning_the_head_hardly_moves_the_gaze(report, axis):
    assert all(abs(report.turns[axis][eye].value) < 0.45 for eye in gaze.EYES)


def test_a_picture_at_its_own_size_is_read_as_if_nothing_was_done(report):
    for by_condition in (report.landmarks, report.pose, report.gaze, report.openness, report.blinks, report.found):
        assert repr(by_condition["256 px"]) == repr(by_condition[AS_RENDERED])


def test_blur_makes_landmarks_worse(report):
    for region in ("lips", "irises"):
        lost = [report.landmarks[c][region]["distance"].value for c in (AS_RENDERED, "blur 1 px", "blur 4 px")]
        assert lost[0] < lost[2] and lost[1] < lost[2], region
    shift = [report.floors[c]["M-LMD"].value for c in ("blur 1 px", "blur 4 px")]
    assert 0 < shift[0] < shift[1]


def test_a_clip_does_not_differ_from_itself(gathered):
    same = floors.floors(gathered[0], STORE.name)
    assert [same[name].value for name in floors.COLUMNS] == [0.0] * len(floors.COLUMNS)


def test_the_same_again_gives_the_same_numbers(gathered, extract):
    again = read(clip_of(0, FRAMES), CONDITIONS[:2], extract)
    for condition in CONDITIONS[:2]:
        one, other = again.cues[condition.name], gathered[0][0].cues[condition.name]
        assert all(np.array_equal(getattr(one, f), getattr(other, f), equal_nan=f != "valid") for f in FIELDS)
    assert landmarks.landmark_errors([again], AS_RENDERED) == landmarks.landmark_errors(gathered[0][:1], AS_RENDERED)


def test_an_estimate_that_is_the_truth_has_no_error(gathered):
    clip = gathered[0][0]
    cues = clip.cues[AS_RENDERED]
    depth = cues.landmarks[..., 2:]
    perfect = replace(cues, landmarks=np.concatenate([clip.truth.landmarks, depth], -1), gaze=clip.truth.gaze)
    clip = replace(clip, cues={AS_RENDERED: perfect})
    assert all(f.value == 0 for row in landmarks.landmark_errors([clip], AS_RENDERED).values() for f in row.values())
    assert all(row["within"].value == 0 == row["mean"].value for row in gaze.gaze_errors([clip], AS_RENDERED).values())


def test_true_points_are_those_of_the_renderer():
    scene = stills_of(0)
    held = scene.renderer
    few = [0, 20, -1]
    performance = replace(
        scene.performance, **{n: getattr(scene.performance, n)[few] for n in ("actions", "gaze", "pose", "position")}
    )
    found = points_in_head(held, performance)
    # turned and placed by the performance, they must be seen where the renderer says
    moved = replace(performance, pose=np.zeros((3, 3)), position=np.tile([0.7, -0.4, 2.0], (3, 1)))
    assert np.abs(points_in_head(held, moved) - found).max() < 1e-9
    own = np.stack(
        [
            held._skin(a, g)
            for a, g in zip(performance.actions.astype(float), performance.gaze.astype(float), strict=True)
        ]
    )
    for a, b in ((33, 133), (159, 145), (10, 152), (234, 454)):
        apart = [np.linalg.norm(points[:, a] - points[:, b], axis=-1) for points in (found, own)]
        np.testing.assert_allclose(apart[0], apart[1], atol=2e-3)


def test_stills_hold_every_condition_once():
    scene = stills_of(1)
    performance, parts = scene.performance, scene.parts
    assert np.array_equal(np.concatenate(list(parts.values())), np.arange(len(performance)))
    assert {tuple(p) for p in performance.pose[parts["pose"]]} == set(POSES)
    assert {tuple(g[0]) for g in performance.gaze[parts["gaze"]]} == set(GAZES)
    assert len(parts["jaw"]) == len(JAW) * len(PITCHES) and set(EXPRESSIONS) < set(parts)
    quiet = np.concatenate([parts["pose"], parts["gaze"]])
    assert not performance.actions[quiet].any() and all(performance.actions[parts[n]].any(1).all() for n in EXPRESSIONS)


def test_no_test_speaker_is_measured(report):
    assert all(name[1] == "3" for name in report.speakers) and len(set(report.speakers)) == PEOPLE
    assert {name[0] for name in report.speakers} == {"M", "W"}


def test_bins_are_twice_the_estimators_spread(report):
    for condition in report.conditions:
        for name, row in report.gaze[condition].items():
            widths = report.widths[condition][name.split()[1]]
            assert widths["centred"] >= 2 * row["within"].value
            assert widths["as estimated"] >= 2 * np.hypot(row["within"].value, row["across"].value)
    for how, axes in report.edges.items():
        for axis, edges in axes.items():
            width = np.diff(edges)
            assert (width == width[0]).all() and width[0] >= report.widths[report.bin_condition][axis][how]
            assert len(edges) % 2 == 0 and np.allclose(edges, -np.array(edges)[::-1])  # one bin looks straight ahead


def test_edges_reach_as_far_as_asked_and_not_further():
    assert gaze.bin_edges(5.2, 14) == [-15, -9, -3, 3, 9, 15]
    assert gaze.bin_edges(6, 3) == [-9, -3, 3, 9]  # never fewer than three


def test_page_figure_and_data_file_say_the_same(report, tmp_path):
    for name in ("one", "two"):
        write(report, tmp_path / name / "page.md", tmp_path / name / "error.toml", "python -m bench.extractor_error")
    text = (tmp_path / "one" / "page.md").read_text()
    data = tomllib.loads((tmp_path / "one" / "error.toml").read_text())
    assert [c for c in report.conditions if f"| {c} |" not in text] == []
    assert data["people"] == PEOPLE and list(data["conditions"]) == list(report.conditions)
    shown = report.gaze["blur 1 px"]["left yaw"]["within"]
    assert data["conditions"]["blur 1 px"]["gaze"]["left yaw"]["within"][0] == pytest.approx(shown.value, rel=1e-3)
    assert shown.text() in text and "nan" not in text
    assert data["gaze_bins"]["centred"]["yaw"] == report.edges["centred"]["yaw"]
    for file in ("page.md", "error.toml", "figures/page.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_shift_of_the_jaw_is_a_slope(gathered):
    rows = pose.expression_shifts(gathered[1], AS_RENDERED)
    assert set(rows) == {"jaw open", "jaw open, per 10 px of lip gap", *EXPRESSIONS}
    gap = [np.ptp(still.truth.lip_gap[still.parts["jaw"]]) for still in gathered[1]]
    ratio = rows["jaw open, per 10 px of lip gap"]["pitch"].value / rows["jaw open"]["pitch"].value
    assert ratio == pytest.approx(10 / np.mean(gap), rel=0.3)


def test_conditions_without_the_store_are_refused():
    with pytest.raises(ValueError, match="missing \\['CRF 12'\\]"):
        measure(2, 25, CONDITIONS[:1])


def test_too_few_frames_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--frames", "3"])
    assert "expected at least 1 person and 25 frames" in capsys.readouterr().err


def test_the_committed_data_file_is_of_this_version():
    from bench.data.puppet.version import PUPPET_VERSION
    from metrics.extractors.face import FaceExtractor

    data = tomllib.loads(DATA.read_text())
    assert (data["puppet_version"], data["extractor_version"]) == (PUPPET_VERSION, FaceExtractor.VERSION), data[
        "command"
    ]
    page = (ROOT / "docs" / "extractor-errors.md").read_text()
    within = data["conditions"]["CRF 18"]["gaze"]["left yaw"]["within"]
    assert Figure(*within, data["people"]).text() in page
    assert data["date"] in page and (ROOT / "docs" / "figures" / "extractor-errors.svg").exists()


def test_real_videos_are_read_without_truth(face_weights, tmp_path, capsys):
    from bench.data import media
    from bench.extractor_error.real_videos import main as real

    scene = stills_of(0)
    frames = list(
        scene.renderer.frames(replace(scene.performance, **{n: getattr(scene.performance, n)[:2] for n in FOUR}))
    )
    media.write_video(tmp_path / "a.mp4", [*frames, np.zeros_like(frames[0])])
    assert real([str(tmp_path)]) == 0
    assert "| a.mp4 | 3 | 2 |" in capsys.readouterr().out
    assert real([str(tmp_path / "none")]) == 3


FOUR = ("actions", "gaze", "pose", "position")

import subprocess
import sys

import numpy as np
import pytest

from bench.data.puppet.actions import ACTION_UNITS, ACTIONS
from bench.data.puppet.identity import HAIR_STYLES, Identity
from bench.data.puppet.render import HeadRenderer, Performance


@pytest.fixture(scope="module")
def head(face_weights):
    return HeadRenderer(Identity.from_seed(3, "F"))


def performance(frames=1, **values):
    """A performance at rest but for actions given by name and gaze, pose, position."""
    out = Performance.rest(frames)
    for name, value in values.items():
        if name in ("gaze", "pose", "position"):
            getattr(out, name)[:] = value
        else:
            out.actions[:, ACTIONS.index(name)] = value
    return out


def marks(head, **values):
    return head.landmarks(performance(**values))[0]


def test_interface():
    assert len(ACTIONS) == len(set(ACTIONS)) == len(ACTION_UNITS) == 25
    with pytest.raises(ValueError, match=r"performance\.gaze"):
        Performance(np.zeros((2, 25)), np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="finite"):
        performance(pose=np.nan).__post_init__()
    with pytest.raises(ValueError, match="sex"):
        Identity.from_seed(1, "X")


def test_pictures_are_bytes_of_the_right_shape_and_repeat_exactly(head, face_weights):
    wanted = performance(2, jaw_open=0.4, smile_left=0.6, gaze=[8.0, -5.0], pose=[5.0, -12.0, 4.0])
    first = list(head.frames(wanted))
    again = list(HeadRenderer(Identity.from_seed(3, "F")).frames(wanted))
    assert first[0].shape == (256, 256, 3)
    assert first[0].dtype == np.uint8
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert np.array_equal(first[0], first[1]), "a frame does not depend on the one before"


def test_another_process_makes_the_same_bytes(head, face_weights):
    code = (
        "import hashlib, sys\n"
        "from bench.data.puppet.identity import Identity\n"
        "from bench.data.puppet.render import HeadRenderer, Performance\n"
        "p = Performance.rest(1); p.pose[:] = (7, 9, -3); p.actions[:] = 0.1\n"
        "print(hashlib.sha256(next(HeadRenderer(Identity.from_seed(3, 'F')).frames(p)).tobytes()).hexdigest())\n"
    )
    import hashlib

    here = performance(pose=(7, 9, -3))
    here.actions[:] = 0.1
    expected = hashlib.sha256(next(head.frames(here)).tobytes()).hexdigest()
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert got == expected


def test_seeds_make_speakers_and_the_sex_is_part_of_it(head):
    same, other = Identity.from_seed(3, "F"), Identity.from_seed(4, "F")
    assert np.array_equal(same.shape, head.identity.shape)
    assert same.hair_style == head.identity.hair_style
    assert not np.allclose(same.shape, other.shape)
    assert np.linalg.norm(HeadRenderer(other).landmarks(performance()) - head.landmarks(performance())) > 20
    assert Identity.from_seed(3, "M").hair_style in HAIR_STYLES["M"]


def test_landmarks_lie_inside_the_frame_at_all_poses(head):
    poses = [(p, y, r) for p in (-20, 0, 20) for y in (-20, 0, 20) for r in (-20, 0, 20)]
    wanted = performance(len(poses), jaw_open=1.0)
    wanted.pose[:] = poses
    points = head.landmarks(wanted)
    assert points.shape == (27, 478, 2)
    assert points.min() > 2
    assert points.max() < 254


def test_the_face_fills_the_frame_like_a_portrait(head):
    points = marks(head)
    assert 0.52 < (points[152, 1] - points[10, 1]) / 256 < 0.63


@pytest.mark.parametrize(
    ("pose", "move"), [((0, 15, 0), (1, 0)), ((0, -15, 0), (-1, 0)), ((15, 0, 0), (0, -1)), ((-15, 0, 0), (0, 1))]
)
def test_the_nose_tip_goes_where_the_pose_says(head, pose, move):
    step = marks(head, pose=pose)[4] - marks(head)[4]
    assert step @ np.array(move) > 5


def test_roll_is_clockwise_as_seen(head):
    points = marks(head, pose=(0, 0, 15))
    assert points[263, 1] - points[33, 1] > 5, "the eye at image right goes down"


def test_position_moves_the_head_as_named(head):
    rest = marks(head)
    assert marks(head, position=(1, 0, 0))[4, 0] > rest[4, 0] + 4
    assert marks(head, position=(0, 1, 0))[4, 1] < rest[4, 1] - 4
    near = marks(head, position=(0, 0, 3))
    assert np.ptp(near[:468, 0]) > np.ptp(rest[:468, 0])


def test_both_irises_follow_gaze(head):
    rest = marks(head)
    right, up = marks(head, gaze=[20, 0]), marks(head, gaze=[0, 12])
    for centre in (468, 473):
        assert right[centre, 0] > rest[centre, 0] + 2
        assert up[centre, 1] < rest[centre, 1] - 1
    one = performance()
    one.gaze[0, 0] = (20, 0)  # the subject's left eye only
    moved = head.landmarks(one)[0] - rest
    assert moved[473, 0] > 2
    assert moved[468, 0] == 0


def test_irises_stand_in_mediapipe_order(head):
    points = marks(head)
    for iris, corners in ((468, (33, 133)), (473, (362, 263))):
        assert points[corners[0], 0] < points[iris, 0] < points[corners[1], 0]
        assert points[iris + 1, 0] > points[iris, 0] > points[iris + 3, 0]
        assert points[iris + 2, 1] < points[iris, 1] < points[iris + 4, 1]


def lid_opening(points):
    return points[145, 1] - points[159, 1]


def test_lids_close_tighten_open_and_follow_the_eye(head):
    rest = lid_opening(marks(head))
    assert lid_opening(marks(head, blink=1.0)) < 0.15 * rest
    assert 0.3 * rest < lid_opening(marks(head, blink=0.5)) < 0.75 * rest
    assert lid_opening(marks(head, lid_tighten=1.0)) < 0.85 * rest
    assert lid_opening(marks(head, lid_raise=1.0)) > 1.1 * rest
    assert marks(head, gaze=[0, -15])[159, 1] > marks(head)[159, 1] + 1
    assert marks(head, gaze=[0, 15])[159, 1] < marks(head)[159, 1] - 0.5


def test_a_blink_hides_the_iris(head):
    box = marks(head)[468:473]
    x, y = slice(int(box[:, 0].min()), int(box[:, 0].max()) + 1), slice(int(box[:, 1].min()), int(box[:, 1].max()) + 1)
    dark = [int((next(head.frames(performance(blink=b)))[y, x].mean(-1) < 70).sum()) for b in (0.0, 1.0)]
    assert dark[1] < 0.5 * dark[0]


def test_lip_gap(head):
    gap = {jaw: head.lip_gap(performance(jaw_open=jaw))[0] for jaw in (0, 0.2, 0.5, 0.7, 1)}
    assert list(gap.values()) == sorted(gap.values())
    assert gap[0] < 1.5
    assert gap[0.7] > 6
    assert head.lip_gap(performance(lip_press=1.0))[0] < 1.5
    assert head.lip_gap(performance(jaw_open=0.5, lip_close=1.0))[0] < 1.5
    assert head.lip_gap(performance(lips_part=1.0))[0] > 2
    turned = head.lip_gap(performance(jaw_open=0.7, pose=(0, 0, 20)))[0]
    assert abs(turned - gap[0.7]) < 1


# action, landmark, direction in the picture (x right, y down) that it must take
MOVES = [
    ("smile_left", 291, (1, -1)),
    ("smile_right", 61, (-1, -1)),
    ("frown", 61, (0, 1)),
    ("lip_pucker", 61, (1, 0)),
    ("lip_funnel", 61, (1, 0)),
    ("lip_stretch", 61, (-1, 0)),
    ("upper_lip_raise", 37, (0, -1)),
    ("lower_lip_depress", 84, (0, 1)),
    ("chin_raise", 199, (0, -1)),
    ("nose_wrinkle", 64, (0, -1)),
    ("cheek_raise", 50, (0, -1)),
    ("brow_inner_raise", 107, (0, -1)),
    ("brow_outer_raise", 63, (0, -1)),
    ("brow_lower", 107, (0.3, 1)),
    ("dimpler_left", 291, (0, -1)),
    ("lip_tuck", 17, (0, -1)),
    ("lips_part", 14, (0, 1)),
]


@pytest.mark.parametrize(("action", "landmark", "way"), MOVES)
def test_actions_move_what_they_name(head, action, landmark, way):
    rest = marks(head)[landmark]
    half, full = (marks(head, **{action: value})[landmark] - rest for value in (0.5, 1.0))
    way = np.array(way) / np.linalg.norm(way)
    assert full @ way > 1.0
    assert 0.3 * (full @ way) < half @ way < 0.8 * (full @ way)


def test_one_sided_actions_leave_the_other_corner_alone(head):
    rest = marks(head)
    for name in ("smile", "dimpler"):
        moved = marks(head, **{f"{name}_left": 1.0}) - rest
        assert np.linalg.norm(moved[291]) > 4 * np.linalg.norm(moved[61])


def test_the_face_is_mirror_symmetric(head):
    mirror = head.mesh.canonical.mirror

    def flipped(points):
        return np.stack([256 - points[mirror, 0], points[mirror, 1]], 1)

    rest = marks(head)[:468]
    assert np.abs(flipped(rest) - rest).max() < 0.02
    left = marks(head, smile_left=1.0, pose=(4, 10, 0), gaze=[8, 3])[:468]
    right = marks(head, smile_right=1.0, pose=(4, -10, 0), gaze=[-8, 3])[:468]
    assert np.abs(flipped(left) - right).max() < 0.02


def test_tongue_shows_in_an_open_mouth(head):
    low, high = (next(head.frames(performance(jaw_open=0.6, tongue=t))).astype(int) for t in (0.0, 1.0))
    points = marks(head, jaw_open=0.6)
    x = slice(int(points[81, 0]), int(points[311, 0]))
    y = slice(int(points[13, 1]), int(points[14, 1]))
    assert np.abs(low[y, x] - high[y, x]).mean() > 3
    outside = np.abs(low - high)
    outside[y.start - 4 : y.stop + 4, x.start - 8 : x.stop + 8] = 0
    assert outside.max() <= 2


def test_small_motion_makes_small_change(head):
    frames = 6
    wanted = performance(frames, smile_left=0.3)
    wanted.pose[:, 1] = np.linspace(0, 0.5, frames)
    pictures = np.stack(list(head.frames(wanted))).astype(float)
    steps = np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3))
    assert steps.max() < 1.5
    assert steps.max() < 2.0 * steps.min(), "equal steps of pose change the picture equally: no flicker"


def test_every_hair_style_and_dress_renders(face_weights):
    seen = set()
    for seed in range(90):
        for sex in "MF":
            identity = Identity.from_seed(seed, sex)
            key = {identity.hair_style, identity.clothes}
            if not key <= seen:
                seen |= key
                picture = next(HeadRenderer(identity, size=64).frames(Performance.rest()))
                assert picture.std() > 10
    assert {style for styles in HAIR_STYLES.values() for style in styles} <= seen
    assert {"crew", "v_neck", "turtleneck", "collar"} <= seen

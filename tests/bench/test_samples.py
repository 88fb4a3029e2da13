"""What is kept beside a result: which clips, and what the media policy lets pass; and the traces."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.contract.clip import AUDIO_RATE
from bench.contract.cues import Cues
from bench.contract.result import ClipScore, Distribution
from bench.contract.traces import ClipTraces
from bench.data import media
from bench.data.store import Store
from bench.framing import Framing
from bench.plan import Plan
from bench.samples import KEPT, keep, kept_clips
from bench.scoring import generated_cues
from bench.traces import CLOSED, curves, outline, traces_of

PLAN = Plan(metrics=(), options={}, device="cpu", max_length_difference=5)


def rows_of(ids):
    return [SimpleNamespace(clip=SimpleNamespace(clip_id=i)) for i in ids]


def result_of(showcase=(), worst=()):
    spread = dict.fromkeys(("minimum", "lower_quartile", "median", "upper_quartile", "maximum"), 0.0)
    found = [
        Distribution(metric=f"m{k}", n_clips=9, worst=[ClipScore(clip_id=c, value=0)], **spread)
        for k, c in enumerate(worst)
    ]
    return SimpleNamespace(showcase=list(showcase), distributions=found)


def test_all_clips_of_a_small_selection_are_kept():
    ids = [f"c{k:03d}" for k in range(KEPT)]
    assert kept_clips(rows_of(ids), result_of()) == ids


@pytest.mark.parametrize("count", [25, 30, 47, 192, 5000])
def test_of_many_the_showcase_the_worst_and_a_spread_are_kept(count):
    ids = [f"c{k:04d}" for k in range(count)]
    showcase = ids[3:9]
    one = kept_clips(rows_of(ids), result_of(showcase, [ids[11], ids[-1]]))
    other = kept_clips(rows_of(ids), result_of(showcase, [ids[20]]))
    assert len(one) == len(set(one)) <= KEPT and {*showcase, ids[11], ids[-1]} <= set(one)
    assert len(set(one) & set(other)) >= KEPT - 6  # rows share all but their worst
    rest = [ids.index(clip_id) for clip_id in one]
    steps = [b - a for a, b in zip([0, *rest], [*rest, count], strict=True)]
    assert max(steps) <= 3 * count / (KEPT - len(showcase)) + 1  # no stretch of ids, and so no speaker, is passed over


@pytest.fixture(scope="module")
def scored(smoke_work):
    """The first clip of the smoke selection with an item as scoring leaves it, its own video as output."""
    selection = Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")
    row = selection.scored[0]
    return row, {"clip_id": row.clip.clip_id, "status": "ok", "sample": str(row.clip.video)}


def kept(scored, folder, policy, method="a", kind="re-implementation", **item):
    row, base = scored
    result = SimpleNamespace(
        name=method,
        method=SimpleNamespace(name=method, kind=kind),
        dataset=SimpleNamespace(media_policy=policy),
        showcase=[row.clip.clip_id],
        distributions=[],
    )
    videos = folder / "videos"
    videos.mkdir()
    (videos / f"{row.clip.clip_id}.mp4").write_bytes(row.clip.video.read_bytes())
    keep([base | item], [row], result, videos, folder / "cache", PLAN, Framing.CANONICAL, folder / "out")
    return sorted(str(p.relative_to(folder / "out").parent) for p in (folder / "out").rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("policy", "method", "kind", "files"),
    [
        ("all", "a", "re-implementation", ["real", "samples", "traces"]),
        ("all", "static", "control", ["real", "samples", "traces"]),
        ("all", "gt", "control", ["samples", "traces"]),
        ("generated", "a", "re-implementation", ["samples", "traces"]),
        ("generated", "static", "control", ["traces"]),
        ("generated", "gt", "folder", ["traces"]),
        ("generated", "gt-mine", "folder", ["traces"]),
        ("none", "a", "re-implementation", ["traces"]),
        ("none", "gt", "control", ["traces"]),
    ],
)
def test_the_media_policy_rules_what_is_kept(scored, tmp_path, policy, method, kind, files):
    assert kept(scored, tmp_path, policy, method, kind) == files


@pytest.mark.parametrize("status", ["static", "excluded", "n/a", "failed"])
def test_a_clip_without_an_output_of_its_own_is_not_kept(scored, tmp_path, status):
    assert kept(scored, tmp_path, "all", status=status) == []


def test_a_clip_of_cues_alone_has_traces_and_no_video(scored, tmp_path):
    row, _ = scored
    found = Cues.load(row.clip.cues)
    videos = tmp_path / "videos"
    videos.mkdir()
    found[::-1].save(videos / f"{row.clip.clip_id}.cues.safetensors")
    made = traces_of(row.clip, generated_cues(row.clip, videos, tmp_path / "cache", PLAN, Framing.CANONICAL))
    assert made.generated.yaw == made.real.yaw[::-1] != made.real.yaw


def test_the_kept_real_clip_has_its_sound_and_the_traces_are_its_cues(scored, tmp_path):
    kept(scored, tmp_path, "all")
    clip = scored[0].clip
    real = tmp_path / "out" / "real" / f"{clip.clip_id}.mp4"
    about = media.probe(real)
    assert about.has_audio and about.n_frames == clip.n_frames
    made = ClipTraces.load(tmp_path / "out" / "traces" / f"{clip.clip_id}.json")
    assert made.real == made.generated  # the output is the real video itself
    assert len(made.real.mouth) == clip.n_frames
    assert len(made.sound) == pytest.approx(clip.n_frames * 100 / 25, abs=1)
    assert max(v for v in made.real.mouth if v is not None) > 3  # somebody speaks


def cues(frames=4, **changes):
    rng = np.random.default_rng(0)
    pose = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    base = Cues(
        landmarks=rng.uniform(50, 200, (frames, 478, 3)).astype(np.float32),
        transform=pose,
        gaze=np.full((frames, 2, 2), 5.0, np.float32),
        openness=np.full((frames, 2), 0.3, np.float32),
        blendshapes=np.zeros((frames, 52), np.float32),
        valid=np.ones(frames, bool),
    )
    return Cues(**{name: changes.get(name, getattr(base, name)) for name in Cues.__dataclass_fields__})


def test_a_frame_without_a_face_is_null_in_every_curve():
    valid = np.array([True, False, True, True])
    made = curves(cues(valid=valid))
    assert all(
        getattr(made, name)[1] is None and getattr(made, name)[0] is not None for name in type(made).model_fields
    )


def test_closed_eyes_have_no_gaze_but_a_mouth_and_a_pose():
    openness = np.full((4, 2), 0.3, np.float32)
    openness[2, 1] = CLOSED - 0.01
    made = curves(cues(openness=openness))
    assert made.gaze_yaw[2] is None and made.gaze_pitch[2] is None
    assert made.gaze_yaw[1] == 5.0 and made.mouth[2] is not None and made.yaw[2] is not None


def test_mouth_opening_is_percent_of_the_eye_distance_and_does_not_depend_on_size():
    one = cues()
    marks = one.landmarks.copy()
    marks[:, 33, :2], marks[:, 263, :2] = (80, 100), (180, 100)
    marks[:, 13, :2], marks[:, 14, :2] = (130, 180), (130, 192)
    assert curves(cues(landmarks=marks)).mouth == [12.0] * 4
    assert curves(cues(landmarks=marks * 0.5)).mouth == [12.0] * 4


def test_the_outline_is_the_loudest_sample_of_each_hundredth_of_a_second():
    samples = np.zeros(AUDIO_RATE // 10 + 5, np.float32)
    samples[170] = -0.5
    samples[-1] = 0.25
    assert outline(samples) == [0.0, 0.5, *[0.0] * 8, 0.25]

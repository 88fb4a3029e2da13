"""CREMA-D's layout: files as the real ones are, read by the same reader, prepared, and rendered again with a cue altered."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.registry import find_method
from bench.contract.errors import Reason
from bench.data import cremad, media
from bench.data.crop import Crop
from bench.data.datasets import scan_dataset
from bench.data.puppet import flv, truth
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.clip_files import at_rate, write_clips
from bench.data.puppet.dataset import plan, write_tree
from bench.data.puppet.render import Performance
from bench.data.puppet.rerender import TruthRenderer
from bench.data.store import Store
from bench.generate import generate
from bench.prepare import prepare
from bench.workspace import Workspace

DATASET = "puppet-cremad"
CLIPS = plan("smoke", layout="cremad", limit=1)


@pytest.fixture(scope="module")
def tree(tmp_path_factory, face_weights):
    """One speaker of the smallest profile: two scored clips, two partners, the neutral reference."""
    folder = tmp_path_factory.mktemp("cremad") / "tree"
    assert write_tree(folder, "smoke", jobs=2, layout="cremad", limit=1) == [c.clip_id for c in CLIPS]
    return folder


@pytest.fixture(scope="module")
def selection(tree, tmp_path_factory):
    space = Workspace(tmp_path_factory.mktemp("work"))
    done = prepare(DATASET, root=tree, profile="smoke", manifest=None, part="test", space=space, jobs=2, limit=1)
    assert (done.scored, done.rejected) == (1, [])
    return Store(done.store).selection(done.manifest, "test", 1)


def test_the_reader_of_cremad_reads_it_with_all_that_the_names_say(tree):
    found, rejected = cremad.scan(tree, dataset=DATASET)
    assert rejected == []
    assert [c.clip_id for c in found] == [c.clip_id for c in CLIPS]
    for clip, planned in zip(found, CLIPS, strict=True):
        _, sentence, _, level = clip.clip_id.split("_")
        assert (clip.speaker, clip.emotion, clip.sentence) == ("1101", planned.emotion, sentence)
        assert clip.level == {"LO": 1, "MD": 2, "HI": 3, "XX": None}[level]
        assert clip.audio == tree / "AudioWAV" / f"{clip.clip_id}.wav"
    clips, missing = scan_dataset(DATASET, tree, "smoke", ["test"])
    assert sum(c.scored for c in clips) == 2
    assert {r.reason for r in missing} == {Reason.MISSING_FILE}, "the other speaker, whom the limit left out"


def test_its_speakers_are_no_actors_of_cremad_and_the_other_way_round(tree, cremad_tree):
    clips, rejected = cremad.scan(tree, dataset="cremad")
    assert clips == []
    assert {r.reason for r in rejected} == {Reason.NAME_OUTSIDE_SCHEME}
    assert cremad.scan(cremad_tree, dataset=DATASET)[0] == []


def test_files_are_as_the_real_ones(tree, cremad_tree):
    real = media.probe(sorted(cremad_tree.rglob("*.flv"))[0])
    for clip in CLIPS:
        info = media.probe(clip.video(tree))
        for name in ("container", "width", "height", "audio_codec", "audio_rate", "audio_channels", "variable_rate"):
            assert getattr(info, name) == getattr(real, name), name
        assert info.fps == pytest.approx(real.fps, abs=0.05)
        assert info.audio_offset_s == pytest.approx(real.audio_offset_s, abs=0.003)
        beside = media.probe(clip.audio(tree))
        assert (beside.container, beside.audio_rate, beside.audio_channels) == ("wav", 16_000, 1)
        assert 0 <= beside.audio_duration_s - clip.frames / 25 < 0.061
    assert len({round(media.probe(c.audio(tree)).audio_duration_s - c.frames / 25, 3) for c in CLIPS}) > 1


def test_the_sound_inside_starts_with_the_sound_beside(tree):
    inside = media.read_audio(CLIPS[0].video(tree), 16_000)
    beside = media.read_audio(CLIPS[0].audio(tree), 16_000)
    n = 2 * max(len(inside), len(beside))
    shift = np.fft.irfft(np.fft.rfft(inside, n) * np.conj(np.fft.rfft(beside, n)))
    lag = int(np.argmax(shift))
    assert abs(lag if lag < n // 2 else lag - n) <= 16, "at most 1 ms"


def test_the_same_clip_has_the_same_bytes(tree, tmp_path):
    write_clips(CLIPS[:1], tmp_path)
    for here, there in zip(CLIPS[0].files(tmp_path), CLIPS[0].files(tree), strict=True):
        assert here.read_bytes() == there.read_bytes()


def test_a_file_lasts_as_long_as_its_clip_to_half_a_frame():
    for frames in range(24, 90):
        assert abs(flv.frames_in(frames) / flv.FPS * 25 - frames) < 0.5


def test_prepared_clips_have_the_planned_length_the_truth_and_cues_at_the_native_rate(selection):
    planned = {c.clip_id: c for c in CLIPS}
    store = selection.store
    prepared = [store.record(p.name) for p in sorted((store.folder / "clips").iterdir())]
    assert len(prepared) >= 3
    for record in prepared:
        assert record["n_frames"] == planned[record["clip_id"]].frames
        assert record["valid_share"] == 1.0
        assert record["flags"] == []
        assert {"truth.safetensors", "cues_native.safetensors", "audio.wav"} <= set(record["bytes"])


def test_rerendered_frames_lie_in_the_crop_and_at_the_time_of_the_prepared_ones(selection):
    """Rendered again from the truth and cropped, a frame is most like the stored frame of its own time."""
    clip = selection.scored[0].clip
    stored = np.stack(list(media.read_frames(clip.video))).astype(np.float32)
    again = list(TruthRenderer(clip.truth, Crop.from_affine(clip.crop).cut).frames())
    assert len(again) == len(stored)
    again = np.stack(again).astype(np.float32)

    def error(lag: int) -> float:
        inner = slice(4, len(stored) - 4)
        return float(np.mean((np.roll(stored, -lag, axis=0)[inner] - again[inner]) ** 2))

    errors = {lag: error(lag) for lag in range(-3, 4)}
    assert min(errors, key=errors.get) == 0
    assert 10 * np.log10(255**2 / errors[0]) > 26


def test_recorded_again_unaltered_they_are_the_prepared_ones(selection):
    clip = selection.scored[0].clip
    again = TruthRenderer(clip.truth, Crop.from_affine(clip.crop).cut).recorded()
    assert np.array_equal(np.stack(list(again)), np.stack(list(media.read_frames(clip.video))))


def test_true_landmarks_are_pixels_of_the_source_picture(selection):
    from bench.contract.cues import Cues

    clip = selection.scored[0].clip
    source = truth.load(clip.truth).arrays["landmarks"]
    affine = np.array(clip.crop).reshape(2, 3)
    expected = source @ affine[:, :2].T + affine[:, 2]
    found = Cues.load(clip.cues).landmarks[..., :2]
    assert np.median(np.linalg.norm(found - expected, axis=-1)) < 6


def test_controls_are_rendered_again(selection, tmp_path):
    made = generate(find_method("frozen-gaze"), selection, tmp_path / "g", jobs=1, limit=1)
    assert made.counts == {"ok": 1}
    row = selection.scored[0]
    frozen = np.stack(list(media.read_frames(tmp_path / "g" / f"{row.clip.clip_id}.mp4")))
    assert frozen.shape == (row.clip.n_frames, 256, 256, 3)


def test_a_closure_of_one_frame_is_one_at_another_rate():
    count, column = 50, ACTIONS.index("lip_close")
    for closed in range(count):
        rest = Performance.rest(count)
        actions = rest.actions.copy()
        actions[closed, column] = 1.0
        faster = at_rate(replace(rest, actions=actions), flv.frames_in(count), flv.FPS)
        assert faster.actions[:, column].max() == 1.0
        assert 1 <= (faster.actions[:, column] > 0).sum() <= 2


def test_a_slow_turn_is_the_same_turn_at_another_rate():
    count = 50
    rest = Performance.rest(count)
    pose = np.zeros((count, 3), np.float32)
    pose[:, 1] = 10 * np.sin(np.arange(count) / 25 * 2)
    faster = at_rate(replace(rest, pose=pose), flv.frames_in(count), flv.FPS)
    times = np.arange(len(faster)) / float(flv.FPS)
    inside = times <= (count - 1) / 25
    assert np.abs(faster.pose[:, 1] - 10 * np.sin(2 * times))[inside].max() < 0.02

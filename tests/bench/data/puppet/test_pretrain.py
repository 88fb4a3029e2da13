"""Frames for learning to render faces: independent, without sound or emotion, in a store, and never scored."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from run_emotalk import emotalk

from baselines.registry import find_method
from bench.contract.cues import Cues
from bench.contract.errors import UsageError
from bench.contract.geometry import pose_of
from bench.data import media
from bench.data.puppet import truth
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.dataset import plan, write_tree
from bench.data.puppet.stills import GAZE_RANGE, POSE_RANGE, stills
from bench.data.store import Store
from bench.evaluate import evaluate
from bench.generate import generate
from bench.prepare import prepare
from bench.workspace import Workspace

CLIPS = plan("pretrain", ["method-train"], limit=2)


KILLED = """
import os, signal, sys
from bench.data.puppet import dataset, truth
save, calls = truth.save, []

def killed(*arguments):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    save(*arguments)

truth.save = killed
dataset.main(["write", sys.argv[1], "--profile", "pretrain", "--limit", "2", "--jobs", "1"])
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory, face_weights):
    """Two identities, written by a process that is killed between picture and truth of the second, and by one that goes on."""
    root = tmp_path_factory.mktemp("pretrain") / "tree"
    child = subprocess.run([sys.executable, "-c", KILLED, root], capture_output=True, timeout=200)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    assert sorted(clip.finished(root) for clip in CLIPS) == [False, True]
    assert all(clip.video(root).is_file() for clip in CLIPS)
    assert write_tree(root, "pretrain", ["method-train"], jobs=1, limit=2) == sorted(c.clip_id for c in CLIPS)
    return root


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    space = Workspace(tmp_path_factory.mktemp("work"))
    done = prepare(
        "puppet", root=tree, profile="pretrain", manifest=None, part="method-train", space=space, jobs=1, limit=2
    )
    return space, done


@pytest.fixture(scope="module")
def selection(prepared):
    _, done = prepared
    return Store(done.store).selection(done.manifest, "method-train", 2)


def test_a_killed_and_resumed_writer_gives_the_bytes_of_an_undisturbed_one(tree, tmp_path):
    write_tree(tmp_path / "again", "pretrain", ["method-train"], jobs=1, limit=2)
    one, two = ({p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
                for root in (tree, tmp_path / "again"))  # fmt: skip
    assert one == two


def test_a_clip_is_pictures_and_their_truth_and_no_sound(tree):
    for clip in CLIPS:
        info = media.probe(clip.video(tree))
        assert (info.width, info.height, info.has_audio, info.n_frames) == (256, 256, False, clip.frames)
        assert 16 <= clip.frames <= 24
        assert not clip.audio(tree).exists()
        said = truth.load(clip.truth(tree))
        assert {n: a.shape for n, a in said.arrays.items()} == {
            "actions": (clip.frames, len(ACTIONS)), "gaze": (clip.frames, 2, 2), "pose": (clip.frames, 3),
            "position": (clip.frames, 3), "landmarks": (clip.frames, 478, 2), "lip_gap": (clip.frames,),
        }  # fmt: skip
        assert (said.about["emotion"], said.about["text"], said.phonemes) == (None, None, ())


def test_the_store_holds_frames_without_sound_emotion_or_companions(prepared, selection):
    _, done = prepared
    assert (done.scored, done.rejected, done.flags) == (2, [], {})
    table = pd.read_parquet(done.store / "manifest.parquet")
    for column in ("emotion", "level", "sentence", "audio_place", "audio_difference_s"):
        assert table[column].isna().all()
    assert list(table["valid_share"]) == [1.0, 1.0]
    for row in selection.scored:
        clip = row.clip
        assert clip.silent
        assert clip.audio is None
        assert (clip.emotion, clip.level, clip.sentence, clip.part) == (None, None, None, "method-train")
        assert (row.other_sentence, row.other_emotion, row.reference_clip) == (None, None, None)
        assert not media.probe(clip.video).has_audio
        assert len(Cues.load(clip.cues)) == clip.n_frames == sum(1 for _ in media.read_frames(clip.video, fps=25))
        assert clip.truth.is_file()


def test_cues_of_each_picture_are_its_own(selection):
    """A face is not looked for where it was in the picture before: landmarks and pose are those of the truth, in every frame."""
    for row in selection.scored:
        said, found = truth.load(row.clip.truth).arrays, Cues.load(row.clip.cues)
        affine = np.array(row.clip.crop).reshape(2, 3)
        expected = said["landmarks"] @ affine[:, :2].T + affine[:, 2]
        assert np.linalg.norm(found.landmarks[..., :2] - expected, axis=-1).mean(axis=1).max() < 6
        pose = pose_of(found.transform)
        assert all(np.corrcoef(pose[:, axis], said["pose"][:, axis])[0, 1] > 0.95 for axis in (1, 2))


def test_a_second_run_prepares_nothing_and_is_what_the_command_line_does(prepared, tree):
    space, _ = prepared
    again = emotalk("prepare", "--dataset", "puppet", "--profile", "pretrain", "--limit", "2", "--root", tree,
                    "--work", space.root, "--wandb", "off", "--strict")  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "0 new, 2 from before, 0 rejected" in again.stdout


def test_frames_only_are_neither_generated_nor_scored_nor_run(selection, tmp_path):
    with pytest.raises(UsageError, match="frames only"):
        generate(find_method("gt"), selection, tmp_path / "g", jobs=1)
    tmp_path.joinpath("videos").mkdir()
    with pytest.raises(UsageError, match="frames only"):
        evaluate(selection, tmp_path / "videos", out=tmp_path / "r", cache=tmp_path / "c", jobs=1)
    refused = emotalk("run", "--dataset", "puppet", "--profile", "pretrain", "--limit", "1", "--work", tmp_path / "w",
                      "--wandb", "off")  # fmt: skip
    assert refused.returncode == 2
    assert "another --profile" in refused.stderr
    assert not (tmp_path / "w" / "datasets").exists(), "said before anything is rendered"


def test_poses_gazes_and_faces_are_wide_and_know_nothing_of_each_other():
    frames = [stills(f"M{number}", 24) for number in range(501, 541)]
    pose = np.concatenate([f.pose for f in frames])
    gaze = np.concatenate([f.gaze.mean(axis=1) for f in frames])
    actions = np.concatenate([f.actions for f in frames])
    assert (np.abs(pose) <= POSE_RANGE).all()
    assert (np.abs(pose).max(axis=0) > 0.9 * POSE_RANGE).all()
    assert (np.abs(gaze) <= GAZE_RANGE + 1e-4).all()
    assert (actions.min(), actions.max()) == (0.0, 1.0)
    assert ((actions > 0.1).mean(axis=0) > 0.02).all(), "every action is seen"
    assert 0.1 < (actions[:, ACTIONS.index("blink")] > 0.5).mean() < 0.3
    cues = np.concatenate([pose, gaze, actions], axis=1)
    apart = np.corrcoef(cues.T)[:5, 5:]
    assert np.abs(apart).max() < 0.15, "960 frames: chance stays under 0.12"
    assert np.abs(np.corrcoef(cues.T)[:3, 3:5]).max() < 0.15
    step = np.diff(np.stack([f.pose[:16] for f in frames]), axis=1)
    assert np.abs(step).mean() > 5, "frames do not follow each other"
    assert not np.array_equal(frames[0].pose[:16], frames[1].pose[:16])

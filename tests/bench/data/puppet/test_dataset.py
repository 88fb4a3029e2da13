"""The tree on disk: MEAD's layout, the same bytes however it is made."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.contract.errors import UsageError
from bench.contract.files import TEMPORARY
from bench.data import mead
from bench.data.media import probe, read_audio
from bench.data.puppet import truth
from bench.data.puppet.dataset import CARD, plan, write_tree
from bench.data.puppet.version import PUPPET_VERSION
from bench.data.puppet.visemes import BILABIAL, OPEN


@pytest.fixture(scope="module")
def resumed_tree(tmp_path_factory, face_weights) -> tuple[Path, dict[Path, int], list[str]]:
    """The smoke tree written by one process that is killed after its second clip, and finished by another one."""
    root = tmp_path_factory.mktemp("resumed") / "tree"
    command = [
        sys.executable,
        "-m",
        "bench.data.puppet.dataset",
        "write",
        str(root),
        "--profile",
        "smoke",
        "--jobs",
        "1",
    ]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    # a file that is still being written has a hidden name
    while len(list(root.glob("truth/[!.]*.safetensors"))) < 2 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "the writer ended before it could be killed"
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file() and not TEMPORARY.fullmatch(p.name)}
    done: list[int] = []
    clips = write_tree(root, "smoke", jobs=1, progress=lambda count=1, total=None: done.append(count))
    assert sum(done) == len(clips) == 10
    assert done[0] >= 2, "the second run did not see what the first one had finished"
    return root, before, clips


def files_of(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_two_processes_and_a_killed_one_write_the_same_bytes(smoke_tree, resumed_tree):
    root, _, clips = resumed_tree
    one, two = files_of(root), files_of(smoke_tree)
    assert set(one) == set(two)
    assert [name for name in one if one[name] != two[name]] == []
    assert len(one) == 3 * len(clips) + 1


def test_finished_clips_are_not_written_again(resumed_tree):
    root, before, clips = resumed_tree
    finished = {p for p in before if p.suffix == ".safetensors"}
    assert 2 <= len(finished) < len(clips)
    for path in finished:
        assert path.stat().st_mtime_ns == before[path]
    stamps = {p: p.stat().st_mtime_ns for p in root.rglob("*.mp4")}
    assert write_tree(root, "smoke", jobs=2) == clips
    assert stamps == {p: p.stat().st_mtime_ns for p in root.rglob("*.mp4")}


def test_files_hold_what_the_plan_says(smoke_tree):
    for clip in plan("smoke"):
        info = probe(clip.video(smoke_tree))
        assert (info.width, info.height, info.fps, info.n_frames) == (256, 256, 25, clip.frames)
        assert info.audio_rate == 48_000
        sound = probe(clip.audio(smoke_tree))
        assert (sound.audio_rate, sound.audio_channels) == (48_000, 2)
        said = truth.load(clip.truth(smoke_tree))
        assert said.arrays["landmarks"].shape == (clip.frames, 478, 2)
        assert said.arrays["landmarks"].min() > 0
        assert said.arrays["landmarks"].max() < 256
        assert said.about["clip_id"] == clip.clip_id
        assert said.about["seed"] > 0


def test_the_card_tells_version_profile_and_clips(smoke_tree):
    card = json.loads((smoke_tree / CARD).read_text())
    assert card["puppet_version"] == PUPPET_VERSION
    assert (card["layout"], card["profile"], card["parts"]) == ("mead", "smoke", ["test"])
    assert card["clips"] == [c.clip_id for c in plan("smoke")]


def test_the_reader_of_mead_reads_it(smoke_tree):
    clips, rejected = mead.scan(smoke_tree, dataset="puppet")
    assert [c.clip_id for c in clips] == [c.clip_id for c in plan("smoke")]
    assert not rejected
    assert all(c.audio is not None and c.video.is_file() for c in clips)


def test_sound_and_mouth_go_together_on_disk(smoke_tree):
    """In the written files the lips are closed on p, b and m, open on open vowels, and the sound is where they are open."""
    together = []
    for clip in plan("smoke"):
        said = truth.load(clip.truth(smoke_tree))
        gap = said.arrays["lip_gap"]
        for p in said.phonemes:
            frames = range(max(0, int(25 * p.start) - 1), min(clip.frames, int(25 * p.end) + 2))
            if p.code in BILABIAL:
                assert gap[list(frames)].min() < 0.5, (clip.clip_id, p)
            if p.code in OPEN and p.stress == 2:
                assert gap[list(frames)].max() > 3.0, (clip.clip_id, p)
        samples = read_audio(clip.audio(smoke_tree), 16_000)
        loud = np.array(
            [np.sqrt(np.mean(samples[max(0, 640 * t - 320) : 640 * t + 320] ** 2)) for t in range(clip.frames)]
        )
        together.append(np.corrcoef(loud, gap)[0, 1])
    assert np.mean(together) > 0.3


def test_another_version_another_profile_and_a_foreign_folder_are_refused(tmp_path):
    card = tmp_path / "old" / CARD
    card.parent.mkdir()
    card.write_text(json.dumps({"puppet_version": 0, "profile": "smoke", "parts": []}))
    with pytest.raises(UsageError, match=f"version 0.*version {PUPPET_VERSION}.*remove the folder"):
        write_tree(card.parent, "smoke")
    card.write_text(json.dumps({"puppet_version": PUPPET_VERSION, "profile": "quick", "parts": []}))
    with pytest.raises(UsageError, match=r"quick.*smoke"):
        write_tree(card.parent, "smoke")
    card.write_text(json.dumps({"puppet_version": PUPPET_VERSION, "profile": "smoke", "layout": "cremad", "parts": []}))
    with pytest.raises(UsageError, match=r"cremad.*mead"):
        write_tree(card.parent, "smoke")
    card.write_text("not json")
    with pytest.raises(UsageError, match="expected the card"):
        write_tree(card.parent, "smoke")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="expected an empty folder"):
        write_tree(tmp_path / "mine", "smoke")
    for profile, part in (("huge", "test"), ("smoke", "training")):
        with pytest.raises(UsageError, match="unknown"):
            plan(profile, [part])


def test_truth_of_another_version_is_refused(smoke_tree, tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "x.safetensors"
    save_file({"pose": np.zeros((1, 3), np.float32)}, path)
    with pytest.raises(UsageError, match="got another"):
        truth.load(path)
    save_file({"pose": np.zeros((1, 3), np.float32)}, path, metadata={"puppet": '{"puppet_version": 0, "actions": []}'})
    with pytest.raises(UsageError, match="version 0"):
        truth.load(path)
    path.write_bytes(b"x" * 100)
    with pytest.raises(UsageError, match="cannot read"):
        truth.load(path)


def test_a_limit_makes_the_speakers_of_the_first_scored_clips_and_the_rest_follows(tmp_path, face_weights, monkeypatch):
    """What is written with a limit is no more than its clips need, and the card tells it from a whole part."""
    monkeypatch.setattr("bench.data.puppet.clip_files.write_clips", touch)
    few = write_tree(tmp_path, "smoke", jobs=1, limit=1)
    whole = [c.clip_id for c in plan("smoke")]
    assert few == [c.clip_id for c in plan("smoke") if c.speaker == whole[0][:4]] != whole
    card = json.loads((tmp_path / CARD).read_text())
    assert (card["parts"], card["clips"]) == ([], few)
    assert write_tree(tmp_path, "smoke", jobs=1) == whole
    card = json.loads((tmp_path / CARD).read_text())
    assert (card["parts"], card["clips"]) == (["test"], whole)
    write_tree(tmp_path, "smoke", jobs=1, limit=1)
    assert json.loads((tmp_path / CARD).read_text()) == card


def touch(clips, root):
    for clip in clips:
        for path in clip.files(root):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return len(clips)

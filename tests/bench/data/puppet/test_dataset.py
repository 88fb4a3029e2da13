"""The tree on disk: MEAD's layout, the same bytes however it is made, and manifests that keep speakers apart."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS, Part
from bench.contract.errors import UsageError
from bench.data import mead
from bench.data.manifests import load_manifest
from bench.data.media import probe, read_audio
from bench.data.puppet import truth
from bench.data.puppet.dataset import CARD, plan, write_manifests, write_tree
from bench.data.puppet.splits import PROFILES, PUPPET_VERSION
from bench.data.puppet.visemes import BILABIAL, OPEN

MANIFESTS = Path(mead.__file__).parents[2] / "data_manifests" / "puppet"


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
    while len(list(root.glob("truth/*.safetensors"))) < 2 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "the writer ended before it could be killed"
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file() and not p.name.endswith(".tmp")}
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
    assert (card["profile"], card["parts"]) == ("smoke", ["test"])
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
    with pytest.raises(UsageError, match=f"version 0.*version {PUPPET_VERSION}"):
        write_tree(card.parent, "smoke")
    card.write_text(json.dumps({"puppet_version": PUPPET_VERSION, "profile": "quick", "parts": []}))
    with pytest.raises(UsageError, match=r"quick.*smoke"):
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


@pytest.mark.parametrize("profile", PROFILES)
def test_manifests_are_what_the_rule_makes(profile, tmp_path):
    for path in write_manifests(tmp_path, [PROFILES[profile]]):
        assert path.read_bytes() == (MANIFESTS / path.name).read_bytes(), (
            f"{path.name} is out of date: run python -m bench.data.puppet.dataset manifests"
        )


@pytest.mark.parametrize("profile", PROFILES)
def test_speakers_stand_in_one_part_in_all_profiles(profile):
    parts: dict[str, set] = {}
    for name in PROFILES:
        for clip_id, entry in load_manifest("puppet", name).clips.items():
            parts.setdefault(clip_id[:4], set()).add(entry.part)
    assert all(len(p) == 1 for p in parts.values())
    manifest = load_manifest("puppet", profile)
    assert {e.part for e in manifest.entries} == set(Part)
    training = {
        p: {c[:4] for c, e in manifest.clips.items() if e.part == p} for p in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN)
    }
    assert len(training[Part.METHOD_TRAIN]) == 2 * len(training[Part.JUDGE_TRAIN])


@pytest.mark.parametrize("profile", ["smoke", "quick", "bench", "full"])
@pytest.mark.parametrize("part", ["test", "validation"])
def test_every_scored_clip_has_its_partners_and_a_neutral_reference(profile, part):
    clips = plan(profile, [part])
    own = {speaker: [c for c in clips if c.speaker == speaker] for speaker in {c.speaker for c in clips}}
    for clip in (c for c in clips if c.scored):
        others = [c for c in own[clip.speaker] if c.clip_id != clip.clip_id]
        assert clip.take <= 3, "scored clips say common sentences only: the words do not tell the emotion"
        assert any(c.emotion == clip.emotion and c.level == clip.level and c.take != clip.take for c in others)
        assert any(c.emotion != clip.emotion and c.take == clip.take for c in others)
        assert any(c.emotion == "neutral" and c.take != clip.take for c in others)


def test_quick_is_balanced():
    clips = plan("quick")
    scored = [c for c in clips if c.scored]
    assert (len(clips), len(scored), len({c.speaker for c in scored})) == (60, 24, 12)
    assert Counter(c.emotion for c in scored) == dict.fromkeys(EMOTIONS, 3)
    assert {(c.emotion, c.level) for c in scored} == {
        (e, v) for e in EMOTIONS for v in (1, 2, 3) if e != "neutral" or v == 1
    }
    assert set(Counter(c.speaker for c in scored).values()) == {2}
    takes = Counter(c.take for c in scored)
    assert max(takes.values()) - min(takes.values()) <= 1
    assert Counter(c.speaker[0] for c in scored) == {"M": 12, "W": 12}
    assert all(45 <= c.frames <= 55 for c in clips)


def test_bench_is_every_speaker_emotion_and_two_sentences():
    scored = [c for c in plan("bench") if c.scored]
    assert len(scored) == 192
    assert set(Counter((c.speaker, c.emotion) for c in scored).values()) == {2}
    levels = Counter((c.emotion, c.level) for c in scored)
    assert {n for (emotion, _), n in levels.items() if emotion != "neutral"} == {8}

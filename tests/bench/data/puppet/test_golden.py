"""The embedded dataset is the one that its version names: its statistics do not change unless PUPPET_VERSION does."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data.puppet import golden
from bench.data.puppet.performance import perform
from bench.data.puppet.speaker import Speaker
from bench.data.puppet.version import PUPPET_VERSION

FILE = Path(__file__).parents[3] / "golden" / "puppet.json"
ANEW = "python -m bench.data.puppet.golden --write tests/golden/puppet.json"


@pytest.fixture(scope="module")
def kept():
    return json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def take():
    speaker, emotion, level, number = golden.CLIPS[0]
    return perform(Speaker.of(speaker), emotion, level, number, golden.FRAMES)


def higher(samples, by=1.03):
    """The same sound, half a semitone higher and shorter by as much."""
    return np.interp(np.arange(0, len(samples) - 1, by), np.arange(len(samples)), samples).astype(np.float32)


def one(groups):
    return {"clips": {"clip": groups}}


def test_statistics_are_those_of_the_version(kept, face_weights):
    assert kept["puppet_version"] == PUPPET_VERSION, f"PUPPET_VERSION changed: write the golden file anew ({ANEW})"
    found = golden.differences(kept, golden.statistics())
    assert not found, (
        f"the embedded dataset changed and PUPPET_VERSION ({PUPPET_VERSION}) did not. If that is meant, raise PUPPET_VERSION in "
        f"bench/data/puppet/version.py and write the golden file anew ({ANEW}).\n" + "\n".join(found[:20])
    )


def test_clips_are_of_training_speakers_of_both_sides_and_sexes_in_every_emotion_and_level(kept):
    speakers, emotions, levels, _ = zip(*golden.CLIPS, strict=True)
    assert {name[1] for name in speakers} == {"3", "4"}
    assert {name[0] for name in speakers} == {"M", "W"}
    assert len(set(emotions)) == 8
    assert set(levels) == {1, 2, 3}
    assert len(kept["clips"]) == len(golden.CLIPS) + len(golden.STILLS)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("face", lambda t: {"actions": (t.actions * np.float32(1.01)).clip(0, 1)}),
        ("gaze", lambda t: {"gaze": t.gaze + np.float32(0.05)}),
        ("head", lambda t: {"pose": t.pose * np.float32(1.01)}),
        ("place", lambda t: {"position": t.position + np.float32(0.01)}),
        ("what", lambda t: {"text": t.text + "!"}),
        ("what", lambda t: {"phonemes": t.phonemes[:-1]}),
        ("loudness", lambda t: {"samples": t.samples * np.float32(1.02)}),
        ("voice", lambda t: {"samples": higher(t.samples)}),
    ],
)
def test_a_real_change_is_seen(take, what, change):
    found = golden.differences(one(golden.of_take(take)), one(golden.of_take(replace(take, **change(take)))))
    assert any(line.startswith(f"clip, {what}") for line in found)


def test_a_picture_with_another_patch_is_seen(take):
    picture = np.full((256, 256, 3), 90, np.uint8)
    other = picture.copy()
    other[100:110, 100:110] = 120
    groups = [{"picture, luminance": golden.of_picture(p)} for p in (picture, other)]
    assert golden.differences(one(groups[0]), one(groups[1]))


def test_another_platforms_rounding_and_its_hashes_are_not_a_change(take):
    rng = np.random.default_rng(0)
    groups = golden.of_take(take)
    noisy = replace(
        take,
        actions=take.actions + rng.normal(0, 1e-6, take.actions.shape).astype(np.float32),
        gaze=take.gaze + rng.normal(0, 1e-4, take.gaze.shape).astype(np.float32),
        samples=take.samples + rng.normal(0, 1e-6, take.samples.shape).astype(np.float32),
    )
    assert golden.of_take(noisy)["hashes, information"] != groups["hashes, information"]
    assert golden.differences(one(groups), one(golden.of_take(noisy))) == []


def test_a_missing_clip_or_number_is_a_change(kept):
    less = copy.deepcopy(kept)
    less["clips"].pop(next(iter(less["clips"])))
    assert golden.differences(kept, less)
    assert golden.differences(less, kept)
    less = copy.deepcopy(kept)
    group = next(iter(less["clips"].values()))["face, actions"]
    group.pop(next(iter(group)))
    assert len(golden.differences(kept, less)) == 1


def test_the_command_writes_and_compares(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(golden, "statistics", lambda: copy.deepcopy(kept))
    golden.main(["--write", str(tmp_path / "g.json")])
    with pytest.raises(SystemExit) as end:
        golden.main(["--compare", str(tmp_path / "g.json")])
    assert not end.value.code
    changed = copy.deepcopy(kept)
    next(iter(changed["clips"].values()))["lips, pixels"]["mean"] += 1.0
    (tmp_path / "g.json").write_text(json.dumps(changed))
    with pytest.raises(SystemExit) as end:
        golden.main(["--compare", str(tmp_path / "g.json")])
    assert end.value.code == 1
    assert "lips, pixels, mean" in capsys.readouterr().out

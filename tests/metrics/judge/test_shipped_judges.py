"""The judges that come with the suite: whole, described, and right about faces that they have never met."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.cues import Cues
from bench.contract.expert_file import card_path
from bench.contract.seen import Video
from bench.data.store import Store
from metrics.emotion import said
from metrics.extractors.emotion_judge import EmotionJudge
from metrics.extractors.geometry_judge import GeometryJudgeExtractor
from metrics.judge.probes import PROBES

FOLDER = Path(str(files("metrics"))) / "experts" / "puppet"
NAMES = (*EmotionJudge.experts, *GeometryJudgeExtractor.experts)
LARGEST = 4_000_000
CHANCE = 1 / 8


def card(name):
    return json.loads(card_path(FOLDER / f"{name}.safetensors").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_the_one_its_card_describes(name):
    content = (FOLDER / f"{name}.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == card(name)["sha256"] and len(content) <= LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_complete(name):
    found = card(name)
    assert found["classes"] == list(EMOTIONS) and found["family"] == "puppet" and found["dtype"] == "float16"
    assert found["seed"] == int(name[-1]) and name[:-2] in found["recipe"] and "--seeds 0,1,2" in found["recipe"]
    assert not set(found["train_speakers"]) & set(found["validation_speakers"])
    assert all(s[1] == "3" for s in found["train_speakers"]) and all(s[1] == "2" for s in found["validation_speakers"])
    measured = found["measured"]
    assert measured["accuracy"] > 4 * CHANCE and set(measured["accuracy_by_level"]) == {"1", "2", "3"}
    probes = set(PROBES) if name in EmotionJudge.experts else {"pose held", "gaze held", "pose alone", "gaze alone"}
    assert probes <= set(measured["probes"])
    assert np.sum(measured["confusion"]) == measured["n_clips"]


def test_seeds_are_different_networks():
    assert len({card(name)["sha256"] for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("cls", [EmotionJudge, GeometryJudgeExtractor])
def test_more_than_chance_on_rendered_clips(cls, smoke_work):
    """All real clips of a small store, of speakers that no judge has met: far more right answers than chance gives."""
    from bench.data import media

    judge = cls({name: FOLDER / f"{name}.safetensors" for name in cls.experts})
    store = Store(smoke_work / "store" / "puppet-smoke")
    records = [store.record(folder.name) for folder in sorted((store.folder / "clips").iterdir())]
    right = []
    for record in records:
        folder = store.clip_folder(record["clip_id"])
        frames = np.stack(list(media.read_frames(folder / "face.mp4"))) if "frames" in cls.takes else None
        answer = judge(Video(Cues.load(folder / "cues.safetensors"), frames))["probabilities"]
        right += (said(answer) == EMOTIONS.index(record["emotion"])).tolist()
    assert np.mean(right) > 2 * CHANCE, f"{np.mean(right):.2f} of {len(right)} answers"

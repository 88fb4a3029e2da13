"""The weights that methods come with: whole, small, and trained on nobody whom they are scored on."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest

from baselines.registry import GROUPS, find_method
from bench.contract.clip import Part
from bench.contract.errors import WeightsError
from bench.contract.expert_file import read_card
from bench.data.manifests import load_manifest, manifest_names, speaker_of

FOLDER = Path(str(files("baselines").joinpath("weights")))
WEIGHTS = sorted(FOLDER.glob("*.safetensors"))
OURS = ["generator-self", "oracle-cues", "two_stage", "two_stage-no-relocation", "two_stage-no-latent"]
TRAINED_BY_USERS = sorted(set(GROUPS["ablations"]) - set(OURS))


@pytest.fixture(scope="module")
def held_out() -> set[str]:
    """Every validation, test and judge-training speaker of every split of the embedded dataset."""
    parts = (Part.VALIDATION, Part.TEST, Part.JUDGE_TRAIN)
    manifests = [load_manifest("puppet", name) for name in manifest_names("puppet")]
    return {speaker_of(entry.name) for manifest in manifests for entry in manifest.entries if entry.part in parts}


@pytest.mark.parametrize("name", OURS)
def test_every_row_has_the_weights_that_it_needs(name):
    assert all(
        re.fullmatch("[0-9a-f]{64}", value) for key, value in find_method(name).identity().items() if "weights" in key
    )


@pytest.mark.parametrize("name", TRAINED_BY_USERS)
def test_an_ablation_without_weights_names_the_command_that_trains_them(name):
    with pytest.raises(WeightsError, match=r"emotalk train --method speech_to_cues .*--set [a-z]+=false"):
        find_method(name).identity()


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_the_card_is_that_of_the_file(path):
    assert path.stat().st_size <= 16e6
    assert read_card(path)["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_nobody_who_chooses_judges_or_is_scored_was_learnt_from(path, held_out):
    card = read_card(path)
    assert card["train_speakers"] and held_out.isdisjoint(card["train_speakers"])


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_the_card_names_the_command_the_seed_and_the_curve(path):
    card = read_card(path)
    assert card["recipe"].startswith("emotalk train --method ") and isinstance(card["seed"], int)
    assert len(card["learning"]) >= 2

"""The shipped sync expert of the embedded dataset: the file that its card names, trained on the right people, good enough."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from bench import experts
from bench.data.puppet.version import PUPPET_VERSION
from metrics.sync_expert.embedding import load_expert

SHIPPED = Path(str(files("metrics").joinpath("experts", "puppet", "sync-expert.safetensors")))


@pytest.fixture(scope="module")
def card() -> dict:
    return json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))


def test_it_is_the_file_of_its_card_and_small(card):
    assert hashlib.sha256(SHIPPED.read_bytes()).hexdigest() == card["sha256"]
    assert SHIPPED.stat().st_size == card["bytes"] <= 4_000_000
    assert card["dtype"] == "float16"


def test_the_card_says_how_and_on_whom(card):
    assert card["recipe"] == "emotalk train --metric sync-expert --dataset puppet --profile bench"
    assert str(card["data_version"]) == str(PUPPET_VERSION)
    assert len(card["train_speakers"]) == 18 and len(card["validation_speakers"]) == 8
    assert all(speaker[1] == "3" for speaker in card["train_speakers"])
    assert all(speaker[1] == "2" for speaker in card["validation_speakers"])


def test_known_offsets_are_found_on_speakers_it_was_not_trained_on(card):
    accuracy = card["measured"]["offset_accuracy"]
    assert accuracy["within 1"] >= 0.85
    assert accuracy["exact"] <= accuracy["within 1"] <= accuracy["within 3"] <= accuracy["within 5"] <= 1
    for part in ("by_shift", "by_emotion", "by_level", "by_frames"):
        assert min(row["within 1"] for row in card["measured"][part].values()) >= 0.85
    pictures = {n: row for n, row in card["measured"]["degraded"].items() if n.startswith(("blurred", "JPEG", "noise"))}
    assert len(pictures) == 5 and min(row["within 1"] for row in pictures.values()) >= 0.85


def test_a_mouth_that_moves_too_smoothly_fits_worse_the_smoother_it_is(card):
    rows = [
        card["measured"]["scores"][name]
        for name in ("real", "averaged over 3 frames", "averaged over 7 frames", "still")
    ]
    assert [row["SX-D"] for row in rows] == sorted(row["SX-D"] for row in rows)
    assert [row["SX-C"] for row in rows] == sorted((row["SX-C"] for row in rows), reverse=True)


def test_it_gives_nothing_away_to_a_mismatch(card):
    scores = card["measured"]["scores"]
    for wrong in ("other sentence", "still"):
        assert scores[wrong]["SX-D"] > 1.1 * scores["real"]["SX-D"]
        assert scores[wrong]["SX-C"] < 0.4 * scores["real"]["SX-C"]


def test_resolving_it_loads_a_finite_network():
    path = experts.resolve("sync-expert", dataset="puppet", data_version=PUPPET_VERSION)
    assert all(np.isfinite(p.numpy()).all() for p in load_expert(path).state_dict().values())

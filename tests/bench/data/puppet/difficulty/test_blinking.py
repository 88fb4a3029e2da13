"""Blinks are counted as closed runs, per minute and emotion."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.difficulty import blinking
from bench.data.puppet.difficulty.clips import Spot
from bench.data.puppet.emotion import PROTOTYPES


def test_a_blink_is_a_run_of_closed_frames():
    assert blinking.blinks_in(np.array([0, 0.4, 0.9, 1.0, 0.2, 0, 0.6, 0])) == 2
    assert blinking.blinks_in(np.array([1.0, 1.0, 0.0])) == 1  # closed from the first frame on
    assert blinking.blinks_in(np.zeros(10)) == 0


def test_rates_are_all_blinks_by_all_minutes(monkeypatch):
    def take_of(spot: Spot) -> SimpleNamespace:
        actions = np.zeros((50, len(ACTIONS)))
        for k in range({"M301": 1, "W301": 3}[spot.speaker]):
            actions[10 * k + 5, ACTIONS.index("blink")] = 1.0
        return SimpleNamespace(actions=actions)

    monkeypatch.setattr(blinking, "take_of", take_of)
    found = blinking.by_emotion([Spot(name, "sad", 1, take) for name in ("M301", "W301") for take in (1, 2)])
    assert found["sad"].blinks == 8
    assert found["sad"].per_minute == pytest.approx(8 / (4 * 2 / 60))
    assert found["sad"].low < found["sad"].per_minute < found["sad"].high
    assert found["sad"].asked == PROTOTYPES["sad"].blinks

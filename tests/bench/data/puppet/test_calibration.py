"""How mouth and sound go together in every emotion, on the geometry of the heads. Run with `pytest -m slow -s` to see it."""

from dataclasses import asdict

import pytest

from bench.contract.clip import EMOTIONS
from bench.data.puppet.difficulty.lips import mouths

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_lips_meet_and_part_with_the_sound(face_weights):
    """p, b and m under 1.5 px, stressed open vowels over 6 px, lag 0 +- 1 frame; emotion by emotion."""
    found = mouths()
    assert tuple(found) == EMOTIONS
    for emotion, lips in found.items():
        print(f"{emotion:10s}", asdict(lips))
    for emotion, lips in found.items():
        assert lips.closures >= 20, emotion
        assert lips.openings >= 10, emotion
        assert lips.widest_closure < 1.5, emotion
        assert lips.narrowest_opening > 6.0, emotion
        assert abs(lips.lag) <= 1, emotion
        assert lips.within_one > 0.9, emotion
    assert sum(lips.lag for lips in found.values()) in (-1, 0, 1)

"""docs/shipped-weights.md: every card that ships, with its command and its curve."""

from bench.shipped_page import draw, page

CARD = {
    "name": "speech_to_cues", "trainable": "speech_to_cues", "bytes": 5_400_000, "train_speakers": ["M101", "W101"],
    "train_clips": 40, "seed": 3, "steps": 3000, "best_step": 2500, "device": "cpu", "seconds": 1500,
    "chosen_by": {"metric": "loss", "value": 1.25}, "recipe": "emotalk train --method speech_to_cues",
    "validation": {"loss": 1.25, "mouth": 0.5}, "config": {"steps": 3000}, "learning": [[1000, 2.0], [2500, 1.25], [3000, None]],
}  # fmt: skip


def test_a_card_is_a_line_a_command_and_its_measures():
    text = page([CARD])
    assert "| speech_to_cues | speech_to_cues | 5.4 | 2 | 40 | 3 | 3000 (2500) | cpu, 25 | loss 1.25 |" in text
    assert "    emotalk train --method speech_to_cues" in text and "mouth 0.5" in text


def test_a_training_that_ended_early_is_told():
    assert "| **500 of 3000** (500) |" in page([CARD | {"steps": 500, "best_step": 500}])


def test_curves_are_drawn_for_any_number_of_cards(tmp_path):
    for count in (1, 4):
        draw([CARD] * count, tmp_path / f"{count}.webp")
        assert (tmp_path / f"{count}.webp").stat().st_size > 1000

"""The declaration says of every column what moves it and what does not, names damages that exist, and refuses half-sentences."""

from collections import Counter
from dataclasses import replace
from importlib.resources import files
from types import SimpleNamespace

import pytest

from baselines.damages.registry import DAMAGES, find_damage
from bench.calibration.declaration import chosen_clips, load_declaration, parse_declaration
from bench.calibration.run import refuse_unlike
from bench.contract.errors import UsageError
from bench.protocols import load_protocol

TEXT = (files("data_manifests") / "calibration.toml").read_text(encoding="utf-8")
NOT_MOVED = {"Judge-agree", "Blink-dur"}
SMALL = """
version = 1
protocol = "emotalk"
[effects]
SSIM = [0.01, "why"]
[damages.blur]
kind = "picture"
unit = "px"
doses = [0.5, 1, 2]
why = "soft"
[damages.blur.expects]
SSIM = ["falls", "edges"]
"""


def test_every_column_is_declared_to_move_somewhere_and_to_stay_somewhere_else():
    cells = [(e.metric, e.says) for damage in load_declaration().damages for e in damage.expects]
    columns = set(load_protocol().metrics)
    assert columns - {metric for metric, says in cells if says != "flat"} == NOT_MOVED
    assert columns == {metric for metric, says in cells if says == "flat"}


def test_the_declared_damages_are_those_that_code_makes_in_the_declared_unit():
    declared = load_declaration().damages
    assert {damage.name for damage in declared} == set(DAMAGES)
    for damage in declared:
        refuse_unlike(damage)
        made = find_damage(damage.name, damage.doses[-1]).load()
        assert made.least <= damage.doses[0] < damage.doses[-1] <= made.most


def test_a_damage_made_in_another_unit_than_declared_is_refused():
    blur = load_declaration().only(["blur"]).damages[0]
    with pytest.raises(UsageError, match="declared as picture in percent, made as picture in px"):
        refuse_unlike(replace(blur, unit="percent"))


def test_every_effect_and_every_expectation_says_why():
    for damage in load_declaration().damages:
        assert damage.why
        assert all(e.why and e.effect > 0 for e in damage.expects)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("falls", "drops", "expects.SSIM"),
        ("[0.5, 1, 2]", "[0.5, 1]", "3 or more"),
        ("[0.5, 1, 2]", "[0, 1, 2]", "rising from above 0"),
        ("[0.5, 1, 2]", "[1, 0.5, 2]", "rising from above 0"),
        ('SSIM = ["falls"', 'SSMI = ["falls"', "did you mean 'SSIM'"),
        ("SSIM = [0.01", "SSIMS = [0.01", "did you mean 'SSIM'"),
        ("SSIM = [0.01", "SSIM = [0.0", "effects.SSIM"),
        ('why = "soft"', 'why = "soft"\ncolour = "red"', "colour"),
        ('unit = "px"\n', "", "unit"),
        ("[effects]", "[effects", "not a TOML document"),
        ('protocol = "emotalk"', 'protocol = "emotalks"', "did you mean 'emotalk'"),
    ],
)
def test_a_declaration_that_is_not_sound_is_refused_with_the_place(old, new, said):
    assert SMALL.count(old) >= 1
    with pytest.raises(UsageError, match=said):
        parse_declaration(SMALL.replace(old, new, 1).encode(), "calibration.toml")


def test_the_hash_is_that_of_the_bytes_whatever_part_is_run():
    whole = load_declaration()
    assert whole.only(["noise"]).sha256 == whole.sha256
    assert parse_declaration((TEXT + "\n# changed").encode(), "x").sha256 != whole.sha256


def test_an_unknown_damage_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'blur'"):
        load_declaration().only(["blurr"])


CLIPS = [SimpleNamespace(clip_id=f"{s}_{e}", speaker=s) for s in "ABCDEF" for e in ("angry", "happy", "sad")]


@pytest.mark.parametrize("count", [1, 4, 6, 8, 15, 18])
def test_clips_are_spread_over_speakers_before_any_gives_two(count):
    chosen = chosen_clips(CLIPS, count)
    of_speaker = Counter(name[0] for name in chosen)
    assert len(chosen) == count
    assert max(of_speaker.values()) - min(of_speaker.get(s, 0) for s in "ABCDEF") <= 1


def test_clips_are_spread_over_emotions_and_do_not_depend_on_the_order():
    assert chosen_clips(CLIPS, 6) == chosen_clips(CLIPS[::-1], 6)
    assert Counter(name[2:] for name in chosen_clips(CLIPS, 6)) == {"angry": 2, "happy": 2, "sad": 2}
    assert chosen_clips(CLIPS, 4) < chosen_clips(CLIPS, 18)

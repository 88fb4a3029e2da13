"""Damaged checkpoints go through the gate like any other; one is caught where a column that must see it is worse."""

from pathlib import Path

import pytest
from small_checkpoint import write_checkpoint

from bench.contract.errors import Reason, UsageError
from bench.contract.expert_file import read_card
from bench.contract.regression import Ungated
from bench.regress.checkpoint_damages import CheckpointDamages, load_checkpoint_damages, parse_checkpoint_damages
from bench.regress.checkpoint_table import markdown
from bench.regress.checkpoints import MARK, Asked, checks, write_into
from bench.regress.conditions import MissingValues
from bench.regress.gate import gate
from bench.regress.rates import Rates
from bench.workspace import Workspace

DECLARED = CheckpointDamages(
    version=1,
    seed=0,
    damages={
        name: {"dose": dose, "rendered": ["M-LMD"], "cues": ["SX-C"], "told": ["SSIM"]}
        for name, dose in {"fewer-steps": 0.05, "weight-noise": 0.5, "sound-late": 5.0, "gaze-zeroed": 1.0}.items()
    },
)
SAID = {"intact": {}, "fewer-steps": {}, "weight-noise": {"M-LMD": 2.9, "SSIM": 0.4}, "sound-late": {"SX-C": 4.0}}
"""What the rows of these checkpoints are worse in; the last one gives no values."""


@pytest.fixture
def space(tmp_path):
    return Workspace(tmp_path / "work")


@pytest.fixture
def asked(tmp_path, frozen, references):
    checkpoint = write_checkpoint(tmp_path / "model" / "speech_to_cues.safetensors")
    fewer = write_checkpoint(tmp_path / "fewer" / "speech_to_cues.safetensors", steps=100)
    return Asked("two_stage", checkpoint, fewer, frozen, references, 1, "cpu")


@pytest.fixture
def through(another, frozen, monkeypatch):
    """The flags of each checkpoint that went through a stand-in for `emotalk regress`."""
    seen = []

    def regress_verb(flags, space, command):
        name = read_card(flags.checkpoint).get("damage", {"name": "intact"})["name"]
        seen.append(flags)
        if name not in SAID:
            raise MissingValues("no value of M-LMD, no verdict")
        seed, spread = (9, 2.0) if name == "intact" else (5, 2.0)  # 9: the frozen row itself
        flags.out.mkdir(parents=True)
        row = another(SAID[name], name=f"row-{name}", spread=spread, seed=seed)
        gate(row, frozen).save(flags.out / "verdict.json")

    monkeypatch.setattr("bench.regress.verb.regress_verb", regress_verb)
    return seen


def test_the_intact_and_every_damaged_checkpoint_are_made_and_judged_on_the_references_clips(asked, through, space):
    found = checks(asked, DECLARED, space)
    assert [one.name for one in found] == ["intact", *DECLARED.damages]
    assert {(f.reference, f.profile, f.split, f.seed, f.method) for f in through} == {
        ("model", "quick", "test", asked.frozen.record.seed, "two_stage")
    }
    assert len({f.out for f in through}) == len(through) and through[0].checkpoint == asked.checkpoint
    cards = [read_card(f.checkpoint)["damage"] for f in through[1:]]
    assert [(c["name"], c["dose"]) for c in cards] == [(n, e.dose) for n, e in DECLARED.damages.items()]


def test_it_is_caught_where_a_column_that_must_see_it_is_worse_and_not_by_another(asked, through, space):
    found = {one.name: one for one in checks(asked, DECLARED, space)}
    assert {n: one.worse for n, one in found.items() if one.worse} == {
        "weight-noise": ("M-LMD",),
        "sound-late": ("SX-C",),
    }
    assert {n for n, one in found.items() if one.caught} == {"weight-noise"}
    assert found["intact"].largest == 0.0 < found["fewer-steps"].largest
    assert found["gaze-zeroed"].record is None and "no value of M-LMD" in found["gaze-zeroed"].problem


def test_against_a_reference_of_cues_other_columns_must_see_it(asked, through, space):
    asked.frozen.record.ungated.append(Ungated(metric="LPIPS", reason=Reason.CUE_SPACE_ONLY))
    with pytest.MonkeyPatch.context() as patch:  # the made-up rows have no column of pixels
        patch.setattr("bench.regress.gate.refuse_other_space", lambda *_: None)
        found = {one.name: one for one in checks(asked, DECLARED, space)}
    assert {n for n, one in found.items() if one.caught} == {"sound-late"}


def test_a_reference_of_another_checkpoint_is_refused(asked, through, space):
    asked.frozen.record.method.checkpoint_sha256 = "0" * 64
    with pytest.raises(UsageError, match="the reference model was made with another one"):
        checks(asked, DECLARED, space)
    assert through == []


def test_other_parts_of_the_model_lie_beside_damaged_checkpoints_as_beside_the_intact_one(asked, through, space):
    part = asked.checkpoint.parent / "landmarks_to_face.safetensors"
    part.write_bytes(b"weights"), part.with_suffix(".json").write_text("{}")
    checks(asked, DECLARED, space)
    beside = through[1].checkpoint.parent / part.name
    assert beside.read_bytes() == b"weights" and beside.with_suffix(".json").is_file()
    assert not (beside.parent / "generator.safetensors").exists()


def rated(alarms, draws):
    return Rates(0.0, alarms / draws, {"M-LMD": {"worse": alarms / draws}, "SX-C": {"not worse": 1.0}})


def test_the_section_says_what_was_caught_by_what_and_what_was_not(asked, through, space):
    text = markdown(asked.frozen.record, "abcdef" * 10, checks(asked, DECLARED, space), rated(3, 100), 100)
    assert "| weight-noise | 0.5 | M-LMD | M-LMD | yes | SSIM worse |" in text
    assert "| sound-late | 5 | M-LMD | SX-C | **no** | — |" in text
    assert "| gaze-zeroed | 1 | M-LMD | no verdict | no | — |" in text
    assert "| intact | — | — | — | — | — |" in text
    assert "1 of 4 damaged checkpoints are caught" in text
    assert "intact differs from its own frozen row by exactly 0" in text
    assert "videos), puppet, quick, test: 20 clips of 5 speakers; checkpoint abcdefabcdef;" in text


@pytest.mark.parametrize(
    ("alarms", "said"),
    [
        (0, "in 0 of 100 draws, 0.0 % [0.0, 3.6]: no more than the stated 5 % is shown"),
        (3, "in 3 of 100 draws (M-LMD 3), 3.0 % [0.6, 8.5]: no more than the stated 5 % is shown"),
        (20, "in 20 of 100 draws (M-LMD 20), 20.0 % [12.7, 29.2]: more than the stated 5 %"),
    ],
)
def test_alarms_of_the_intact_checkpoint_are_held_against_the_stated_rate(frozen, alarms, said):
    assert said in markdown(frozen.record, "0" * 64, [], rated(alarms, 100), 100)


def test_a_section_takes_the_place_of_the_one_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    write_into(page, "x", "new")
    assert page.read_text() == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    with pytest.raises(UsageError, match="expected the lines"):
        write_into(page, "y", "new")


@pytest.mark.parametrize("made", ["cues", "videos"])
def test_the_page_has_a_place_for_both_sections(made):
    page = (Path(__file__).parents[3] / "docs" / "regression.md").read_text()
    assert all(page.count(f"<!-- {MARK}, {made}: {end} -->") == 1 for end in ("begin", "end"))


def test_every_damage_of_the_suite_is_declared():
    assert list(load_checkpoint_damages().damages) == [
        "fewer-steps", "weight-noise", "sound-late", "emotion-shuffled", "gaze-zeroed"
    ]  # fmt: skip


def declaration(**changes):
    damages = {
        name: one.model_dump() | changes.get(name, {}) for name, one in load_checkpoint_damages().damages.items()
    }
    lines = ["version = 1", "seed = 0"]
    for name, one in damages.items():
        lines += [f"[damages.{name}]", *(f"{key} = {value!r}" for key, value in one.items())]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda: declaration(**{"sound-late": {"rendered": ["SX-D00"]}}), "sound-late.rendered: unknown 'SX-D00'"),
        (lambda: declaration(**{"sound-late": {"cues": ["SX-offset"]}}), "sound-late.cues: unknown 'SX-offset'"),
        (lambda: declaration(**{"sound-late": {"told": ["M-LMD"]}}), "sound-late.told: unknown 'M-LMD'"),
        (lambda: declaration(**{"sound-late": {"dose": -1}}), "damages.sound-late.dose"),
        (lambda: declaration().replace("sound-late", "sound-early"), "damages: unknown 'sound-early'"),
        (lambda: declaration().partition("[damages.gaze")[0], "says nothing of gaze-zeroed"),
        (lambda: "= 1", "not a TOML document"),
    ],
)
def test_a_declaration_that_says_nothing_sensible_is_refused(text, said):
    assert parse_checkpoint_damages(declaration().encode(), "d.toml") == load_checkpoint_damages()
    with pytest.raises(UsageError, match=said):
        parse_checkpoint_damages(text().encode(), "d.toml")

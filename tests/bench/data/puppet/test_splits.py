"""Who plays what: nobody on two sides, in no profile and no layout; the counts; every scored clip with its companions."""

from collections import Counter
from pathlib import Path

import pytest

import data_manifests
from bench.contract.clip import EMOTIONS, Part
from bench.contract.errors import UsageError
from bench.data.manifests import load_manifest, manifest_names, speaker_of
from bench.data.puppet.layouts import LAYOUTS, plan
from bench.data.puppet.manifest_files import profiles_of, write_manifests
from bench.data.puppet.speaker import Speaker
from bench.data.puppet.splits import PROFILES
from bench.data.puppet.splits_cremad import actor, speaker_of_actor, what_of

MANIFESTS = Path(data_manifests.__file__).parent
EDITIONS = [(layout, p.name) for layout in LAYOUTS for p in profiles_of(layout)]
SPOKEN = [(layout, name) for layout, name in EDITIONS if name != "pretrain"]
TRAINING = (Part.METHOD_TRAIN, Part.JUDGE_TRAIN)


def speaker_named(layout: str, clip_id: str) -> str:
    """The puppet speaker of a clip, whatever the layout calls them."""
    return speaker_of_actor(speaker_of(clip_id)) if layout == "cremad" else speaker_of(clip_id)


def parts_of(layout: str, profile: str) -> dict[str, set[Part]]:
    """Speaker -> the parts they stand in."""
    parts: dict[str, set[Part]] = {}
    for clip_id, entry in load_manifest(LAYOUTS[layout], profile).clips.items():
        parts.setdefault(speaker_named(layout, clip_id), set()).add(entry.part)
    return parts


@pytest.mark.parametrize(("layout", "profile"), EDITIONS)
def test_manifests_are_what_the_rule_makes(layout, profile, tmp_path):
    for path in write_manifests(tmp_path, layout, [PROFILES[profile]]):
        assert path.read_bytes() == (MANIFESTS / LAYOUTS[layout] / path.name).read_bytes(), (
            f"{path.name} is out of date: run python -m bench.data.puppet.dataset manifests"
        )


def test_profiles_of_each_layout():
    assert manifest_names("puppet") == sorted(("smoke", "quick", "bench", "pretrain", "full"))
    assert manifest_names("puppet-cremad") == sorted(("smoke", "quick", "bench", "full"))


def test_a_speaker_stands_on_one_side_in_every_profile_and_layout():
    sides: dict[str, set[Part]] = {}
    for layout, profile in EDITIONS:
        for speaker, parts in parts_of(layout, profile).items():
            sides.setdefault(speaker, set()).update(parts)
    assert [speaker for speaker, parts in sides.items() if len(parts) != 1] == []


def test_no_two_speakers_of_any_profile_have_the_looks_of_one():
    everyone = {speaker for layout, profile in EDITIONS for speaker in parts_of(layout, profile)}
    seeds = Counter((Speaker.of(name).seed, name[0]) for name in everyone)
    assert max(seeds.values()) == 1
    assert len({seed for seed, _ in seeds}) == len(everyone)


def test_identities_of_pretraining_are_of_no_other_profile_and_of_method_training_alone():
    pretrain = parts_of("mead", "pretrain")
    assert len(pretrain) >= 400
    assert all(parts == {Part.METHOD_TRAIN} for parts in pretrain.values())
    assert {name[0] for name in pretrain} == {"M", "W"}
    others = {speaker for layout, profile in SPOKEN for speaker in parts_of(layout, profile)}
    assert not others & set(pretrain)
    assert not {Speaker.of(n).seed for n in others} & {Speaker.of(n).seed for n in pretrain}
    assert load_manifest("puppet", "pretrain").card["frames_only"] is True


@pytest.mark.parametrize(("layout", "profile"), SPOKEN)
def test_every_profile_has_four_parts_of_men_and_women_and_two_method_speakers_for_one_judge_speaker(layout, profile):
    sides = parts_of(layout, profile)
    found = {part: {speaker for speaker, parts in sides.items() if part in parts} for part in Part}
    assert {part: len(speakers) for part, speakers in found.items()} == PROFILES[profile].speakers
    assert len(found[Part.METHOD_TRAIN]) == 2 * len(found[Part.JUDGE_TRAIN])
    for speakers in found.values():
        sexes = Counter(name[0] for name in speakers)
        assert abs(sexes["M"] - sexes["W"]) <= 1
    first = {Part.TEST: "1", Part.VALIDATION: "2", Part.JUDGE_TRAIN: "3", Part.METHOD_TRAIN: "4"}
    assert all({name[1] for name in speakers} == {first[part]} for part, speakers in found.items())
    assert load_manifest(LAYOUTS[layout], profile).flags == ()


def test_the_table_in_the_docs_counts_what_the_manifests_hold():
    text = (MANIFESTS.parent / "docs" / "puppet.md").read_text(encoding="utf-8")
    for layout, profile in EDITIONS:
        clips = load_manifest(LAYOUTS[layout], profile).clips.values()
        tested = [e for e in clips if e.part == Part.TEST]
        low, high = load_manifest(LAYOUTS[layout], profile).card["frames"]
        sizes = {part: PROFILES[profile].speakers.get(part, 0) for part in Part}
        counts = [sizes[Part.TEST], sum(e.scored for e in tested), len(tested)] if tested else ["", "", ""]
        training = " / ".join(str(sizes[p]) for p in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN, Part.VALIDATION))
        name = profile + (", CREMA-D" if layout == "cremad" else "")
        row = "| " + " | ".join(map(str, [name, *counts, f"{low}-{high}", training])) + " |"
        assert row.replace("|  |", "| |").replace("|  |", "| |") in text, row


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("profile", "speakers", "tested"), [("quick", 28, 12), ("bench", 74, 12), ("full", 100, 24)])
def test_speakers_before_clips(layout, profile, speakers, tested):
    sides = parts_of(layout, profile)
    assert len(sides) == speakers >= 24
    assert sum(parts == {Part.TEST} for parts in sides.values()) == tested >= 12


@pytest.mark.parametrize(("layout", "profile"), SPOKEN)
@pytest.mark.parametrize("part", ["test", "validation"])
def test_every_scored_clip_has_its_partners_and_a_neutral_reference(layout, profile, part):
    clips = plan(profile, [part], layout)
    own = {speaker: [c for c in clips if c.speaker == speaker] for speaker in {c.speaker for c in clips}}
    for clip in (c for c in clips if c.scored):
        others = [c for c in own[clip.speaker] if c.clip_id != clip.clip_id]
        common = range(101, 113) if layout == "cremad" else range(1, 4)
        assert clip.take in common, "scored clips say common sentences only: the words do not tell the emotion"
        near = [c for c in others if c.emotion == clip.emotion and c.take != clip.take]
        assert any(layout == "cremad" or c.level == clip.level for c in near)
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


def test_quick_in_cremads_layout_is_balanced_over_emotions_sexes_and_the_levelled_sentence():
    scored = [c for c in plan("quick", layout="cremad") if c.scored]
    assert (len(scored), len({c.speaker for c in scored})) == (24, 12)
    assert set(Counter(c.emotion for c in scored).values()) == {4}
    assert set(Counter((c.emotion, c.speaker[0]) for c in scored).values()) == {2}
    assert set(Counter((c.emotion, "_IEO_" in c.clip_id) for c in scored).values()) == {2}
    assert {c.clip_id[-2:] for c in scored} == {"LO", "MD", "HI", "XX"}


def test_full_says_what_an_actor_of_cremad_says():
    clips = plan("full", layout="cremad")
    assert set(Counter(c.speaker for c in clips).values()) == {82}
    own = Counter(c.clip_id.split("_")[2] for c in clips if c.speaker == "M101")
    assert own == {"ANG": 14, "DIS": 14, "FEA": 14, "HAP": 14, "SAD": 14, "NEU": 12}


def test_names_of_cremad_are_read_back_and_a_level_that_is_not_told_stays_the_same():
    assert actor("W101") == "2101"
    assert speaker_of_actor("1422") == "M422"
    assert what_of("1101_IEO_ANG_HI") == ("M101", "angry", 3, 101)
    assert what_of("2101_WSI_NEU_XX") == ("W101", "neutral", 1, 112)
    names = [c.clip_id for c in plan("full", layout="cremad") if c.clip_id.endswith("XX")]
    acted = [what_of(name)[2] for name in names]
    assert set(acted) == {1, 2, 3}
    assert acted == [what_of(name)[2] for name in names]


def test_the_first_identities_of_pretraining_are_men_and_women_in_turn():
    assert {c.speaker for c in plan("pretrain", ["method-train"], limit=4)} == {"M501", "W501", "M502", "W502"}


def test_profiles_and_parts_that_do_not_exist_are_wrong_use():
    with pytest.raises(UsageError, match="no test part; it has: method-train"):
        plan("pretrain")
    with pytest.raises(UsageError, match="unknown manifest 'pretrain' of puppet-cremad"):
        plan("pretrain", ["method-train"], "cremad")
    with pytest.raises(UsageError, match="unknown layout"):
        plan("quick", layout="vox")

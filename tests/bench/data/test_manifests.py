"""Manifests: the committed splits keep their promises, and a file of the user's own is read with care."""

import csv
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

import data_manifests
from bench.contract.clip import EMOTIONS, Part
from bench.contract.errors import Reason, UsageError
from bench.data import datasets, manifests
from bench.data.manifests import TWO_SIDES, count, load_manifest, speaker_of
from data_manifests import make

FACTS = os.environ.get("EMOTALK_FACTS")
MEAD_TEST = {"M003", "M030", "W009", "W015"}
NAMED = [(d, m) for d in ("mead", "cremad", "cremad-sample") for m in manifests.manifest_names(d)]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def speakers(manifest, part):
    return {speaker_of(e.name) for e in manifest.entries if e.part == part}


def test_the_promised_manifests_are_there():
    folds = {f"folds5-{n}" for n in range(5)}
    assert set(manifests.manifest_names("mead")) == {"edtalk", "eat100", "readme-sentences"} | folds
    assert manifests.manifest_names("cremad") == ["speakers"]
    assert manifests.manifest_names("cremad-sample") == ["sample"]


@pytest.mark.parametrize(("dataset", "name"), NAMED)
def test_a_card_tells_what_the_csv_holds(dataset, name):
    manifest = load_manifest(dataset, name)
    assert {"title", "source", "licence", "rule", "status", "csv_sha256", "counts"} <= set(manifest.card)
    assert manifest.status in ("verified", "unverified")
    assert manifest.card["counts"] == {str(part): numbers for part, numbers in count(manifest).items()}
    assert manifest.card["csv_sha256"] == manifest.sha256


@pytest.mark.parametrize(("dataset", "name"), NAMED)
def test_no_speaker_stands_on_two_sides_unless_the_manifest_says_so(dataset, name):
    manifest = load_manifest(dataset, name)
    parts = {}
    for entry in manifest.entries:
        parts.setdefault(speaker_of(entry.name), set()).add(entry.part)
    both = [s for s, on in parts.items() if len(on) > 1]
    assert bool(both) == (TWO_SIDES in manifest.flags) == (name == "readme-sentences")
    assert ("leaky" in manifest.flags) == (name == "readme-sentences")


@pytest.mark.parametrize(("dataset", "name"), [n for n in NAMED if n[1] != "sample"])
def test_training_speakers_are_split_one_tenth_two_thirds_one_third(dataset, name):
    manifest = load_manifest(dataset, name)
    method, judge, validation = (
        len(speakers(manifest, p)) for p in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN, Part.VALIDATION)
    )
    assert abs(validation - (method + judge + validation) / 10) <= 0.5
    assert abs(judge - (method + judge) / 3) <= 0.5


@pytest.mark.parametrize("name", [n for d, n in NAMED if d == "mead"])
def test_every_part_of_mead_has_men_and_women_in_the_share_of_all(name):
    manifest = load_manifest("mead", name)
    for part in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN, Part.VALIDATION):
        members = speakers(manifest, part)
        men = sum(s[0] == "M" for s in members)
        assert abs(men - len(members) * 25 / 43) <= 2, part


def test_edtalk_has_the_published_numbers():
    numbers = count(load_manifest("mead", "edtalk"))
    training = [numbers[p] for p in (Part.METHOD_TRAIN, Part.JUDGE_TRAIN, Part.VALIDATION)]
    assert sum(n["speakers"] for n in training) == 39 and sum(n["clips"] for n in training) == 25_747
    assert numbers[Part.TEST] == {"speakers": 4, "clips": 2293, "scored": 2293}
    assert speakers(load_manifest("mead", "edtalk"), Part.TEST) == MEAD_TEST


def test_eat100_scores_100_clips_and_keeps_the_others_as_partners():
    manifest = load_manifest("mead", "eat100")
    scored = [e.name for e in manifest.entries if not e.is_speaker]
    assert len(scored) == 100 and {speaker_of(n) for n in scored} == MEAD_TEST
    assert {n.split("_")[3] if n.split("_")[2] != "neutral" else "neutral" for n in scored} == {"3", "neutral"}
    assert manifest.part_of(scored[0]) == Part.TEST and manifest.scored(scored[0])
    partner = "M003_front_angry_1_001"
    assert manifest.part_of(partner) == Part.TEST and not manifest.scored(partner)
    assert manifest.part_of("M005_front_angry_1_001") in set(Part) - {Part.TEST}
    assert manifest.part_of("M001_front_angry_1_001") is None and not manifest.scored("M001_front_angry_1_001")


def test_eat100_and_edtalk_train_the_same_speakers_for_the_same_thing():
    one, other = load_manifest("mead", "eat100"), load_manifest("mead", "edtalk")
    assert all(speakers(one, part) == speakers(other, part) for part in Part)


def test_readme_sentences_takes_the_last_takes_of_every_level():
    published, rule = load_manifest("mead", "edtalk"), load_manifest("mead", "readme-sentences")
    levels = {}
    for name in published.clips:
        levels.setdefault(name.rsplit("_", 1)[0], []).append(name)
    for level, own in levels.items():
        last = 10 if "_neutral_" in level else 6
        test = [n for n in sorted(own) if rule.part_of(n) == Part.TEST]
        assert test == sorted(own)[-last:]


def test_everyone_is_test_in_exactly_one_of_five_folds_of_equal_size_and_sex():
    folds = [load_manifest("mead", f"folds5-{n}") for n in range(5)]
    seen = Counter(s for fold in folds for s in speakers(fold, Part.TEST))
    assert len(seen) == 43 and set(seen.values()) == {1}
    assert {len(speakers(f, Part.TEST)) for f in folds} == {8, 9}
    men = [sum(s[0] == "M" for s in speakers(f, Part.TEST)) for f in folds]
    assert max(men) - min(men) <= 1
    assert all(len({s for p in Part for s in speakers(f, p)}) == 43 for f in folds)


def test_cremad_has_all_clips_and_enough_test_actors():
    manifest = load_manifest("cremad", "speakers")
    numbers = count(manifest)
    assert sum(n["clips"] for n in numbers.values()) == 7442 and sum(n["speakers"] for n in numbers.values()) == 91
    assert numbers[Part.TEST]["speakers"] >= 18
    assert "Open Database License" in manifest.card["licence"]


def test_the_sample_is_six_emotions_of_one_actor_and_one_sentence():
    manifest = load_manifest("cremad-sample", "sample")
    assert len({n.split("_")[2] for n in manifest.clips}) == 6 and {n[:9] for n in manifest.clips} == {"1001_DFA_"}
    assert all(e.part == Part.TEST and e.scored for e in manifest.entries)
    assert "same-sentence" in manifest.flags and "Open Database License" in manifest.card["licence"]


def test_every_default_manifest_is_of_this_world():
    for name, dataset in datasets.all_datasets().items():
        if name != "puppet":
            assert dataset.default_manifest in manifests.manifest_names(name)


def test_mead_clip_ids_of_the_manifests_use_mead_words():
    for name in ("edtalk", "eat100", "readme-sentences"):
        for clip_id in load_manifest("mead", name).clips:
            speaker, view, emotion, level, take = clip_id.split("_")
            assert view == "front" and emotion in EMOTIONS and level in "123" and len(take) == 3 and len(speaker) == 4


def test_the_table_in_the_docs_counts_what_the_manifests_hold():
    text = (Path(__file__).parents[3] / "docs/datasets.md").read_text(encoding="utf-8")
    published = load_manifest("mead", "edtalk").clips
    for name in ("edtalk", "eat100", "readme-sentences", *(f"folds5-{n}" for n in range(5))):
        manifest = load_manifest("mead", name)
        clips = [c for c in manifest.clips or published if manifest.part_of(c) == Part.TEST]
        emotions = Counter(c.split("_")[2] for c in clips)
        row = [f"{name} test", len({speaker_of(c) for c in clips}), len(clips), *(emotions[e] for e in EMOTIONS)]
        assert f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in row)} |" in text


@pytest.mark.skipif(not FACTS, reason="EMOTALK_FACTS names no folder of fact tables")
def test_the_committed_files_are_what_the_script_derives(tmp_path):
    written = make.write_all(Path(FACTS), tmp_path)
    committed = Path(data_manifests.__file__).parent
    assert len(written) == 23
    for path in written:
        assert path.read_bytes() == (committed / path.relative_to(tmp_path)).read_bytes(), path.name


@pytest.mark.skipif(not FACTS, reason="EMOTALK_FACTS names no folder of fact tables")
def test_cremad_parts_have_sex_and_age_in_the_share_of_all():
    with (Path(FACTS) / "cremad_actors.csv").open() as file:
        stratum = {r["actor"]: (r["sex"], make.age_band(int(r["age"]))) for r in csv.DictReader(file)}
    everyone, manifest = Counter(stratum.values()), load_manifest("cremad", "speakers")
    for part in Part:
        members = Counter(stratum[s] for s in speakers(manifest, part))
        for group, total in everyone.items():
            assert abs(members[group] - total * members.total() / 91) < 1.7, (part, group)


def test_drawing_speakers_is_stratified_and_depends_on_names_alone():
    strata = {"f": [f"W{n}" for n in range(30)], "m": [f"M{n}" for n in range(60)]}
    drawn = make.pick(strata, 9, "seed")
    assert len(drawn) == 9 and sum(n[0] == "W" for n in drawn) == 3
    assert make.pick({k: v[::-1] for k, v in reversed(strata.items())}, 9, "seed") == drawn
    assert make.pick(strata, 9, "another seed") != drawn


def test_a_changed_csv_under_a_named_card_is_refused(tmp_path, monkeypatch):
    committed = Path(data_manifests.__file__).parent
    shutil.copytree(committed / "cremad-sample", tmp_path / "cremad-sample")
    monkeypatch.setattr(manifests, "files", lambda package: tmp_path)
    text = (tmp_path / "cremad-sample/sample.csv").read_text()
    assert load_manifest("cremad-sample", "sample").sha256
    (tmp_path / "cremad-sample/sample.csv").write_bytes(text.replace("\n", "\r\n").encode())  # a checkout on Windows
    assert load_manifest("cremad-sample", "sample").sha256
    (tmp_path / "cremad-sample/sample.csv").write_text(
        text.replace("1001_DFA_ANG_XX,test", "1001_DFA_ANG_XX,validation")
    )
    with pytest.raises(UsageError, match=r"cremad-sample/sample\.csv is not the file its card describes"):
        load_manifest("cremad-sample", "sample")


def test_an_unknown_name_gets_a_suggestion_and_the_list():
    with pytest.raises(UsageError, match=r"did you mean 'edtalk'.*eat100.*readme-sentences.*\.csv"):
        load_manifest("mead", "edtlk")


def test_a_users_csv_is_read_by_its_path(tmp_path):
    path = write(
        tmp_path / "my split.csv",
        "\ufeffclip_id,part,scored\nM003_front_sad_1_001,test,\nM003_front_sad_1_002,test,0\n",
    )
    manifest = load_manifest("mead", path)
    assert (manifest.name, manifest.status, manifest.flags) == ("my_split", "user", ())
    assert manifest.scored("M003_front_sad_1_001") and not manifest.scored("M003_front_sad_1_002")
    assert load_manifest("mead", str(path)) == manifest


def test_a_clips_own_row_goes_before_its_speakers_row(tmp_path):
    path = write(tmp_path / "a.csv", "speaker,clip_id,part\nM003,,method-train\n,M003_front_sad_1_002,test\n")
    manifest = load_manifest("mead", path)
    assert manifest.part_of("M003_front_sad_1_001") == Part.METHOD_TRAIN
    assert manifest.part_of("M003_front_sad_1_002") == Part.TEST
    assert manifest.flags == (TWO_SIDES,)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "M003/front/001", "..", "C:\\clip"])
def test_a_path_in_a_manifest_is_rejected_as_outside_the_root(tmp_path, name):
    manifest = load_manifest(
        "mead", write(tmp_path / "a.csv", f"clip_id,part\n{name},test\nM003_front_sad_1_001,test\n")
    )
    assert [(r.path, r.reason) for r in manifest.rejected] == [(name, Reason.OUTSIDE_ROOT)]
    assert "line 2" in manifest.rejected[0].detail and list(manifest.clips) == ["M003_front_sad_1_001"]


def test_a_name_that_can_be_no_clip_id_is_outside_the_scheme(tmp_path):
    manifest = load_manifest("mead", write(tmp_path / "a.csv", f"clip_id,part\nM003 sad,test\n{'x' * 81},test\n"))
    assert [r.reason for r in manifest.rejected] == [Reason.NAME_OUTSIDE_SCHEME] * 2 and manifest.entries == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "none"),
        ("name,part\nx,test\n", "clip_id or speaker"),
        ("clip_id\nx\n", "part"),
        ("clip_id,part,weight\nx,test,1\n", "weight"),
        ("clip_id,part\nx,train\n", "method-train"),
        ("clip_id,part,scored\nx,test,maybe\n", "maybe"),
        ("clip_id,part\nx,test,1\n", "line 2"),
        ("clip_id,part\n,test\n", "line 2"),
        ("clip_id,part\nx\n", "line 2"),
        ("clip_id,speaker,part\nx,y,test\n", "line 2"),
        ("clip_id,part\nx,test\nx,validation\n", "x stands in the manifest twice"),
    ],
)
def test_a_malformed_csv_says_what_was_expected(tmp_path, text, word):
    with pytest.raises(UsageError, match=word):
        load_manifest("mead", write(tmp_path / "a.csv", text))


def test_a_csv_that_is_not_there_or_not_text_is_wrong_use(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(UsageError, match=f"{name}: cannot be read"):
            load_manifest("mead", tmp_path / name)

"""A speaker on two sides fails, wherever the sides are: shipped splits, a split of one's own, stores, runs."""

import json

import pandas as pd
import pytest
from run_emotalk import emotalk

from bench.atomic import write_json
from bench.contract.clip import Part
from bench.contract.errors import ExitCode
from bench.data.datasets import all_datasets
from bench.data.manifests import load_manifest, manifest_names
from bench.doctor import leaks, leaks_in_work
from bench.doctor.findings import exit_code
from bench.workspace import Workspace

PUBLISHED_LEAKY = {("mead", "readme-sentences")}
SHIPPED = [(d, m) for d in all_datasets() for m in manifest_names(d)]


@pytest.mark.parametrize("dataset, name", SHIPPED)
def test_only_the_split_that_is_leaky_by_publication_has_a_speaker_on_two_sides(dataset, name):
    both = leaks.on_two_sides(load_manifest(dataset, name))
    assert bool(both) == ((dataset, name) in PUBLISHED_LEAKY)


def test_a_leaky_published_split_is_shown_and_is_no_failure():
    rows = leaks.examine()
    assert exit_code(rows) == ExitCode.DONE
    (row,) = [row for row in rows if row.what == "mead readme-sentences"]
    assert row.state == "note" and "as published" in row.found
    assert len(row.data["on_two_sides"]) == 43


def test_the_sample_and_the_corpus_share_a_speaker_and_that_is_said():
    (row,) = [row for row in leaks.examine() if row.what == "cremad, across"]
    assert {"trains": "cremad/speakers", "tests": "cremad-sample/sample", "speakers": ["1001"]} in row.data["pairs"]


def own_split(tmp_path, *rows):
    path = tmp_path / "mine.csv"
    path.write_text("clip_id,part\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_a_manifest_of_ones_own_with_a_speaker_on_two_sides_fails_with_exit_code_4(tmp_path):
    path = own_split(tmp_path, "M003_front_angry_1_001,method-train", "M003_front_angry_1_002,test")
    done = emotalk("doctor", "--manifest", path, "--work", tmp_path / "work", "--json")
    assert done.returncode == 4
    (row,) = [f for f in json.loads(done.stdout)["findings"] if f["group"] == leaks.GROUP and f["state"] == "LACK"]
    assert row["data"]["on_two_sides"] == {"M003": ["method-train", "test"]}


def test_a_name_in_other_case_is_the_same_speaker(tmp_path):
    path = own_split(tmp_path, "M003_front_angry_1_001,method-train", "m003_front_angry_1_002,test")
    assert exit_code(leaks.examine([], ("mead", path))) == ExitCode.SOME_FAILED


def test_a_sound_manifest_of_ones_own_passes(tmp_path):
    path = own_split(tmp_path, "M003_front_angry_1_001,method-train", "M005_front_angry_1_002,test")
    assert exit_code(leaks.examine([], ("mead", path))) == ExitCode.DONE


@pytest.mark.parametrize("rows", [(), ("../a.mp4,test",)])
def test_of_a_manifest_that_names_nobody_nothing_can_be_told(tmp_path, rows):
    found = leaks.examine([], ("mead", own_split(tmp_path, *rows)))
    assert exit_code(found) == ExitCode.COULD_NOT_TELL


def test_rows_of_a_speaker_and_of_a_clip_of_the_same_speaker_are_the_same_person(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("clip_id,speaker,part\n,W011,judge-train\nW011_front_sad_1_001,,validation\n")
    manifest = load_manifest("mead", path)
    assert leaks.on_two_sides(manifest) == {"W011": {Part.JUDGE_TRAIN, Part.VALIDATION}}


def store_of(tmp_path, selections, label="mead", clips=()):
    """A store with only what the leak check reads: selections {part: {clip_id: reference clip or None}} and a clip table."""
    folder = tmp_path / "store" / label
    names = [clip_id for rows in selections.values() for clip_id in rows]
    names += [r for rows in selections.values() for r in rows.values() if r]
    table = {
        clip_id: {
            "clip_id": clip_id,
            "speaker": clip_id.split("_")[0],
            "emotion": clip_id.split("_")[2],
            "sentence": clip_id.split("_")[-1],
            "source_sha256": clip_id,
        }
        for clip_id in names
    }
    for clip_id, changes in dict(clips).items():
        table[clip_id] |= changes
    folder.mkdir(parents=True)
    pd.DataFrame(list(table.values())).to_parquet(folder / "manifest.parquet")
    for part, rows in selections.items():
        document = {
            "manifest": "mine",
            "part": part,
            "flags": [],
            "clips": [
                {
                    "clip_id": clip_id,
                    "reference_clip": reference,
                    "flags": [],
                    "content": {c: "x" for c in (clip_id, reference) if c},
                }
                for clip_id, reference in rows.items()
            ],
        }
        write_json(folder / "selections" / f"mine-{part}.json", document)
    return Workspace(tmp_path)


def states(space):
    return [row.state for row in leaks_in_work.examine(space) if row.state != "ok"]


def test_an_empty_work_folder_has_no_leak(tmp_path):
    assert states(Workspace(tmp_path)) == []


def test_a_store_with_speakers_apart_is_sound(tmp_path):
    space = store_of(
        tmp_path,
        {
            "test": {"M003_front_angry_1_001": "M003_front_neutral_1_002"},
            "method-train": {"M005_front_angry_1_001": None},
        },
    )
    assert states(space) == []


def test_a_store_with_a_speaker_in_two_parts_fails(tmp_path):
    sides = {"test": {"M003_front_angry_1_001": None}, "method-train": {"M003_front_angry_1_002": None}}
    assert states(store_of(tmp_path, sides)) == ["LACK"]


@pytest.mark.parametrize("flags, state", [((), "LACK"), (("leaky",), "note")])
def test_a_leak_is_let_pass_only_where_it_was_published(tmp_path, flags, state):
    """A manifest of one's own is flagged by itself for such speakers, which is no excuse for them."""
    sides = {"test": {"M003_front_angry_1_001": None}, "method-train": {"M003_front_angry_1_002": None}}
    space = store_of(tmp_path, sides)
    own = own_split(tmp_path, "M003_front_angry_1_001,test", "M003_front_angry_1_002,method-train")
    given = load_manifest("mead", own).flags
    assert given
    for path in (tmp_path / "store").rglob("mine-*.json"):
        write_json(path, json.loads(path.read_text()) | {"flags": [*given, *flags]})
    assert states(space) == [state]


def test_in_stores_and_runs_too_a_name_in_other_case_is_the_same_speaker(tmp_path):
    sides = {"test": {"M003_front_angry_1_001": None}, "method-train": {"m003_front_angry_1_002": None}}
    assert states(store_of(tmp_path / "a", sides)) == ["LACK"]
    assert states(run_card(tmp_path / "b", "r1", kind="method", train_speakers=["m003"])) == ["LACK"]


def test_a_speaker_who_is_only_a_companion_on_the_other_side_fails_too(tmp_path):
    sides = {
        "test": {"M003_front_angry_1_001": "M005_front_neutral_1_002"},
        "method-train": {"M005_front_angry_1_002": None},
    }
    rows = leaks_in_work.examine(store_of(tmp_path, sides))
    assert sum(row.state == "LACK" for row in rows) == 2  # and the reference image is of another person


@pytest.mark.parametrize(
    "names, state",
    [
        (("M003_front_angry_1_001", "M005_front_angry_1_001"), "LACK"),
        (("M003_front_angry_1_001", "M003_front_angry_1_007"), "note"),
    ],
)
def test_identical_pictures_under_two_speakers_fail_and_under_two_names_of_one_are_noted(tmp_path, names, state):
    same = {name: {"source_sha256": "same"} for name in names}
    assert states(store_of(tmp_path, {"test": dict.fromkeys(names)}, clips=same)) == [state]


def test_an_unflagged_reference_of_the_same_sentence_fails(tmp_path):
    space = store_of(tmp_path, {"test": {"M003_front_angry_1_001": "M003_front_neutral_1_001"}})
    assert states(space) == ["LACK"]


def test_flagged_references_are_noted(tmp_path):
    from bench.data.partners import SAME_SENTENCE

    space = store_of(tmp_path, {"test": {"M003_front_angry_1_001": "M003_front_neutral_1_001"}})
    path = next((tmp_path / "store").rglob("mine-test.json"))
    document = json.loads(path.read_text())
    document["clips"][0]["flags"] = [SAME_SENTENCE]
    write_json(path, document)
    assert states(space) == ["note"]


def test_a_real_store_passes(smoke_work):
    assert "LACK" not in states(Workspace(smoke_work)) and "unsure" not in states(Workspace(smoke_work))


@pytest.mark.parametrize(
    "text",
    [
        '{"clips": [',
        "[1]",
        '{"manifest": "m", "part": "test", "clips": [1]}',
        '{"manifest": "m", "part": "test", "clips": [{}]}',
        '{"manifest": "m", "part": null, "clips": []}',
    ],
)
def test_a_damaged_selection_cannot_be_told(tmp_path, text):
    space = store_of(tmp_path, {"test": {"M003_front_angry_1_001": None}})
    next((tmp_path / "store").rglob("mine-test.json")).write_text(text)
    rows = leaks_in_work.examine(space)
    assert exit_code(rows) == ExitCode.COULD_NOT_TELL


def run_card(tmp_path, name, **card):
    write_json(tmp_path / "runs" / "m" / name / "run.json", {"dataset": "mead", "manifest": "eat100", **card})
    return Workspace(tmp_path)


def test_a_run_trained_on_a_test_speaker_fails(tmp_path):
    assert states(run_card(tmp_path, "r1", kind="method", train_speakers=["M005", "M003"])) == ["LACK"]


def test_a_run_trained_on_training_speakers_is_sound(tmp_path):
    assert states(run_card(tmp_path, "r1", kind="method", train_speakers=["M005"])) == []


def test_of_a_manifest_of_ones_own_the_store_says_who_is_held_out(tmp_path):
    store_of(tmp_path, {"test": {"M005_front_angry_1_001": None}})
    assert states(run_card(tmp_path, "r1", kind="method", manifest="mine", train_speakers=["M003"])) == []
    assert states(run_card(tmp_path, "r1", kind="method", manifest="mine", train_speakers=["M003", "M005"])) == ["LACK"]


def test_a_reference_that_is_not_neutral_fails(tmp_path):
    assert states(store_of(tmp_path, {"test": {"M003_front_angry_1_001": "M003_front_happy_1_002"}})) == ["LACK"]


def test_a_run_that_does_not_say_whom_it_saw_cannot_be_told(tmp_path):
    assert exit_code(leaks_in_work.examine(run_card(tmp_path, "r1", kind="method"))) == ExitCode.COULD_NOT_TELL


def test_a_judge_must_not_share_training_speakers_with_a_method(tmp_path):
    run_card(tmp_path, "judge", kind="judge", train_speakers=["M007"], seed=1)
    assert states(run_card(tmp_path, "r1", kind="method", train_speakers=["M005"], seed=2)) == []
    assert states(run_card(tmp_path, "r2", kind="method", train_speakers=["M007"], seed=2)) == ["LACK"]


def test_profiles_of_one_dataset_are_of_the_same_people(tmp_path):
    facts = {"dataset": "puppet", "train_speakers": ["M401"]}
    run_card(tmp_path, "judge", kind="judge", profile="bench", manifest="bench", **facts)
    space = run_card(tmp_path, "r1", kind="method", profile="quick", manifest="quick", **facts)
    assert states(space) == ["LACK"]


def test_the_expert_of_a_loss_is_not_the_evaluator(tmp_path):
    run_card(tmp_path, "e", kind="sync-expert", train_speakers=["M007"], checkpoint_sha256="h", seed=1)
    space = run_card(tmp_path, "l", kind="lip-expert", train_speakers=["M005"], checkpoint_sha256="h", seed=2)
    assert states(space) == ["LACK"]
    assert states(run_card(tmp_path, "l", kind="lip-expert", train_speakers=["M005"], seed=1)) == ["LACK"]
    assert states(run_card(tmp_path, "l", kind="lip-expert", train_speakers=["M005"], seed=3)) == []

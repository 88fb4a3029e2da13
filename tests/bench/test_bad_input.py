"""Every bad input gets a named reason, the rest goes on, the summary counts it."""

import json
from collections import Counter

import bad_inputs
import pandas as pd
import pytest
from run_emotalk import emotalk

from bench.data.store import Store
from bench.evaluate import evaluate
from bench.prepare import prepare
from bench.workspace import Workspace


@pytest.fixture(scope="module")
def tree(tmp_path_factory, smoke_tree):
    folder = tmp_path_factory.mktemp("bad") / "tree"
    folder.mkdir()
    return folder, bad_inputs.write_tree(folder, next(smoke_tree.rglob("*.mp4")))


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    root, manifest = tree
    space = Workspace(tmp_path_factory.mktemp("work"))
    return prepare("mead", root=root, profile=None, manifest=str(manifest), part="test", space=space, jobs=2)


@pytest.mark.parametrize("case", bad_inputs.CASES, ids=lambda case: case.what)
def test_each_input_is_accepted_or_has_its_named_reason(case, prepared):
    reasons = [r["reason"] for r in prepared.rejected if r["clip_id"] == case.clip_id and r["reason"] != "duplicate"]
    assert reasons == ([case.reason] if case.reason else [])
    accepted = (prepared.store / "clips" / case.clip_id / "face.mp4").is_file()
    assert accepted == (case.reason is None)


def test_every_reason_comes_with_a_sentence(prepared):
    assert all(len(row["detail"]) > 10 for row in prepared.rejected)


def test_second_copy_stray_name_and_entry_outside_the_root_are_rejected(prepared):
    counts = Counter(row["reason"] for row in prepared.rejected)
    assert counts["duplicate"] == 1
    assert counts["name-outside-scheme"] == 1
    assert counts["outside-root"] == 2  # the link that leaves, and the manifest's ../../../etc/passwd


def test_table_of_rejections_holds_what_the_summary_counts(prepared):
    table = pd.read_parquet(prepared.store / "rejected.parquet")
    assert len(table) == len(prepared.rejected)
    assert Counter(table["reason"]) == Counter(prepared.reasons)


def test_rotated_video_is_prepared_upright(prepared):
    store = prepared.store / "clips"
    records = [
        json.loads((store / f"M900_front_happy_1_{take}" / "record.json").read_text()) for take in ("001", "016")
    ]
    assert records[1]["crop"] == pytest.approx(records[0]["crop"], abs=2)


def test_variable_rate_is_flagged(prepared):
    assert prepared.flags["variable-frame-rate"] == 1


def test_each_bad_output_has_its_reason_and_the_rest_is_scored(prepared, tmp_path):
    selection = Store(prepared.store).selection(prepared.manifest, "test")
    bad_inputs.write_outputs(tmp_path / "outputs", selection)
    done = evaluate(
        selection,
        tmp_path / "outputs",
        protocol_name="emotalk-light",
        missing="exclude",
        out=tmp_path / "result",
        cache=tmp_path / "cache",
        jobs=2,
    )
    reasons = {p.clip_id[-3:]: p.reason for p in done.result.problems}
    for take, (what, _, _, reason) in bad_inputs.OUTPUTS.items():
        assert reasons.get(take) == reason, what
    assert done.result.metric("SSIM").n_clips == sum(reason is None for *_, reason in bad_inputs.OUTPUTS.values())
    assert "-3" in " ".join(done.result.notes)


def test_prepare_says_so_and_exits_with_0_or_strictly_with_4(tree, tmp_path):
    root, _ = tree
    (tmp_path / "few.csv").write_text(
        "clip_id,part,scored\nM900_front_happy_1_001,test,1\nM900_front_happy_1_002,test,1\n"
    )
    arguments = ["prepare", "--dataset", "mead", "--root", root, "--manifest", tmp_path / "few.csv", "--work", tmp_path]
    done = emotalk(*arguments)
    assert done.returncode == 0
    assert "empty-file" in done.stdout
    again = emotalk(*arguments, "--strict", "--json")
    assert again.returncode == 4
    document = json.loads(again.stdout)
    assert document["prepared"] == 0
    assert document["reused"] == 1
    assert "empty-file" in {row["reason"] for row in document["rejected"]}

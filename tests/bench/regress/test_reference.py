"""A frozen reference holds a row clip by clip, bit for bit, and is refused when anything of it was altered since."""

import json

import numpy as np
import pytest
from regression_rows import ABOUT

from bench.checksums import listed_sum, write_sums
from bench.compare import load_row
from bench.contract.errors import UsageError
from bench.contract.result import Problem
from bench.regress.column import of_row
from bench.regress.reference import freeze, load_reference


@pytest.mark.parametrize("metric", ["SSIM", "M-LMD", "SX-C"])
def test_it_holds_every_clips_value_bit_for_bit(results, frozen, metric):
    row = load_row(results / "model")
    own = of_row(row, row.result.metric(metric), None)
    assert len(own.values) == 20
    assert frozen.columns[metric].values == own.values and frozen.columns[metric].clips == own.clips


def test_it_holds_what_clips_gave_to_the_metrics_of_the_set_in_the_gate(results, frozen):
    from safetensors.numpy import load_file

    gave = load_file(results / "model" / "sets" / "numbers.safetensors")
    held = frozen.columns["spread"].collected
    assert len(held) == 20 and held["A_angry_1"].labels.speaker == "A"
    assert all(np.array_equal(gave[f"{clip}/x"], one.arrays["x"]) for clip, one in held.items())


def test_it_says_under_which_conditions_it_was_made(frozen):
    record = frozen.record
    assert (record.dataset.data_version, record.protocol.sha256, record.extractors[0].weights) == (
        "2",
        "p",
        {"face": "w"},
    )
    assert len(record.clips) == 20 and {m.metric for m in record.margins} == {"M-LMD", "SX-C", "spread"}


def test_a_number_changed_by_hand_is_noticed(frozen, references):
    path = references / "regression-model.json"
    path.write_text(path.read_text().replace('"margin": 0.', '"margin": 9.', 1))
    with pytest.raises(UsageError, match="not as it was frozen"):
        load_reference("model", [references])


def test_other_arrays_than_those_that_were_frozen_are_noticed(frozen, references):
    path = references / "regression-model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UsageError, match="not as it was frozen"):
        load_reference("model", [references])
    path.unlink()
    with pytest.raises(UsageError, match="is not in"):
        load_reference("model", [references])


def test_arrays_outside_the_folder_are_never_read(frozen, references, tmp_path):
    path = references / "regression-model.json"
    document = json.loads(path.read_text())
    (tmp_path / "elsewhere.safetensors").write_bytes((references / "regression-model.safetensors").read_bytes())
    document["arrays"]["file"] = "../elsewhere.safetensors"
    path.write_text(json.dumps(document))
    write_sums(references)
    with pytest.raises(UsageError, match="is not in"):
        load_reference("model", [references])


def test_a_record_of_another_version_is_refused(frozen, references):
    path = references / "regression-model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    write_sums(references)
    with pytest.raises(UsageError, match="not a reference of this version"):
        load_reference("model", [references])


def test_an_unknown_name_is_answered_with_the_nearest(frozen, references, tmp_path):
    with pytest.raises(UsageError, match="did you mean model"):
        load_reference("modle", [references])
    with pytest.raises(UsageError, match="there are none"):
        load_reference("model", [tmp_path / "nowhere"])


def test_the_first_folder_that_has_it_counts_and_a_path_does_too(frozen, references, tmp_path):
    path = references / "regression-model.json"
    assert load_reference("model", [tmp_path, references]).sha256 == load_reference(str(path), []).sha256


def test_only_a_whole_row_is_frozen(results, margins, references):
    row = load_row(results / "model")
    row.result.problems.append(Problem(clip_id="A_angry_1", status="static", reason="missing-output", detail=""))
    with pytest.raises(UsageError, match="only a whole row is frozen"):
        freeze(row, "model", *margins, references, ABOUT)


def test_a_row_without_a_value_in_the_gate_is_not_frozen(another, margins, references):
    with pytest.raises(UsageError, match="no value of M-LMD"):
        freeze(another({"M-LMD": None}), "model", *margins, references, ABOUT)


@pytest.mark.parametrize("name", ["", "../model", "a b", ".hidden"])
def test_a_name_that_is_no_file_name_is_refused(results, margins, references, name):
    with pytest.raises(UsageError, match="--reference"):
        freeze(load_row(results / "model"), name, *margins, references, ABOUT)


def test_its_hash_joins_those_of_the_folder(frozen, references):
    (references / "another.json").write_text("{}")
    write_sums(references)
    assert listed_sum(references, "regression-model.json") == frozen.sha256
    assert listed_sum(references, "another.json") and listed_sum(references, "nothing.json") is None

"""Result folders on disk: what is accepted, and what a refusal says."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.contract.errors import UsageError
from reports.load import find, load


@pytest.fixture
def folder(tmp_path, make):
    make_result, metric_value, write_result = make
    return write_result(tmp_path / "gt", make_result("gt", [metric_value("SSIM", 1.0)]))


def edit(path, **changes):
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | changes))


def test_a_folder_its_file_and_the_folder_above_mean_the_same_result(folder):
    expected = [(folder / "result.json").resolve()]
    assert find([folder]) == find([folder / "result.json"]) == find([folder.parent]) == expected
    assert find([folder, folder / "result.json"]) == expected


@pytest.mark.parametrize(
    ("where", "says"), [("nowhere", "no such file"), (".", "no result.json")], ids=["absent", "empty"]
)
def test_a_path_without_a_result_is_refused_by_name(tmp_path, where, says):
    with pytest.raises(UsageError, match=says) as error:
        find([tmp_path / where])
    assert str(tmp_path / where) in str(error.value)


def test_no_path_at_all_is_wrong_use():
    with pytest.raises(UsageError, match="no result"):
        load([])


def test_an_unknown_key_is_refused_with_the_file_and_the_key(folder):
    edit(folder / "result.json", colour="green")
    with pytest.raises(UsageError, match="colour: unknown key") as error:
        load([folder])
    assert str(folder / "result.json") in str(error.value)


def test_an_unknown_key_deep_inside_is_named_with_its_place(folder):
    document = json.loads((folder / "result.json").read_text())
    document["metrics"][0]["p_value"] = 0.1
    (folder / "result.json").write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"metrics\.0\.p_value: unknown key"):
        load([folder])


def test_another_schema_version_says_which(folder):
    edit(folder / "result.json", schema_version=1)
    with pytest.raises(UsageError, match="schema version 1, this program reads 3"):
        load([folder])


@pytest.mark.parametrize("text", ["", '{"name": ', "[]", "3"])
def test_what_is_no_result_document_is_refused_by_name(folder, text):
    (folder / "result.json").write_text(text)
    with pytest.raises(UsageError) as error:
        load([folder])
    assert str(folder / "result.json") in str(error.value)


def test_a_broken_parquet_file_is_refused_by_name(folder):
    (folder / "clips.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UsageError, match=r"clips\.parquet: not a readable Parquet file"):
        load([folder])


def test_a_missing_column_is_named(folder):
    path = folder / "rejected.parquet"
    pq.write_table(pq.read_table(path).drop(["reason"]), path)
    with pytest.raises(UsageError, match=r"rejected\.parquet: column reason is missing"):
        load([folder])


def test_null_and_nan_clip_values_are_both_none(folder):
    path = folder / "clips.parquet"
    table = pq.read_table(path)
    values = [None, float("nan"), *table["value"].to_pylist()[2:]]
    table = table.set_column(table.schema.get_field_index("value"), "value", pa.array(values, pa.float64()))
    pq.write_table(table, path)
    [loaded] = load([folder])
    found = [loaded.clips.of_clip(clip)["SSIM"].value for clip in table["clip_id"].to_pylist()[:3]]
    assert found == [None, None, values[2]]


def test_what_lies_beside_the_result_may_be_absent(folder):
    (folder / "clips.parquet").unlink()
    (folder / "rejected.parquet").unlink()
    [loaded] = load([folder])
    assert loaded.clips is None and loaded.rejected is None and loaded.samples == {}


def test_only_files_named_by_a_clip_id_are_samples(folder, tmp_path):
    samples = folder / "samples"
    samples.mkdir()
    for name in ("P001_front.mp4", "a b.mp4", "x.txt"):
        (samples / name).write_bytes(b"film")
    (samples / "empty.mp4").touch()
    (samples / "folder.mp4").mkdir()
    assert list(load([folder])[0].samples) == ["P001_front"]
    shutil.rmtree(samples)

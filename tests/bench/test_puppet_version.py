"""PUPPET_VERSION stands in everything that is made of the embedded dataset, and another one is refused with what to do."""

import ast
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from run_emotalk import emotalk

from baselines.registry import find_method
from bench.contract.errors import UsageError
from bench.contract.result import Result
from bench.data.manifests import load_manifest, manifest_names
from bench.data.puppet import truth
from bench.data.puppet.dataset import CARD, plan, write_tree
from bench.data.puppet.version import PUPPET_VERSION
from bench.data.store import Store
from bench.evaluate import evaluate
from bench.generate import generate, read_card
from bench.prepare import prepare
from bench.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def work(smoke_work, tmp_path):
    """A prepared work folder of one's own."""
    shutil.copytree(smoke_work / "store", tmp_path / "store")
    return tmp_path


@pytest.fixture
def next_version(monkeypatch):
    """The code as it is after the version was raised."""
    monkeypatch.setattr("bench.data.puppet.version.PUPPET_VERSION", PUPPET_VERSION + 1)
    return PUPPET_VERSION + 1


def selected(work):
    return Store(work / "store" / "puppet-smoke").selection("smoke", "test")


def test_it_is_set_in_one_place_and_no_split_depends_on_it():
    places = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and any(getattr(t, "id", None) == "PUPPET_VERSION" for t in node.targets):
                places.append(path.name)
    assert places == ["version.py"]
    for dataset in ("puppet", "puppet-cremad"):
        for name in manifest_names(dataset):
            assert "puppet_version" not in load_manifest(dataset, name).card


def test_tree_truth_store_and_selection_tell_it(smoke_tree, work):
    assert json.loads((smoke_tree / CARD).read_text())["puppet_version"] == PUPPET_VERSION
    assert truth.load(plan("smoke")[0].truth(smoke_tree)).about["puppet_version"] == PUPPET_VERSION
    selection = selected(work)
    assert selection.document["data_version"] == str(PUPPET_VERSION)
    assert set(pd.read_parquet(selection.store.folder / "manifest.parquet")["data_version"]) == {str(PUPPET_VERSION)}
    clip = selection.scored[0].clip
    assert selection.store.record(clip.clip_id)["data_version"] == str(PUPPET_VERSION)
    assert truth.load(clip.truth).about["puppet_version"] == PUPPET_VERSION


def test_generated_card_and_result_tell_it(work):
    generate(find_method("static"), selected(work), work / "g", jobs=1, limit=1)
    assert read_card(work / "g").data_version == str(PUPPET_VERSION)
    options = {"protocol_name": "emotalk-light", "jobs": 1, "limit": 1}
    done = evaluate(selected(work), work / "g", out=work / "result", cache=work / "cache", **options)
    assert Result.load(done.folder / "result.json").dataset.data_version == str(PUPPET_VERSION)


def test_a_tree_of_another_version_is_neither_continued_nor_prepared(smoke_tree, tmp_path, next_version):
    said = f"by version {PUPPET_VERSION} .*this is version {next_version}.*remove the folder"
    with pytest.raises(UsageError, match=said):
        write_tree(smoke_tree, "smoke")
    with pytest.raises(UsageError, match=said):
        prepare("puppet", root=smoke_tree, profile="smoke", manifest=None, part="test", space=Workspace(tmp_path))


def test_a_tree_that_tells_no_version_is_not_prepared(smoke_tree, tmp_path):
    shutil.copytree(smoke_tree, tmp_path / "tree", ignore=shutil.ignore_patterns(CARD))
    with pytest.raises(UsageError, match=f"no {CARD} in it"):
        prepare(
            "puppet", root=tmp_path / "tree", profile="smoke", manifest=None, part="test", space=Workspace(tmp_path)
        )


def test_truth_of_another_version_is_refused(smoke_tree, next_version):
    with pytest.raises(UsageError, match=f"this is version {next_version}.*make the dataset again"):
        truth.load(plan("smoke")[0].truth(smoke_tree))


def test_a_store_of_another_version_is_refused_by_everything_that_reads_it(work, next_version):
    said = f"store .*by version {PUPPET_VERSION} .*this is version {next_version}.*`emotalk prepare` again"
    with pytest.raises(UsageError, match=said):
        _ = selected(work).scored
    with pytest.raises(UsageError, match=said):
        generate(find_method("static"), selected(work), work / "g", jobs=1)
    assert not (work / "g").exists()


@pytest.mark.parametrize("version", [str(PUPPET_VERSION + 1), None])
def test_videos_made_for_another_version_are_not_scored(work, version):
    generate(find_method("static"), selected(work), work / "g", jobs=1, limit=1)
    card = work / "g" / "generated.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"data_version": version}))
    said = f"version {version or 'unknown'} .*version {PUPPET_VERSION}.*`emotalk generate` again"
    with pytest.raises(UsageError, match=said):
        evaluate(selected(work), work / "g", protocol_name="emotalk-light", out=work / "result", cache=work / "cache")
    done = emotalk("evaluate", "--videos", work / "g", "--dataset", "puppet", "--profile", "smoke", "--work", work,
                   "--wandb", "off")  # fmt: skip
    assert done.returncode == 2
    generate(find_method("static"), selected(work), work / "g", jobs=1, limit=1)
    assert read_card(work / "g").data_version == str(PUPPET_VERSION)


def test_clips_are_prepared_again_when_the_version_changes():
    """The key of a prepared clip holds the version, so that a raised one is never met by a clip of the old one."""
    from dataclasses import replace

    from bench.contract.clip import SourceClip
    from bench.data.prepare_clip import source_key

    clip = SourceClip("c", "puppet", "M101", "angry", 1, "common-1", Path(__file__), data_version="1")
    assert source_key(clip) != source_key(replace(clip, data_version="2"))
    assert source_key(clip) == source_key(replace(clip, part="test"))

"""Small evaluations of the smoke selection with fake metrics, for the tests of the engine."""

import json
import shutil
from dataclasses import replace

import fake_metrics
import pytest

from baselines.registry import find_method
from bench.contract.cues import Cues
from bench.data.store import Store
from bench.evaluate import evaluate
from bench.framing import Framing
from bench.generate import generate, item_key, read_card
from bench.plan import Plan
from bench.protocols import load_protocol
from bench.scoring import generated_cues
from metrics.extractors.registry import EXTRACTORS
from metrics.registry import METRICS


@pytest.fixture(scope="session")
def smoke_selection(smoke_work):
    return Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")


@pytest.fixture(scope="session")
def smoke_videos(smoke_selection, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    for name in ("gt-mismatched", "static"):
        generate(find_method(name), smoke_selection, folder / name, jobs=1)
    return folder


@pytest.fixture(scope="session")
def warm(smoke_selection, smoke_videos, tmp_path_factory):
    """The face cues of what was made, and nothing else: other tests show that they are right."""
    cache = tmp_path_factory.mktemp("warm") / "cache"
    plan = Plan(metrics=(), options={}, device="cpu", max_length_difference=5)
    for name in ("gt-mismatched", "static"):
        for row in smoke_selection.scored[:2]:
            generated_cues(row.clip, smoke_videos / name, cache, plan, Framing.CANONICAL)
    return cache


@pytest.fixture
def score_with(smoke_selection, warm, tmp_path, monkeypatch):
    """score_with(videos, metrics...): one evaluation of the first two clips with these columns, in order."""
    for name, cls in fake_metrics.METRICS.items():
        monkeypatch.setitem(METRICS, name, cls)
    for name, place in fake_metrics.EXTRACTORS.items():
        monkeypatch.setitem(EXTRACTORS, name, place)

    def run(videos, *names, **options):
        protocol = replace(load_protocol("emotalk-light"), metrics=names)
        monkeypatch.setattr("bench.evaluate.load_protocol", lambda name: protocol)
        options = {"out": tmp_path / "result", "cache": tmp_path / "cache", "jobs": 1, "limit": 2} | options
        if not options["cache"].exists() and options["cache"].parent.is_dir():
            shutil.copytree(warm, options["cache"])
        fake_metrics.CALLS.clear()
        return evaluate(smoke_selection, videos, **options)

    return run


@pytest.fixture
def spoiled_videos(smoke_videos, tmp_path):
    """Videos of one's own to spoil, without the card of what made them."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for path in (smoke_videos / "gt-mismatched").glob("*.mp4"):
        shutil.copyfile(path, folder / path.name)
    return folder


@pytest.fixture
def altered(smoke_selection, tmp_path):
    """altered(change): a folder as `generate` leaves it where nothing can be rendered, change(cues) made to the real cues."""
    folder = tmp_path / "altered"

    def write(change):
        (folder / "items").mkdir(parents=True)
        document = {
            name: smoke_selection.document[name] for name in ("dataset", "profile", "manifest", "part", "data_version")
        }
        card = {"method": "altered", "label": "altered", "version": "1", "kind": "control", "consumes": [], "altered": None,
                "identity": {"checkpoint": None}, "framing": "canonical", "seed": 0, **document}  # fmt: skip
        (folder / "generated.json").write_text(json.dumps(card))
        for row in smoke_selection.scored[:2]:
            cues = Cues.load(row.clip.cues)
            change(cues)
            cues.save(folder / f"{row.clip.clip_id}.cues.safetensors")
            item = {"key": item_key(read_card(folder), row), "status": "cues", "reason": "cue-space-only", "detail": "",
                    "file": None, "bytes": None}  # fmt: skip
            (folder / "items" / f"{row.clip.clip_id}.json").write_text(json.dumps(item))
        return folder

    return write

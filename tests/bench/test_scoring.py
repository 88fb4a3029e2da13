"""One clip's score, where something goes wrong that should not."""

from pathlib import Path
from types import SimpleNamespace

from bench import scoring
from bench.contract.errors import Reason
from bench.framing import Framing
from bench.plan import Plan

PLAN = Plan(metrics=(), options={}, device="cpu", max_length_difference=5)


def test_an_unforeseen_error_is_named_without_the_folders_of_this_machine(monkeypatch, tmp_path):
    videos, store = tmp_path / "someone" / "videos", tmp_path / "someone" / "store"

    def stumble(job, opened, path):
        raise RuntimeError(f"cannot decode {path} against {store}/clips/c.mp4")

    monkeypatch.setattr(scoring, "_score_video", stumble)
    row = SimpleNamespace(clip=SimpleNamespace(clip_id="c"))
    job = scoring.Job(row, store, videos, Path("cache"), PLAN, Framing.CANONICAL, "static")
    item = scoring.score_clip(job)
    assert (item["status"], item["reason"]) == ("excluded", Reason.METRIC_FAILED)
    assert item["detail"] == "RuntimeError: cannot decode c.mp4 against clips/c.mp4"

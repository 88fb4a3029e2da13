"""The whole pipeline as a user runs it, undisturbed, repeated and killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from run_emotalk import emotalk

from bench.contract.result import Result
from bench.data.manifests import load_manifest
from bench.pipeline import specs_of

PLUGIN = """
import numpy as np
from bench.contract.method import Input

class Flicker:
    '''The reference image, darker in some frames; fails on one emotion.'''
    name, version = "flicker", "1"
    consumes = frozenset({Input.REFERENCE_IMAGE, Input.EMOTION})

    def generate(self, request):
        if request.emotion == EMOTION:
            raise RuntimeError("no idea how to be " + EMOTION)
        rng = np.random.default_rng(request.seed)
        for _ in range(request.n_frames):
            yield (request.reference_image * rng.uniform(0.8, 1.0)).astype(np.uint8)
"""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, smoke_tree, face_weights):
    """A finished run of three rows, one of them a plug-in that fails on some clips."""
    folder = tmp_path_factory.mktemp("run")
    emotion = next(e.name for e in load_manifest("puppet", "smoke").entries if e.scored).split("_")[2]
    (folder / "mine.py").write_text(
        PLUGIN.replace("EMOTION)", f"{emotion!r})").replace("== EMOTION", f"== {emotion!r}")
    )
    return folder


def arguments(folder, tree):
    methods = f"gt-reencoded,static,{folder / 'mine.py'}:Flicker"
    return [
        "run",
        "--dataset",
        "puppet",
        "--profile",
        "smoke",
        "--root",
        tree,
        "--methods",
        methods,
        "--protocol",
        "emotalk-light",
        "--work",
        folder / "work",
    ]


def table(folder):
    return pd.concat(pd.read_parquet(p) for p in sorted((folder / "work" / "results").glob("*/clips.parquet")))


def test_a_method_written_twice_is_one_row_in_the_order_given():
    assert [spec.label for spec in specs_of("static,blur~1,gt,blur~1.0,static")] == ["static", "blur~1", "gt"]


def test_run_makes_a_report_with_every_row_and_a_second_run_changes_nothing(run_folder, smoke_tree):
    first = emotalk(*arguments(run_folder, smoke_tree), "--json")
    assert first.returncode in (0, 4), first.stderr
    document = json.loads(first.stdout)
    page = Path(document["report"]).read_text()
    assert "Flicker" in page
    assert "gt-reencoded" in page
    for part in ("By emotion and level", "Every clip", "Contact sheet", "Mouth opening", "with sound"):
        assert part in page
    assert len(page) < 10_000_000
    before = table(run_folder)
    start = time.perf_counter()
    again = emotalk(*arguments(run_folder, smoke_tree))
    assert time.perf_counter() - start < 30
    assert again.returncode == first.returncode
    pd.testing.assert_frame_equal(table(run_folder), before, check_exact=True)
    assert len(document["results"]) == 3


def test_a_plugin_that_fails_on_some_clips_is_scored_flagged_and_exits_with_4(run_folder, smoke_tree):
    done = emotalk(*arguments(run_folder, smoke_tree))
    (path,) = (run_folder / "work" / "results").glob("*Flicker*/result.json")
    result = Result.load(path)
    failed = [p for p in result.problems if p.reason == "method-failed"]
    assert done.returncode == (4 if failed else 0)
    assert result.method.kind == "plug-in"
    assert result.method.consumes == ["emotion", "reference image"]
    assert all("no idea how to be" in p.detail for p in failed)
    assert result.metric("SSIM").n_substituted == len(failed)


def test_a_kill_while_scoring_does_not_change_the_numbers(run_folder, smoke_tree, tmp_path):
    emotalk(*arguments(run_folder, smoke_tree))
    work = tmp_path / "work"
    shutil.copytree(run_folder / "work", work, ignore=shutil.ignore_patterns("results", "scores", "cues", "report"))
    command = [sys.executable, "-m", "bench.cli", "evaluate", "--dataset", "puppet", "--profile", "smoke", "--work", work,
               "--videos", work / "generated" / "gt-reencoded" / "puppet-smoke", "--protocol", "emotalk-light",
               "--jobs", "1"]  # fmt: skip
    process = subprocess.Popen(
        list(map(str, command)), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list((work / "cache").glob("scores/*/*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(work.glob("results/*/result.json"))
    done = emotalk(*command[3:])
    assert done.returncode == 0, done.stderr
    (after,) = work.glob("results/*/clips.parquet")
    (before,) = (run_folder / "work" / "results").glob("*--gt-reencoded--*/clips.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(after), pd.read_parquet(before), check_exact=True)


def test_report_of_results_can_be_made_alone(run_folder, smoke_tree, tmp_path):
    emotalk(*arguments(run_folder, smoke_tree))
    done = emotalk("report", run_folder / "work" / "results", "--out", tmp_path / "report", "--no-sheet")
    assert done.returncode == 0, done.stderr
    assert "MB without" in done.stdout
    assert "Contact sheet" not in (tmp_path / "report" / "report.html").read_text()
    assert "toprule" in (tmp_path / "report" / "table.tex").read_text()
    assert (tmp_path / "report" / "report.html").is_file()
    assert (tmp_path / "report" / "table.md").read_text().startswith("#")


def test_a_work_folder_with_spaces_and_two_protocols_are_no_problem(smoke_tree, face_weights, tmp_path):
    done = emotalk(
        "run", "--dataset", "puppet", "--profile", "smoke", "--root", smoke_tree, "--methods", "static", "--limit", "1",
        "--protocol", "emotalk-light,skimage-default",
        "--work", tmp_path / "a work folder",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {path.name for path in (tmp_path / "a work folder" / "results").iterdir()}
    assert found == {f"puppet-smoke--static--{name}--first1" for name in ("emotalk-light", "skimage-default")}
    page = (tmp_path / "a work folder" / "report").glob("*/report.html")
    assert "skimage-default (verified-on(" in next(page).read_text()

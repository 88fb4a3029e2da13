"""clips.parquet in memory: what a metric and a clip are said to have, and how little room it takes."""

import math
import time
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bench.compare import COMPARED
from bench.contract.clip_table import ClipFacts, ClipTable, ClipValue
from bench.contract.result import CLIP_COLUMNS
from reports.load import SHOWN_COLUMNS

MOST_BYTES_A_LINE = 100
"""Codes and numbers take sixty, the words themselves two hundred, Python objects more."""


def frame(*lines, protocol="emotalk"):
    """lines: (clip, metric, value, status, reason); clip a1 is the first of speaker a."""
    return pd.DataFrame(
        [["puppet", "quick/test", clip, clip[0], "happy", None if clip.endswith("0") else 3, "m", protocol]
         + [metric, value, None, status, reason, 50] for clip, metric, value, status, reason in lines],
        columns=list(CLIP_COLUMNS),
    ).astype(CLIP_COLUMNS)  # fmt: skip


def written(path, *frames):
    pd.concat(frames).to_parquet(path, index=False)
    return path


LINES = frame(
    ("b1", "SSIM", 0.5, "ok", None),
    ("b1", "FID", None, "collected", None),
    ("a1", "SSIM", 0.5, "static", "missing-output"),
    ("a2", "SSIM", 0.1, "ok", None),
    ("a0", "SSIM", None, "null", "no-face"),
    ("a3", "SSIM", 0.9, "excluded", "length-mismatch"),
)


@pytest.fixture
def lines(tmp_path):
    return written(tmp_path / "clips.parquet", LINES)


def test_scored_clips_stand_by_value_and_then_by_name(lines):
    table = ClipTable.read(lines, SHOWN_COLUMNS)
    assert table.scored("SSIM") == [("a2", 0.1, "ok"), ("a1", 0.5, "static"), ("b1", 0.5, "ok")]
    assert table.scored("FID") == table.scored("no such metric") == []


def test_the_lines_of_a_metric_are_those_of_the_file(lines):
    for metric in ("SSIM", "FID", "no such metric"):
        whole = LINES[LINES["metric"] == metric].reset_index(drop=True)
        found = ClipTable.read(lines, list(CLIP_COLUMNS)).of_metric(metric)
        pd.testing.assert_frame_equal(found, whole, check_index_type=False)


def test_a_clip_has_its_values_its_reasons_and_its_facts(lines):
    table = ClipTable.read(lines, SHOWN_COLUMNS)
    assert table.of_clip("b1") == {"SSIM": ClipValue(0.5, "ok", None), "FID": ClipValue(None, "collected", None)}
    assert table.of_clip("a0") == {"SSIM": ClipValue(None, "null", "no-face")}
    assert table.facts("a1") == ClipFacts("a", "happy", 3) and table.facts("a0") == ClipFacts("a", "happy", None)
    assert table.of_clip("z9") == {} and table.facts("z9") is None


def test_of_several_protocols_one_is_read(tmp_path):
    other = frame(("a1", "SSIM", 0.7, "ok", None), protocol="eat-like")
    both = written(tmp_path / "clips.parquet", LINES, other)
    assert ClipTable.read(both, SHOWN_COLUMNS, "eat-like").scored("SSIM") == [("a1", 0.7, "ok")]
    assert len(ClipTable.read(both, SHOWN_COLUMNS, "emotalk").scored("SSIM")) == 3


def test_groups_of_rows_with_words_of_their_own_are_one_table(tmp_path):
    LINES.to_parquet(path := tmp_path / "clips.parquet", index=False, row_group_size=2)
    assert [clip for clip, _, _ in ClipTable.read(path, SHOWN_COLUMNS).scored("SSIM")] == ["a2", "a1", "b1"]


def test_a_column_that_is_missing_is_named(tmp_path):
    LINES.drop(columns="truth").to_parquet(path := tmp_path / "clips.parquet", index=False)
    with pytest.raises(ValueError, match="column truth is missing"):
        ClipTable.read(path, COMPARED)


@pytest.mark.parametrize("columns", [SHOWN_COLUMNS, COMPARED], ids=["report", "compare"])
def test_many_lines_take_little_room(tmp_path, columns):
    clips, metrics = 2000, 50
    rng = np.random.default_rng(0)
    names, speakers = [f"M{i:05d}_front_angry_3_001" for i in range(clips)], [f"M{i % 48:03d}" for i in range(clips)]
    many = pd.DataFrame({
        "dataset": "mead", "split": "mead-edtalk/test", "clip_id": np.repeat(names, metrics),
        "speaker": np.repeat(speakers, metrics), "emotion": "disgusted", "level": 3,
        "method": "some-method", "protocol": "emotalk", "metric": [f"Metric-{k}" for k in range(metrics)] * clips,
        "value": rng.uniform(size=clips * metrics), "truth": rng.uniform(size=clips * metrics), "status": "ok",
        "reason": None, "n_frames": 75,
    })  # fmt: skip
    path = written(tmp_path / "clips.parquet", many[list(CLIP_COLUMNS)].astype(CLIP_COLUMNS))
    ClipTable.read(path, columns)  # libraries
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    table = ClipTable.read(path, columns)
    until = time.monotonic() + 5
    held = math.inf
    while held > MOST_BYTES_A_LINE * clips * metrics and time.monotonic() < until:
        # Arrow's threads free what they read when they come to it
        held = tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes() - before
        time.sleep(0.05)
    tracemalloc.stop()
    assert len(table.scored("Metric-7")) == clips
    assert held / (clips * metrics) < MOST_BYTES_A_LINE

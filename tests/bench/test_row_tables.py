"""The tables of a row as they are made: words are held once, and written as words."""

from types import SimpleNamespace

import pandas as pd
import pytest

from bench import row_tables
from bench.contract.result import CLIP_COLUMNS, Unscored
from bench.row_tables import clips_table, unscored, write_clips

METRICS = [SimpleNamespace(name=name) for name in ("SSIM", "M-LMD", "FID")]
PLAN = SimpleNamespace(metrics=METRICS)
SELECTION = SimpleNamespace(document={"manifest": "mead-edtalk", "part": "test"})
MOST_BYTES_A_LINE = 80
"""The words themselves take two hundred."""


def number(value):
    return {"value": value, "reason": None, "detail": None, "n_frames": 50, "truth": None if value is None else 1.0}


def items_and_rows(count):
    """Of four clips one has all values, one lacks one, one is a static image, one has nothing."""
    items, rows = [], []
    for k in range(count):
        clip_id = f"M{k:05d}_front_angry_3_001"
        facts = {"speaker": f"M{k % 48:03d}", "emotion": "angry" if k % 3 else "sad", "level": 3 if k % 5 else None}
        rows.append(SimpleNamespace(clip=SimpleNamespace(clip_id=clip_id, dataset="mead", **facts)))
        lacking = {"value": None, "reason": "no-face", "detail": f"clip {k}", "n_frames": 0}
        gave = {"value": None, "reason": None, "detail": None, "n_frames": 50, "collected": True}
        values = {"SSIM": number(0.1 * k), "M-LMD": lacking if k % 4 == 1 else number(2.0), "FID": gave}
        status, reason = {2: ("static", "missing-output"), 3: ("excluded", "length-mismatch")}.get(k % 4, ("ok", None))
        items.append({"clip_id": clip_id, "status": status, "reason": reason, "detail": "12 of 75 frames"}
                     | {"values": {} if status == "excluded" else values})  # fmt: skip
    return items, rows


def table_of(count):
    items, rows = items_and_rows(count)
    return clips_table(items, rows, SELECTION, "wav2lip", PLAN, "emotalk")


def test_every_line_says_whose_it_is_what_it_is_and_why_it_is_not():
    table = table_of(4)
    assert list(table) == list(CLIP_COLUMNS) and len(table) == 12
    assert table["metric"].tolist() == ["SSIM", "M-LMD", "FID"] * 4
    assert table["clip_id"].tolist() == [f"M{k:05d}_front_angry_3_001" for k in range(4) for _ in METRICS]
    assert set(table["split"]) == {"mead-edtalk/test"} and set(table["method"]) == {"wav2lip"}
    assert table["status"].tolist() == (
        ["ok", "ok", "collected", "ok", "null", "collected", "static", "static", "collected", *["excluded"] * 3]
    )
    said = [None, None, None, None, "no-face", None, *["missing-output"] * 3, *["length-mismatch"] * 3]
    assert [None if pd.isna(reason) else reason for reason in table["reason"]] == said
    assert table["level"].isna().tolist() == [True] * 3 + [False] * 9


@pytest.mark.parametrize("group", [2**20, 8], ids=["one group", "several"])
def test_the_file_holds_the_words_byte_for_byte(tmp_path, monkeypatch, group):
    monkeypatch.setattr(row_tables, "ROW_GROUP", group)
    table = table_of(40)
    write_clips(tmp_path / "clips.parquet", table)
    table.astype(CLIP_COLUMNS).to_parquet(tmp_path / "plain.parquet", index=False, row_group_size=group)
    assert (tmp_path / "clips.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()


def test_words_that_lines_share_are_held_once():
    table = table_of(2000)
    assert table.memory_usage(deep=True).sum() / len(table) < MOST_BYTES_A_LINE


def test_reasons_are_counted_and_the_first_clip_is_named():
    items, _ = items_and_rows(10)
    assert unscored(METRICS[1], items) == [
        Unscored(reason="no-face", n_clips=3, clip_id="M00001_front_angry_3_001", detail="clip 1"),
        Unscored(reason="length-mismatch", n_clips=2, clip_id="M00003_front_angry_3_001", detail="12 of 75 frames"),
    ]
    assert [one.n_clips for one in unscored(METRICS[2], items)] == [2]

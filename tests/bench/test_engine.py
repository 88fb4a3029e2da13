"""One decode, one extraction, every kind of metric; the same bits whatever else is asked for."""

import json

import fake_metrics
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from baselines.registry import find_method
from bench.contract.result import Result
from bench.data import media
from bench.generate import generate
from bench.set_scores import intervals

KINDS = ("PSNR", "M-LMD", "own", "portrait", "set", "set-spread")


def table(done):
    return pd.read_parquet(done.folder / "clips.parquet")


def rows(done, metric):
    return table(done).query("metric == @metric").reset_index(drop=True)


def first(folder):
    return sorted(folder.glob("*.mp4"))[0]


def rewrite(path, frames, sound):
    media.write_video(path, iter(frames), fps=25, crf=18, audio=sound, audio_rate=16000)


def test_every_kind_has_its_cell(score_with, smoke_videos, smoke_selection):
    done = score_with(smoke_videos / "gt-mismatched", *KINDS)
    result = Result.load(done.folder / "result.json")
    assert [m.metric for m in result.metrics] == list(KINDS)
    assert all(m.value is not None and m.coverage == 1 for m in result.metrics)
    assert [m.kind for m in result.metrics] == ["clip", "clip", "clip", "clip", "set", "set"]
    assert {e.name for e in result.extractors} == {"face", "fake-brightness"}
    assert set(rows(done, "set")["status"]) == {"collected"} and rows(done, "set")["value"].isna().all()


def test_each_video_is_looked_at_once_and_the_portrait_once_per_speaker(score_with, smoke_videos, smoke_selection):
    score_with(smoke_videos / "gt-mismatched", *KINDS)
    seen = [frames for name, frames in fake_metrics.CALLS if name == "fake-brightness"]
    portraits = {row.reference_sha256 for row in smoke_selection.scored[:2]}
    assert len(seen) == 2 * 2 + len(portraits) and seen.count(1) == len(portraits)


def test_the_real_clips_are_looked_at_once_for_all_rows(score_with, smoke_videos, tmp_path):
    score_with(smoke_videos / "gt-mismatched", "own")
    score_with(smoke_videos / "static", "own", out=tmp_path / "other")
    packets = {media.stream_sha256(path) for path in sorted((smoke_videos / "static").glob("*.mp4"))[:2]}
    assert len(fake_metrics.CALLS) == len(packets)


def test_neither_workers_nor_order_nor_other_columns_change_a_bit(score_with, smoke_videos, tmp_path):
    one = score_with(smoke_videos / "gt-mismatched", *KINDS)
    two = score_with(smoke_videos / "gt-mismatched", *KINDS, out=tmp_path / "r2", cache=tmp_path / "c2", jobs=2)
    back = score_with(smoke_videos / "gt-mismatched", *KINDS[::-1], out=tmp_path / "r3", cache=tmp_path / "c3")
    pd.testing.assert_frame_equal(table(one), table(two), check_exact=True)
    assert one.result.metrics == two.result.metrics
    for name in KINDS:
        pd.testing.assert_frame_equal(rows(one, name), rows(back, name), check_exact=True)
        assert one.result.metric(name) == back.result.metric(name)
    for name in ("portrait", "set"):
        alone = score_with(smoke_videos / "gt-mismatched", name, out=tmp_path / name, cache=tmp_path / f"c-{name}")
        pd.testing.assert_frame_equal(rows(one, name), rows(alone, name), check_exact=True)
        assert one.result.metric(name) == alone.result.metric(name)


def test_a_metric_sees_only_the_features_it_asked_for(score_with, smoke_videos):
    done = score_with(smoke_videos / "static", "own", "undeclared")
    cell = done.result.metric("undeclared")
    assert (cell.value, cell.reason) == (None, "metric-failed") and "KeyError" in cell.detail
    assert done.failed and done.result.metric("own").value is not None


def test_the_real_clips_own_value_stands_beside(score_with, smoke_videos):
    done = score_with(smoke_videos / "static", "own", "PSNR")
    lines, cell = rows(done, "own"), done.result.metric("own")
    assert lines["truth"].notna().all()
    assert cell.truth == pytest.approx(lines["truth"].mean())
    assert cell.difference == pytest.approx((lines["value"] - lines["truth"]).mean())
    assert [i.target for i in cell.difference_intervals] == ["these-speakers", "new-speakers"]
    assert cell.n_paired == cell.n_clips
    assert done.result.metric("PSNR").truth is None


def test_the_real_video_itself_differs_from_the_truth_by_nothing(score_with, smoke_selection, tmp_path):
    generate(find_method("gt"), smoke_selection, tmp_path / "gt", jobs=1)
    done = score_with(tmp_path / "gt", "own")
    assert done.result.metric("own").difference == 0.0
    assert len(fake_metrics.CALLS) == 2  # the same packets, seen once


def test_set_arrays_and_figures_are_kept(score_with, smoke_videos, smoke_selection):
    done = score_with(smoke_videos / "gt-mismatched", "set", "set-spread")
    arrays = load_file(done.folder / "sets" / "fake-levels.safetensors")
    assert set(arrays) == {f"{r.clip.clip_id}/{n}" for r in smoke_selection.scored[:2] for n in ("real", "made")}
    figure = json.loads((done.folder / "figures" / "set.json").read_text())
    cell = done.result.metric("set")
    assert cell.value == abs(np.mean(figure["made"]) - np.mean(figure["real"]))
    assert cell.flags == ["small-sample"] and cell.n_frames == sum(a.size for n, a in arrays.items() if "made" in n)


def test_a_set_whose_real_clips_have_a_value_tells_the_difference(score_with, smoke_videos):
    cell = score_with(smoke_videos / "static", "set-spread", "set").result.metric("set-spread")
    assert cell.truth > 0 and cell.difference == cell.value - cell.truth and cell.n_paired == 2
    assert [i.target for i in cell.difference_intervals] == ["these-speakers", "new-speakers"]


def test_a_set_has_no_interval_for_these_speakers_and_says_why_there_is_none_for_new_ones(score_with, smoke_videos):
    these, new = score_with(smoke_videos / "gt-mismatched", "set").result.metric("set").intervals
    assert these.low is None and "whole set" in these.reason
    assert new.low is None and "1 speaker, 3 are needed" in new.reason


def test_a_set_that_is_too_small_has_a_reason(score_with, smoke_videos):
    cell = score_with(smoke_videos / "gt-mismatched", "set", "own", limit=1).result.metric("set")
    assert (cell.value, cell.reason, cell.n_clips) == (None, "too-few-clips", 1) and "2 are needed" in cell.detail


def test_a_substituted_clip_enters_the_set_and_is_counted(score_with, spoiled_videos, smoke_selection):
    first(spoiled_videos).unlink()
    done = score_with(spoiled_videos, "set", "own")
    assert [done.result.metric(n).n_substituted for n in ("set", "own")] == [1, 1]
    assert done.result.metric("set").n_clips == 2


def test_a_second_run_touches_nothing(score_with, smoke_videos):
    done = score_with(smoke_videos / "static", *KINDS)
    stamps = {p: p.stat().st_mtime_ns for p in done.folder.rglob("*")}
    again = score_with(smoke_videos / "static", *KINDS)
    assert again.reused and not fake_metrics.CALLS
    assert {p: p.stat().st_mtime_ns for p in done.folder.rglob("*")} == stamps


@pytest.mark.parametrize("change", ["video", "column", "seed", "table"])
def test_what_changed_is_evaluated_again(score_with, spoiled_videos, change):
    done = score_with(spoiled_videos, "own", "set")
    if change == "video":
        path = first(spoiled_videos)
        rewrite(path, [f // 2 for f in media.read_frames(path)], media.read_audio(path))
    if change == "table":
        (done.folder / "clips.parquet").unlink()
    again = score_with(
        spoiled_videos, "own", *(["sound"] if change == "column" else ["set"]), seed=int(change == "seed")
    )
    assert not again.reused
    assert len(fake_metrics.CALLS) == {"video": 1, "column": 4, "seed": 0, "table": 0}[change]


def test_damaged_cache_entries_are_made_again(score_with, smoke_videos, tmp_path):
    before = score_with(smoke_videos / "static", *KINDS)
    entries = [p for p in (tmp_path / "cache").rglob("*") if p.suffix in (".json", ".safetensors")]
    assert {p.parts[-3] for p in entries} >= {"cues", "scores", "collected", "sets", "fake-brightness"}
    for path in entries:
        path.write_bytes(path.read_bytes()[:20])
    after = score_with(smoke_videos / "static", *KINDS, out=tmp_path / "again")
    pd.testing.assert_frame_equal(table(after), table(before), check_exact=True)
    assert after.result.metrics == before.result.metrics


def test_a_cache_that_cannot_be_written_is_no_error(score_with, smoke_videos, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = score_with(smoke_videos / "gt-mismatched", *KINDS, cache=tmp_path / "file" / "cache")
    assert all(m.value is not None for m in done.result.metrics)


def test_sound_is_the_files_own_or_the_stores_and_says_which(score_with, spoiled_videos, smoke_selection):
    path = first(spoiled_videos)
    rewrite(path, list(media.read_frames(path)), None)
    done = score_with(spoiled_videos, "sound", "whose-sound")
    lines = rows(done, "whose-sound")
    assert lines["value"].tolist() == [0.0, 1.0]
    assert lines["truth"].tolist() == [1.0] * 2
    sound = rows(done, "sound")
    assert sound["value"][0] == sound["truth"][0]
    items = pd.read_parquet(done.folder / "items.parquet")
    assert items["flags"].str.contains("store-sound").tolist() == [True, False]
    assert "1 clip without a sound track" in " ".join(done.result.notes)


def test_silence_has_its_reason_and_it_is_kept(score_with, spoiled_videos, tmp_path):
    path = first(spoiled_videos)
    frames = list(media.read_frames(path))
    rewrite(path, frames, np.zeros(len(frames) * 640, np.float32))
    for out in ("one", "two"):
        done = score_with(spoiled_videos, "sound", out=tmp_path / out)
        cell = done.result.metric("sound")
        assert [(u.reason, u.n_clips, u.clip_id) for u in cell.unscored] == [("no-speech", 1, path.stem)]
        assert cell.n_clips == 1 and not done.failed
    assert not fake_metrics.CALLS


def test_one_that_stumbles_does_not_stop_the_others_and_is_tried_again(score_with, smoke_videos):
    for _ in range(2):
        done = score_with(smoke_videos / "static", "on-fire", "own")
        cell = done.result.metric("on-fire")
        assert cell.reason == "metric-failed" and "fake-stumbling: RuntimeError: the network is on fire" in cell.detail
        assert done.result.metric("own").value is not None and done.failed and not done.reused


def test_nan_has_a_reason(score_with, smoke_videos):
    assert score_with(smoke_videos / "static", "nan", "own").result.metric("nan").reason == "not-finite"


def test_cues_alone_have_what_reads_cues_and_sound(score_with, altered):
    def still(cues):
        cues.transform[:] = cues.transform[:1]

    done = score_with(altered(still), "PSNR", "M-LMD", "own", "sound", "nods", "blinks", "set")
    reasons = {m.metric: m.reason for m in done.result.metrics}
    assert reasons == {"PSNR": "cue-space-only", "M-LMD": "cue-not-altered", "own": "cue-space-only", "sound": None,
                       "nods": None, "blinks": "cue-not-altered", "set": "cue-space-only"}  # fmt: skip
    assert done.result.metric("nods").value == 0 < done.result.metric("nods").truth
    assert done.result.metric("sound").difference == 0


def test_where_one_speaker_left_out_leaves_too_little_there_is_no_interval():
    speakers = np.array(["a", "a", "b", "c", "c"])
    whole, part = (lambda mask, least=least: float(mask.sum()) if mask.sum() > least else np.nan for least in (0, 3))
    these, new = intervals(whole, speakers)
    assert these.low is None and new.low < 5 < new.high
    assert "all speakers but a" in intervals(part, speakers)[1].reason

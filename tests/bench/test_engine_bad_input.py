"""What is missing, damaged or odd on the way from a video to a cell has a reason, and the rest goes on."""

import json
import shutil
from itertools import repeat

import numpy as np
import pandas as pd
import pytest

from bench import videos as opening
from bench.contract.errors import RejectedInput, WeightsError
from bench.data import media
from bench.framing import Framing
from bench.package_index import sha256_of
from bench.plan import choose_device, make_plan
from bench.protocols import load_protocol
from bench.sides import Tools
from metrics.registry import get_metrics

GRAY = np.full((256, 256, 3), 120, np.uint8)


def write(path, frames, sound=None):
    sound = np.zeros(16000, np.float32) if sound is None else sound
    media.write_video(path, iter(frames), fps=25, crf=30, audio=sound, audio_rate=16000)


def opened(clip, path, tmp_path):
    stream = media.stream_sha256(path)
    return opening.open_generated(Tools({}, "cpu", tmp_path / "cache"), clip, path, Framing.CANONICAL, stream, 5)


@pytest.fixture
def clip(smoke_selection):
    return smoke_selection.scored[0].clip


@pytest.mark.parametrize("frames", [1, 400])
def test_a_length_that_is_far_off_is_refused_before_a_frame_is_decoded(clip, tmp_path, monkeypatch, frames):
    write(tmp_path / "v.mp4", repeat(GRAY, frames))
    monkeypatch.setattr(media, "read_frames", lambda *a, **k: pytest.fail("decoded"))
    with pytest.raises(RejectedInput, match=f"real clip has {clip.n_frames} frames, the generated one {frames};"):
        opened(clip, tmp_path / "v.mp4", tmp_path)


def test_a_video_that_goes_on_beyond_its_stated_end_is_not_read_on(clip, tmp_path, monkeypatch):
    write(tmp_path / "v.mp4", repeat(GRAY, clip.n_frames))
    monkeypatch.setattr(media, "read_frames", lambda *a, **k: repeat(GRAY))  # no end
    with pytest.raises(RejectedInput, match=f"more than {clip.n_frames + 5}"):
        opened(clip, tmp_path / "v.mp4", tmp_path)


def test_a_sound_track_that_cannot_be_read_is_replaced_and_flagged(clip, tmp_path, monkeypatch):
    shutil.copyfile(clip.video, tmp_path / "v.mp4")

    def broken(path, *rate):
        if path == tmp_path / "v.mp4":
            raise RejectedInput("truncated", "the sound ends early")
        return whole(path, *rate)

    whole = media.read_audio
    monkeypatch.setattr(media, "read_audio", broken)
    found = opened(clip, tmp_path / "v.mp4", tmp_path)
    assert found.flags == ("store-sound",) and not found.side.sound.own
    np.testing.assert_array_equal(found.side.audio, whole(clip.audio))


def test_weights_that_cannot_be_had_empty_their_column_and_no_other(score_with, smoke_videos, tmp_path, monkeypatch):
    def offline(name, **options):
        raise WeightsError(f"{name}: no network; run `emotalk weights fetch {name}`")

    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("EMOTALK_WEIGHTS", str(tmp_path / "empty"))
    monkeypatch.setattr("bench.weights.fetch", offline)
    done = score_with(smoke_videos / "static", "by-weights", "own")
    cell = done.result.metric("by-weights")
    assert (cell.value, cell.reason, cell.n_clips) == (None, "weights-missing", 0)
    assert "emotalk weights fetch fer_mini_xception" in cell.detail
    assert done.result.metric("own").coverage == 1 and not done.failed
    assert "fake-weighty" not in {e.name for e in done.result.extractors}


def test_a_weight_file_of_another_hash_is_not_used(score_with, smoke_videos, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "fer_mini_xception.hdf5").write_bytes(b"something else")
    monkeypatch.setenv("EMOTALK_WEIGHTS", str(tmp_path / "weights"))
    cell = score_with(smoke_videos / "static", "by-weights", "own").result.metric("by-weights")
    assert cell.reason == "weights-missing" and "SHA-256 expected 59534287" in cell.detail


@pytest.fixture
def expert(tmp_path, monkeypatch, smoke_selection):
    """expert(content): an expert trained here, with its card."""
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path / "work"))
    folder = tmp_path / "work" / "experts" / "puppet"
    folder.mkdir(parents=True)

    def write_expert(content):
        path = folder / "fake-expert.safetensors"
        path.write_bytes(content)
        card = {"sha256": sha256_of(path), "family": "puppet", "data_version": smoke_selection.document["data_version"]}
        path.with_suffix(".json").write_text(json.dumps(card))
        return path

    return write_expert


def test_a_missing_expert_names_the_command_that_trains_it(score_with, smoke_videos, expert):
    cell = score_with(smoke_videos / "static", "by-expert", "own").result.metric("by-expert")
    assert (cell.value, cell.reason) == (None, "expert-missing")
    assert "emotalk train --metric fake-expert --dataset puppet" in cell.detail


def test_a_damaged_expert_is_not_used(score_with, smoke_videos, expert):
    expert(b"12345").write_bytes(b"54321")
    cell = score_with(smoke_videos / "static", "by-expert", "own").result.metric("by-expert")
    assert cell.reason == "expert-missing" and "not the file its card describes" in cell.detail


def test_another_expert_makes_its_column_anew_and_stands_in_the_record(score_with, smoke_videos, expert):
    shas = []
    for content in (b"12345", b"123"):
        expert(content)
        done = score_with(smoke_videos / "static", "by-expert", "own")
        assert done.result.metric("by-expert").value == len(content) and not done.reused
        (record,) = (e for e in done.result.extractors if e.name == "fake-learned")
        shas.append(record.weights["fake-expert"])
    assert shas[0] != shas[1]


def test_a_graphics_card_that_is_not_there_is_wrong_use(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Exception, match="sees no GPU"):
        choose_device("cuda")
    assert choose_device("cpu") == "cpu"


@pytest.mark.parametrize("trace", ["/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg"])
def test_auto_takes_the_graphics_card_wherever_a_driver_of_either_kind_is(trace, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("bench.plan.Path.exists", lambda path: str(path) == trace)
    assert choose_device("auto") == "cuda"


def test_auto_does_not_ask_torch_where_there_is_no_driver(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("asked"))
    monkeypatch.setattr("bench.plan.Path.exists", lambda path: False)
    assert choose_device("auto") == "cpu"


SMALL = [m.name for m in get_metrics() if not m.needs and not m.extractors]
"""Metrics without a network: quick enough to meet every odd video here."""


def odd(kind, clip, folder):
    """One odd output of a clip."""
    frames, sound = list(media.read_frames(clip.video)), media.read_audio(clip.audio)
    path, half = folder / f"{clip.clip_id}.mp4", len(frames) // 2
    match kind:
        case "faceless in the middle":
            write(path, [*frames[: half // 2], *repeat(GRAY, half), *frames[half + half // 2 :]], sound)
        case "no face at all":
            write(path, repeat(GRAY, len(frames)), sound)
        case "silent and still":
            write(path, repeat(frames[0], len(frames)))
        case "a click of sound":
            write(path, frames[:-4], sound[:10])


@pytest.mark.parametrize(
    "kinds", [("faceless in the middle", "no face at all"), ("silent and still", "a click of sound")]
)
def test_every_small_metric_survives_every_odd_video(score_with, smoke_selection, tmp_path, kinds):
    folder = tmp_path / "odd"
    folder.mkdir()
    for row, kind in zip(smoke_selection.scored, kinds, strict=False):
        odd(kind, row.clip, folder)
    done = score_with(folder, *SMALL)
    check(done)


def test_what_a_cell_says_of_a_missing_file_names_no_folder_of_this_machine(monkeypatch, tmp_path):
    bad, expert = tmp_path / "fid_inception.pt", tmp_path / "experts" / "puppet" / "judge-0.safetensors"
    expert.parent.mkdir(parents=True)
    for path in (bad, expert, expert.with_suffix(".json")):
        path.write_text("{}")
    monkeypatch.setenv("EMOTALK_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))

    def no_index(name):
        raise WeightsError(f"the archive of {name} could not be had. pip is configured for: /here.\n  - none has it")

    monkeypatch.setattr("bench.weights.fetch", no_index)
    missing = make_plan(load_protocol(), "puppet", None, []).missing
    said = {name: missing[name][1] for name in ("FID", "Emo-F1", "LPIPS")}
    assert "fid_inception.pt is not the expected file" in said["FID"]
    assert "judge-0.safetensors is not the file its card describes" in said["Emo-F1"]
    assert (
        said["LPIPS"] == "lpips_alex: not here, and could not be fetched; `emotalk weights fetch lpips_alex` says why"
    )
    assert not [text for text in said.values() if str(tmp_path) in text]


def closed(cues):
    cues.openness[:] = 0.02


def lost(cues, frames=slice(3, None, 4)):
    for name in ("landmarks", "transform", "gaze", "openness", "blendshapes"):
        getattr(cues, name)[frames] = np.nan
    cues.valid[frames] = False


def all_lost(cues):
    lost(cues, slice(None))


def frozen_throughout(cues):
    for name in ("landmarks", "transform", "gaze", "openness", "blendshapes"):
        getattr(cues, name)[:] = getattr(cues, name)[:1]


@pytest.mark.parametrize("change", [closed, lost, all_lost, frozen_throughout], ids=lambda change: change.__name__)
def test_every_small_metric_survives_odd_cues(score_with, altered, change):
    done = score_with(altered(change), *SMALL)
    check(done)


def check(done):
    """No metric broke, no value is NaN, and everything that is missing has a reason."""
    broken = {m.metric: u.detail for m in done.result.metrics for u in m.unscored if u.reason == "metric-failed"}
    broken |= {m.metric: m.detail for m in done.result.metrics if m.reason == "metric-failed"}
    assert broken == {}
    table = pd.read_parquet(done.folder / "clips.parquet")
    silent = table[table["value"].isna() & ~table["status"].isin(["collected"])]
    assert silent["reason"].notna().all()
    assert all(m.reason for m in done.result.metrics if m.value is None)

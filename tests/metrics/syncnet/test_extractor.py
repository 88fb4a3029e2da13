"""The extractors and their columns: shapes, reasons, no dependence on other videos, no value without official weights."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable, UsageError
from bench.contract.metric import Direction, OwnMetric
from bench.contract.seen import Labels, Seen, Video, VideoExtractor
from metrics.extractors.syncnet import SyncNetFace, SyncNetWhole
from metrics.syncnet import metric

LABELS = Labels("clip", "puppet", "speaker", "happy", 1)
COLUMNS = (metric.LSED, metric.LSEC, metric.LSED0, metric.AVOffset)


def speech(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=samples)).astype(np.float32)


def video(frames, samples=None, seen=None, seed=0):
    """Noise pictures with a face box of 100 px in the middle; `seen` is the mask of frames with landmarks."""
    rng = np.random.default_rng(seed)
    pictures = np.repeat(rng.integers(0, 255, (frames, 32, 32, 3), np.uint8), 8, 1).repeat(8, 2)
    seen = np.ones(frames, bool) if seen is None else seen
    cues = Cues.empty(frames)
    corners = np.resize([[78, 78, 0], [178, 178, 0]], (478, 3))
    cues = Cues(**{**vars(cues), "landmarks": np.where(seen[:, None, None], corners, np.nan), "valid": seen})
    return Video(cues, pictures, speech(640 * frames if samples is None else samples))


@pytest.fixture(scope="module")
def face(random_weights):
    return SyncNetFace({"syncnet_v2": random_weights})


@pytest.fixture(scope="module")
def whole(face):
    extractor = SyncNetWhole({"syncnet_v2": face._weights["syncnet_v2"]})
    extractor._net = face.net
    return extractor


def test_the_corrected_view_has_all_windows_of_both_sides(face):
    arrays = face(video(12, samples=640 * 12 + 1280))
    assert arrays["visual"].shape == (8, 1024) and arrays["audio"].shape == (9, 1024)
    assert arrays["visual"].dtype == arrays["audio"].dtype == np.float32
    assert np.isfinite(arrays["visual"]).all() and np.isfinite(arrays["audio"]).all()


def test_the_reference_s_view_drops_the_last_window(whole):
    arrays = whole(video(8))
    assert arrays["visual"].shape == arrays["audio"].shape == (3, 1024)
    assert arrays["tracks"].tolist() == [[0, 3]]


def test_windows_with_an_unseen_face_are_nan_and_the_others_unmoved(face):
    seen = np.ones(12, bool)
    seen[11] = False
    holes, full = face(video(12, seen=seen))["visual"], face(video(12))["visual"]
    assert np.isnan(holes).all(1).tolist() == [False] * 7 + [True]
    np.testing.assert_allclose(holes[:7], full[:7], rtol=1e-5, atol=1e-5)


def test_red_and_blue_are_told_apart_so_frames_arrive_as_bgr(whole):
    from metrics.syncnet.crop import whole as squeeze
    from metrics.syncnet.model import embed_pictures

    one = video(8)
    bgr = np.stack([squeeze(frame)[..., ::-1] for frame in one.frames])
    np.testing.assert_array_equal(whole(one)["visual"], embed_pictures(whole.net, bgr[:7]))
    assert np.abs(whole(one)["visual"] - embed_pictures(whole.net, bgr[:7, ..., ::-1])).max() > 0.1


def test_a_video_s_embeddings_do_not_depend_on_the_video_before(face):
    first = face(video(6))
    face(video(6, seed=1))
    again = face(video(6))
    assert all((first[name] == again[name]).all() for name in first)


def test_the_extractor_pickles_small_and_gives_the_same_after(face):
    assert isinstance(face, VideoExtractor)
    data = pickle.dumps(face)
    assert len(data) < 2000
    np.testing.assert_array_equal(pickle.loads(data)(video(6))["visual"], face(video(6))["visual"])


def silent(frames):
    good = video(frames)
    return Video(good.cues, good.frames, np.zeros_like(good.audio))


BAD = {
    Reason.NO_AUDIO: lambda: Video(video(8).cues, video(8).frames, None),
    Reason.NO_SPEECH: lambda: silent(8),
    Reason.NO_FACE: lambda: video(8, seen=np.zeros(8, bool)),
    Reason.WINDOW_TOO_SHORT: lambda: video(4, samples=16_000),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_input_has_a_reason(face, reason):
    with pytest.raises(Unscorable) as error:
        face(BAD[reason]())
    assert error.value.reason == reason


def test_sound_shorter_than_a_window_has_a_reason(face, whole):
    for extractor, frames in ((face, 8), (whole, 5)):
        with pytest.raises(Unscorable) as error:
            extractor(video(frames, samples=3000))
        assert error.value.reason == Reason.WINDOW_TOO_SHORT


def test_silence_is_a_number_in_the_reference_s_view(whole):
    assert np.isfinite(whole(silent(8))["audio"]).all()


def seen_with(name, arrays):
    return Seen(LABELS, Cues.empty(1), {name: arrays})


def embeddings(late=-2, windows=60):
    rng = np.random.default_rng(4)
    long = rng.normal(size=(windows + 40, 64)).astype(np.float32)
    rows = {"visual": long[20 : 20 + windows], "audio": long[20 - late : 20 - late + windows] + np.float32(0.1)}
    return rows | {"tracks": np.array([[0, windows]])}


@pytest.mark.parametrize("mode", metric.MODES)
def test_columns_read_their_mode_s_extractor_and_agree_with_each_other(mode):
    values = {}
    for column in COLUMNS:
        built = column(mode)
        assert isinstance(built, OwnMetric) and mode in built.definition
        values[built.name], frames = built.own(seen_with(built.extractors[0], embeddings()))
        assert frames == 60
    assert values["AV-offset"] == 2  # the sound leads by two frames
    assert values["LSE-D"] < values["LSE-D0"] and values["LSE-C"] > 0


def test_a_still_picture_has_no_offset_instead_of_the_best_one():
    rows = embeddings()
    rows["visual"] = np.repeat(rows["visual"][:1], 60, 0)
    with pytest.raises(Unscorable) as error:
        metric.AVOffset().own(seen_with("syncnet", rows))
    assert error.value.reason == Reason.NO_VARIATION
    assert np.isfinite(metric.LSED().own(seen_with("syncnet", rows)).value)


def test_directions_and_the_primary_column():
    assert [column.direction for column in COLUMNS] == [Direction.MATCH] * 3 + [Direction.ZERO]
    assert [column.name for column in COLUMNS if column.primary] == ["LSE-D"]


def test_an_unknown_mode_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="wav2lip-lrs"):
        metric.LSED("wav2lip-lsr")


def test_without_the_official_file_the_error_says_where_it_is_and_no_network_stands_in(monkeypatch, tmp_path):
    from bench import weights
    from bench.contract.errors import WeightsError

    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    monkeypatch.delenv("EMOTALK_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="emotalk weights fetch syncnet_v2 --official"):
        weights.resolve("syncnet_v2")
    with pytest.raises(KeyError):
        SyncNetFace({})
    with pytest.raises(WeightsError):
        SyncNetFace({"syncnet_v2": Path(tmp_path / "absent.model")})(video(6))


@pytest.mark.parametrize("mode", metric.MODES)
def test_a_table_without_the_official_file_has_empty_columns_that_say_why(mode, monkeypatch, tmp_path):
    from dataclasses import replace

    from bench.plan import make_plan
    from bench.protocols import load_protocol

    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    monkeypatch.delenv("EMOTALK_WEIGHTS", raising=False)
    protocol = load_protocol("emotalk")
    names = tuple(column.name for column in COLUMNS)
    options = {**protocol.options, "sync.mode": mode}
    plan = make_plan(replace(protocol, metrics=names, options=options), "puppet", None, ["S000"])
    assert set(plan.missing) == set(names)
    for reason, detail in plan.missing.values():
        assert reason == Reason.WEIGHTS_MISSING and "emotalk weights fetch syncnet_v2 --official" in detail

"""The shipped sync expert on rendered clips: known shifts found, free of gain, each video by itself; and what has no value."""

import pickle
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Labels, Seen, Video
from metrics.extractors.registry import extractor_class
from metrics.extractors.sync_expert import SyncExpertFeatures
from metrics.sync_expert.metric import SyncConfidence, SyncDistance, SyncOffset

SHIPPED = Path(str(files("metrics").joinpath("experts", "puppet", "sync-expert.safetensors")))
SAMPLES = 640
"""Of a frame."""


@pytest.fixture(scope="module")
def expert() -> SyncExpertFeatures:
    return SyncExpertFeatures({"sync-expert": SHIPPED})


@pytest.fixture(scope="module")
def talks(smoke_work) -> list[Video]:
    """What each test speaker of the smallest profile says, clip after clip: 4 s and more."""
    from bench.data import media

    clips = sorted(
        p for p in (smoke_work / "store" / "puppet-smoke" / "clips").iterdir() if (p / "record.json").is_file()
    )
    videos = []
    for speaker in sorted({p.name.split("_")[0] for p in clips}):
        parts = []
        for folder in (p for p in clips if p.name.startswith(speaker)):
            cues = Cues.load(folder / "cues.safetensors")
            sound = media.read_audio(folder / "audio.wav")
            sound = np.pad(sound, (0, max(0, len(cues) * SAMPLES - len(sound))))[: len(cues) * SAMPLES]
            parts.append((np.stack(list(media.read_frames(folder / "face.mp4"))), sound, cues))
        frames, sounds, cues = zip(*parts, strict=True)
        joined = Cues(
            **{name: np.concatenate([getattr(c, name) for c in cues]) for name in cues[0].__dataclass_fields__}
        )
        videos.append(Video(joined, np.concatenate(frames), np.concatenate(sounds)))
    return videos


@pytest.fixture(scope="module")
def talk(talks) -> Video:
    return talks[0]


def early(video: Video, frames: int) -> Video:
    """The sound `frames` early (late if negative), both sides cut."""
    length = len(video.frames) - abs(frames)
    picture, sound = max(-frames, 0), max(frames, 0) * SAMPLES
    return Video(
        video.cues[picture : picture + length],
        video.frames[picture : picture + length],
        video.audio[sound : sound + length * SAMPLES],
    )


def score(expert: SyncExpertFeatures, metric: type, video: Video) -> float:
    seen = Seen(Labels("c", "puppet", "s", None, None), video.cues, {"sync_expert": expert(video)}, video.audio)
    return metric().own(seen).value


def test_the_registry_knows_it():
    assert extractor_class("sync_expert") is SyncExpertFeatures


@pytest.mark.parametrize("shift", [-10, -3, 0, 1, 8])
def test_a_known_shift_is_found(expert, talks, shift):
    found = [score(expert, SyncOffset, early(video, shift)) for video in talks]
    assert np.abs(np.array(found) - shift).max() <= 1


def test_the_mouth_of_another_sentence_fits_worse_and_a_still_has_no_confidence(expert, talks):
    real, other = talks
    length = min(len(real.frames), len(other.frames))
    wrong = Video(real.cues[:length], real.frames[:length], other.audio[: length * SAMPLES])
    still = Video(
        real.cues[np.zeros(length, int)], np.repeat(real.frames[:1], length, 0), real.audio[: length * SAMPLES]
    )
    for damaged in (wrong, still):
        assert score(expert, SyncDistance, damaged) > 1.15 * score(expert, SyncDistance, real)
        assert score(expert, SyncConfidence, damaged) < 0.4 * score(expert, SyncConfidence, real)


def test_the_more_of_the_mouth_is_frozen_the_larger_the_distance(expert, talks):
    for talk in talks:
        distances = []
        for share in (0.0, 0.25, 0.5, 0.75):
            index = np.arange(len(talk.frames))
            index[: int(share * len(index))] = 0
            distances.append(score(expert, SyncDistance, Video(talk.cues[index], talk.frames[index], talk.audio)))
        assert distances == sorted(distances) and distances[-1] > 1.3 * distances[0], distances


def test_gain_does_not_matter(expert, talk):
    quiet = replace(talk, audio=talk.audio * np.float32(0.1))
    assert score(expert, SyncDistance, quiet) == pytest.approx(score(expert, SyncDistance, talk), abs=2e-3)


def test_a_video_is_scored_by_itself_whatever_came_before(expert, talks):
    first, second = expert(talks[0]), expert(talks[1])
    fresh = pickle.loads(pickle.dumps(SyncExpertFeatures({"sync-expert": SHIPPED})))
    for name, rows in fresh(talks[1]).items():
        np.testing.assert_array_equal(rows, second[name])
    for name, rows in expert(talks[0]).items():
        np.testing.assert_array_equal(rows, first[name])


def test_it_travels_small(expert, talk):
    expert(talk)
    assert len(pickle.dumps(expert)) < 2000


def test_identical_videos_have_identical_rows_of_unit_length(expert, talk):
    rows = expert(talk)
    assert rows["visual"].shape == rows["audio"].shape == (len(talk.frames) - 4, rows["audio"].shape[1])
    for side in rows.values():
        np.testing.assert_allclose(np.linalg.norm(side, axis=1), 1, atol=1e-5)


def test_frames_without_a_face_are_left_out(expert, talk):
    hidden = np.isin(np.arange(len(talk.frames)), [30, 31])
    arrays = {name: np.array(getattr(talk.cues, name)) for name in talk.cues.__dataclass_fields__}
    for name, array in arrays.items():
        array[hidden] = False if name == "valid" else np.nan
    video = replace(talk, cues=Cues(**arrays))
    absent = np.isnan(expert(video)["visual"]).all(1)
    assert np.flatnonzero(absent).tolist() == list(range(26, 32))
    assert score(expert, SyncOffset, video) == 0


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda v: replace(v, audio=None), Reason.NO_AUDIO),
        (lambda v: replace(v, audio=np.zeros_like(v.audio)), Reason.NO_SPEECH),
        (lambda v: replace(v, cues=Cues.empty(len(v.frames))), Reason.NO_FACE),
        (lambda v: Video(v.cues[:4], v.frames[:4], v.audio), Reason.WINDOW_TOO_SHORT),
        (lambda v: replace(v, audio=v.audio[:3000]), Reason.WINDOW_TOO_SHORT),
        (lambda v: Video(v.cues[:23], v.frames[:23], v.audio[: 23 * SAMPLES]), Reason.WINDOW_TOO_SHORT),
    ],
)
def test_what_has_no_value_says_why(expert, talk, change, reason):
    with pytest.raises(Unscorable) as caught:
        score(expert, SyncDistance, change(talk))
    assert caught.value.reason is reason

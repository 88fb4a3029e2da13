"""Damages as rows: their sound is written, their frames are those of the store where nothing is damaged."""

import numpy as np
import pytest

from baselines.damages.registry import DAMAGES, find_damage
from baselines.registry import find_method
from bench.contract.method import Input
from bench.data import media
from bench.data.store import Store
from bench.generate import checked_sound, generate, read_item
from bench.requests import audio_of, build_request

DOSE = {"codec": 35, "sound-lag": 3, "gaze-shuffled": 9, "pose-shuffled": 9, "pose-offset": 10, "frames-dropped": 0.5}


@pytest.fixture(scope="module")
def selection(smoke_work):
    return Store(smoke_work / "store" / "puppet-smoke").selection("smoke", "test")


def test_a_clip_recorded_again_unaltered_is_the_clip_of_the_store(selection):
    request = build_request(selection.scored[0], selection.store, frozenset({Input.RENDERER, Input.TRUE_VIDEO}), 0)
    again = np.stack(list(request.renderer.recorded()))
    assert np.array_equal(again, np.stack(list(request.true_video.frames())))


def test_a_sound_damage_writes_its_sound_under_the_true_picture(selection, tmp_path):
    clip = selection.scored[0].clip
    for name in ("gt-reencoded", "sound-lag~0", "sound-lag~5"):
        generate(find_method(name), selection, tmp_path / name, jobs=1, limit=1)
    files = {path.parent.name: path for path in tmp_path.glob(f"*/{clip.clip_id}.mp4")}
    assert len({media.stream_sha256(path) for path in files.values()}) == 1
    assert files["sound-lag~0"].read_bytes() == files["gt-reencoded"].read_bytes()
    true, late = audio_of(clip), media.read_audio(files["sound-lag~5"], 16_000)
    assert len(late) == len(media.read_audio(files["gt-reencoded"], 16_000))
    moved = 5 * 640
    assert np.corrcoef(late[moved : len(true)], true[: len(true) - moved])[0, 1] > 0.95


def test_each_dose_keeps_its_own_items(selection, tmp_path):
    assert generate(find_method("blur~1"), selection, tmp_path, jobs=1, limit=1).made == 1
    assert generate(find_method("blur~1"), selection, tmp_path, jobs=1, limit=1).made == 0
    assert generate(find_method("blur~2"), selection, tmp_path, jobs=1, limit=1).made == 1


@pytest.mark.parametrize(
    ("sound", "message"),
    [(np.zeros(9, np.float32), r"\(10,\) float32, the method gave \(9,\)"), (np.zeros(10), "gave .* float64"),
     (np.full(10, np.nan, np.float32), "NaN or infinity")],
)  # fmt: skip
def test_a_sound_that_cannot_be_the_clips_is_refused(sound, message):
    with pytest.raises(ValueError, match=message):
        checked_sound(sound, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_makes_videos_of_every_clip(name, selection, tmp_path):
    made = generate(find_damage(name, DOSE.get(name, 1)), selection, tmp_path, jobs=1)
    assert {item["status"] for item in made.items} == {"ok"}
    for row in selection.scored:
        assert read_item(tmp_path, row.clip.clip_id)["n_frames"] == row.clip.n_frames

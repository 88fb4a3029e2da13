"""A clip can be rendered again from its truth, unaltered and with one cue replaced."""

import numpy as np
import pytest

from bench.contract.errors import UsageError
from bench.contract.method import Renderer
from bench.data.media import read_frames
from bench.data.puppet.dataset import plan
from bench.data.puppet.rerender import TruthRenderer, widened


@pytest.fixture(scope="module")
def clip(smoke_tree):
    return plan("smoke")[0]


@pytest.fixture(scope="module")
def renderer(smoke_tree, clip) -> TruthRenderer:
    return TruthRenderer(clip.truth(smoke_tree))


def first(frames, count: int = 3) -> np.ndarray:
    return np.stack([frame for frame, _ in zip(frames, range(count), strict=False)])


def test_it_is_a_renderer_with_per_frame_truth(renderer: Renderer, clip):
    assert renderer.truth["pose"].shape == (clip.frames, 3)
    assert renderer.truth["gaze"].shape == (clip.frames, 2, 2)


def test_unaltered_it_gives_the_pictures_of_the_file(renderer, smoke_tree, clip):
    again, file = first(renderer.frames()), first(read_frames(clip.video(smoke_tree)))
    assert again.shape == (3, 256, 256, 3)
    assert again.dtype == np.uint8
    error = np.mean((again.astype(float) - file.astype(float)) ** 2)
    assert 10 * np.log10(255**2 / error) > 36, "the file is the same picture but for its coding"
    assert (first(renderer.frames()) == again).all()


def test_an_altered_cue_alters_the_picture_and_nothing_else_does(renderer):
    plain = first(renderer.frames()).astype(int)
    same = first(renderer.frames(pose=renderer.truth["pose"].copy())).astype(int)
    assert (plain == same).all()
    gaze = first(renderer.frames(gaze=renderer.truth["gaze"] + np.float32(12))).astype(int)
    changed = np.abs(gaze - plain).max(-1).max(0) > 0
    assert changed.any()
    rows = np.flatnonzero(changed.any(1))
    assert rows.max() - rows.min() < 90, "gaze moves the eyes and their lids only"
    pose = first(renderer.frames(pose=renderer.truth["pose"] + np.float32(8))).astype(int)
    assert (np.abs(pose - plain).max(-1).max(0) > 0).mean() > 3 * changed.mean()


def test_frames_go_through_the_crop(smoke_tree, clip):
    flipped = TruthRenderer(clip.truth(smoke_tree), crop=lambda frame: frame[:, ::-1])
    straight = TruthRenderer(clip.truth(smoke_tree))
    assert (first(flipped.frames()) == first(straight.frames())[:, :, ::-1]).all()


def test_a_widened_picture_is_the_picture_with_margins_that_begin_as_its_edges_end():
    rows, columns = np.mgrid[:60, :60]
    picture = np.repeat((rows + 2 * columns)[..., None], 3, axis=2).astype(np.uint8)
    wide = widened(picture, 80)
    assert wide.shape == (60, 80, 3)
    assert wide.dtype == np.uint8
    assert (wide[:, 10:70] == picture).all()
    assert np.abs(wide[:, 9].astype(int) - picture[:, 0]).max() <= 1
    assert np.abs(wide[:, 70].astype(int) - picture[:, -1]).max() <= 1
    assert (wide[:, :10, 0] == wide[:, 70:, 0][:, ::-1] - 2 * 59).all(), "both sides alike"
    assert widened(picture, 60) is picture


def test_unknown_cues_and_other_files_are_refused(renderer, tmp_path):
    with pytest.raises(UsageError, match="cannot alter smile"):
        next(renderer.frames(smile=np.zeros(3)))
    with pytest.raises(ValueError, match="expected shape"):
        next(renderer.frames(pose=np.zeros((2, 3), np.float32)))
    (tmp_path / "x.safetensors").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="cannot read"):
        TruthRenderer(tmp_path / "x.safetensors")

"""The two streams: unit vectors, one per window, each of its own five frames or 195 ms alone, whatever the batch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from metrics.sync_expert.embedding import WINDOW_FRAMES, WINDOW_STEPS, embed  # noqa: E402
from metrics.sync_expert.model import SyncExpert  # noqa: E402
from metrics.sync_expert.mouth import SIDE  # noqa: E402
from metrics.sync_expert.sound import MELS  # noqa: E402

FRAMES = 12


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SyncExpert(16).eval().requires_grad_(False)


@pytest.fixture
def clip():
    generator = torch.Generator().manual_seed(1)
    crops = torch.randn(2, FRAMES, SIDE, SIDE, generator=generator)
    return crops, torch.rand(2, 4 * FRAMES - 2, MELS, generator=generator)


def test_both_streams_have_a_unit_vector_for_every_window(model, clip):
    for rows in (model.visual(clip[0]), model.audio(clip[1])):
        assert rows.shape == (2, FRAMES - WINDOW_FRAMES + 1, 16)
        torch.testing.assert_close(rows.norm(dim=-1), torch.ones(rows.shape[:2]))


def test_a_picture_row_sees_its_five_frames_and_no_other(model, clip):
    crops, _ = clip
    before = model.visual(crops)
    other = crops.clone()
    other[:, 6] += 1
    changed = (model.visual(other) - before).abs().amax((0, 2)) > 1e-4
    assert changed.tolist() == [2 <= row <= 6 for row in range(len(changed))]


def test_a_sound_row_hears_its_eighteen_steps_and_no_other(model, clip):
    _, mel = clip
    before = model.audio(mel)
    for step in (20, 23):
        other = mel.clone()
        other[:, step] += 1
        changed = (model.audio(other) - before).abs().amax((0, 2)) > 1e-5
        assert changed.tolist() == [4 * row <= step < 4 * row + WINDOW_STEPS for row in range(len(changed))]


def test_a_row_is_the_same_alone_and_in_a_batch(model, clip):
    torch.testing.assert_close(model.visual(clip[0])[1:], model.visual(clip[0][1:]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(model.audio(clip[1])[1:], model.audio(clip[1][1:]), rtol=1e-5, atol=1e-5)


def test_windows_with_an_unseen_frame_are_absent(model):
    crops = np.random.default_rng(0).integers(0, 255, (FRAMES, SIDE, SIDE)).astype(np.uint8)
    seen = np.arange(FRAMES) != 2
    visual, audio = embed(model, crops, seen, np.zeros((4 * FRAMES - 2, MELS), np.float32), "cpu")
    assert np.isnan(visual).all(1).tolist() == [True] * 3 + [False] * 5
    assert np.isfinite(audio).all()

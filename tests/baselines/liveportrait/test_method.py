"""The row `liveportrait-self`: what it yields, and when it asks for weights."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.liveportrait.method import BATCH, LivePortraitSelf
from baselines.liveportrait.weights import PARTS
from baselines.registry import MethodSpec
from bench.contract.errors import UsageError
from bench.contract.method import SAW_TEST_SPEAKERS, Input, Request

TARGET = "baselines.liveportrait.method:LivePortraitSelf"


def film(frames, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (frames, 256, 256, 3), np.uint8)


def asked(film, n_frames=None):
    """A request for as many frames as the film has, its first frame being the reference image."""
    video = SimpleNamespace(frames=lambda: iter(film))
    sources = {Input.REFERENCE_IMAGE: lambda: film[0], Input.TRUE_VIDEO: lambda: video}
    return Request("a", n_frames or len(film), 0, LivePortraitSelf.consumes, sources)


@pytest.fixture
def method(portrait):
    made = LivePortraitSelf()
    made.portrait = portrait
    return made


def test_it_can_be_listed_without_weights_and_without_torch():
    method = MethodSpec("liveportrait-self", TARGET).load()
    assert method.saw_test_speakers in SAW_TEST_SPEAKERS and method.kind == "official"
    code = f"import sys, {TARGET.partition(':')[0]}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_weights_it_says_what_to_give_before_anything_is_generated():
    method = LivePortraitSelf()
    for use in (method.files, lambda: next(method.generate(asked(film(1))))):
        with pytest.raises(UsageError, match=r"--checkpoint FOLDER/motion_extractor\.pth"):
            use()


def test_every_real_frame_gives_one_whatever_the_batch(method):
    frames = film(BATCH + 2)
    made = list(method.generate(asked(frames, n_frames=BATCH + 1)))
    assert len(made) == BATCH + 1
    assert all(frame.shape == (256, 256, 3) and frame.dtype == np.uint8 for frame in made)
    alone = method.portrait.animate(method.portrait.source(frames[0]), frames[BATCH - 1 : BATCH])
    assert np.abs(alone[0].astype(int) - made[BATCH - 1]).max() <= 1


def test_the_person_is_the_reference_images_and_the_motion_the_frames(method):
    portrait, (one, other) = method.portrait, film(2)
    source = portrait.source(one)
    assert torch.equal(source.motion.points(), portrait.motion(portrait._pictures(one[None])).points())
    still, moved = portrait.animate(source, np.stack([one, other]))
    assert np.abs(still.astype(int) - moved).max() > 0
    assert np.abs(still.astype(int) - portrait.animate(portrait.source(other), one[None])[0]).max() > 0


@pytest.mark.slow
def test_four_files_of_the_published_size_make_a_row(tmp_path, random_state):
    for stem, part in PARTS.items():
        with torch.device("meta"):
            network = part()
        torch.save(random_state(network), tmp_path / f"{stem}.pth")
    spec = MethodSpec("liveportrait-self", TARGET, checkpoint=tmp_path / "motion_extractor.pth")
    method = spec.load()
    assert set(method.files()) == set(PARTS)
    (frame,) = method.generate(asked(film(1)))
    assert frame.shape == (256, 256, 3) and frame.dtype == np.uint8 and frame.std() > 0

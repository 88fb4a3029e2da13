"""Inception features: equal to the network of the file itself and to pytorch-fid's transform; fixed frames, own video only."""

import pickle

import numpy as np
import pytest
from skimage import data

from bench.contract.cues import Cues
from bench.contract.errors import Unscorable, WeightsError
from bench.contract.seen import Video
from metrics.extractors.inception import FRAMES_PER_CLIP, InceptionFeatures, inception_network, pool3


@pytest.fixture(scope="module")
def extract(weight_file) -> InceptionFeatures:
    return InceptionFeatures({"fid_inception": weight_file("fid_inception")})


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    picture = data.astronaut()
    return np.stack([picture[:256, 100:356], picture[200:456, 200:456]])


def video(frames: np.ndarray | None) -> Video:
    return Video(cues=Cues.empty(0 if frames is None else len(frames)), frames=frames)


@pytest.fixture(scope="module")
def seen(extract, frames) -> np.ndarray:
    return extract(video(frames))["features"]


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_features_equal_the_reference_program_in_the_weight_file(frames, seen, weight_file, tolerance):
    """The archive's own TorchScript on pytorch-fid's transform: this test runs it, the extractor only reads its tensors."""
    import torch

    program = torch.jit.load(str(weight_file("fid_inception")))
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    pixels = torch.nn.functional.interpolate(pixels, size=(299, 299), mode="bilinear", align_corners=False)
    with torch.inference_mode():
        expected = program(2 * pixels - 1).numpy()
    tolerance(
        "FID", "TorchScript of the FID Inception", "features, relative to the largest", relative(seen, expected), 1e-5
    )


@pytest.mark.slow
def test_features_equal_the_reference_module_of_pytorch_fid(frames, seen, weight_file, tolerance, monkeypatch):
    from bench.contract import torchvision_shim

    torchvision_shim.ensure()
    import pytorch_fid.inception as package
    import torch

    base = inception_network(weight_file("fid_inception"))
    tensors = list(base.state_dict().values())

    monkeypatch.setattr(package, "load_state_dict_from_url", lambda *_, **__: None)  # the numbers come from our file
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_: None)
    module = package.InceptionV3()  # resizes and scales by itself, from [0, 1]
    monkeypatch.undo()
    assert [t.shape for t in module.state_dict().values()] == [t.shape for t in tensors]
    module.load_state_dict(dict(zip(module.state_dict(), tensors, strict=True)))
    with torch.inference_mode():
        (expected,) = module.eval()(torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255)
    difference = relative(seen, expected.flatten(1).numpy())
    tolerance("FID", "pytorch-fid 0.3.0 module", "features, relative to the largest", difference, 1e-5)


def test_ten_frames_at_fixed_times_and_fewer_only_where_there_are_fewer(extract, frames, monkeypatch):
    monkeypatch.setattr(extract, "_network", "none")
    monkeypatch.setattr(
        "metrics.extractors.inception.pool3", lambda _, chosen, __: chosen[:, 0, 0, :1].astype(np.float32)
    )
    clip = np.zeros((50, 4, 4, 3), np.uint8)
    clip[:, 0, 0, 0] = np.arange(50)
    assert extract(video(clip))["features"].ravel().tolist() == [2, 7, 12, 17, 22, 27, 32, 37, 42, 47]
    assert extract(video(clip[:3]))["frame"].tolist() == [0, 1, 2]
    assert FRAMES_PER_CLIP == 10


def test_a_frame_alone_has_the_features_it_has_in_company(extract, frames, seen):
    alone = pool3(extract._network, frames[1:])
    assert relative(alone, seen[1:]) < 1e-5
    assert seen.dtype == np.float32 and seen.shape == (2, 2048) and (seen >= 0).all()


def test_no_frames_have_a_reason_and_other_frames_are_refused(extract):
    for nothing in (None, np.zeros((0, 8, 8, 3), np.uint8)):
        with pytest.raises(Unscorable):
            extract(video(nothing))
    with pytest.raises(ValueError, match="uint8"):
        pool3(None, np.zeros((1, 8, 8, 3), np.float32))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_file_with_other_tensors_is_refused_and_the_object_pickles_small(extract, seen, tmp_path):
    import torch

    torch.jit.trace(torch.nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 8, 8)).save(str(tmp_path / "other.pt"))
    with pytest.raises(WeightsError, match="94 convolutions"):
        inception_network(tmp_path / "other.pt")
    assert len(pickle.dumps(extract)) < 2000

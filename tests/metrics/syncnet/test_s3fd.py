"""S3FD: parity with the reference's detector on random weights, and the view that is cut along its tracks."""

import numpy as np
import pytest
import syncnet_case

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.seen import Video
from metrics.extractors.syncnet import SyncNetTracks
from metrics.syncnet import modes, s3fd

PACKAGE = "syncnet-python 0.2.3"


@pytest.fixture(scope="module")
def detector():
    import torch

    with torch.device("meta"):
        net = s3fd.S3FD()
    net.load_state_dict(syncnet_case.random_detector(), assign=True)
    return net.eval()


def test_parameters_have_the_official_names_and_shapes(detector, golden):
    ours = [f"{name} {tuple(value.shape)}" for name, value in detector.state_dict().items()]
    assert sorted(ours) == sorted(golden["names"].tolist())


def test_boxes_of_a_real_clip_have_parity_with_the_reference(detector, golden, second, tolerance):
    import cv2

    for number, picture in enumerate(second[0][:21:10]):
        wide = cv2.cvtColor(cv2.resize(picture, (640, 360)), cv2.COLOR_BGR2RGB)
        found, theirs = s3fd.detect(detector, wide), golden[f"faces/{number}"]
        assert len(found) == len(theirs) > 30
        difference = np.abs(found - theirs).max() / np.abs(theirs).max()
        tolerance("S3FD", PACKAGE, "boxes above .9, random weights, relative to the farthest", difference, 1e-5)


def test_of_overlapping_boxes_the_best_stays():
    boxes = np.array([[0, 0, 10, 10, 0.99], [2, 0, 12, 10, 0.95], [20, 0, 30, 10, 0.92]], float)
    assert s3fd.suppressed(boxes, 0.3)[:, 4].tolist() == [0.99, 0.92]
    assert len(s3fd.suppressed(boxes, 0.9)) == 3
    assert s3fd.suppressed(np.zeros((0, 5)), 0.3).shape == (0, 5)


class Cheap(SyncNetTracks):
    """The real tracks and crops, with one number per window in place of the network."""

    def __init__(self):
        super().__init__({"syncnet_v2": "none", "sfd_face": "none"})
        self._detector, self.seen, self.heard = "stands for the detector", [], []

    def see(self, pictures):
        self.seen.append(pictures)
        return np.ones((len(pictures) - 4, 1), np.float32)

    def hear(self, samples):
        self.heard.append(samples)
        return np.ones((len(samples) // 640 - 5, 1), np.float32)


def filmed(frames, boxes, monkeypatch):
    """A video whose frame n shows n everywhere and whose sound of that time is n, with these boxes per frame."""
    monkeypatch.setattr(s3fd, "detect", lambda _, picture: np.array(boxes[picture[0, 0, 0]], float).reshape(-1, 5))
    pictures = np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 256, 256, 3))
    return Video(Cues.empty(frames), pictures, np.repeat(np.arange(frames) / 32768, 640).astype(np.float32))


FACE = (60, 50, 190, 200, 0.99)


def test_each_track_is_cut_with_its_own_sound_and_the_last_window_dropped(monkeypatch):
    boxes = [[]] * 7 + [[FACE]] * 105 + [[]] * 30 + [[FACE]] * 110
    extractor = Cheap()
    arrays = extractor(filmed(252, boxes, monkeypatch))
    assert arrays["tracks"].tolist() == [[0, 100], [100, 205]]
    assert len(arrays["visual"]) == len(arrays["audio"]) == 205
    for number, (first, last) in enumerate([(7, 111), (142, 251)]):
        assert extractor.heard[number][[0, -1]].tolist() == [first, last]
        # the picture's middle shows its number; the last frame of the track is not needed for its last window
        assert extractor.seen[number][[0, -1], 112, 112, 0].tolist() == [first, last - 1]
    assert modes.scores("wav2lip-real", arrays).windows == 205


@pytest.mark.parametrize(("boxes", "reason"), [([], Reason.NO_FACE), ([FACE], Reason.TOO_FEW_FRAMES)])
def test_no_face_and_no_long_track_have_a_reason(boxes, reason, monkeypatch):
    with pytest.raises(Unscorable) as error:
        Cheap()(filmed(60, [boxes] * 60, monkeypatch))
    assert error.value.reason == reason


def test_the_view_needs_the_official_detector():
    assert SyncNetTracks.needs == ("syncnet_v2", "sfd_face")
    with pytest.raises(KeyError, match="sfd_face"):
        SyncNetTracks({"syncnet_v2": "none"})

"""Every option of a protocol that a metric reads changes a number, whichever of its values is taken."""

from itertools import combinations

import gaze_sets
import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.cues import Cues
from bench.contract.metric import Collected
from bench.contract.seen import Labels, Seen, Video
from metrics.emotion_classes import class_sets
from metrics.fd5 import CHANNELS
from metrics.gaze_bins import CENTRES, FRAMES
from metrics.lmd import LANDMARK_SETS, NORMALISATIONS
from metrics.lpips import TRUNKS
from metrics.planes import COLORS
from metrics.registry import get_metrics, protocol_keys
from metrics.ssim import WINDOWS
from metrics.sync_expert.metric import PADDINGS
from metrics.syncnet.modes import EXTRACTOR, MODES

LABELS = Labels("c", "made-up", "s", "happy", 1)
VALUES = {
    "emotion.classes": class_sets(),
    "fd.channels": CHANNELS,
    "gaze.centre": CENTRES,
    "gaze.frame": FRAMES,
    "lmd.landmarks": LANDMARK_SETS,
    "lmd.normalisation": NORMALISATIONS,
    "lpips.trunk": TRUNKS,
    "lvd.landmarks": LANDMARK_SETS,
    "lvd.normalisation": NORMALISATIONS,
    "psnr.color": COLORS,
    "ssim.color": COLORS,
    "ssim.window": WINDOWS,
    "sync.mode": MODES,
    "sync_expert.padding": PADDINGS,
}
RNG = np.random.default_rng


def built(name, key, value):
    return get_metrics([name], {key: value})[0]


def pictures(frames=2):
    """(T, 96, 96, 3) uint8 twice: smooth coloured noise, and the same a little damaged, more in red than in blue."""
    real = RNG(0).integers(0, 256, (frames, 12, 12, 3)).repeat(8, 1).repeat(8, 2)
    damaged = real + RNG(1).normal(0, (30, 12, 4), real.shape)
    return real.astype(np.uint8), damaged.clip(0, 255).astype(np.uint8)


def faces():
    """Cues of 12 frames twice: a face that moves, and the same turned, larger, with another mouth in every frame."""
    still = RNG(2).uniform(60, 190, (1, 478, 3))
    sides = []
    for scale, noise in ((1.0, 0.0), (1.1, 1.5)):
        points = scale * still + RNG(3).normal(0, 0.7, (12, 1, 3)).cumsum(0) + RNG(4).normal(0, noise, (12, 478, 3))
        empty = Cues.empty(12)
        sides.append(Cues(**{**vars(empty), "landmarks": points.astype(np.float32), "valid": np.ones(12, bool)}))
    return sides


def of_pictures(name, key, value, weight_file):
    metric = built(name, key, value)
    if metric.needs:
        metric.load({file: weight_file(file) for file in metric.needs})
    return metric.frames(*pictures()).mean()


def of_faces(name, key, value, _):
    return built(name, key, value).clip(*faces())


def of_gaze(name, key, value, _):
    def swayed(cues, rng):  # eyes stay, head and person differ
        turned = gaze_sets.cues_of(cues.gaze + np.float32(3), yaw=12 * np.sin(np.arange(len(cues)) / 9))
        return gaze_sets.stretched(1.4)(turned, rng)

    return gaze_sets.value(built(name, key, value), gaze_sets.collected(swayed, speakers=2, per_cell=1))


def of_answers(name, key, value, _):
    """Macro-F1 of answers that go wrong among contempt, disgust and surprise."""
    probabilities = RNG(5).dirichlet(np.ones(8), (48, 3)).astype(np.float32)
    clips = []
    metric = built(name, key, value)
    for number, table in enumerate(probabilities):
        emotion = EMOTIONS[number % 8]
        table[:, number % 8] += 0.25
        if emotion in metric.classes.out:
            continue
        read = metric.classes.read(table)
        clips.append(Collected(Labels(f"c{number}", "made-up", "s", emotion, 1), {"real": read, "generated": read}))
    return metric.estimate(clips, 0).statistic(np.ones(len(clips), bool))


def of_colours(name, key, value, _):
    """The distance of two sets of five-frame features, which here are the frames' mean colours; the network is not needed."""
    from metrics.extractors import inception
    from metrics.extractors import inception_five as five

    metric = built(name, key, value)
    extractor = {cls.name: cls for cls in (five.InceptionFive, five.InceptionFiveSwapped)}[metric.extractors[0]]
    clips = []
    with pytest.MonkeyPatch.context() as patch:
        weighted = np.float32([1, 2, 4])  # a network is not blind to which channel is which
        patch.setattr(inception, "pool3", lambda _, frames, __: frames.mean((1, 2), dtype=np.float32) * weighted)
        for number in range(3):
            made = extractor({"fid_inception": "none"})
            made._network = "none"
            sides = [
                Video(Cues.empty(8), np.roll(side, number, 1) // (number + 1))
                for side in (p.repeat(4, 0) for p in pictures())
            ]
            real, generated = (made(side)["features"] for side in sides)
            label = Labels(f"c{number}", "made-up", f"s{number}", "happy", 1)
            clips.append(Collected(label, {"real": real, "generated": generated}))
    return metric.estimate(clips, 0).statistic(np.ones(3, bool))


def of_sync_expert(name, key, value, _):
    rows = RNG(6).normal(size=(40, 16))
    visual = rows + RNG(7).normal(0, 0.5, rows.shape)
    sides = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in (visual, rows)]
    features = {"sync_expert": dict(zip(("visual", "audio"), sides, strict=True))}
    return built(name, key, value).own(Seen(LABELS, Cues.empty(44), features)).value


def of_syncnet(name, key, value, _):
    """LSE-D of a small network of random numbers: no LSE-D, but it looks at its pictures."""
    import torch

    from metrics.extractors.registry import extractor_class
    from metrics.syncnet.model import SyncNet

    frames = RNG(8).integers(0, 256, (104, 16, 16, 3), np.uint8).repeat(16, 1).repeat(16, 2)
    face = faces()[0].landmarks[:1]
    drift = np.linspace(0, 12, 104, dtype=np.float32)[:, None, None]
    cues = Cues(**{**vars(Cues.empty(104)), "landmarks": face + drift, "valid": np.ones(104, bool)})
    sound = RNG(9).normal(0, 0.1, 104 * 640).astype(np.float32)
    extractor = extractor_class(EXTRACTOR[value])({"syncnet_v2": "none", "sfd_face": "none"})
    with torch.random.fork_rng(), pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        extractor._net, extractor._detector = SyncNet(0.03, 16).eval(), "none"
        patch.setattr("metrics.syncnet.s3fd.detect", lambda _, __: np.array([[70.0, 60.0, 180.0, 190.0, 0.99]]))
        features = {extractor.name: extractor(Video(cues, frames, sound))}
    return built(name, key, value).own(Seen(LABELS, cues, features)).value


SHOWN = {
    "emotion.classes": ("Emo-F1", of_answers),
    "fd.channels": ("FD-5f", of_colours),
    "gaze.centre": ("Gaze-JS", of_gaze),
    "gaze.frame": ("Gaze-JS", of_gaze),
    "lmd.landmarks": ("M-LMD", of_faces),
    "lmd.normalisation": ("M-LMD", of_faces),
    "lpips.trunk": ("LPIPS", of_pictures),
    "lvd.landmarks": ("F-LVD", of_faces),
    "lvd.normalisation": ("F-LVD", of_faces),
    "psnr.color": ("PSNR", of_pictures),
    "ssim.color": ("SSIM", of_pictures),
    "ssim.window": ("SSIM", of_pictures),
    "sync.mode": ("LSE-D", of_syncnet),
    "sync_expert.padding": ("SX-C", of_sync_expert),
}


def test_every_option_has_at_least_two_values_and_is_shown_below():
    assert set(SHOWN) == set(VALUES) == set(protocol_keys())
    assert all(len(values) >= 2 for values in VALUES.values())


@pytest.mark.parametrize("key", SHOWN)
def test_each_value_of_an_option_gives_another_number_and_another_definition(key, weight_file):
    name, measure = SHOWN[key]
    numbers = {value: float(measure(name, key, value, weight_file)) for value in VALUES[key]}
    assert np.isfinite(list(numbers.values())).all()
    for one, other in combinations(numbers, 2):
        assert abs(numbers[one] - numbers[other]) > 1e-3 * abs(numbers[one]), (one, other, numbers)
    assert len({built(name, key, value).definition for value in VALUES[key]}) == len(numbers)

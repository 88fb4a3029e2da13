"""One real head held at given poses, with given lids and lips: cues whose truth is known, without a picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.contract.cues import Cues
from bench.contract.geometry import euler_to_matrix, interocular_distance, normalise, relocate
from bench.contract.metric import Collected
from bench.contract.seen import Labels, Pair, Seen

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "face_cues.npz"
SIZE = (256, 256)
UPPER_LIP, LOWER_LIP = 13, 14


def face_at(angles, opening=None, openness=None, valid=None) -> Cues:
    """Cues of T frames: angles (T, 3) degrees, lip gap (T,) in percent of the outer eye distance, openness (T,), valid (T,)."""
    angles = np.atleast_2d(np.asarray(angles, np.float64))
    frames = len(angles)
    with np.load(GOLDEN) as golden:
        landmarks, transform = golden["head0/landmarks"], golden["head0/transform"].astype(np.float64)
    shape = normalise(landmarks, transform, SIZE)
    turned = np.tile(transform, (frames, 1, 1))
    turned[:, :3, :3] = euler_to_matrix(angles) * np.cbrt(np.linalg.det(transform[:3, :3]))
    points = relocate(shape, turned, SIZE)
    if opening is not None:
        points[:, LOWER_LIP, :2] = points[:, UPPER_LIP, :2]
        points[:, LOWER_LIP, 1] += np.asarray(opening) * interocular_distance(points) / 100
    valid = np.ones(frames, bool) if valid is None else np.asarray(valid, bool)
    lids = np.full(frames, 0.3) if openness is None else np.asarray(openness, np.float64)
    return blanked(
        Cues(
            landmarks=points.astype(np.float32),
            transform=turned.astype(np.float32),
            gaze=np.zeros((frames, 2, 2), np.float32),
            openness=np.repeat(lids[:, None], 2, 1).astype(np.float32),
            blendshapes=np.zeros((frames, 52), np.float32),
            valid=valid,
        )
    )


def blanked(cues: Cues) -> Cues:
    """NaN in the frames that are not valid, as in a cue file."""
    gone = ~cues.valid
    arrays = {n: getattr(cues, n).copy() for n in ("landmarks", "transform", "gaze", "openness", "blendshapes")}
    for array in arrays.values():
        array[gone] = np.nan
    return replace(cues, **arrays)


def sway(frames=60, sd=2.0, seed=0) -> np.ndarray:
    """(T, 3) degrees of a slow random movement with this SD on every axis and zero mean."""
    rng = np.random.default_rng(seed)
    slow = np.stack([np.convolve(rng.normal(size=frames + 24), np.hanning(25), "valid") for _ in range(3)], 1)
    return sd * (slow - slow.mean(0)) / slow.std(0)


def seen(cues, clip_id="c", speaker="s", emotion="happy", audio=None, features=None) -> Seen:
    return Seen(Labels(clip_id, "d", speaker, emotion, 1), cues, features or {}, audio)


def row(make, emotions=("happy", "sad"), speakers=3, takes=3):
    """Pairs of a row: make(speaker number, emotion number, take) -> (real cues, generated cues)."""
    pairs = []
    for s in range(speakers):
        for e, emotion in enumerate(emotions):
            for take in range(takes):
                real, made = make(s, e, take)
                labels = (f"s{s}_{emotion}_{take}", f"s{s}", emotion)
                pairs.append(Pair(seen(real, *labels), seen(made, *labels)))
    return pairs


def collected(metric, pairs) -> list[Collected]:
    return [Collected(pair.labels, metric.collect(pair)) for pair in pairs]

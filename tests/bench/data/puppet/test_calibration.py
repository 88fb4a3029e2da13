"""How hard the embedded dataset is, and how mouth and sound go together, on rendered heads: the numbers of docs/puppet.md.

Run with `pytest -m slow -s` to see them.
"""

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.geometry import pose_of
from bench.data.puppet.identity import Identity
from bench.data.puppet.performance import perform
from bench.data.puppet.render import HeadRenderer, Performance
from bench.data.puppet.speaker import Speaker
from bench.data.puppet.truth import RENDERER_SEX
from bench.data.puppet.visemes import BILABIAL, OPEN

pytestmark = pytest.mark.slow
FRAMES = (45, 55)
SPEAKERS = 24
STEP = 5  # every fifth frame is rendered


def head(speaker: Speaker) -> HeadRenderer:
    return HeadRenderer(Identity.from_seed(speaker.seed, RENDERER_SEX[speaker.sex]))


def features(name: str) -> list[tuple[int, int, dict[str, np.ndarray]]]:
    """(emotion, level or 0 for neutral, features) of 24 clips of one speaker, cues extracted from rendered frames."""
    from bench import weights
    from metrics.extractors.face import FaceExtractor

    extractor = FaceExtractor({"face_landmarker": weights.resolve("face_landmarker")})
    speaker = Speaker.of(name)
    renderer = head(speaker)
    rows = []
    for number, emotion in enumerate(EMOTIONS):
        for level in (1, 2, 3):
            take = perform(speaker, emotion, 1 if emotion == "neutral" else level, level, FRAMES)
            at = np.arange(1, len(take), STEP)
            cues = extractor(
                renderer.frames(Performance(take.actions[at], take.gaze[at], take.pose[at], take.position[at]))
            )
            shapes, pose, gaze = cues.blendshapes, pose_of(cues.transform), cues.gaze.mean(1)
            assert cues.valid.all()
            seen = {
                "blendshapes": np.r_[shapes.mean(0), np.percentile(shapes, 85, axis=0)],
                "pose": np.r_[pose.mean(0), pose.std(0), np.abs(np.diff(pose, axis=0)).mean(0)],
                "gaze": np.r_[gaze.mean(0), gaze.std(0), np.percentile(gaze, [10, 90], axis=0).ravel()],
                "length": np.array([float(len(take))]),
            }
            seen["all cues"] = np.r_[seen["blendshapes"], seen["pose"], seen["gaze"]]
            rows.append((number, 0 if emotion == "neutral" else level, seen))
    return rows


def judge(x: np.ndarray, y: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Linear discriminant analysis with a shrunk covariance, trained on (x, y), applied to `unseen`."""
    mean, spread = x.mean(0), x.std(0) + 1e-3
    x, unseen = (x - mean) / spread, (unseen - mean) / spread
    centres = np.stack([x[y == c].mean(0) for c in range(len(EMOTIONS))])
    within = (x - centres[y]).T @ (x - centres[y]) / len(x)
    within = 0.8 * within + 0.2 * np.eye(len(within)) * np.trace(within) / len(within)
    weight = np.linalg.solve(within, centres.T)
    return (unseen @ weight - 0.5 * (centres.T * weight).sum(0)).argmax(1)


@pytest.mark.timeout(900)
def test_emotion_is_neither_plain_nor_hidden(face_weights):
    """A judge of extracted cues on unseen speakers: level 3 well above level 1, single cues weak, clip length chance."""
    from joblib import Parallel, delayed

    names = [f"{'MW'[i % 2]}{700 + i}" for i in range(SPEAKERS)]
    per_speaker = Parallel(2)(delayed(features)(name) for name in names)
    rows = [(i, *row) for i, own in enumerate(per_speaker) for row in own]
    speaker, emotion, level = (np.array([row[k] for row in rows]) for k in range(3))
    accuracy = {}
    for cue in rows[0][3]:
        x = np.stack([row[3][cue] for row in rows])
        right = np.zeros(len(rows), bool)
        for fold in range(4):
            test = speaker % 8 // 2 == fold  # both sexes in each fold
            right[test] = judge(x[~test], emotion[~test], x[test]) == emotion[test]
        accuracy[cue] = [right[level == n].mean() for n in (1, 2, 3)] + [right.mean()]
        print(f"{cue:12s}", " ".join(f"{100 * a:5.1f}" for a in accuracy[cue]), " (level 1, 2, 3, all; %)")
    assert accuracy["all cues"][2] > 0.75
    assert 0.30 < accuracy["all cues"][0] < 0.75
    assert 0.25 < accuracy["pose"][3] < 0.60
    assert 0.20 < accuracy["gaze"][3] < 0.60
    assert accuracy["length"][3] < 0.18


def test_lips_meet_and_part_with_the_sound(face_weights):
    closures, openings, lags = [], [], []
    for name in ("M101", "W101", "M202", "W305"):
        speaker = Speaker.of(name)
        renderer = head(speaker)
        for i, emotion in enumerate(EMOTIONS):
            take = perform(speaker, emotion, 1 if emotion == "neutral" else 1 + i % 3, 1 + i % 3, FRAMES)
            gap = renderer.lip_gap(Performance(take.actions, take.gaze, take.pose, take.position))
            for p in take.phonemes:
                inside = [t for t in range(len(take)) if p.start - 0.02 <= t / 25 <= p.end]
                inside = inside or [round((p.start + p.end) / 2 * 25)]
                if p.code in BILABIAL:
                    closures.append(gap[inside].min())
                if p.code in OPEN and p.stress:
                    openings.append(gap[inside].max())
            lags.append(best_lag(gap, loudness(take.samples, take.rate, len(take))))
    print(f"\n{len(closures)} closures: mean {np.mean(closures):.2f} px, largest {max(closures):.2f} px")
    print(f"{len(openings)} stressed open vowels: median {np.median(openings):.1f} px, smallest {min(openings):.1f} px")
    print(
        f"lag of lip gap to loudness, frames: mean {np.mean(lags):+.2f}, {np.bincount(np.array(lags) + 4)} from -4 to 4"
    )
    assert max(closures) < 0.6
    assert min(openings) > 3.5
    assert abs(np.mean(lags)) < 0.5
    assert np.mean(np.abs(lags) <= 1) > 0.9


def loudness(samples: np.ndarray, rate: int, frames: int) -> np.ndarray:
    hop = rate // 50
    centres = (np.arange(frames) / 25 * rate).astype(int)
    return np.array([np.sqrt(np.mean(samples[max(0, c - hop) : c + hop] ** 2)) for c in centres])


def best_lag(gap: np.ndarray, loud: np.ndarray) -> int:
    count, lags = len(gap), range(-4, 5)
    match = [np.corrcoef(gap[max(0, n) : count + min(0, n)], loud[max(0, -n) : count - max(0, n)])[0, 1] for n in lags]
    return lags[int(np.argmax(match))]

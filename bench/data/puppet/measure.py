"""Measure the rendered heads with the real face networks: `python -m bench.data.puppet.measure [--identities 24]`."""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from bench.contract.geometry import pose_of, similarity_2d
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.identity import Identity
from bench.data.puppet.render import HeadRenderer, Performance

FIRST_SEED = 500
POSES = [
    *((p, 0, 0) for p in (-20, -10, 10, 20)),
    *((0, y, 0) for y in (-20, -10, 10, 20)),
    *((0, 0, r) for r in (-20, -10, 10, 20)),
    *((0, 0, 0), (14, 14, 0), (-14, -14, 10), (12, -14, -10), (-12, 14, -10)),
]
GAZE_YAW, GAZE_PITCH = (-24, -12, 0, 12, 24), (-16, -8, 0, 8, 16)
# action -> the blendshapes that should answer it
ANSWERS = {
    "jaw_open": ("jawOpen",),
    "lip_press": ("mouthPressLeft", "mouthPressRight"),
    "lip_pucker": ("mouthPucker",),
    "lip_funnel": ("mouthFunnel",),
    "lip_stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "lip_tuck": ("mouthRollLower",),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "dimpler": ("mouthDimpleLeft", "mouthDimpleRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"),
    "upper_lip_raise": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "lower_lip_depress": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "chin_raise": ("mouthShrugLower", "mouthShrugUpper"),
    "nose_wrinkle": ("browDownLeft", "browDownRight", "mouthShrugUpper"),  # noseSneer stays 0 on any face of ours
    "cheek_raise": ("cheekSquintLeft", "cheekSquintRight", "eyeSquintLeft", "eyeSquintRight"),
    "brow_inner_raise": ("browInnerUp",),
    "brow_outer_raise": ("browOuterUpLeft", "browOuterUpRight"),
    "brow_lower": ("browDownLeft", "browDownRight"),
    "lid_raise": ("eyeWideLeft", "eyeWideRight"),
    "lid_tighten": ("eyeSquintLeft", "eyeSquintRight"),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
}


def set_action(performance: Performance, frame: int, name: str, value: float) -> None:
    """Set one action of one frame; "smile" and "dimpler" set both sides."""
    for column in [name] if name in ACTIONS else [f"{name}_left", f"{name}_right"]:
        performance.actions[frame, ACTIONS.index(column)] = value


def conditions(rng: np.random.Generator) -> tuple[Performance, dict[str, slice]]:
    """One performance with all the conditions, and where each lies in it."""
    levels = (0.0, 0.5, 1.0)
    count = len(POSES) + len(GAZE_YAW) * len(GAZE_PITCH) + len(ANSWERS) * len(levels) + 8
    performance = Performance.rest(count)
    at: dict[str, slice] = {}
    frame = 0
    for pose in POSES:
        performance.pose[frame] = pose
        for column in ("jaw_open", "smile", "brow_inner_raise", "blink"):
            set_action(performance, frame, column, rng.uniform(0, 0.35) if column != "blink" else 0.0)
        frame += 1
    at["pose"] = slice(0, frame)
    for yaw in GAZE_YAW:
        for pitch in GAZE_PITCH:
            performance.gaze[frame] = [yaw, pitch]
            performance.pose[frame] = rng.uniform(-10, 10, 3)
            frame += 1
    at["gaze"] = slice(at["pose"].stop, frame)
    for name in ANSWERS:
        start = frame
        for level in levels:
            set_action(performance, frame, name, level)
            frame += 1
        at[name] = slice(start, frame)
    start = frame
    for jaw, close, press in (
        (0, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
        (0.4, 1, 0),
        (0.25, 1, 0.5),
        (0.35, 0, 0),
        (0.7, 0, 0),
        (1, 0, 0),
    ):
        for name, value in (("jaw_open", jaw), ("lip_close", close), ("lip_press", press)):
            set_action(performance, frame, name, value)
        frame += 1
    at["lips"] = slice(start, frame)
    return performance, at


def slope(truth: np.ndarray, seen: np.ndarray) -> tuple[float, float, float]:
    """Least-squares slope and offset of seen against truth, and their correlation, over the pairs that are numbers."""
    good = np.isfinite(truth) & np.isfinite(seen)
    gain, offset = np.polyfit(truth[good], seen[good], 1)
    return float(gain), float(offset), float(np.corrcoef(truth[good], seen[good])[0, 1])


def same_and_different(identities: int, first_seed: int) -> dict | None:
    """ArcFace cosines of pairs of pictures of one and of two speakers (4 of each, other pose, gaze and expression).

    None where the network's weights are not there. The five alignment points are the renderer's true landmarks.
    """
    import cv2
    from scipy.stats import rankdata

    from bench.contract.errors import WeightsError
    from bench.weights import resolve

    try:
        network = cv2.dnn.readNetFromONNX(str(resolve("arcface_mbf")))
    except WeightsError:
        return None
    template = np.float32([[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]])
    embeddings, speaker = [], []
    for k in range(identities):
        rng = np.random.default_rng([first_seed, k, 1])
        performance = Performance.rest(4)
        for frame in range(4):
            performance.pose[frame] = rng.uniform(-15, 15, 3)
            performance.gaze[frame] = rng.uniform(-10, 10, 2)
            for column in rng.choice(len(ACTIONS), 4, replace=False):
                performance.actions[frame, column] = rng.uniform(0, 0.9)
        performance.actions[:, ACTIONS.index("blink")] = 0
        renderer = HeadRenderer(Identity.from_seed(first_seed + k, "MF"[k % 2]))
        marks = renderer.landmarks(performance)[:, [468, 473, 4, 61, 291]]
        for picture, points in zip(renderer.frames(performance), marks, strict=True):
            affine = similarity_2d(points, template)
            face = cv2.warpAffine(picture, affine, (112, 112))
            network.setInput(cv2.dnn.blobFromImage(face, 1 / 127.5, (112, 112), (127.5,) * 3))
            embedding = network.forward()[0].copy()
            embeddings.append(embedding / np.linalg.norm(embedding))
            speaker.append(k)
    cosine = np.array(embeddings) @ np.array(embeddings).T
    speaker = np.array(speaker)
    one, other = np.triu_indices(len(speaker), 1)
    values, same = cosine[one, other], speaker[one] == speaker[other]

    def auc(keep: np.ndarray) -> float:
        rank, hit = rankdata(values[keep]), same[keep]
        return float((rank[hit].sum() - hit.sum() * (hit.sum() + 1) / 2) / (hit.sum() * (~hit).sum()))

    return {
        "median_same": round(float(np.median(values[same])), 3),
        "median_different": round(float(np.median(values[~same])), 3),
        "auc": round(auc(np.ones(len(values), bool)), 4),
        "auc_within_one_sex": round(auc(speaker[one] % 2 == speaker[other] % 2), 4),
    }


def measure(identities: int, first_seed: int = FIRST_SEED) -> dict:
    """All figures over `identities` speakers, men and women in turn; needs face_landmarker (and arcface_mbf for one)."""
    from bench.weights import resolve
    from metrics.extractors.face import FaceExtractor
    from metrics.extractors.face_network import BLENDSHAPES

    extractor = FaceExtractor({"face_landmarker": resolve("face_landmarker")})
    found, mark_error, iris_error, gap, seconds = [], [], [], [], []
    poses, gazes, answers = [], [], {name: [] for name in ANSWERS}
    warm_up = HeadRenderer(Identity.from_seed(first_seed, "M"))
    start = time.process_time()
    list(warm_up.frames(Performance.rest()))
    first_frame = time.process_time() - start
    set_up = []
    for k in range(identities):
        rng = np.random.default_rng([first_seed, k])
        performance, at = conditions(rng)
        start = time.process_time()
        renderer = HeadRenderer(Identity.from_seed(first_seed + k, "MF"[k % 2]))
        frames = [next(renderer.frames(performance))]
        set_up.append(time.process_time() - start)
        start = time.process_time()
        frames = list(renderer.frames(performance))
        seconds.append((time.process_time() - start) / len(frames))
        truth = renderer.landmarks(performance)
        # each picture alone: no help from the frame before
        cues = [extractor([frame]) for frame in frames]
        marks = np.concatenate([c.landmarks for c in cues])[..., :2]
        valid = np.concatenate([c.valid for c in cues])
        pose = np.concatenate([pose_of(c.transform) for c in cues])
        gaze = np.concatenate([c.gaze for c in cues])
        scores = np.concatenate([c.blendshapes for c in cues])
        found.append(valid)
        error = np.linalg.norm(marks - truth, axis=-1)
        mark_error.append(np.where(valid, error[:, :468].mean(1), np.nan))
        iris_error.append(np.where(valid, error[:, 468:].mean(1), np.nan))
        poses.append((performance.pose[at["pose"]], pose[at["pose"]]))
        gazes.append((performance.gaze[at["gaze"]], gaze[at["gaze"]]))
        for name, shapes in ANSWERS.items():
            columns = [BLENDSHAPES.index(s) for s in shapes]
            answers[name].append(scores[at[name]][:, columns].mean(1))
        gap.append(
            np.stack([renderer.lip_gap(performance)[at["lips"]], marks[at["lips"], 14, 1] - marks[at["lips"], 13, 1]])
        )
    true_pose, seen_pose = (np.concatenate([p[i] for p in poses]) for i in (0, 1))
    true_gaze, seen_gaze = (np.concatenate([g[i] for g in gazes]) for i in (0, 1))
    axes = {}
    for i, name in enumerate(("pitch", "yaw", "roll")):
        gain, offset, r = slope(true_pose[:, i], seen_pose[:, i])
        axes[name] = {"slope": round(gain, 3), "offset": round(offset, 2), "r": round(r, 3)}
    looks = {}
    for i, name in enumerate(("yaw", "pitch")):
        within = [slope(g[0][..., i].ravel(), g[1][..., i].ravel())[2] for g in gazes]
        gain, offset, r = slope(true_gaze[..., i].ravel(), seen_gaze[..., i].ravel())
        looks[name] = {
            "r": round(r, 3),
            "slope": round(gain, 2),
            "r_within_speaker": round(float(np.median(within)), 3),
        }
    response = {}
    for name, rows in answers.items():
        table = np.array(rows)
        rising = (table[:, 2] > table[:, 1] - 0.02) & (table[:, 1] > table[:, 0] - 0.02) & (table[:, 2] > table[:, 0])
        response[name] = [*(round(float(v), 2) for v in np.nanmedian(table, 0)), f"{int(rising.sum())}/{len(rising)}"]
    all_found = np.concatenate(found)
    return {
        "identities": identities,
        "frames": len(all_found),
        "found": round(float(all_found.mean()), 4),
        "landmark_error_px": round(float(np.nanmean(mark_error)), 2),
        "iris_error_px": round(float(np.nanmean(iris_error)), 2),
        "pose": axes,
        "gaze": looks,
        "blendshapes_at_0_half_1": response,
        "arcface": same_and_different(identities, first_seed),
        "lip_gap_px_true": np.round(np.mean(gap, 0)[0], 2).tolist(),
        "lip_gap_px_seen": np.round(np.nanmean(gap, 0)[1], 2).tolist(),
        "cpu_ms_per_frame": round(1000 * float(np.median(seconds)), 1),
        "cpu_s_to_set_up_a_head": round(float(np.median(set_up)), 2),
        "cpu_s_first_frame_of_process": round(first_frame, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=24)
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="seed of the first speaker")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.identities, arguments.seed), indent=1))


if __name__ == "__main__":
    main()

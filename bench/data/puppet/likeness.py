"""Are two pictures of one rendered speaker more alike, to a face recogniser, than pictures of two?"""

from __future__ import annotations

import numpy as np

from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.identity import Identity
from bench.data.puppet.render import HeadRenderer, Performance

PICTURES = 4
# Where ArcFace's 112 x 112 training crops have the eyes, the nose tip and the corners of the mouth.
TEMPLATE = ((38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20))


def same_and_different(identities: int, first_seed: int) -> dict[str, float] | None:
    """ArcFace cosines of pairs of pictures of one and of two speakers (4 of each: other pose, gaze and expression).

    Keys: median_same, median_different, auc (all pairs), auc_within_one_sex. None where `arcface_mbf` is not there. The five
    alignment points are the renderer's true landmarks.
    """
    import cv2
    from scipy.stats import rankdata

    from bench.contract.errors import WeightsError
    from bench.contract.geometry import similarity_2d
    from bench.weights import resolve

    try:
        network = cv2.dnn.readNetFromONNX(str(resolve("arcface_mbf")))
    except WeightsError:
        return None
    template = np.float32(TEMPLATE)
    embeddings, speaker = [], []
    for k in range(identities):
        rng = np.random.default_rng([first_seed, k, 1])
        performance = Performance.rest(PICTURES)
        for frame in range(PICTURES):
            performance.pose[frame] = rng.uniform(-15, 15, 3)
            performance.gaze[frame] = rng.uniform(-10, 10, 2)
            for column in rng.choice(len(ACTIONS), 4, replace=False):
                performance.actions[frame, column] = rng.uniform(0, 0.9)
        performance.actions[:, ACTIONS.index("blink")] = 0
        renderer = HeadRenderer(Identity.from_seed(first_seed + k, "MF"[k % 2]))
        marks = renderer.landmarks(performance)[:, [468, 473, 4, 61, 291]]
        for picture, points in zip(renderer.frames(performance), marks, strict=True):
            face = cv2.warpAffine(picture, similarity_2d(points, template), (112, 112))
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
        "median_same": float(np.median(values[same])),
        "median_different": float(np.median(values[~same])),
        "auc": auc(np.ones(len(values), bool)),
        "auc_within_one_sex": auc(speaker[one] % 2 == speaker[other] % 2),
    }

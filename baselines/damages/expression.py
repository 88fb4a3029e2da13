"""Damages of what the face does: mouth, blinks, strength of the emotion; made by rendering it again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from baselines.damages.geometry import Geometry, copies, frames_with_face
from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.geometry import N_MESH, normalise, relocate
from bench.contract.method import Input, Renderer, Request

MOUTH = (
    *("jaw_open", "lips_part", "lip_close", "lip_press", "lip_pucker", "lip_funnel", "lip_stretch", "lip_tuck"),
    *("smile_left", "smile_right", "dimpler_left", "dimpler_right", "frown", "upper_lip_raise", "lower_lip_depress"),
    *("chin_raise", "tongue"),
)
"""The actions that shape jaw, lips and tongue, whether speech or the emotion drives them."""
UNDER_NOSE = 2
"""The landmark where nose and upper lip meet."""
JAW_AND_MOUTH = slice(23, 50)
"""The columns of the blendshapes jawForward..mouthUpperUpRight (MediaPipe's order)."""


class MouthFrozen(Geometry):
    """`mouth-frozen`: every action of the mouth this share of the way to its mean over the clip; 1 holds the mouth there.

    Where nothing can be rendered: the landmarks below the nose, in the head's frame, and the scores of jaw and mouth.
    """

    name, unit = "mouth-frozen", "share of the way"
    consumes = frozenset({Input.TRUE_VIDEO, Input.RENDERER, Input.TRUE_CUES})
    needs_renderer = False

    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        actions = renderer.truth["actions"].copy()
        columns = [renderer.action_names.index(name) for name in MOUTH]
        mouth = actions[:, columns]
        actions[:, columns] = mouth + self.dose * (mouth.mean(0) - mouth)
        return {"actions": actions}

    def cues(self, request: Request) -> Cues:
        true, where, size = request.true_cues, frames_with_face(request.true_cues), (CROP_SIZE, CROP_SIZE)
        head = normalise(true.landmarks[where], true.transform[where], size)
        middle = head.mean(0)
        below = middle[:, 1] < middle[UNDER_NOSE, 1]
        below[N_MESH:] = False  # irises, however low they look
        head[:, below] += self.dose * (middle - head)[:, below]
        scores = true.blendshapes[where, JAW_AND_MOUTH]
        fields = copies(true)
        fields["landmarks"][where] = relocate(head, true.transform[where], size)
        fields["blendshapes"][where, JAW_AND_MOUTH] = scores + self.dose * (scores.mean(0) - scores)
        return Cues(**fields)


class BlinksRemoved(Geometry):
    """`blinks-removed`: this share of a clip's blinks, in the mean, does not take place; the lids go on as around it."""

    name, unit = "blinks-removed", "share of blinks"

    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        actions = renderer.truth["actions"].copy()
        blink, lid_raise = (actions[:, renderer.action_names.index(name)] for name in ("blink", "lid_raise"))
        random, open_frames = self.random(request), np.flatnonzero(blink == 0)
        for first, last in runs(blink > 0):
            if random.random() < self.dose:
                closed = np.arange(first, last)
                blink[closed] = 0
                if len(open_frames):  # a blink takes the upper lid's raise away as it closes
                    lid_raise[closed] = np.interp(closed, open_frames, lid_raise[open_frames])
        return {"actions": actions}


class LevelLowered(Geometry):
    """`level-lowered`: this share of the emotion is taken off the face; speech, blinks, gaze, pose and sound stay as acted."""

    name, unit = "level-lowered", "share of the emotion"

    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        return {"actions": renderer.weakened(self.dose)}


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """(first, last + 1) of each run of True in a (T,) mask."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]

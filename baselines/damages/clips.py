"""Damages by exchange: something of a clip comes from another real clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from baselines.controls.data_controls import fitted
from baselines.damages.damage import Damage
from baselines.damages.geometry import Geometry, copies, frames_with_face, with_pose
from baselines.tracks import fitted_order
from bench.contract.cues import Cues
from bench.contract.geometry import pose_of
from bench.contract.method import Input, Renderer, Request


class EmotionSwapped(Damage):
    """`emotion-swapped`: this share of the clips shows the real video of the same sentence in another emotion.

    Cut, or played forth and back, to the clip's length, under the clip's own sound. A clip without such a partner is n/a at
    every dose above 0.
    """

    name, unit, family = "emotion-swapped", "share of clips", "labels"
    consumes = frozenset({Input.TRUE_VIDEO, Input.OTHER_EMOTION_VIDEO})

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        if self.dose == 0:
            return request.true_video.frames()
        other = request.other_emotion_video  # asked of every clip, so that coverage does not change with the dose
        return fitted(other, request.n_frames) if self.chosen(request) else request.true_video.frames()


class CuesSwapped(Geometry):
    """`cues-swapped`: in this share of the clips gaze and head pose come from another clip of the same speaker and emotion.

    It says another sentence; its frames are cut, or played forth and back, to the clip's length. Expression, speech, blinks
    and sound stay. A clip without such a partner is n/a at every dose above 0. Where nothing can be rendered: gaze,
    transform and the landmarks that it carries.
    """

    name, unit, version = "cues-swapped", "share of clips", "2"
    consumes = frozenset(
        {Input.TRUE_VIDEO, Input.RENDERER, Input.TRUE_CUES, Input.OTHER_SENTENCE_CUES, Input.OTHER_SENTENCE_RENDERER}
    )
    needs_renderer = False

    def falls_on(self, request: Request) -> bool:
        if self.dose == 0:
            return False
        _ = request.other_sentence_cues  # asked of every clip, so that coverage does not change with the dose
        return self.chosen(request)

    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        other = request.other_sentence_renderer.truth
        order = fitted_order(len(other["pose"]), request.n_frames)
        return {name: other[name][order] for name in ("gaze", "pose", "position")}

    def cues(self, request: Request) -> Cues:
        true, other = request.true_cues, request.other_sentence_cues
        where = frames_with_face(true)
        if not self.falls_on(request):
            return true
        order = frames_with_face(other)[fitted_order(len(frames_with_face(other)), len(where))]
        fields, transform = copies(true), other.transform[order]
        fields["gaze"][where] = other.gaze[order]
        return with_pose(Cues(**fields), where, pose_of(transform), transform[:, :3, 3])

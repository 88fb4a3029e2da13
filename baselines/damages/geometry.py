"""What damages of gaze, head pose and face share: a re-rendered clip where that is possible, else its cues altered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np

from baselines.damages.damage import Damage
from bench.contract.clip import CROP_SIZE
from bench.contract.cues import Cues
from bench.contract.errors import NotApplicable, Reason
from bench.contract.geometry import euler_to_matrix, normalise, pose_of, relocate
from bench.contract.method import Input, Renderer, Request


class Geometry(Damage):
    """The true clip rendered again with some of its parameters altered, through the dataset's own recorder.

    Nothing but the alteration differs from the true video: unaltered, the recorder gives the very frames of the store.
    """

    family = "geometry"
    consumes = frozenset({Input.TRUE_VIDEO, Input.RENDERER})
    needs_renderer = True

    def generate(self, request: Request) -> Iterator[np.ndarray]:
        if self.dose == 0:
            return request.true_video.frames()
        # asked of every clip, hit or not: where nothing can be rendered the whole row is in cue space
        renderer = request.renderer
        if not self.falls_on(request):
            return request.true_video.frames()
        return renderer.recorded(**self.altered(renderer, request))

    @abstractmethod
    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        """The rendering parameters that differ from the truth, by name."""


class GazeDamage(Geometry):
    """A damage of both eyes' directions relative to the head; lids follow the eyes, blinks stay.

    Where nothing can be rendered, of the gaze cue alone: landmarks and blendshapes of the eyes stay.
    """

    consumes = frozenset({Input.TRUE_VIDEO, Input.RENDERER, Input.TRUE_CUES})
    needs_renderer = False

    @abstractmethod
    def gaze(self, gaze: np.ndarray, request: Request) -> np.ndarray:
        """(T, 2, 2) degrees, head-relative, of frames with a face -> the damaged ones."""

    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        return {"gaze": self.gaze(renderer.truth["gaze"], request)}

    def cues(self, request: Request) -> Cues:
        true, where = request.true_cues, frames_with_face(request.true_cues)
        if not self.falls_on(request):
            return true
        fields = copies(true)
        fields["gaze"][where] = self.gaze(true.gaze[where], request)
        return Cues(**fields)


class PoseDamage(Geometry):
    """A damage of the head's angles and place together; eyes keep their direction relative to the head.

    Where nothing can be rendered, of the transform and of the landmarks that it carries.
    """

    consumes = frozenset({Input.TRUE_VIDEO, Input.RENDERER, Input.TRUE_CUES})
    needs_renderer = False

    @abstractmethod
    def pose(self, pose: np.ndarray, position: np.ndarray, request: Request) -> tuple[np.ndarray, np.ndarray]:
        """pose (T, 3) degrees [pitch, yaw, roll] and position (T, 3) cm of frames with a face -> the damaged ones."""

    def altered(self, renderer: Renderer, request: Request) -> Mapping[str, np.ndarray]:
        pose, position = self.pose(renderer.truth["pose"], renderer.truth["position"], request)
        return {"pose": pose, "position": position}

    def cues(self, request: Request) -> Cues:
        true, where = request.true_cues, frames_with_face(request.true_cues)
        transform = true.transform[where].astype(np.float64)
        pose, position = self.pose(pose_of(transform), transform[:, :3, 3], request)
        return with_pose(true, where, pose, position)


def frames_with_face(cues: Cues) -> np.ndarray:
    """The numbers of the frames with a face; NotApplicable if there is none."""
    where = np.flatnonzero(cues.valid)
    if not len(where):
        raise NotApplicable(Reason.NO_FACE, "no frame of the clip has a face")
    return where


def copies(cues: Cues) -> dict[str, np.ndarray]:
    """The arrays of `cues` by name, to be altered."""
    return {name: getattr(cues, name).copy() for name in cues.__dataclass_fields__}


def with_pose(cues: Cues, where: np.ndarray, pose: np.ndarray, position: np.ndarray) -> Cues:
    """`cues` with the head of frames `where` (N,) at `pose` (N, 3) degrees and `position` (N, 3) cm, of its own size."""
    size = (CROP_SIZE, CROP_SIZE)
    fields, old = copies(cues), cues.transform[where].astype(np.float64)
    # the face is taken out of its own head pose and put back at another
    head = normalise(cues.landmarks[where], old, size)
    new = old.copy()
    new[:, :3, :3] = np.cbrt(np.linalg.det(old[:, :3, :3]))[:, None, None] * euler_to_matrix(pose)
    new[:, :3, 3] = position
    fields["transform"][where] = new
    fields["landmarks"][where] = relocate(head, new, size)
    return Cues(**fields)

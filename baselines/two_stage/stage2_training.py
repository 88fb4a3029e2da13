"""How stage 2 learns: from the generator's own key points of the same frame, without any label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from baselines.two_stage.faces_of_frames import FIELDS, FacePairs
from bench.contract.clip import Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context


@dataclass(frozen=True)
class LandmarksToFaceConfig:
    """`generator`: the weights it learns for, "" the shipped ones; `points` must be theirs. `latent` False is the ablation
    that warps by landmarks alone."""

    steps: int = 3000
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    validate_every: int = 250
    ema: float = 0.99
    points: int = 32
    width: int = 256
    latent: bool = True
    frames_per_clip: int = 24
    generator: str = ""


class LandmarksToFaceTraining:
    """Trainable `landmarks_to_face`: training speakers only, chosen by the distance of key points on validation speakers."""

    name: ClassVar[str] = "landmarks_to_face"
    version: ClassVar[str] = "1"
    kind: ClassVar[str] = "method"
    speakers: ClassVar[tuple[Part, Part]] = (Part.METHOD_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("points", Direction.LOWER)
    Config: ClassVar[type] = LandmarksToFaceConfig
    largest_file: ClassVar[int] = 16_000_000

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: LandmarksToFaceConfig) -> FacePairs:
        """Pairs of frames of these clips."""
        from baselines.shipped import weights_of

        generator = Path(config.generator) if config.generator else weights_of("generator")
        return FacePairs(clips, reader, generator, config.frames_per_clip)

    def build(self, config: LandmarksToFaceConfig) -> Any:
        """The mapping."""
        return build_landmarks_to_face(config)

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """Distance of the key points from those that the generator sees in the frame."""
        made, wanted = _made(model, batch)
        points = (made.posed - wanted.posed).abs().mean()
        scale = (made.scale / wanted.scale).log().abs().mean()
        return {"loss": points + 0.2 * scale, "points": points, "scale": scale}

    def validate(self, model: Any, data: FacePairs, context: Context) -> Mapping[str, float]:
        """Mean distance in px of 256 of all key points, of a face that is held still, and of landmarks alone."""
        import torch

        batch = {n: torch.from_numpy(v).to(context.device) for n, v in data.measured().items()}
        made, wanted = _made(model, batch)
        before = _face(batch, "reference_")
        start = model._start(batch["reference_landmarks"], batch["landmarks"], batch["turned"], before)

        def distance(points: Any) -> float:
            return float((points - wanted.posed)[..., :2].norm(dim=-1).mean() * 128)

        return {
            "points": distance(made.posed),
            "still_points": distance(before.posed),
            "start_points": distance(start),
        }

    def card(self, model: Any, data: FacePairs, context: Context) -> Mapping[str, Any]:
        """Who it was measured on."""
        return {"validation_clips": len(data)}


def build_landmarks_to_face(config: Any) -> Any:
    """The mapping of a configuration, or of what a card says of one."""
    from baselines.two_stage.landmarks_to_face import LandmarksToFace

    config = SimpleNamespace(**config) if isinstance(config, Mapping) else config
    return LandmarksToFace(config.points, config.width, config.latent)


def _face(batch: Mapping[str, Any], prefix: str = "") -> Any:
    from baselines.generator.keypoints import Face

    return Face(*(batch[prefix + name] for name in FIELDS))


def _made(model: Any, batch: Mapping[str, Any]) -> tuple[Any, Any]:
    """The mapping's face and the generator's, on the reference's person."""
    before = _face(batch, "reference_")
    made = model(batch["reference_landmarks"], batch["landmarks"], batch["turned"], before)
    return made, _face(batch).of_person(before)

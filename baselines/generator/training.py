"""How the generator learns: two frames of one clip, the one made from the other's picture and its own key points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from baselines.generator import regions
from baselines.generator.frames import NEEDED, Pairs
from baselines.generator.landmark_ties import EYES, MOUTH, TIED
from bench.contract.clip import Clip, Part
from bench.contract.metric import Direction
from bench.contract.train import ClipReader, Context

GENERATOR, DISCRIMINATOR = "generator", "discriminator"
MEASURED_PAIRS = 4
"""Pairs of each validation clip."""


@dataclass(frozen=True)
class GeneratorConfig:
    """`size` 128 is the edition that a CPU can use, 256 the full one; pictures are `scale` times as large, the clip store's.

    `adversarial_from` is a share of the steps; the other weights are those of the losses of the same names, `jitter` the SD
    of a pair's change of colours, `crop` the px of the piece of each picture that is looked at in its full size.
    """

    steps: int = 12_000
    batch_size: int = 64
    learning_rate: float = 4e-4
    discriminator_learning_rate: float = 2e-4
    weight_decay: float = 1e-4
    warmup_steps: int = 300
    validate_every: int = 1000
    ema: float = 0.999
    clip_norm: float = 10.0
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    accumulate: int = 1
    size: int = 128
    scale: int = 2
    crop: int = 128
    points: int = 32
    channels: int = 128
    motion_channels: int = 64
    point_channels: int = 32
    frames_per_clip: int = 24
    jitter: float = 0.06
    region: float = 5.0
    pixels: float = 10.0
    perceptual: float = 1.0
    closely: float = 1.0
    adversarial: float = 0.1
    adversarial_closely: float = 0.1
    matching: float = 1.0
    adversarial_from: float = 0.4
    equivariance: float = 10.0
    tie: float = 10.0
    pose: float = 2.0
    person: float = 3.0
    deformation: float = 0.2
    apart: float = 1.0


class GeneratorTraining:
    """Trainable `generator`: training speakers and pretraining identities only, chosen by perceptual distance on validation."""

    name: ClassVar[str] = "generator"
    version: ClassVar[str] = "1"
    kind: ClassVar[str] = "generator"
    speakers: ClassVar[tuple[Part, Part]] = (Part.METHOD_TRAIN, Part.VALIDATION)
    chosen_by: ClassVar[tuple[str, Direction]] = ("perceptual", Direction.LOWER)
    Config: ClassVar[type] = GeneratorConfig
    phases: ClassVar[tuple[str, ...]] = (GENERATOR, DISCRIMINATOR)
    needs: ClassVar[tuple[str, ...]] = ("vgg16",)
    largest_file: ClassVar[int] = 16_000_000
    ships: ClassVar[str] = "generator."
    """Only these weights leave the run folder: nobody needs the discriminators afterwards."""

    def __init__(self) -> None:
        self.weights: Mapping[str, Path] = {}
        self._perceptual: Any = None
        self._made: dict[int, Any] = {}
        """What the generator made of the parts of this step's batch, for the discriminators."""

    def data(self, clips: Sequence[Clip], reader: ClipReader, config: GeneratorConfig) -> Pairs:
        """Pairs of frames of these clips."""
        return Pairs(clips, reader, config.size * config.scale, config.frames_per_clip)

    def build(self, config: GeneratorConfig) -> Any:
        """The generator and its two discriminators."""
        from torch import nn

        from baselines.generator.discriminator import PatchDiscriminator

        self.config = config
        return nn.ModuleDict(
            {
                "generator": build_generator(config),
                "pictures": PatchDiscriminator(),
                "crops": PatchDiscriminator(32, 2),
            }
        )

    def parameters(self, model: Any, phase: str) -> Iterable[Any]:
        """The generator's, or both discriminators'."""
        if phase == GENERATOR:
            return model["generator"].parameters()
        return [*model["pictures"].parameters(), *model["crops"].parameters()]

    def active(self, phase: str, context: Context) -> bool:
        """The discriminators join when the pictures are worth telling from real ones."""
        return phase == GENERATOR or context.step >= self.config.adversarial_from * context.steps

    def loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
        """The generator's losses, or the discriminators' on the pictures it has just made of this batch."""
        if context.phase == GENERATOR:
            return self._generator_loss(model, batch, context)
        return self._discriminator_loss(model, self._made.pop(batch["driving"].data_ptr()))

    def _generator_loss(self, model: Any, batch: Mapping[str, Any], context: Context) -> dict[str, Any]:
        import torch

        from baselines.generator.grids import resized
        from baselines.generator.perceptual import feature_distance
        from baselines.generator.warping import Deformation

        config, generator = self.config, model["generator"]
        source, driving = _jittered(_pictures(batch["source"]), _pictures(batch["driving"]), config.jitter)
        face, moved = generator.look(source), generator.look(driving)
        out = generator(generator.source(source, face), moved.of_person(face))
        made, middles = out["picture"], _middles(batch["landmarks"])
        # the whole picture small, a piece of it in full size, eyes and mouth from near
        views = {
            "small": tuple(resized(p, config.size) for p in (made, driving)),
            "pictures": _piece((made, driving), config.crop, context.rng),
            "crops": tuple(regions.crops(p, middles) for p in (made, driving)),
        }
        perceptual = self._seen(made.device)
        weight = regions.weights(middles, made.shape[-1], config.region)
        losses = {
            "pixels": (weight * (made - driving).abs()).mean()
            + 0.3 * (weight * (out["warped"] - driving).abs()).mean(),
            "perceptual": perceptual.distance(*views["small"]) + perceptual.distance(*views["pictures"]),
            "closely": perceptual.distance(*views["crops"], groups=3),
            "tie": 0.5 * (_tie(face, batch["source_landmarks"]) + _tie(moved, batch["landmarks"])),
            "pose": (moved.rotation - batch["rotation"]).abs().mean()
            + (face.rotation - batch["source_rotation"]).abs().mean(),
            "person": (face.canonical - moved.canonical).abs().mean(),
            "deformation": moved.deformation.abs().mean(),
            "apart": _apart(moved.posed),
        }
        seen = resized(driving, generator.key_points.SEEN)
        bent = Deformation(len(seen), seen)
        again = generator.look(bent.pictures(seen))
        losses["equivariance"] = (bent.at(again.posed[..., :2]) - moved.posed[..., :2]).abs().mean()
        if self.active(DISCRIMINATOR, context):
            kept = {}
            for name, strength in (("pictures", config.adversarial), ("crops", config.adversarial_closely)):
                fake, real = views[name]
                with torch.no_grad():
                    _, wanted = model[name](real)
                score, found = model[name](fake)
                losses[f"fool_{name}"] = -strength * score.mean() + config.matching * feature_distance(found, wanted)
                kept[name] = (real, fake.detach())
            self._made[batch["driving"].data_ptr()] = kept
        total = sum(value * getattr(config, name, 1.0) for name, value in losses.items())
        return {"loss": total, **losses}

    def _discriminator_loss(self, model: Any, views: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
        from baselines.generator.discriminator import hinge

        losses = {n: hinge(model[n](real)[0], model[n](fake)[0]) for n, (real, fake) in views.items()}
        return {"loss": sum(losses.values()), **losses}

    def validate(self, model: Any, data: Pairs, context: Context) -> Mapping[str, float]:
        """On fixed pairs of validation clips: distances of made pictures, and of the source held still, to the real ones."""
        return measured(model["generator"], data, self._seen(context.device), context.device)

    def card(self, model: Any, data: Pairs, context: Context) -> Mapping[str, Any]:
        """The validation numbers once more, after rounding, and the size of what was measured."""
        return {"validation_pairs": len(data.spread(MEASURED_PAIRS)), "validation_clips": len(data)}

    def _seen(self, device: Any) -> Any:
        from baselines.generator.perceptual import Perceptual

        if self._perceptual is None:
            self._perceptual = Perceptual(self.weights["vgg16"], device)
        return self._perceptual


def build_generator(config: Any) -> Any:
    """The generator alone, of a configuration or of what a card says of one."""
    from baselines.generator.model import Generator

    return Generator(
        config.size, config.scale, config.points, config.channels, config.motion_channels, config.point_channels
    )


def measured(generator: Any, data: Pairs, perceptual: Any, device: Any, size: int = 32) -> dict[str, float]:
    """Means over fixed pairs: PSNR dB, perceptual distance, absolute error at eyes and mouth (0..255), and the same with
    the source held still (`still_*`); `points` px is how far tied key points lie from their landmarks."""
    import torch

    pairs, sums = data.spread(MEASURED_PAIRS), {}
    for start in range(0, len(pairs), size):
        raw = data.of(pairs[start : start + size])
        batch = {name: torch.from_numpy(value).to(device) for name, value in raw.items()}
        source, driving = _pictures(batch["source"]), _pictures(batch["driving"])
        face, moved = generator.look(source), generator.look(driving)
        made = generator(generator.source(source, face), moved.of_person(face))["picture"]
        middles = _middles(batch["landmarks"])
        real = regions.crops(driving, middles).unflatten(0, (-1, 3))
        rows = {"points": _tie(moved, batch["landmarks"]) * driving.shape[-1] / 2}
        for prefix, picture in (("", made), ("still_", source)):
            rows[f"{prefix}psnr"] = (-10 * torch.log10(((picture - driving) ** 2).mean((1, 2, 3)))).mean()
            rows[f"{prefix}perceptual"] = perceptual.distance(picture, driving)
            error = (regions.crops(picture, middles).unflatten(0, (-1, 3)) - real).abs().mean((0, 2, 3, 4)) * 255
            rows[f"{prefix}eyes"], rows[f"{prefix}mouth"] = error[:2].mean(), error[2]
        for name, value in rows.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(source)
    return {name: value / len(pairs) for name, value in sums.items()}


def _pictures(frames: Any) -> Any:
    import torch

    return frames.permute(0, 3, 1, 2).to(torch.float32).div(255).contiguous(memory_format=torch.channels_last)


def _piece(pictures: tuple[Any, ...], size: int, rng: Any) -> tuple[Any, ...]:
    """The same piece of size x size px of every picture; the whole ones if they are no larger."""
    room = pictures[0].shape[-1] - size
    if room <= 0:
        return pictures
    y, x = (int(rng.integers(room + 1)) for _ in range(2))
    return tuple(p[..., y : y + size, x : x + size] for p in pictures)


def _jittered(one: Any, other: Any, spread: float) -> tuple[Any, Any]:
    """Both pictures of each pair with the same random change of brightness, contrast and colours."""
    import torch

    count = len(one)
    gain = (
        1
        + spread * torch.randn(count, 1, 1, 1, device=one.device)
        + spread * torch.randn(count, 3, 1, 1, device=one.device) / 2
    )
    bias = spread * torch.randn(count, 1, 1, 1, device=one.device)
    return tuple(((p - 0.5) * gain + 0.5 + bias).clamp(0, 1) for p in (one, other))


def _tie(face: Any, landmarks: Any) -> Any:
    """Mean distance of tied key points from their landmarks, depth counting a quarter."""
    difference = (face.posed[:, : len(TIED)] - landmarks[:, [NEEDED.index(n) for n in TIED.values()]]).abs()
    return difference[..., :2].mean() + 0.25 * difference[..., 2].mean()


def _middles(landmarks: Any) -> Any:
    """(B, 3, 2) the middles of the left eye, the right eye and the mouth."""
    import torch

    groups = [[NEEDED.index(n) for n in group] for group in (*EYES, MOUTH)]
    return torch.stack([landmarks[:, group, :2].mean(1) for group in groups], 1)


def _apart(points: Any, least: float = 0.2) -> Any:
    """How far free key points are nearer than `least` to any other: they shall spread over head, hair and shoulders."""
    import torch

    free = points[:, len(TIED) :, :2]
    distance = (free[:, :, None] - points[:, None, :, :2]).square().sum(-1).add(1e-8).sqrt()
    itself = torch.arange(free.shape[1], device=points.device)
    near = torch.relu(least - distance).clone()
    near[:, itself, itself + len(TIED)] = 0
    return near.mean() + points[..., 2].mean(1).abs().mean()

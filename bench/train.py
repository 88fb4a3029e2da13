"""The one trainer: whatever learns (bench.contract.train.Trainable) goes through this loop.

Everything random of a step comes from (seed, step) alone, and a checkpoint holds all the rest: a run that is killed at any
moment and started again ends with the same curve and the same weights, bit for bit on one machine.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.atomic import alone_in
from bench.contract.clip import Clip
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.metric import Direction
from bench.contract.train import Callback, ClipReader, Context, Trainable, TrainingData, to_device
from bench.progress import Bar
from bench.training.batches import Batches
from bench.training.callbacks import better
from bench.training.checkpoint import load_checkpoint, save_checkpoint, save_tensors
from bench.training.curve import Curve, Line, finite
from bench.training.optimisers import MovingAverage, Optimisers

TRAINER_VERSION = "1"
"""Changes when the same configuration, seed and data would give other weights."""
LOGGED_STEPS = 10
"""A line of the curve is the mean over at most this many steps."""
STREAMS = {"weights": 0, "step": 1, "validation": 2}
"""What a seed is drawn for: streams of one seed are independent."""


@dataclass
class Job:
    """One run to be trained: what, on which clips, with which seed, into which folder."""

    trainable: Trainable
    config: Any
    seed: int
    device: str
    folder: Path
    training: Sequence[Clip]
    validation: Sequence[Clip]
    reader: ClipReader
    callbacks: Sequence[Callback] = ()
    title: str | None = None
    """Of the progress bar on stderr; None draws none."""


@dataclass
class Trained:
    """How a run ended: the best weights lie in `best`; `steps` were done, `stopped` says whether a callback ended it."""

    best: Path
    best_step: int
    best_value: float
    steps: int
    stopped: bool
    seconds: float
    waited: float
    """Seconds of this process in which a step had to wait for its batch."""
    curve: Curve
    model: Any
    data: TrainingData = field(repr=False)
    """The validation part's."""


def train(job: Job) -> Trained:
    """Train, or go on from the last checkpoint in `job.folder`, until the steps are done or a callback ends it.

    Writes metrics.jsonl, last/ and best.safetensors. NothingDoneError if a loss is not finite, or no validation gave a value.
    """
    with alone_in(job.folder), _reproducible(job.device):
        return _Run(job).go()


class _Run:
    def __init__(self, job: Job):
        self.job, self.config, self.device = job, job.config, job.device
        self.trainable, self.started = job.trainable, time.monotonic()
        self.metric, self.direction = _chosen_by(job.trainable)
        self.training = job.trainable.data(job.training, job.reader, job.config)
        self.validation = job.trainable.data(job.validation, job.reader, job.config)
        for part, data in (("training", self.training), ("validation", self.validation)):
            if not len(data):
                raise NothingDoneError(
                    f"{job.trainable.name}: the clips of the {part} part give no example to learn from"
                )
        seed_everything(job.seed, "weights")
        self.model = job.trainable.build(job.config).to(job.device)
        self.optimisers = Optimisers(job.trainable, self.model, job.config)
        decay = getattr(job.config, "ema", 0.0)
        self.average = MovingAverage(self.model, decay) if decay else None
        self.step, self.seconds_before, self.stopped = 0, 0.0, False
        self.parts = getattr(job.config, "accumulate", 1)
        if self.parts < 1 or job.config.batch_size % self.parts:
            raise UsageError(f"accumulate = {self.parts}: expected a divisor of batch_size = {job.config.batch_size}")
        self.type = getattr(job.config, "precision", "float32")
        self.best: dict[str, Any] = {"step": None, "value": None}
        self._resume()

    def _resume(self) -> None:
        found = load_checkpoint(self.job.folder / "last", self.device)
        if found is not None:
            groups, document = found
            self.model.load_state_dict(groups["model"])
            self.optimisers.load(groups.get("optimiser", {}))
            if self.average is not None:
                self.average.state = groups["average"]
            self.step, self.best = document["step"], document["best"]
            self.seconds_before, self.stopped = document["seconds"], document["stopped"]
        self.curve = Curve(self.job.folder / "metrics.jsonl", self.step)
        for line in self.curve.lines:
            self._tell(line)

    def go(self) -> Trained:
        steps, every = self.config.steps, self.config.validate_every
        logged, sums = _divisor(every, LOGGED_STEPS), _Means()
        unit = Bar(self.job.title, unit="step", total=steps)
        with unit as bar, Batches(self.training, self.job.seed, self.config.batch_size, steps) as self.batches:
            bar(self.step, steps)
            while self.step < steps and not self.stopped:
                sums.add(self._one_step())
                self.step += 1
                bar(1, steps)
                last = self.step == steps
                if self.step % logged == 0 or last:
                    self.stopped |= self._log("train", sums.take())
                if self.step % every == 0 or last or self.stopped:
                    self._validate()
                    self._save()
        if self.best["step"] is None:
            raise NothingDoneError(
                f"{self.trainable.name}: no validation gave a finite {self.metric!r}, so no checkpoint can be chosen"
            )
        return Trained(
            best=self.job.folder / "best.safetensors",
            best_step=self.best["step"],
            best_value=self.best["value"],
            steps=self.step,
            stopped=self.stopped,
            seconds=self._seconds(),
            waited=self.batches.waited,
            curve=self.curve,
            model=self.model,
            data=self.validation,
        )

    def _one_step(self) -> dict[str, float]:
        import torch

        job, step = self.job, self.step
        seed_everything(job.seed, "step", step)
        batch, rng = self.batches.of(step)
        parts = _parts(to_device(batch, self.device), self.parts)
        self.model.train()
        values: dict[str, Any] = {}
        for phase in self.optimisers.phases:
            context = Context(step, self.config.steps, job.seed, self.device, rng, phase)
            if not getattr(self.trainable, "active", _always)(phase, context):
                continue
            prefix = f"{phase}." if phase else ""
            for part in parts:
                with torch.autocast(self.device, torch.bfloat16, enabled=self.type == "bfloat16"):
                    losses = self.trainable.loss(self.model, part, context)
                self.optimisers.backward(phase, losses["loss"] / len(parts))
                for name, value in losses.items():
                    values[prefix + name] = values.get(prefix + name, 0.0) + value.detach() / len(parts)
            values[prefix + "gradient"] = self.optimisers.step(phase, step)
        # one look at the device per step: it computes while the next kernels are being launched
        numbers = torch.stack([torch.as_tensor(v).float().to(self.device) for v in values.values()]).tolist()
        found = dict(zip(values, numbers, strict=True))
        for name, value in found.items():
            if name.rpartition(".")[2] == "loss" and not math.isfinite(value):
                raise NothingDoneError(
                    f"{self.trainable.name}: the loss at step {step} is {value}: the training diverged. "
                    "Train again with a smaller --set learning_rate or more --set warmup_steps"
                )
        if self.average is not None:
            self.average.update(self.model, step)
        return found

    def _validate(self) -> None:
        with self._chosen_weights():
            values = validate(self.job, self.model, self.validation, self.step)
            self.stopped |= self._log("validation", values)
            value = finite(values)[self.metric]
            if value is not None and better(value, self.best["value"], self.direction):
                self.best = {"step": self.step, "value": value}
                save_tensors(self.job.folder / "best.safetensors", self.model.state_dict())

    @contextlib.contextmanager
    def _chosen_weights(self) -> Iterator[None]:
        """The model with the weights that are validated and kept: the moving average's, if there is one."""
        if self.average is None:
            yield
            return
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average.state)
        yield
        self.model.load_state_dict(own)

    def _save(self) -> None:
        groups = {"model": self.model.state_dict(), "optimiser": self.optimisers.state()}
        if self.average is not None:
            groups["average"] = self.average.state
        document = {"best": self.best, "seconds": self._seconds(), "stopped": self.stopped}
        save_checkpoint(self.job.folder / "last", self.step, groups, document)

    def _log(self, split: str, values: Mapping[str, float]) -> bool:
        self.curve.add(Line(self.step, split, values, round(self._seconds(), 3)))
        return self._tell(self.curve.lines[-1])

    def _tell(self, line: Line) -> bool:
        told = [callback(line.split, line.step, line.values, self.job.folder) for callback in self.job.callbacks]
        return any(told)

    def _seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started


def validate(job: Job, model: Any, data: TrainingData, step: int) -> dict[str, float]:
    """The trainable's validation numbers; every validation of a run draws the same examples."""
    import torch

    model.eval()
    with torch.no_grad():
        values = dict(job.trainable.validate(model, data, validation_context(job, step)))
    metric = job.trainable.chosen_by[0]
    if metric not in values:
        raise UsageError(
            f"{job.trainable.name} is chosen by {metric!r}, which its validate does not give: {list(values)}"
        )
    return values


def validation_context(job: Job, step: int) -> Context:
    """The context of validating and of writing the card: seeded by the run's seed alone."""
    rng = seed_everything(job.seed, "validation")
    return Context(step, job.config.steps, job.seed, job.device, rng)


def seed_everything(seed: int, stream: str, step: int = 0) -> np.random.Generator:
    """Seed torch (all devices) and give a numpy generator, from (seed, stream, step) alone."""
    import torch

    drawn = _drawn(seed, stream, step)
    torch.manual_seed(int(drawn.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return np.random.default_rng(drawn)


def _drawn(seed: int, stream: str, step: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, STREAMS[stream], step])


def _always(phase: str, context: Context) -> bool:
    return True


def _parts(batch: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """A batch in so many parts of one size, for gradients that are added up; what is no tensor goes into every part."""
    import torch

    if count == 1:
        return [batch]
    split = {k: v.chunk(count) if isinstance(v, torch.Tensor) else [v] * count for k, v in batch.items()}
    return [{k: v[i] for k, v in split.items()} for i in range(count)]


@contextlib.contextmanager
def _reproducible(device: str) -> Iterator[None]:
    """Algorithms that give the same bits each time on a CPU; on a GPU the fastest ones, as not all have such a form there.

    The caller's settings come back afterwards.
    """
    import torch

    if device != "cpu":
        before = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = True
        try:
            yield
        finally:
            torch.backends.cudnn.benchmark = before
        return

    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, fill = torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory
    state = torch.get_rng_state()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory = False, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory = benchmark, fill
        torch.set_rng_state(state)


class _Means:
    """Means of named numbers since they were last taken."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def add(self, row: dict[str, float]) -> None:
        self.rows.append(row)

    def take(self) -> dict[str, float]:
        names = dict.fromkeys(name for row in self.rows for name in row)
        means = {n: float(np.mean([row[n] for row in self.rows if n in row])) for n in names}
        self.rows = []
        return means


def _chosen_by(trainable: Trainable) -> tuple[str, Direction]:
    metric, direction = trainable.chosen_by
    if direction not in (Direction.HIGHER, Direction.LOWER):
        raise UsageError(f"{trainable.name}: chosen_by needs the direction higher or lower, it is {direction!r}")
    return metric, direction


def _divisor(number: int, most: int) -> int:
    """The largest divisor of `number` that is at most `most`: lines of the curve and checkpoints then fall together."""
    return next(d for d in range(min(number, most), 0, -1) if number % d == 0)

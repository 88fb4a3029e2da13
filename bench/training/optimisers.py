"""AdamW (or plain gradient descent) with a linear warm-up and a cosine decay: one optimiser for each phase of a step."""

from __future__ import annotations

import math
from typing import Any

from bench.contract.errors import UsageError

CLIP_NORM = 1.0
BETAS = (0.9, 0.999)


def rate_at(step: int, steps: int, warmup: int) -> float:
    """The share of the learning rate at a step, 0..1: (step + 1) / warmup, then a half cosine that ends at 0 after `steps`."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class Optimisers:
    """The optimisers of a model by phase ("" for a trainable without phases)."""

    def __init__(self, trainable: Any, model: Any, config: Any):
        self.config = config
        self.clip_norm = getattr(config, "clip_norm", CLIP_NORM)
        self.phases: tuple[str, ...] = getattr(trainable, "phases", ("",))
        self.parameters: dict[str, list[Any]] = {}
        self.rates: dict[str, float] = {}
        self.optimisers: dict[str, Any] = {}
        taken: set[int] = set()
        for phase in self.phases:
            own = trainable.parameters(model, phase) if phase else model.parameters()
            own = [p for p in own if p.requires_grad]
            if not own or taken & {id(p) for p in own}:
                raise ValueError(f"phase {phase!r}: expected parameters that no other phase has, got {len(own)}")
            taken |= {id(p) for p in own}
            # biases and the scales of normalisations are not pulled towards zero
            groups = [
                {"params": [p for p in own if p.ndim > 1], "weight_decay": config.weight_decay},
                {"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0},
            ]
            self.rates[phase] = getattr(config, f"{phase}_learning_rate", config.learning_rate)
            groups = [g for g in groups if g["params"]]
            self.optimisers[phase] = _optimiser(config, groups, self.rates[phase])
            self.parameters[phase] = own

    def backward(self, phase: str, loss: Any) -> None:
        """Add the gradient of `loss` to the phase's parameters."""
        # the other phases' parameters get no gradient that would wait there for their own step
        loss.backward(inputs=self.parameters[phase])

    def step(self, phase: str, step: int) -> Any:
        """One step of one phase at this step's learning rate; returns the norm of the gradient before it was clipped."""
        import torch

        optimiser = self.optimisers[phase]
        share = rate_at(step, self.config.steps, self.config.warmup_steps)
        for group in optimiser.param_groups:
            group["lr"] = self.rates[phase] * share
        norm = torch.nn.utils.clip_grad_norm_(self.parameters[phase], self.clip_norm)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return norm

    def state(self) -> dict[str, Any]:
        """Everything the optimisers remember, as tensors by name."""
        return {
            f"{phase}/{index}/{name}": value
            for phase, optimiser in self.optimisers.items()
            for index, row in optimiser.state_dict()["state"].items()
            for name, value in row.items()
        }

    def load(self, tensors: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        rows: dict[str, dict[int, dict[str, Any]]] = {phase: {} for phase in self.phases}
        for key, value in tensors.items():
            phase, index, name = key.rsplit("/", 2)
            rows[phase].setdefault(int(index), {})[name] = value
        for phase, optimiser in self.optimisers.items():
            optimiser.load_state_dict({"state": rows[phase], "param_groups": optimiser.state_dict()["param_groups"]})


def _optimiser(config: Any, groups: list[dict[str, Any]], rate: float) -> Any:
    import torch

    kind = getattr(config, "optimiser", "adamw")
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=rate, betas=BETAS)
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate)
    raise UsageError(f"optimiser = {kind!r}: expected adamw or sgd")


class MovingAverage:
    """An exponential moving average of a model's state; its memory is short while the run is young."""

    def __init__(self, model: Any, decay: float):
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: Any, step: int) -> None:
        """Move towards the model after step `step` (from 0)."""
        import torch

        decay = min(self.decay, (1 + step) / (10 + step))
        now = model.state_dict()
        moving = [name for name, value in now.items() if value.is_floating_point()]
        with torch.no_grad():  # all in a few kernels: one after the other they would take longer than they compute
            torch._foreach_lerp_([self.state[n] for n in moving], [now[n] for n in moving], 1 - decay)
            for name in now.keys() - set(moving):
                self.state[name].copy_(now[name])

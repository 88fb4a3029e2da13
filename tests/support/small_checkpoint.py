"""A checkpoint of the two-stage model's stage 1 that is small, and says something of everything it is given."""

import json
from dataclasses import asdict

import numpy as np
import torch
from safetensors.torch import save_file

from baselines.two_stage.stage1_training import SpeechToCuesConfig, build_speech_to_cues

SMALL = {"width": 16, "layers": 1, "heads": 2, "window": 8, "codes": 4, "dropout": 0.0}


def write_checkpoint(path, card=None, **config):
    """Weights in float16 and a card, as the trainer leaves them; `config` beside SMALL, `card` beside what it says."""
    config = SpeechToCuesConfig(**(SMALL | config))
    torch.manual_seed(0)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(468 * 3, config.codes)))[0].T.astype(np.float32)
    model = build_speech_to_cues(config, (basis, np.full(config.codes, 0.3, np.float32)))
    for parameter in model.parameters():  # fresh weights say nearly the same of everything
        torch.nn.init.normal_(parameter, std=0.3) if parameter.ndim > 1 else None
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous().half() for name, tensor in model.state_dict().items()}, path)
    about = {"trainable": "speech_to_cues", "version": "1", "fingerprint": "f", "steps": config.steps}
    measured = {"validation": {"loss": 1.0}, "chosen_by": {"value": 1.0}}
    path.with_suffix(".json").write_text(json.dumps(about | measured | {"config": asdict(config)} | (card or {})))
    return path

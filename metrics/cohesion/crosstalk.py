"""What one stream's estimate takes from another's through the picture itself, imitated so that the matcher cannot use it.

Raised brows move the estimated gaze, an open jaw the estimated pitch of the head: in any picture, real or made, at the same
frame and in proportion. A matcher that found this would call any video of a face cohesive. While it is trained, a random
share of each stream is therefore added to the others, anew for each combination, own and swapped alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from metrics.cohesion.features import BROWS, EXPRESSION
from metrics.extractors.face_network import BLENDSHAPES

ACTIONS = {"jaw": ("jawOpen",), "smile": ("mouthSmileLeft", "mouthSmileRight"), **BROWS}
# Standard deviations, about as large as the slopes that were measured before brows were taken off (features.py), or as the
# shifts of still faces (docs/extractor-errors.md, "What expressions do to it"): people and datasets differ.
# Degrees for a score that goes from 0 to 1; rows: pitch, yaw, roll; columns: jaw, smile, brows raised, brows lowered.
POSE_FROM_EXPRESSION = ((1.5, 3.0, 5.0, 4.5), (1.0, 1.0, 2.0, 2.0), (0.5, 0.5, 1.0, 1.0))
GAZE_FROM_EXPRESSION = ((1.0, 1.0, 3.0, 3.0), (2.0, 1.0, 8.0, 4.0))
"""Rows: yaw, pitch."""
GAZE_FROM_POSE = ((0.1, 0.3, 0.1), (0.3, 0.1, 0.1))
"""Degrees per degree; rows: yaw, pitch; columns: pitch, yaw, roll."""
EXPRESSION_FROM_POSE = 0.006
"""Score per degree, of every blendshape score and axis."""
EXPRESSION_FROM_GAZE = 0.003


@cache
def action_weights() -> np.ndarray:
    """(4, 27) float32: the mean score of each action from the expression stream."""
    names = [BLENDSHAPES[i] for i in EXPRESSION]
    rows = [[(name in of) / len(of) for name in names] for of in ACTIONS.values()]
    return np.array(rows, np.float32)


def mixed(windows: Mapping[str, Any], amount: float) -> dict[str, Any]:
    """{stream: (N, C, T)} torch tensors with a random share of the others in each, drawn for every row from torch's state.

    Shares are normal with the standard deviations above times `amount`; 0 leaves everything as it is.
    """
    import torch

    if amount == 0:
        return dict(windows)
    expression, gaze, pose = windows["expression"], windows["gaze"], windows["pose"]

    def share(deviation: Any, outputs: int, inputs: int) -> Any:
        drawn = torch.randn(len(pose), outputs, inputs, device=pose.device)
        return drawn * amount * torch.as_tensor(deviation, dtype=pose.dtype, device=pose.device)

    weights = torch.from_numpy(action_weights()).to(expression)
    actions = torch.einsum("ac,nct->nat", weights, expression)
    return {
        "expression": expression
        + share(EXPRESSION_FROM_POSE, expression.shape[1], 3) @ pose
        + share(EXPRESSION_FROM_GAZE, expression.shape[1], 2) @ gaze,
        "gaze": gaze + share(GAZE_FROM_EXPRESSION, 2, 4) @ actions + share(GAZE_FROM_POSE, 2, 3) @ pose,
        "pose": pose + share(POSE_FROM_EXPRESSION, 3, 4) @ actions,
    }

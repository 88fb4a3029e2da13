"""The action units of the rendered heads: their names, and how each moves the control points of the face."""

from __future__ import annotations

import numpy as np

from bench.data.puppet.canonical import (
    EYE_RINGS,
    EYE_RINGS_1,
    EYE_RINGS_2,
    LIP_CORNERS,
    LOWER_LIP,
    N_CANONICAL,
    UPPER_LIP,
    CanonicalMesh,
)
from bench.data.puppet.handles import FIXED, HANDLES, handle_field, mirrored

ACTION_UNITS: dict[str, str] = {
    "jaw_open": "AU26/27: jaw drops by rotation about the ear; 1 is a wide shout, speech uses 0-0.5",
    "lips_part": "AU25: lips leave each other without the jaw (up to 7 mm)",
    "lip_close": "both lips brought together whatever the jaw does (the closure of m, b, p; full for jaw_open <= 0.5)",
    "lip_press": "AU24: lips pressed together, the red gets thin",
    "lip_pucker": "AU18: corners inwards, lips forwards (w, u)",
    "lip_funnel": "AU22: lips forwards and open round (o, sh)",
    "lip_stretch": "AU20: corners outwards and back (i, fear)",
    "lip_tuck": "AU28 lower: lower lip rolled under the upper teeth (f, v)",
    "smile_left": "AU12 of the subject's left: corner up and out, cheek up, fold beside the nose",
    "smile_right": "AU12 of the subject's right",
    "dimpler_left": "AU14 of the subject's left: corner pulled in and back",
    "dimpler_right": "AU14 of the subject's right",
    "frown": "AU15: corners down",
    "upper_lip_raise": "AU10: upper lip up, fold beside the nose deepens",
    "lower_lip_depress": "AU16: lower lip down, lower teeth show",
    "chin_raise": "AU17: chin boss and lower lip up",
    "nose_wrinkle": "AU9: nose wings and inner brows drawn together, nose bridge wrinkles",
    "cheek_raise": "AU6: cheek up, lower lid up, crow's feet",
    "brow_inner_raise": "AU1: inner brow ends up, forehead wrinkles in the middle",
    "brow_outer_raise": "AU2: outer brow ends up, forehead wrinkles",
    "brow_lower": "AU4: brows down and together, vertical folds between them",
    "lid_raise": "AU5: upper lid up, white shows above the iris",
    "lid_tighten": "AU7: lower lid up, upper lid slightly down",
    "blink": "AU45: 0 open, 1 closed (the lid's following of gaze pitch is added by the renderer)",
    "tongue": "tongue tip to the upper teeth (l, n, th); 0 at rest on the floor of the mouth",
}
"""Action unit -> what it does; every value runs from 0 (rest) to 1 (strongest natural)."""

ACTIONS: tuple[str, ...] = tuple(ACTION_UNITS)
"""Names in the order of the columns of `Performance.actions`."""


# Rows of lip vertices from the red's outer edge to the opening, column by column from the subject's right to the left.
_UPPER_ROWS = np.array(UPPER_LIP).reshape(4, 9)
_LOWER_ROWS = np.array(LOWER_LIP).reshape(4, 9)


def _jaw_field(points: np.ndarray, canonical: np.ndarray) -> np.ndarray:
    """Opening of the jaw: the chin goes down and somewhat back; what hangs on the upper jaw stays."""
    x, y = np.abs(canonical[:, 0]), canonical[:, 1]
    softness = 0.3 + 0.28 * np.clip(x - 1.6, 0, 6)
    share = 1 / (1 + np.exp((y + 4.75 + 0.06 * x) / softness))
    across = np.clip(x / 2.3, 0, 1)
    share[list(UPPER_LIP)] = 0.18 * across[list(UPPER_LIP)] ** 3
    lower = list(LOWER_LIP)
    share[lower] = 0.42 + 0.58 * np.sqrt(1 - np.clip(across[lower] / 1.02, 0, 1) ** 2)
    share[list(LIP_CORNERS)] = 0.36
    arm = points - [0, 0.3, -2.5]
    field = np.zeros_like(points)
    field[:, 1] = -0.27 * np.maximum(arm[:, 2], 2.5) * share
    field[:, 2] = 0.09 * arm[:, 1] * share
    field[:, 0] = -0.035 * points[:, 0] * share * np.exp(-((y + 4.5) ** 2) / 4)
    return field


class ActionModel:
    """How the 468 canonical points of one face move with the actions.

    `rest` (468, 3) cm is the face at rest with closed lips. `lip_rest` (9,) is the distance cm between the control points
    of the upper and the lower lip at which the surfaces touch.
    """

    def __init__(self, rest: np.ndarray, canonical: CanonicalMesh, lip_rest: np.ndarray):
        base, mirror = canonical.points, canonical.mirror
        self.rest = rest
        self.lip_rest = lip_rest
        fields = np.zeros((len(ACTIONS), N_CANONICAL, 3))
        for name, (handles, sigma, still) in HANDLES.items():
            fixed = tuple(i for key in still.split() for i in FIXED[key])
            fixed = (*fixed, *(int(mirror[i]) for i in fixed))
            other = mirrored(handles, mirror)
            if name in ("smile", "dimpler"):
                middle = {i: (0.5 * x, 0.5 * y, 0.5 * z) for i, (x, y, z) in handles.items() if mirror[i] == i}
                right, left = {**handles, **middle}, {**other, **middle}
                still_left = dict.fromkeys((i for i in other if i not in right), (0.0, 0.0, 0.0))
                still_right = dict.fromkeys((i for i in handles if i not in left), (0.0, 0.0, 0.0))
                fields[ACTIONS.index(f"{name}_right")] = handle_field(base, {**right, **still_left}, sigma, fixed)
                fields[ACTIONS.index(f"{name}_left")] = handle_field(base, {**left, **still_right}, sigma, fixed)
            else:
                fields[ACTIONS.index(name)] = handle_field(base, {**other, **handles}, sigma, fixed)
        # a narrow mouth is drawn in and out by less than a wide one
        breadth = float(np.clip(rest[61, 0] / base[61, 0], 0.8, 1.15))
        fields[[ACTIONS.index(name) for name in _OF_THE_CORNERS], :, 0] *= breadth
        fields[ACTIONS.index("jaw_open")] = _jaw_field(rest, base)
        self.fields = fields
        self._lid_rows = []
        for side in range(2):
            upper, lower = [], []
            for rows, to in ((slice(1, 8), upper), (slice(9, 16), lower)):
                to.extend(np.array(ring[side])[rows] for ring in (EYE_RINGS, EYE_RINGS_1, EYE_RINGS_2))
            lower = [row[::-1] for row in lower]  # column by column under `upper`
            self._lid_rows.append((upper, lower))
        self._row_share = np.array([0.47, 0.78, 0.97, 1.0])
        chin = np.zeros(N_CANONICAL)
        chin_rows = base[:, 1] < base[17, 1] - 0.05
        reach = ((base[:, 0] / 1.9) ** 2)[chin_rows]
        chin[chin_rows] = 0.4 * np.exp(-reach - np.clip(base[17, 1] - base[chin_rows, 1], 0, None) / 0.9)
        self._chin_share = chin

    def face(self, actions: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """Canonical points (468, 3) cm for one frame: actions (25,), gaze pitch (2,) degrees [subject-left, -right]."""
        points = self.rest.copy()
        strength = np.array(actions, np.float64)
        strength[_WITH_NOSE_WRINKLE] *= 1 - 0.75 * min(max(strength[_NOSE_WRINKLE], 0.0), 1.0)
        for k in np.flatnonzero(strength):
            points += strength[k] * self.fields[k]
        self._move_lips(points, float(actions[_LIP_CLOSE]))
        self._move_lids(points, actions, pitch)
        return points

    def _move_lips(self, points: np.ndarray, close: float) -> None:
        """Bring the lips together by `close`, and never let them go through each other."""
        upper, lower = points[_UPPER_ROWS[3]], points[_LOWER_ROWS[3]]
        gap = upper - lower
        gap[:, 1] -= self.lip_rest
        shift = min(1.08 * close, 1.0) * gap  # soft lips: they meet a little before the muscles have done
        left = gap[:, 1] - shift[:, 1]
        shift[:, 1] += np.minimum(left, 0.0)
        for row in range(4):
            points[_UPPER_ROWS[row]] -= 0.35 * self._row_share[row] * shift
            points[_LOWER_ROWS[row]] += 0.65 * self._row_share[row] * shift
        points += self._chin_share[:, None] * shift[4] * 0.65

    def _move_lids(self, points: np.ndarray, actions: np.ndarray, pitch: np.ndarray) -> None:
        blink = float(actions[_BLINK])
        for side in range(2):  # 0 is the subject's right eye
            upper, lower = self._lid_rows[side]
            rest_gap = self.rest[upper[0]] - self.rest[lower[0]]
            height = rest_gap[3, 1]
            travel = 1.26 * np.sin(np.radians(float(pitch[1 - side]))) / height  # of the iris, in eye openings
            low = (
                0.26 * float(actions[_LID_TIGHTEN])
                + 0.24 * float(actions[_CHEEK_RAISE])
                + 0.05 * float(actions[_SMILE[1 - side]])
                + (0.3 if travel > 0 else 0.35) * travel
            )
            low = min(max(low, -0.35), 0.5)
            high = 0.1 * float(actions[_LID_TIGHTEN]) - 0.52 * float(actions[_LID_RAISE]) - 0.72 * travel
            high = min(max(high, -0.8), 0.8)
            high = high + (1.05 - high) * blink
            low = low * (1 - blink) + 0.1 * blink
            gap = points[upper[0]] - points[lower[0]]
            up = low * gap
            down = -high * (1 - low) * gap
            for row, share_up, share_down in ((0, 1.0, 1.0), (1, 0.5, 0.62), (2, 0.12, 0.14)):
                points[upper[row]] += share_down * down
                points[lower[row]] += share_up * up


_OF_THE_CORNERS = (
    *("lip_press", "lip_pucker", "lip_funnel", "lip_stretch", "lip_tuck", "smile_left", "smile_right", "dimpler_left"),
    *("dimpler_right", "frown", "upper_lip_raise", "lower_lip_depress", "chin_raise"),
)
_NOSE_WRINKLE = ACTIONS.index("nose_wrinkle")
# A wrinkled nose has lifted the lip and lowered the brows already: the skin does not go twice as far.
_WITH_NOSE_WRINKLE = [ACTIONS.index("upper_lip_raise"), ACTIONS.index("brow_lower")]
_LIP_CLOSE, _BLINK = ACTIONS.index("lip_close"), ACTIONS.index("blink")
_LID_TIGHTEN, _LID_RAISE = ACTIONS.index("lid_tighten"), ACTIONS.index("lid_raise")
_CHEEK_RAISE = ACTIONS.index("cheek_raise")
_SMILE = (ACTIONS.index("smile_left"), ACTIONS.index("smile_right"))

"""Which of the generator's key points are held near which face landmarks, and which regions of the face count more.

The ties are weak: they say where a key point should look first, so that eyes, lids and lips have key points of their own.
The rest of the key points is free. Numbers are those of the 478-point mesh; left and right are the subject's.
"""

from __future__ import annotations

from bench.contract.geometry import SUBJECT_LEFT_EYE, SUBJECT_RIGHT_EYE

LEFT_IRIS, RIGHT_IRIS = SUBJECT_LEFT_EYE["iris"], SUBJECT_RIGHT_EYE["iris"]

TIED: dict[str, int] = {
    "iris left": LEFT_IRIS,
    "iris right": RIGHT_IRIS,
    "upper lid left": 386,
    "upper lid right": 159,
    "lower lid left": 374,
    "lower lid right": 145,
    "outer eye left": 263,
    "outer eye right": 33,
    "inner eye left": 362,
    "inner eye right": 133,
    "inner brow left": 336,
    "inner brow right": 107,
    "outer brow left": 300,
    "outer brow right": 70,
    "mouth corner left": 291,
    "mouth corner right": 61,
    "upper lip, inner": 13,
    "lower lip, inner": 14,
    "upper lip, outer": 0,
    "lower lip, outer": 17,
    "nose tip": 1,
    "chin": 152,
    "jaw left": 397,
    "jaw right": 172,
    "forehead": 10,
}
"""Key point -> landmark it is tied to, in the order of the first key points."""

FINE = tuple(
    index
    for index, name in enumerate(TIED)
    if name.startswith(("iris", "upper lid", "lower lid", "mouth", "upper lip", "lower lip"))
)
"""Key points that the decoder is shown at fine resolution: what moves by less than a cell of the motion grid."""

_NAMES = tuple(TIED)
CLOSE = (
    *(
        tuple(_NAMES.index(f"{part} {side}") for part in ("outer eye", "inner eye", "upper lid", "lower lid", "iris"))
        for side in ("left", "right")
    ),
    tuple(
        _NAMES.index(part)
        for part in (
            "mouth corner right",
            "mouth corner left",
            "upper lip, outer",
            "lower lip, outer",
            "upper lip, inner",
            "lower lip, inner",
        )
    ),
)
"""Key points of the left eye, the right eye and the mouth, which are looked at and painted from near."""

EYES = ((263, 362, 386, 374, LEFT_IRIS), (33, 133, 159, 145, RIGHT_IRIS))
"""Landmarks whose mean is the middle of each eye."""
MOUTH = (61, 291, 0, 17, 13, 14)

"""What is said in which take: takes 001-003 are common to all emotions, further takes belong to one emotion.

The rule is MEAD's. Every sentence holds closed lips (p, b, m), an open vowel and a rounded one, and takes 0.9 to
1.7 s at normal speed, so that a clip's length can be drawn without regard to what is said and how fast.
"""

from __future__ import annotations

from bench.contract.clip import EMOTIONS
from bench.contract.errors import UsageError

COMMON = (
    "Bob may open a window.",
    "Two maps were on the sofa.",
    "My father put the book up.",
)
SHORT = ("Bob may go.", "Two maps.", "Put it by Ma.")
"""Takes 001-003 of the smallest profile, 0.7 to 0.9 s each."""

SPECIFIC: dict[str, tuple[str, ...]] = {
    "angry": (
        "You broke my lamp again.",
        "Stop moving my bags.",
        "Who bent the car door?",
        "I want my problem solved.",
        "Both of you lied to me.",
        "Move out of my way.",
        "Nobody heard my plan.",
    ),
    "contempt": (
        "A baby could do that.",
        "So much for his plan.",
        "Poor Tom thinks he won.",
        "You call that a poem?",
        "They pay for bad soup.",
        "Am I to be impressed?",
        "What a proud small man.",
    ),
    "disgusted": (
        "A bug is on the soap.",
        "The ham smells of mould.",
        "Wash that pot at home.",
        "My boot is in the mud.",
        "Pull a worm out of it.",
        "Both bowls are full of ants.",
        "Put that damp sock down.",
    ),
    "fear": (
        "Somebody is on the roof.",
        "Am I going to fall?",
        "Please do not move apart.",
        "The boat is full of fog.",
        "Both lamps have gone out.",
        "What moved behind the wall?",
        "Do not open that box.",
    ),
    "happy": (
        "We bought a boat at last.",
        "My puppy found us at home.",
        "All of them won a prize.",
        "Our plan worked at last.",
        "Mom is home by now.",
        "You both sang so well.",
        "What a lovely bunch of roses.",
    ),
    "neutral": (
        "The bus stops at two.",
        "Paper is on the top shelf.",
        "Our map shows four roads.",
        "A lamp stood by the pool.",
        "Both cups are from Rome.",
        "The shop opens at noon.",
        "Put four apples on top.",
    ),
    "sad": (
        "Nobody came to our farm.",
        "My mother sold the house.",
        "We lost our last hope.",
        "Both of them moved apart.",
        "The old dog passed on.",
        "I put her coat in a box.",
        "Most of my pals are gone.",
    ),
    "surprised": (
        "A bear is in our barn!",
        "Mom bought two more horses?",
        "Mom won a new car?",
        "Both doors opened on their own!",
        "My map was upside down!",
        "Paul ran all the way home?",
        "What a pile of gold!",
    ),
}
TAKES = len(COMMON) + len(SPECIFIC["neutral"])
"""Takes per emotion and level."""
CREMAD_TAKES = (101, 112)
"""First and last of the takes that say CREMA-D's twelve sentences, common to all emotions, in the order of its names.toml."""


def sentence(emotion: str, take: int, short: bool = False) -> str:
    """What is said in take 1..10 or 101..112 of `emotion`; `short` gives the shorter sentences of takes 1..3.

    UsageError otherwise.
    """
    if emotion not in EMOTIONS:
        raise UsageError(f"unknown emotion {emotion!r}; expected one of {', '.join(EMOTIONS)}")
    if CREMAD_TAKES[0] <= take <= CREMAD_TAKES[1]:
        from bench.data.cremad import codes

        return list(codes("sentences").values())[take - CREMAD_TAKES[0]]
    last = len(SHORT) if short else TAKES
    if not 1 <= take <= last:
        raise UsageError(f"no take {take} of {emotion}: takes run from 1 to {last}")
    if short:
        return SHORT[take - 1]
    return COMMON[take - 1] if take <= len(COMMON) else SPECIFIC[emotion][take - len(COMMON) - 1]

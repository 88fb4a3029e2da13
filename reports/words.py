"""The words of tables and pages: reasons, statuses, directions and policies as a person would say them."""

from __future__ import annotations

import math
import unicodedata

from bench.contract.errors import Reason
from bench.contract.metric import Direction, Family

MINUS = "\N{MINUS SIGN}"

ARROW = {Direction.HIGHER: "↑", Direction.LOWER: "↓", Direction.ZERO: "→0", Direction.MATCH: "→gt"}
ARROW_MEANING = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.ZERO: "zero is best",
    Direction.MATCH: "as close to the ground truth as can be",
}

NOT_APPLICABLE = frozenset({Reason.NO_REFERENCE_IMAGE, Reason.NO_PARTNER, Reason.CUE_SPACE_ONLY, Reason.CUE_UNALTERED})
"""Reasons for which a value does not exist by definition (shown as n/a), as against one that is missing (shown as —)."""

REASON = {
    Reason.EMPTY_FILE: "the file is empty",
    Reason.UNREADABLE: "the file cannot be read",
    Reason.TRUNCATED: "the file ends too early",
    Reason.NO_VIDEO: "the file has no video",
    Reason.NO_AUDIO: "the file has no sound",
    Reason.SILENT: "the sound is silent",
    Reason.AUDIO_SHORTER: "the sound is shorter than the video",
    Reason.TOO_SHORT: "the clip is too short",
    Reason.FRAME_RATE_TOO_LOW: "the frame rate is too low",
    Reason.NO_FACE: "no face was found",
    Reason.FACE_OUT_OF_FRAME: "the face leaves the frame",
    Reason.TWO_FACES: "more than one face",
    Reason.WRONG_EXTENSION: "the file is not what its extension says",
    Reason.NAME_OUTSIDE_SCHEME: "the name does not follow the dataset's scheme",
    Reason.DUPLICATE: "the same clip is there twice",
    Reason.OUTSIDE_ROOT: "the path leaves the dataset folder",
    Reason.MISSING_FILE: "the file is not there",
    Reason.KNOWN_FAULTY: "the dataset's own notes call it faulty",
    Reason.PREPARE_FAILED: "preparing it stopped with an error that should not occur",
    Reason.WRONG_HASH: "the file is not the published one (other SHA-256)",
    Reason.MISSING_OUTPUT: "the method gave no output",
    Reason.LENGTH_MISMATCH: "the output's length differs by more than 5 frames",
    Reason.WRONG_SIZE: "the output has another picture size",
    Reason.NO_REFERENCE_IMAGE: "the speaker has no neutral clip to take a reference image from",
    Reason.NO_PARTNER: "the speaker has no other clip of the kind needed",
    Reason.CUE_SPACE_ONLY: "exists as face cues only, not as a picture",
    Reason.CUE_UNALTERED: "the control leaves the cue that this metric reads as it was",
    Reason.METHOD_FAILED: "the method stopped with an error",
    Reason.WEIGHTS_MISSING: "weights are missing",
    Reason.METRIC_FAILED: "the metric stopped with an error",
    Reason.EXPERT_MISSING: "no network was trained for this on the dataset",
    Reason.WINDOW_TOO_SHORT: "shorter than the window that is looked at",
    Reason.EYES_CLOSED: "the eyes are closed throughout",
    Reason.TOO_FEW_CLIPS: "too few clips",
    Reason.TOO_FEW_FRAMES: "too few frames",
    Reason.TOO_SHORT_FOR_PROTOCOL: "shorter than this protocol takes",
    Reason.NO_SPEECH: "no speech in the sound",
    Reason.NO_VARIATION: "nothing moves",
    Reason.NOT_FINITE: "the result is not a finite number",
    Reason.CLASSES_DIFFER: "the judge's classes are not the dataset's",
    Reason.NO_LABEL: "the clip has no label",
    Reason.NOT_VERIFIED: "not verified",
}

STATUS = {
    "ok": "scored",
    "cues": "scored on its face cues, without pictures",
    "static": "scored as the static image",
    "excluded": "left out",
    "n/a": "not applicable",
    "failed": "failed",
    "null": "without a value",
    "length_mismatch": "length differs",
}

MISSING = {
    "static": "a missing or failed output is scored as the static reference image",
    "exclude": "a missing or failed output is left out",
    "fail": "a missing or failed output stops the evaluation",
}

FRAMING = {
    "canonical": "videos taken as they are (the canonical 256×256 crop)",
    "source": "videos cropped with the real video's stored crop",
    "own": "each video aligned on its own face track",
}

CONTROL = {
    "gt": "the real video itself: every paired metric's perfect value",
    "gt-reencoded": "the real video through the same encoder as every generated one: what the codec alone costs",
    "generator-self": "the generator given the real video to reproduce: the ceiling of what it can render",
    "oracle-cues": "rendered from the real video's cues: the ceiling of what predicted cues can reach",
    "static": "the reference image, held still",
    "gt-mismatched": "real video of another sentence by the same speaker with the same emotion, under this clip's sound",
    "gt-wrong-emotion": "real video of the same speaker and sentence with another emotion",
    "frozen-pose": "the real clip with its head held at its most typical pose",
    "frozen-gaze": "the real clip with its eyes held at their most typical direction",
    "time-shuffled-pose": "the real clip with its head poses in a random order of frames",
    "time-shuffled-gaze": "the real clip with its gaze directions in a random order of frames",
}
"""What each control row is."""

FAMILY = {
    Family.IMAGE: "Picture and identity",
    Family.LANDMARKS: "Face landmarks",
    Family.STABILITY: "Steadiness over time",
    Family.POSE: "Head pose and motion",
    Family.GAZE: "Gaze and blinks",
    Family.EMOTION: "Emotion",
    Family.SYNC: "Lip sync",
    Family.COHESION: "Cohesion of expression, gaze and pose",
}
"""Titles of the groups of columns."""

FLAG = {
    "reference-same-sentence": "Flag reference-same-sentence: no neutral clip with another sentence exists, so the reference "
    "image comes from a clip with the same words",
    "reference-same-clip": "Flag reference-same-clip: for some clips the only neutral clip is the scored one, so the reference "
    "image comes from the clip itself",
    "speakers-on-two-sides": "Flag speakers-on-two-sides: this split has speakers in training and in test, so scores flatter a "
    "method that has learnt them",
    "variable-frame-rate": "Flag variable-frame-rate: some sources have a varying frame rate and were resampled by timestamp",
}

CELL_FLAG = {
    "rank-deficient": "fewer frames than twice the features' 2048 dimensions: the value depends on their number; compare rows of "
    "this table only, and trust KID's order first",
    "small-sample": "so few clips that the value still depends on their number",
    "sparse-map": "fewer independent clips than bins: the map is coarse",
    "unreliable-gaze-yaw": "two gaze estimators agree on the horizontal direction with a correlation under .5 here",
    "unreliable-gaze-pitch": "two gaze estimators agree on the vertical direction with a correlation under .5 here",
    "estimators-disagree": "two estimators of head pose agree with a correlation under .5 here",
    "identical-clips": "some clips are identical",
    "emotions-pooled": "too few clips of each emotion to part them: all emotions together",
    "emotions-left-out": "emotions with too few clips are left out",
    "fewer-emotions-than-the-judge-knows": "the clips do not have all the emotions that the judge may answer",
    "swapped-across-speakers": "where a speaker has one clip of an emotion, its cues were swapped with another speaker's: telling "
    "people apart may help the matcher",
    "few-blinks": "so few blinks that the rate is a guess",
}
"""Doubts that a metric attaches to its cell."""

TARGET = {
    "new-speakers": "NEW speakers: what another draw of speakers could give (95 %, from the spread between speaker means)",
    "these-speakers": "THESE speakers: what other clips of the same speakers could give (95 %, clips resampled)",
}

NEW, THESE = "new-speakers", "these-speakers"


def reason_in_words(reason: str | None, detail: str | None = None) -> str:
    """One phrase for a reason; `reason` may carry its detail after a colon, an unknown reason is given as it is."""
    if not reason:
        return detail or "no reason recorded"
    name, _, inside = reason.partition(":")
    words = REASON.get(name.strip())
    if words is None:
        words, inside = reason, ""
    extra = "; ".join(part.strip() for part in (inside, detail or "") if part.strip())
    return f"{words}: {extra}" if extra else words


def flag_in_words(flag: str) -> str:
    """A cell's flag as a sentence; an unknown one is given as it is."""
    words = CELL_FLAG.get(flag)
    return f"Flag {flag}: {words}." if words else f"Flag {printable(flag)}."


def is_not_applicable(reason: str | None) -> bool:
    """True if the reason says that the value does not exist by definition."""
    name = (reason or "").partition(":")[0].strip()
    return name == "n/a" or name in NOT_APPLICABLE


SMALLEST = 1e-6
"""The last digit that is ever shown; what is smaller sets no number of digits."""


def decimals_for(half_widths: list[float], values: list[float]) -> int:
    """Decimals of a column: two significant digits of the median half width; without one, four of the median value. 0 to 6."""
    widths = sorted(h for h in half_widths if math.isfinite(h) and h >= SMALLEST)
    if widths:
        rounded = float(f"{widths[(len(widths) - 1) // 2]:.1e}")
        return min(6, max(0, 1 - math.floor(math.log10(rounded))))
    sizes = sorted(abs(v) for v in values if math.isfinite(v) and abs(v) >= SMALLEST)
    if not sizes:
        return 2
    return min(6, max(0, 3 - math.floor(math.log10(sizes[len(sizes) // 2]))))


def number(value: float, decimals: int, signed: bool = False) -> str:
    """`value` with that many decimals, a true minus sign, no negative zero; ∞ for infinity."""
    if math.isinf(value):
        return (MINUS if value < 0 else "+" if signed else "") + "∞"
    text = f"{abs(value):.{decimals}f}"
    zero = float(text) == 0
    sign = "" if zero else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def spread(value: float, low: float, high: float, decimals: int) -> str:
    """An interval around `value`: "± 0.012" where it is symmetric at the shown digits, else "[0.69, 0.75]"."""
    below, above = value - low, high - value
    if number(below, decimals) == number(above, decimals):
        half = max(below, above)
        shown = number(half, decimals)
        return f"± <{10**-decimals:.{decimals}f}" if half > 0 and float(shown) == 0 else f"± {shown}"
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def plural(n: int, noun: str) -> str:
    """ "1 clip", "3 clips"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def join(words: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def printable(text: str) -> str:
    """One line without control or direction-changing characters: each becomes �, so that a name cannot steer a terminal."""
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)

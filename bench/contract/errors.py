"""Errors and exit codes: every error says what was expected, what came, and what to do."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """Exit codes of every `emotalk` verb."""

    DONE = 0
    CRASHED = 1
    WRONG_USE = 2
    NOTHING_DONE = 3
    SOME_FAILED = 4
    COULD_NOT_TELL = 5


class Reason(StrEnum):
    """Why a clip, an item or a cell has no value; the words that stand in tables and parquet files."""

    # inputs, found by `prepare`
    EMPTY_FILE = "empty-file"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    NO_VIDEO = "no-video"
    NO_AUDIO = "no-audio"
    SILENT = "silent"
    AUDIO_SHORTER = "audio-shorter-than-video"
    TOO_SHORT = "too-short"
    FRAME_RATE_TOO_LOW = "frame-rate-too-low"
    NO_FACE = "no-face"
    FACE_OUT_OF_FRAME = "face-out-of-frame"
    TWO_FACES = "two-faces"
    WRONG_EXTENSION = "wrong-extension"
    NAME_OUTSIDE_SCHEME = "name-outside-scheme"
    DUPLICATE = "duplicate"
    OUTSIDE_ROOT = "outside-root"
    MISSING_FILE = "missing-file"
    KNOWN_FAULTY = "known-faulty"
    WRONG_HASH = "wrong-hash"
    PREPARE_FAILED = "prepare-failed"
    # items, found by `generate` and `evaluate`
    MISSING_OUTPUT = "missing-output"
    LENGTH_MISMATCH = "length_mismatch"
    WRONG_SIZE = "wrong-size"
    NO_REFERENCE_IMAGE = "no-reference-image"
    NO_PARTNER = "no-partner-clip"
    CUE_SPACE_ONLY = "cue-space-only"
    CUE_UNALTERED = "cue-not-altered"
    METHOD_FAILED = "method-failed"
    WEIGHTS_MISSING = "weights-missing"
    METRIC_FAILED = "metric-failed"
    # cells: a video was scored, but this metric has no value for it, or for the whole row
    EXPERT_MISSING = "expert-missing"
    WINDOW_TOO_SHORT = "shorter-than-window"
    EYES_CLOSED = "eyes-closed-throughout"
    TOO_FEW_CLIPS = "too-few-clips"
    TOO_FEW_FRAMES = "too-few-frames"
    TOO_SHORT_FOR_PROTOCOL = "too-short-for-protocol"
    NO_SPEECH = "no-speech"
    NO_VARIATION = "no-variation"
    NOT_FINITE = "not-finite"
    CLASSES_DIFFER = "judge-classes-differ"
    NO_LABEL = "no-label"
    NOT_VERIFIED = "not-verified"


class EmotalkError(Exception):
    """Base of all errors that are told to the user without a traceback."""

    exit_code = ExitCode.CRASHED


class UsageError(EmotalkError):
    """The call is wrong: an unknown name, a missing flag, a folder that is not there."""

    exit_code = ExitCode.WRONG_USE


class NothingDoneError(EmotalkError):
    """Nothing could be done: no clip survived, no file was found."""

    exit_code = ExitCode.NOTHING_DONE


class WeightsError(EmotalkError):
    """A weight file is absent, cannot be fetched, or is not the file it should be."""

    exit_code = ExitCode.NOTHING_DONE


class RejectedInput(EmotalkError):
    """An input clip cannot be used; `reason` is one of `Reason`, `detail` says what was expected and what came."""

    def __init__(self, reason: Reason, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


class Unscorable(RejectedInput):
    """A metric has no value for a clip or a set that is otherwise sound; `reason` and `detail` stand in the cell."""


class NotApplicable(EmotalkError):
    """A method has nothing to say about this clip by definition (a control without a partner clip): n/a, out of coverage.

    `of_input` is set by the request to the input that does not exist for the clip; a method of its own accord cannot take
    clips out of coverage.
    """

    of_input: str | None = None

    def __init__(self, reason: Reason, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


class UndeclaredInput(EmotalkError):
    """A method read a request field that is not in its `consumes`."""

    exit_code = ExitCode.WRONG_USE


class DamagedStore(EmotalkError):
    """Something that `prepare` wrote is missing or broken: never the fault of the method that is being scored."""

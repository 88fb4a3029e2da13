"""One take: a speaker says a sentence in an emotion, and face, eyes, head and voice do it together.

Everything is drawn from (speaker, emotion, level, take) and nothing else, each process from a stream of its own. The cues
are not independent given the emotion: pitch accents nod the head, flash the brows and swell the expression; gaze shifts
turn the head, blink the eyes and fall on words; the swell of the emotion moves expression, head and gaze targets at once.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from bench.contract.clip import FPS
from bench.data.puppet import gaze as eyes
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.emotion import PROTOTYPES, Mood
from bench.data.puppet.motion import RATE, drift, grid, pulse, step
from bench.data.puppet.sentences import sentence
from bench.data.puppet.speaker import Speaker, stream
from bench.data.puppet.speech import Phoneme, Utterance, speak
from bench.data.puppet.visemes import ARTICULATORS, mouth

EDGE = 0.12
"""Seconds of silence at least, before and after the sentence."""
ROOM_RMS = 2e-4
"""Noise of the room, so that silence is not digital zero."""
RECORDER_CRF = (7.0, 13.0)
"""Range of the recorder's quality, H.264 constant rate factor: 6 of it halve a file."""
MOUTH_SHAPES = frozenset(ARTICULATORS) | {"blink", "lip_press"}
"""Action units without idle movement: speech and lids need them exactly."""


@dataclass(frozen=True)
class Take:
    """What one clip shows and says, 25 frames per second, before anything is rendered.

    actions (T, A) float32 0..1, columns as `ACTIONS`; gaze (T, 2, 2) degrees [subject-left, subject-right] x [yaw, pitch],
    head-relative; pose (T, 3) degrees [pitch, yaw, roll]; position (T, 3) cm; samples (N,) float32 at `rate` Hz, exactly
    T / 25 s long; phonemes in seconds of the clip.
    """

    speaker: Speaker
    text: str
    mood: Mood
    actions: np.ndarray
    gaze: np.ndarray
    pose: np.ndarray
    position: np.ndarray
    samples: np.ndarray
    rate: int
    phonemes: tuple[Phoneme, ...]

    def __len__(self) -> int:
        return len(self.actions)


def clip_frames(speaker: str, emotion: str, level: int, take: int, frames: tuple[int, int]) -> int:
    """The length of a clip in frames, uniform over `frames` (both ends included) whatever is said and how."""
    return int(stream(speaker, emotion, level, take, "length").integers(frames[0], frames[1] + 1))


def recorder_crf(speaker: str, emotion: str, level: int, take: int) -> float:
    """The rate factor of the clip's video file, uniform over `RECORDER_CRF` whatever is shown.

    Strong expressions move more and cost a few percent more bytes at one quality; at a quality of the clip's own the size of
    a file says nothing about them.
    """
    return round(float(stream(speaker, emotion, level, take, "recorder").uniform(*RECORDER_CRF)), 1)


def perform(
    speaker: Speaker, emotion: str, level: int, take: int, frames: tuple[int, int], short: bool = False
) -> Take:
    """The take of `speaker` in `emotion` at `level`: the same arguments give the same bytes.

    `frames` is the range of clip lengths; `short` takes the shorter sentences.
    """

    def rng(purpose: str) -> np.random.Generator:
        return stream(speaker.name, emotion, level, take, purpose)

    mood = Mood.draw(rng("mood"), emotion, level)
    count = clip_frames(speaker.name, emotion, level, take, frames)
    text = sentence(emotion, take, short)
    utterance, onset = _say(rng("voice"), speaker, mood, text, count)
    phonemes = tuple(replace(p, start=p.start + onset, end=p.end + onset) for p in utterance.phonemes)

    times = grid(count / FPS)
    accents = pitch_accents(rng("accents"), phonemes)
    swell = swelling(rng("swell"), times, mood, accents)
    found = eyes.fixations(
        rng("gaze"), count / FPS, mood, swell, [at for at, _ in accents], speaker.side, speaker.pace, speaker.camera
    )
    pose = _pose(rng("pose"), times, speaker, mood, swell, accents, found)
    sight, vergence = eyes.line_of_sight(times, found)
    wander = rng("fixational")
    sight = sight + 0.25 * np.stack([drift(wander, times, 0.12), drift(wander, times, 0.12)], axis=1)
    gaze = eyes.eyes_in_head(sight, vergence, pose)
    blink = eyes.blinks(rng("blinks"), times, found, onset + utterance.seconds, mood.mix("blinks") * speaker.blink_rate)
    spoken = mouth(utterance.phonemes, count, onset, speaker.effort * max(0.6, mood.mix("effort")))

    at = np.arange(count) * (RATE // FPS)  # frame t stands for the instant t / 25 s
    face = expression(rng("face"), times, speaker, mood, swell, accents, found)
    actions = one_face({name: curve[at] for name, curve in face.items()}, spoken, blink[at])
    return Take(
        speaker=speaker,
        text=text,
        mood=mood,
        actions=actions.astype(np.float32),
        gaze=gaze[at].astype(np.float32),
        pose=pose[at].astype(np.float32),
        position=_position(rng("position"), times, speaker, pose)[at].astype(np.float32),
        samples=_sound(rng("room"), utterance, onset, count),
        rate=utterance.rate,
        phonemes=phonemes,
    )


def _say(rng: np.random.Generator, speaker: Speaker, mood: Mood, text: str, count: int) -> tuple[Utterance, float]:
    """The utterance, spoken faster if the clip has no room for it, and the second at which it starts."""
    room = count / FPS - 2 * EDGE
    delivery = mood.delivery(rng)
    utterance = speak(text, speaker.voice, delivery)
    for _ in range(6):
        if utterance.seconds <= room:
            break
        faster = delivery.rate_factor * max(1.04, 1.03 * utterance.seconds / room)
        delivery = replace(delivery, rate_factor=round(faster, 3))
        utterance = speak(text, speaker.voice, delivery)
    else:
        raise ValueError(
            f"{text!r} takes {utterance.seconds:.2f} s, the clip has room for {room:.2f} s: longer clips needed"
        )
    return utterance, EDGE + _share_before(rng) * (room - utterance.seconds)


def onset_of(rng: np.random.Generator, mood: Mood, phonemes: tuple[Phoneme, ...], count: int) -> float:
    """The second at which the engine's first sample was laid, of a take whose phonemes (in seconds of the clip) are known."""
    mood.delivery(rng)
    share, room = _share_before(rng), count / FPS - 2 * EDGE
    end = max(p.end for p in phonemes if not p.pause)
    return (EDGE + share * (room - end)) / (1 - share)  # `_say`'s equation, solved for the onset


def _share_before(rng: np.random.Generator) -> float:
    """The share of a clip's spare time that lies before the sentence."""
    return float(rng.beta(1.6, 2.0))


def pitch_accents(rng: np.random.Generator, phonemes: tuple[Phoneme, ...]) -> list[tuple[float, float]]:
    """(seconds, strength) of the pitch accents that the body takes part in: most of the stressed vowels."""
    accents = []
    for p in phonemes:
        strength, kept = float(np.exp(rng.normal(0, 0.35))), rng.random()
        if p.stress == 2 and kept < 0.75:
            accents.append(((p.start + p.end) / 2.0, strength))
    return accents


def swelling(rng: np.random.Generator, times: np.ndarray, mood: Mood, accents: list[tuple[float, float]]) -> np.ndarray:
    """The course of the emotion about its mean (N,): slow drift, raised around accents; scaled by the emotion's depth."""
    course = 0.6 * drift(rng, times, 0.55)
    for at, strength in accents:
        course += 0.7 * strength * pulse(times, at + 0.05, 0.25, 0.45)
    return (mood.mix("depth") * (course - course.mean())).clip(-0.75, 0.75)


def _pose(
    rng: np.random.Generator,
    times: np.ndarray,
    speaker: Speaker,
    mood: Mood,
    swell: np.ndarray,
    accents: list[tuple[float, float]],
    found: list[eyes.Fixation],
) -> np.ndarray:
    """Head pose (N, 3) degrees: resting pose, the emotion's, sway, the head's part in gaze shifts, nods on accents."""
    mean, spread = mood.pose()
    mean = mean * np.array([1.0, 1.0, speaker.side])
    sway = max(0.3, mood.mix("sway"))
    pose = np.zeros((len(times), 3))
    for axis in range(3):
        offset = 0.75 * spread[axis] * rng.standard_normal()
        slow = 0.35 * spread[axis] * sway * drift(rng, times, 0.45 / np.sqrt(sway))
        pose[:, axis] = speaker.pose[axis] + offset + slow + mean[axis] * (1.0 + 1.1 * swell)
    pose[:, :2] += eyes.head_share(times, found, speaker.head_gain, speaker.head_delay)
    nod = mood.mix("nod")
    for at, strength in accents:
        peak = at + float(rng.normal(0.02, 0.015))
        pose[:, 0] -= nod * strength * (pulse(times, peak, 0.16, 0.22) - 0.22 * pulse(times, peak + 0.24, 0.2, 0.3))
        pose[:, 1] += 0.3 * nod * strength * rng.standard_normal() * pulse(times, peak, 0.18, 0.3)
        pose[:, 2] += 0.25 * nod * strength * rng.standard_normal() * pulse(times, peak, 0.18, 0.3)
    return pose.clip(-24.0, 24.0)


def _position(rng: np.random.Generator, times: np.ndarray, speaker: Speaker, pose: np.ndarray) -> np.ndarray:
    """Head position (N, 3) cm about the speaker's place: sway, and what a neck does when the head pitches, turns and tilts."""
    place = np.tile(speaker.position, (len(times), 1)).astype(float)
    place[:, 0] += 0.035 * pose[:, 1] + 0.05 * pose[:, 2] + 0.18 * drift(rng, times, 0.6)
    place[:, 1] += 0.02 * pose[:, 0] + 0.10 * drift(rng, times, 0.6)
    place[:, 2] += -0.03 * pose[:, 0] + 0.25 * drift(rng, times, 0.7)
    return place


def expression(
    rng: np.random.Generator,
    times: np.ndarray,
    speaker: Speaker,
    mood: Mood,
    swell: np.ndarray,
    accents: list[tuple[float, float]],
    found: list[eyes.Fixation],
) -> dict[str, np.ndarray]:
    """Action-unit envelopes (N,) of the emotion alone, without speech and blinks."""
    amounts = dict.fromkeys(ACTIONS, 0.0)
    shares = (
        [(mood.other, mood.blend)]
        if mood.emotion == "neutral"
        else [(mood.emotion, mood.strength), (mood.other, mood.blend)]
    )
    for emotion, share in shares:
        for name, value in PROTOTYPES[emotion].actions.items():
            if name.endswith("_side"):
                base = name.removesuffix("_side")
                favoured, spared = ("left", "right") if speaker.side > 0 else ("right", "left")
                amounts[f"{base}_{favoured}"] += share * value
                amounts[f"{base}_{spared}"] += 0.1 * share * value
            else:
                amounts[name] += share * value
    # acting sets in at some time before or shortly after the clip starts
    risen = 1.0 - float(rng.uniform(0.0, 0.45)) * (1.0 - step(times, float(rng.uniform(-0.4, 0.1)), 0.5))
    curves: dict[str, np.ndarray] = {}
    muscles = list(dict.fromkeys(name.removesuffix("_left").removesuffix("_right") for name in ACTIONS))
    # no two displays of one emotion are alike: a muscle does more or less, now and then next to nothing
    play = {m: float(np.exp(rng.normal(0, 0.25))) * (0.4 if rng.random() < 0.10 else 1.0) for m in muscles}
    idle = {m: 0.05 * abs(float(rng.standard_normal())) for m in muscles}
    unrest = {m: drift(rng, times, 0.35) for m in muscles}
    for name in ACTIONS:
        muscle = name.removesuffix("_left").removesuffix("_right")
        amount = amounts[name] * speaker.expressivity * speaker.habits[name] * play[muscle]
        restless = unrest[muscle]
        curves[name] = amount * risen * (1.0 + swell) * (1.0 + 0.08 * restless)
        if name not in MOUTH_SHAPES:
            curves[name] += idle[muscle] * (1.0 + 0.4 * restless)
    flash = max(0.0, mood.mix("brow_flash")) * speaker.habits["brow_outer_raise"]
    for at, strength in accents:
        raised = strength * flash * pulse(times, at + 0.01, 0.14, 0.26)
        curves["brow_outer_raise"] += raised
        curves["brow_inner_raise"] += 0.8 * raised
        curves["lid_raise"] += 0.3 * raised
    for before, after in itertools.pairwise(found):  # brows go with the eyes where these go up
        up = after.pitch - before.pitch
        if up > 4.0:
            lifted = min(0.35, 0.03 * up) * pulse(times, after.start + 0.12, 0.16, 0.5)
            curves["brow_inner_raise"] += lifted
            curves["brow_outer_raise"] += lifted
    return {name: curve.clip(0.0, 1.0) for name, curve in curves.items()}


def one_face(face: dict[str, np.ndarray], spoken: np.ndarray, blink: np.ndarray) -> np.ndarray:
    """Expression, speech and blinks in one face: (T, A). Speech has the mouth; closures win over everything."""
    said = dict(zip(ARTICULATORS, spoken.T, strict=True))
    out = {name: face[name].copy() for name in ACTIONS}
    closed, opened = said["lip_close"], (said["jaw_open"] * 2.0 + said["lips_part"]).clip(0, 1)
    rounded = (said["lip_pucker"] + 0.7 * said["lip_funnel"]).clip(0, 1)
    out["jaw_open"] = said["jaw_open"] + face["jaw_open"] * (1.0 - 0.6 * said["jaw_open"] / 0.5).clip(0.4, 1.0)
    out["lips_part"] = 1.0 - (1.0 - said["lips_part"]) * (1.0 - face["lips_part"])
    for name in ("lip_pucker", "lip_funnel", "lip_tuck", "tongue", "upper_lip_raise", "lower_lip_depress"):
        out[name] = said[name] + face[name]
    out["lip_stretch"] = said["lip_stretch"] + face["lip_stretch"] * (1.0 - 0.6 * rounded)
    for name in ("smile_left", "smile_right", "dimpler_left", "dimpler_right", "frown"):
        out[name] = face[name] * (1.0 - 0.5 * rounded)
    out["lip_press"] = face["lip_press"] * (1.0 - opened)
    out["chin_raise"] = face["chin_raise"] * (1.0 - 0.6 * opened)
    for name, give in (
        ("jaw_open", 0.55), ("lips_part", 1.0), ("lip_tuck", 1.0), ("lip_stretch", 0.4), ("lip_funnel", 0.6),
        ("upper_lip_raise", 0.9), ("lower_lip_depress", 1.0), ("tongue", 0.8),
    ):  # fmt: skip
        out[name] = out[name] * (1.0 - give * closed)
    out["lip_close"] = closed
    out["blink"] = blink
    out["lid_raise"] = out["lid_raise"] * (1.0 - blink)
    return np.stack([out[name] for name in ACTIONS], axis=1).clip(0.0, 1.0)


def _sound(rng: np.random.Generator, utterance: Utterance, onset: float, count: int) -> np.ndarray:
    """The clip's sound (N,) float32, N = T / 25 s: the room's noise with the utterance in it."""
    length = round(count / FPS * utterance.rate)
    sound = (ROOM_RMS * rng.standard_normal(length)).astype(np.float32)
    start = round(onset * utterance.rate)
    said = utterance.samples[: length - start]
    sound[start : start + len(said)] += said
    return sound

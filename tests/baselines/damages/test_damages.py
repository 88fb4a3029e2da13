"""Each damage on a clip made by hand: none at 0, more with every dose, the same for a clip in any order, no frame lost."""

import importlib
import re
from functools import lru_cache

import numpy as np
import pytest

from baselines.damages.damage import Damage
from baselines.damages.registry import DAMAGES, find_damage
from baselines.registry import find_method
from bench.contract.cues import FIELDS, Cues
from bench.contract.errors import NotApplicable, Reason, UsageError
from bench.contract.method import CueMethod, Input, Method, Request, SoundMethod

FRAMES = 30
ACTIONS = tuple("jaw_open lips_part lip_close lip_press lip_pucker lip_funnel lip_stretch lip_tuck smile_left smile_right "
                "dimpler_left dimpler_right frown upper_lip_raise lower_lip_depress chin_raise tongue blink lid_raise".split())  # fmt: skip
CLASSES = {
    name: getattr(importlib.import_module(at.partition(":")[0]), at.partition(":")[2]) for name, at in DAMAGES.items()
}
OF_CLIPS = [name for name, cls in CLASSES.items() if cls.unit == "share of clips"]
DOSES = {"blur": (0.4, 0.8, 1.6), "noise": (2, 4, 8), "codec": (24, 32, 40), "sound-lag": (1, 2, 3),
         "gaze-shuffled": (3, 9, 27), "pose-shuffled": (3, 9, 27), "pose-scaled": (0.25, 0.5, 1.0), "pose-offset": (2, 5, 10),
         "landmarks-jittered": (0.5, 1.0, 2.0), "frames-dropped": (0.2, 0.4, 0.8)}  # fmt: skip

IN_CUE_SPACE = {"gaze": {"gaze"}, "pose": {"transform", "landmarks"}, "cues": {"gaze", "transform", "landmarks"},
                "mouth": {"landmarks", "blendshapes"}}  # fmt: skip


def doses(name: str) -> tuple[float, ...]:
    return DOSES.get(name, (0.25, 0.5, 1.0))


class Film:
    """Moving stripes of 32x32 px with red and blue unlike, standing in for a stored video."""

    path, n_frames = None, FRAMES

    def __init__(self, phase: float = 0.0):
        self.phase = phase

    def frames(self):
        return iter(pictures(self.phase))

    def recoded(self, crf):
        return (np.where(frame > crf, frame - np.uint8(crf), 0).astype(np.uint8) for frame in self.frames())


@lru_cache
def pictures(phase: float) -> np.ndarray:
    t, y, x = np.ogrid[:FRAMES, :32, :32]
    waves = np.broadcast_arrays(np.sin(0.2 * (x + t) + phase), np.sin(0.3 * y), np.cos(0.25 * (x + y - t)))
    return np.rint(127 + 90 * np.stack(waves, -1)).astype(np.uint8)


class Scene:
    """A renderer whose pictures are not looked at: `recorded` keeps what it was told to alter."""

    action_names = ACTIONS

    def __init__(self, seed: int):
        random = np.random.default_rng(seed)
        actions = random.random((FRAMES, len(ACTIONS))).astype(np.float32)
        actions[:, ACTIONS.index("blink")] = 0
        for at in (3, 9, 15, 21):
            actions[at : at + 3, ACTIONS.index("blink")] = 0.5, 1.0, 0.5
        self.truth = {"actions": actions, "gaze": walk(random, 4).reshape(FRAMES, 2, 2), "pose": walk(random, 3),
                      "position": walk(random, 3)}  # fmt: skip

    def weakened(self, share):
        return (1 - share) * self.truth["actions"]

    def recorded(self, **altered):
        self.altered = altered
        return Film().frames()


def walk(random: np.random.Generator, size: int) -> np.ndarray:
    return np.cumsum(random.standard_normal((FRAMES, size)), 0).astype(np.float32)


def cues_of(scene: Scene) -> Cues:
    from bench.contract.geometry import euler_to_matrix, relocate

    random = np.random.default_rng(5)
    cues = Cues.empty(FRAMES)
    transform = np.tile(np.eye(4), (FRAMES, 1, 1))
    transform[:, :3, :3] = 1.02 * euler_to_matrix(scene.truth["pose"])
    transform[:, :3, 3] = 0.1 * scene.truth["position"] + (0, 0, -45)
    cues.transform[:], cues.gaze[:], cues.valid[:] = transform, scene.truth["gaze"], True
    cues.landmarks[:] = relocate(random.uniform(-8, 8, (FRAMES, 478, 3)), transform, (256, 256))
    cues.openness[:], cues.blendshapes[:] = 0.3, random.random((FRAMES, 52))
    for array in (cues.landmarks, cues.transform, cues.gaze):
        array[7] = np.nan
    cues.valid[7] = False
    return cues


def request(seed: int = 1, consumes=frozenset(Input), lacking: dict[Input, Reason] | None = None) -> Request:
    mine, other = Scene(seed), Scene(seed + 1000)
    sources = {
        Input.TRUE_VIDEO: Film,
        Input.OTHER_EMOTION_VIDEO: lambda: Film(phase=2.0),
        Input.AUDIO: lambda: np.sin(np.arange(FRAMES * 640) / 50).astype(np.float32),
        Input.OTHER_SENTENCE_AUDIO: lambda: np.cos(np.arange(FRAMES * 640) / 30).astype(np.float32),
        Input.RENDERER: lambda: mine,
        Input.OTHER_SENTENCE_RENDERER: lambda: other,
        Input.TRUE_CUES: lambda: cues_of(mine),
        Input.OTHER_SENTENCE_CUES: lambda: cues_of(other),
    }

    def refuse(reason):
        def source():
            raise NotApplicable(reason, "not here")

        return source

    sources |= {name: refuse(reason) for name, reason in (lacking or {}).items()}
    return Request("clip", FRAMES, seed, consumes, sources)


def shown(name: str, dose: float, seed: int = 1) -> np.ndarray:
    """What a damage made of the clip: altered rendering parameters, sound or frames, as one vector of numbers."""
    method, asked = CLASSES[name](dose), request(seed, CLASSES[name].consumes)
    frames = np.stack(list(method.generate(asked)))
    if isinstance(method, SoundMethod):
        return method.sound(asked)
    if Input.RENDERER in method.consumes:
        truth, altered = asked.renderer.truth, getattr(asked.renderer, "altered", {})
        return np.concatenate([altered.get(part, truth[part]).ravel() for part in truth])
    return frames.astype(np.float64).ravel()


def undamaged(name: str, seed: int = 1) -> np.ndarray:
    asked = request(seed)
    if CLASSES[name].family == "sound":
        return asked.audio
    if Input.RENDERER in CLASSES[name].consumes:
        return np.concatenate([part.ravel() for part in asked.renderer.truth.values()])
    return np.stack(list(Film().frames())).astype(np.float64).ravel()


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_a_method_under_its_own_name(name):
    method = find_damage(name, doses(name)[0]).load()
    assert isinstance(method, Method)
    assert isinstance(method, Damage)
    assert (method.name, method.kind) == (name, "control")
    assert method.family in ("picture", "sound", "geometry", "labels")
    assert type(method).__doc__.startswith(f"`{name}`: ")


@pytest.mark.parametrize("name", DAMAGES)
def test_a_dose_of_zero_leaves_frames_and_sound_bit_for_bit(name):
    method, asked = CLASSES[name](0), request(consumes=CLASSES[name].consumes)
    assert np.array_equal(np.stack(list(method.generate(asked))), np.stack(list(Film().frames())))
    assert not hasattr(asked._sources[Input.RENDERER](), "altered"), "nothing is rendered"
    if isinstance(method, SoundMethod):
        assert method.sound(asked) is asked.audio


@pytest.mark.parametrize("name", [name for name in DAMAGES if name not in OF_CLIPS])
def test_a_higher_dose_takes_a_clip_further_from_the_truth(name):
    true = undamaged(name)
    moved = [float(np.abs(shown(name, dose) - true).mean()) for dose in doses(name)]
    assert 0 < moved[0] < moved[1] < moved[2]


@pytest.mark.parametrize("name", OF_CLIPS)
def test_a_share_of_clips_is_hit_and_a_greater_share_hits_these_too(name):
    if name == "cues-swapped":
        hit = {dose: {s for s in range(60) if CLASSES[name](dose).chosen(request(s))} for dose in (0.25, 0.5, 1.0)}
    else:
        hit = {
            d: {s for s in range(60) if not np.array_equal(shown(name, d, s), undamaged(name, s))}
            for d in (0.25, 0.5, 1.0)
        }
    assert hit[0.25] < hit[0.5] < hit[1.0] == set(range(60))
    assert 6 <= len(hit[0.25]) <= 24
    assert 20 <= len(hit[0.5]) <= 40


@pytest.mark.parametrize("name", DAMAGES)
def test_a_clip_is_damaged_alike_whenever_it_is_and_by_its_seed_alone(name):
    dose = doses(name)[-1]
    first = shown(name, dose)
    shown(name, dose, seed=2)
    assert np.array_equal(shown(name, dose), first)


@pytest.mark.parametrize(
    "name", ["noise", "landmarks-jittered", "frames-dropped", "gaze-shuffled", "gaze-iid", "pose-shuffled"]
)
def test_another_seed_is_another_pattern(name):
    pattern = {seed: shown(name, doses(name)[-1], seed) - undamaged(name, seed) for seed in (1, 2)}
    assert not np.array_equal(pattern[1], pattern[2])


@pytest.mark.parametrize("name", DAMAGES)
def test_no_frame_and_no_sample_is_lost(name):
    for dose in doses(name):
        method, asked = CLASSES[name](dose), request(consumes=CLASSES[name].consumes)
        frames = list(method.generate(asked))
        assert len(frames) == FRAMES
        assert all(frame.shape == (32, 32, 3) and frame.dtype == np.uint8 for frame in frames)
        if isinstance(method, SoundMethod):
            sound = method.sound(asked)
            assert (sound.shape, sound.dtype) == (asked.audio.shape, np.float32)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_dose_outside_the_range_is_told_with_the_range(name):
    cls = CLASSES[name]
    for dose in (cls.least - 0.01, cls.most + 0.01, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=rf"{re.escape(name)}~.*expected a dose of {cls.least:g} to {cls.most:g}"):
            find_damage(name, dose).load()


@pytest.mark.parametrize("name", [name for name in DAMAGES if issubclass(CLASSES[name], CueMethod)])
def test_where_nothing_can_be_rendered_the_cues_are_damaged_in_frames_with_a_face(name):
    cls = CLASSES[name]
    asked = request(consumes=cls.consumes, lacking={Input.RENDERER: Reason.CUE_SPACE_ONLY})
    method = cls(doses(name)[-1])
    with pytest.raises(NotApplicable, match="cue-space-only"):
        list(method.generate(asked))
    true, made = asked.true_cues, method.cues(asked)
    assert np.array_equal(true.valid, made.valid)
    changed = {part for part in FIELDS
               if not np.allclose(getattr(true, part)[true.valid], getattr(made, part)[true.valid])}  # fmt: skip
    assert changed == IN_CUE_SPACE[name.partition("-")[0]]
    assert np.isnan(made.landmarks[7]).all()


@pytest.mark.parametrize("name", ["gaze-mirrored", "cues-swapped"])
def test_where_nothing_can_be_rendered_clips_that_are_not_hit_are_in_cue_space_too_with_their_own_cues(name):
    method = CLASSES[name](0.01)
    asked = request(consumes=CLASSES[name].consumes, lacking={Input.RENDERER: Reason.CUE_SPACE_ONLY})
    assert not method.falls_on(asked)
    with pytest.raises(NotApplicable, match="cue-space-only"):
        list(method.generate(asked))
    true, made = asked.true_cues, method.cues(asked)
    assert all(np.array_equal(getattr(true, part), getattr(made, part), equal_nan=True) for part in FIELDS)


@pytest.mark.parametrize("name", [name for name, cls in CLASSES.items() if cls.needs_renderer])
def test_what_must_be_rendered_is_not_applicable_to_real_video(name):
    asked = request(consumes=CLASSES[name].consumes, lacking={Input.RENDERER: Reason.CUE_SPACE_ONLY})
    with pytest.raises(NotApplicable) as told:
        list(CLASSES[name](doses(name)[0]).generate(asked))
    assert told.value.reason == Reason.CUE_SPACE_ONLY
    assert not isinstance(CLASSES[name](0), CueMethod)


@pytest.mark.parametrize(
    ("name", "partner"),
    [("other-sentence", Input.OTHER_SENTENCE_AUDIO), ("emotion-swapped", Input.OTHER_EMOTION_VIDEO),
     ("cues-swapped", Input.OTHER_SENTENCE_CUES)],
)  # fmt: skip
def test_a_clip_without_a_partner_is_out_of_coverage_at_every_dose_or_none(name, partner):
    for dose in (0.01, 1.0):
        asked, method = (
            request(consumes=CLASSES[name].consumes, lacking={partner: Reason.NO_PARTNER}),
            CLASSES[name](dose),
        )
        with pytest.raises(NotApplicable, match="no-partner-clip"):
            list(method.generate(asked)) and method.sound(asked)


def test_a_damage_with_its_dose_is_a_row_of_its_own():
    spec = find_method("blur~1.50")
    assert (spec.name, spec.label, spec.dose) == ("blur~1.5", "blur~1.5", 1.5)
    assert spec == find_damage("blur", 1.5)
    assert spec.identity() != find_method("blur~2").identity()
    assert find_method("sound-lag~-3").load().dose == -3
    assert find_method("sound-lag~-0").name == "sound-lag~0"


@pytest.mark.parametrize(
    ("name", "message"),
    [("blurr~1", "did you mean blur"), ("blur~much", "expected a number as the dose"), ("blur~", "expected a number"),
     ("blur", "with its dose, as blur~1.5"), ("blur~1@other-audio", "damages take no request control")],
)  # fmt: skip
def test_a_name_that_is_no_damage_says_what_one_is(name, message):
    with pytest.raises(UsageError, match=message):
        find_method(name)

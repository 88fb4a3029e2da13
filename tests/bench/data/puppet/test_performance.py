"""A take is a function of its name; the cues of one clip belong together; emotions overlap but differ."""

import itertools

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.emotion import PROTOTYPES, Mood
from bench.data.puppet.gaze import Fixation, blinks, eyes_in_head, fixations, head_share, line_of_sight
from bench.data.puppet.motion import drift, grid, step
from bench.data.puppet.performance import clip_frames, perform
from bench.data.puppet.speaker import Speaker, stream
from bench.data.puppet.visemes import BILABIAL

FRAMES = (45, 55)


def column(take, name: str) -> np.ndarray:
    return take.actions[:, ACTIONS.index(name)]


@pytest.fixture(scope="module")
def takes():
    """Strong takes of every emotion by four speakers."""
    return {
        emotion: [perform(Speaker.of(name), emotion, 1 if emotion == "neutral" else 3, 1 + i % 3, FRAMES)
                  for i, name in enumerate(("M901", "W901", "M902", "W902"))]
        for emotion in EMOTIONS
    }  # fmt: skip


def test_the_same_take_gives_the_same_bytes_and_another_gives_others():
    def content(*key):
        take = perform(Speaker.of(key[0]), *key[1:], FRAMES)
        return b"".join(a.tobytes() for a in (take.actions, take.gaze, take.pose, take.position, take.samples))

    base = ("M901", "sad", 2, 1)
    others = [("W901", "sad", 2, 1), ("M901", "fear", 2, 1), ("M901", "sad", 3, 1), ("M901", "sad", 2, 2)]
    assert content(*base) == content(*base)
    assert len({content(*key) for key in (base, *others)}) == 5


def test_arrays_have_their_shapes_and_ranges(takes):
    for take in (t for several in takes.values() for t in several):
        count = len(take)
        assert FRAMES[0] <= count <= FRAMES[1]
        assert take.actions.shape == (count, len(ACTIONS))
        assert take.actions.dtype == np.float32
        assert take.actions.min() >= 0
        assert take.actions.max() <= 1
        assert take.gaze.shape == (count, 2, 2)
        assert take.pose.shape == take.position.shape == (count, 3)
        assert np.abs(take.pose).max() <= 24
        assert len(take.samples) == round(count / 25 * take.rate)
        said = [p for p in take.phonemes if not p.pause]
        assert said[0].start >= 0.119
        assert said[-1].end <= count / 25 - 0.119


def test_another_sentence_gives_another_mouth():
    first, second = (perform(Speaker.of("M901"), "happy", 2, take, FRAMES) for take in (1, 2))
    count = min(len(first), len(second))
    assert np.abs(column(first, "lip_close")[:count] - column(second, "lip_close")[:count]).max() > 0.9
    assert first.text != second.text


def test_lips_are_asked_to_close_on_every_closure_in_every_emotion(takes):
    for take in (t for several in takes.values() for t in several):
        closed = column(take, "lip_close")
        for p in take.phonemes:
            if p.code in BILABIAL:
                near = closed[max(0, int(p.start * 25) - 2) : int(p.end * 25) + 2]
                assert near.max() > 0.99, (take.text, p)


def test_mouth_opens_with_the_sound(takes):
    """The lag of the best correlation of jaw opening with loudness is 0 +- 1 frame."""
    lags = range(-4, 5)
    total = np.zeros(len(lags))
    for take in takes["neutral"] + takes["happy"] + takes["angry"]:
        count, hop = len(take), take.rate // 50
        centre = (np.arange(count) / 25 * take.rate).astype(int)
        loud = np.array([np.sqrt(np.mean(take.samples[max(0, c - hop) : c + hop] ** 2)) for c in centre])
        mouth = column(take, "jaw_open") * (1 - column(take, "lip_close"))
        for i, lag in enumerate(lags):
            a, b = mouth[max(0, lag) : count + min(0, lag)], loud[max(0, -lag) : count - max(0, lag)]
            total[i] += np.corrcoef(a, b)[0, 1]
    assert abs(lags[int(np.argmax(total))]) <= 1
    assert total.max() / 12 > 0.4


@pytest.mark.parametrize("emotion", [e for e in EMOTIONS if e != "neutral"])
def test_level_raises_the_strength_and_lowers_the_mixture(emotion):
    def moods(level: int) -> list[Mood]:
        return [Mood.draw(stream(f"M{i:03d}", emotion, level), emotion, level) for i in range(300)]

    drawn = {level: moods(level) for level in (1, 2, 3)}
    strength = {level: float(np.mean([m.strength for m in own])) for level, own in drawn.items()}
    mixture = {level: float(np.mean([m.blend / min(m.strength, 1.0) for m in own])) for level, own in drawn.items()}
    assert strength[1] < 0.65 * strength[2]
    assert strength[2] < 0.75 * strength[3]
    assert mixture[1] > mixture[2] > mixture[3] > 0
    weak, strong = (np.array([m.strength for m in drawn[level]]) for level in (1, 3))
    assert (weak[:, None] > strong[None]).mean() < 0.02  # levels overlap with their neighbours, hardly from end to end


def test_prototypes_name_action_units_and_every_emotion_is_there():
    assert set(PROTOTYPES) == set(EMOTIONS)
    for prototype in PROTOTYPES.values():
        for name, value in prototype.actions.items():
            assert name in ACTIONS or name.replace("_side", "_left") in ACTIONS, name
            assert 0 < value <= 1
        assert sum(t.share for t in prototype.targets) == pytest.approx(1.0)
        assert set(prototype.neighbours) < set(EMOTIONS)


@pytest.mark.parametrize(
    ("emotion", "unit"),
    [("angry", "brow_lower"), ("disgusted", "nose_wrinkle"), ("happy", "smile_left"), ("sad", "frown"),
     ("surprised", "brow_outer_raise"), ("fear", "lip_stretch")],
)  # fmt: skip
def test_an_emotion_shows_its_own_action_unit_most(takes, emotion, unit):
    shown = {e: np.mean([column(t, unit).mean() for t in takes[e]]) for e in EMOTIONS}
    assert max(shown, key=shown.get) == emotion, shown


def test_length_is_independent_of_the_emotion():
    """Mean lengths of 400 clips per emotion differ less than chance allows (one-way F under its 99.9 % point)."""
    groups = [
        np.array([clip_frames(f"M{i:03d}", e, 1 + i % 3, 1 + i % 3, FRAMES) for i in range(400)]) for e in EMOTIONS
    ]
    grand = np.mean(np.concatenate(groups))
    between = sum(len(g) * (g.mean() - grand) ** 2 for g in groups) / 7
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (8 * 399)
    assert between / within < 3.5
    assert all(g.min() == FRAMES[0] and g.max() == FRAMES[1] for g in groups)


def test_speakers_are_drawn_from_their_name():
    assert Speaker.of("M901") == Speaker.of("M901")
    assert Speaker.of("M901").seed != Speaker.of("W901").seed
    assert Speaker.of("W901").sex == "W"
    for name in ("X901", "M91", "m901", "M9O1"):
        with pytest.raises(ValueError, match="three digits"):
            Speaker.of(name)


def test_eyes_stay_on_the_target_while_the_head_moves():
    """The line of sight, put together again from head and eye, is the one that was asked for (vestibulo-ocular reflex)."""
    from bench.contract.geometry import euler_to_matrix

    rng = np.random.default_rng(0)
    pose = rng.uniform(-12, 12, (50, 3))
    sight = rng.uniform(-8, 8, (50, 2))
    gaze = eyes_in_head(sight, np.zeros(50), pose)
    eye = gaze[:, 0]
    zero = np.zeros(50)
    head = (
        euler_to_matrix(pose) @ euler_to_matrix(np.stack([eye[:, 1], eye[:, 0], zero], 1)) @ np.array([0.0, 0.0, 1.0])
    )
    wanted = euler_to_matrix(np.stack([sight[:, 1], sight[:, 0], zero], 1)) @ np.array([0.0, 0.0, 1.0])
    np.testing.assert_allclose(head, wanted, atol=1e-9)


def test_eyes_converge():
    gaze = eyes_in_head(np.zeros((1, 2)), np.full(1, 2.0), np.zeros((1, 3)))
    assert gaze[0, 0, 0] == pytest.approx(-2.0)  # the subject-left eye, at the image's right, turns to image left
    assert gaze[0, 1, 0] == pytest.approx(2.0)


def test_saccades_are_fast_and_heads_are_slow():
    times = grid(2.0)
    found = [Fixation(0.0, 0.0, 0.0, 80.0), Fixation(1.0, 20.0, 0.0, 80.0)]
    sight, _ = line_of_sight(times, found)
    head = head_share(times, found, gain=0.6, delay=0.02)

    def rise(curve: np.ndarray) -> float:
        share = curve / curve[-1]
        return float(times[np.argmax(share > 0.95)] - times[np.argmax(share > 0.05)])

    assert rise(sight[:, 0]) < 0.07
    assert 0.15 < rise(head[:, 1]) < 0.5
    assert head[-1, 1] == pytest.approx(0.6 * 17.0)


def test_gaze_shifts_take_the_head_along(takes):
    """Cohesion: eyes in the head turn against the head (counter-rotation), in almost every clip."""
    signs = []
    for take in (t for several in takes.values() for t in several):
        yaw, eye = take.pose[:, 1], take.gaze[:, :, 0].mean(1)
        if yaw.std() > 0.8:
            sight = yaw + eye
            signs.append(np.corrcoef(yaw, sight)[0, 1] > 0)
    assert np.mean(signs) > 0.7


def test_fixations_visit_several_places():
    rng = np.random.default_rng(3)
    mood = Mood("fear", 1.0, "sad", 0.0)
    found = fixations(rng, 20.0, mood, np.zeros(len(grid(20.0))), [], 1, 1.0, (0.0, 0.0))
    yaw = np.array([f.yaw for f in found])
    assert (np.abs(yaw) < 4).sum() >= 5
    assert (yaw > 9).sum() >= 3
    assert (yaw < -9).sum() >= 3
    assert all(b.start - a.start >= 0.15 for a, b in itertools.pairwise(found))


def test_blinks_close_for_a_frame_and_scale_with_the_rate():
    times = grid(60.0)
    still = [Fixation(0.0, 0.0, 0.0, 80.0)]
    restless = [Fixation(0.5 * k, 12.0 * (k % 2), 0.0, 80.0) for k in range(120)]

    def counted(rate: float, found: list[Fixation]) -> float:
        number = 0
        for seed in range(8):
            closed = blinks(np.random.default_rng(seed), times, found, 59.0, rate)
            assert closed[:: 200 // 25].max() == 1.0
            number += int(((closed[1:] >= 0.5) & (closed[:-1] < 0.5)).sum())
        return number / 8

    for found in (still, restless):
        assert counted(30, found) == pytest.approx(3 * counted(10, found), rel=0.35)
    assert counted(16, restless) > 2 * counted(16, still)


def test_motion_shapes():
    times = grid(1.0)
    assert step(times, 0.2, 0.3)[0] == 0.0
    assert step(times, 0.2, 0.3)[-1] == 1.0
    noise = drift(np.random.default_rng(0), grid(200.0), 0.5)
    assert noise.std() == pytest.approx(1.0, abs=0.12)
    assert np.abs(np.diff(noise)).max() < 0.08


def test_no_two_purposes_and_no_two_takes_share_a_random_stream(monkeypatch):
    """Streams that ran in step would tie cues together that have nothing to do with each other."""
    from bench.data.puppet import performance

    first: dict[str, list[float]] = {}

    def watched(speaker: str, emotion: str, level: int, take: int, purpose: str):
        found = stream(speaker, emotion, level, take, purpose)
        first.setdefault(purpose, []).append(float(found.random()))
        return stream(speaker, emotion, level, take, purpose)

    monkeypatch.setattr(performance, "stream", watched)
    keys = [
        ("M901", "sad", 2, 1),
        ("M901", "sad", 2, 2),
        ("M901", "sad", 3, 1),
        ("M901", "fear", 2, 1),
        ("W901", "sad", 2, 1),
    ]
    for name, *key in keys:
        perform(Speaker.of(name), *key, FRAMES)
    assert len(first) >= 11
    assert all(len(own) == len(keys) for own in first.values()), first
    every = [x for own in first.values() for x in own]
    assert len(set(every)) == len(every)


def rest(take) -> np.ndarray:
    """Steps (T - 1,) bool at which the true line of sight rests: no saccade."""
    from bench.data.puppet.difficulty.modes import line_of_sight as sight_of

    return np.linalg.norm(np.diff(sight_of(take.gaze, take.pose), axis=0), axis=1) < 1.5


def test_the_sight_rests_between_saccades_however_the_head_moves(takes):
    """Vestibulo-ocular reflex of whole takes: eyes in the head turn back by what the head turns."""
    eye, head = [], []
    for take in (t for several in takes.values() for t in several):
        still = rest(take)
        eye.append(np.diff(take.gaze.mean(1), axis=0)[still])
        head.append(np.diff(take.pose[:, 1::-1], axis=0)[still])  # yaw, pitch
    eye, head = np.concatenate(eye), np.concatenate(head)
    assert len(eye) > 800
    for axis in range(2):
        back = np.polyfit(head[:, axis], eye[:, axis], 1)[0]
        assert back == pytest.approx(-1.0, abs=0.1), axis


def about_accents(take, track: np.ndarray) -> list[float]:
    """How much higher a track (T,) is at stressed vowels (and the two frames after) than a third of a second earlier and later."""
    found = []
    for p in take.phonemes:
        at = round((p.start + p.end) / 2 * 25)
        if p.stress == 2 and 9 <= at < len(take) - 10:
            found.append(track[at : at + 3].mean() - (track[at - 9] + track[at + 9]) / 2)
    return found


def test_accents_nod_the_head_and_raise_the_brows(takes):
    nods = [x for e in ("angry", "happy", "surprised") for t in takes[e] for x in about_accents(t, t.pose[:, 0])]
    brows = [x for t in takes["surprised"] for x in about_accents(t, column(t, "brow_outer_raise"))]
    assert len(nods) >= 20
    assert np.mean(nods) < -1.0  # degrees down
    assert np.mean(brows) > 0.05


def test_muscles_of_an_emotion_swell_together(takes):
    """Two muscles that only the emotion moves rise and fall together in a clip (their idle movement is their own)."""
    pairs = {"happy": ("cheek_raise", "smile_left"), "sad": ("brow_inner_raise", "frown"), "disgusted": ("nose_wrinkle", "brow_lower"),
             "angry": ("brow_lower", "lid_tighten")}  # fmt: skip
    shared = []
    for emotion, names in pairs.items():
        for take in takes[emotion]:
            one, other = (column(take, name)[15:] for name in names)  # acting has set in
            if 0 < one.max() < 0.999 and 0 < other.max() < 0.999:
                shared.append(np.corrcoef(one, other)[0, 1])
    assert len(shared) >= 6
    assert np.median(shared) > 0.5


def test_no_two_emotions_share_a_prototype():
    for one, other in itertools.combinations(PROTOTYPES.values(), 2):
        for part in ("actions", "pose", "targets", "delivery"):
            assert getattr(one, part) != getattr(other, part), part


def test_prototypes_are_those_of_the_documentation():
    """The table of docs/puppet.md: action units, degrees of the head, and the voice's four numbers."""
    import re
    from pathlib import Path

    from bench.data.puppet.actions import ACTION_UNITS

    page = (Path(__file__).parents[4] / "docs" / "puppet.md").read_text(encoding="utf-8")
    rows = {m[1]: m.groups()[1:] for m in re.finditer(r"^\| (\w+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", page, re.M)}
    for emotion, prototype in PROTOTYPES.items():
        units, head, voice = rows[emotion]
        said = prototype.delivery
        numbers = [float(x) for x in re.findall(r"[-+]?\d+(?:\.\d+)?", voice)]
        assert numbers == [said.semitones, said.range_factor, said.rate_factor, said.gain_db], emotion
        for way, sign in (("up", 1), ("down", -1)):
            told = re.search(rf"{way} (\d+(?:\.\d+)?)", head)
            assert not told or float(told[1]) * sign == prototype.pose[0], emotion
        named = {int(n) for n in re.findall(r"\d+", units)}
        shown = set()
        for action in prototype.actions:
            meaning = ACTION_UNITS[action.replace("_side", "_left")]
            shown.add(frozenset(int(n) for n in re.findall(r"AU(\d+)(?:/(\d+))?", meaning)[0] if n))
        assert all(own & named for own in shown), (emotion, named, shown)
        assert named <= set().union(*shown), (emotion, named, shown)

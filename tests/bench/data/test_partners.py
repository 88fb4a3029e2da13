"""Partners and reference clips: every choice satisfies its definition, whatever clips there are and in whatever order."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.contract.clip import Part, SourceClip
from bench.contract.cues import Cues
from bench.contract.errors import Reason, RejectedInput
from bench.contract.reference_frame import choose_reference_frame
from bench.data import partners


def clip(speaker, emotion, level, take, sentence, part=Part.TEST, scored=True):
    clip_id = f"{speaker}_front_{emotion}_{level or 0}_{take:03}"
    return SourceClip(clip_id, "mead", speaker, emotion, level, sentence, Path(clip_id), None, part, scored)


@st.composite
def clip_lists(draw):
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["M003", "W009"]),
                st.sampled_from(["neutral", "angry", "sad"]),
                st.sampled_from([1, 2, 3, None]),
                st.integers(1, 3),
                st.sampled_from(["a", "b", "c", None]),
                st.sampled_from([Part.TEST, Part.METHOD_TRAIN]),
                st.booleans(),
            ),
            min_size=1,
            max_size=25,
            unique_by=lambda row: row[:4],
        )
    )
    return [clip(*row) for row in rows]


@given(clip_lists())
def test_other_sentence_is_the_same_person_and_emotion_saying_something_else(clips):
    for one in clips:
        fit = {
            c.clip_id: c
            for c in clips
            if (c.speaker, c.emotion) == (one.speaker, one.emotion)
            and one.sentence
            and c.sentence not in (None, one.sentence)
        }
        chosen = partners.other_sentence(one, clips)
        assert (chosen is None) == (not fit)
        if chosen:
            assert chosen.clip_id in fit
            assert chosen.level == one.level or one.level not in {c.level for c in fit.values()}


@given(clip_lists())
def test_other_emotion_is_the_same_person_saying_the_same_otherwise(clips):
    for one in clips:
        fit = [c for c in clips if c.speaker == one.speaker and c.emotion != one.emotion and c.sentence == one.sentence]
        fit = fit if one.sentence else []
        chosen = partners.other_emotion(one, clips)
        assert (chosen is None) == (not fit)
        if chosen:
            assert chosen in fit
            assert chosen.level == one.level or one.level not in {c.level for c in fit if c.emotion == chosen.emotion}


@given(clip_lists())
def test_emotion_sources_come_from_other_people_who_train_methods(clips):
    for one in clips:
        fit = [
            c for c in clips if c.part == Part.METHOD_TRAIN and c.speaker != one.speaker and c.emotion == one.emotion
        ]  # fmt: skip
        chosen = partners.emotion_source(one, clips)
        assert (chosen is None) == (not fit)
        assert chosen is None or (
            chosen in fit and (chosen.level == one.level or one.level not in {c.level for c in fit})
        )


@given(clip_lists())
def test_references_are_neutral_and_say_something_else_or_are_flagged(clips):
    for one in clips:
        neutral = [c for c in clips if c.speaker == one.speaker and c.emotion == "neutral"]
        other = [c for c in neutral if one.sentence and c.sentence not in (None, one.sentence)]
        chosen = partners.reference_of(one, clips)
        assert (chosen is None) == (not neutral)
        if chosen:
            assert chosen.clip in (other or neutral)
            assert (partners.SAME_SENTENCE in chosen.flags) == (not other)
            assert (partners.SAME_CLIP in chosen.flags) == (chosen.clip.clip_id == one.clip_id)


@given(clip_lists())
def test_a_speaker_has_one_reference_but_for_the_clips_that_say_its_sentence(clips):
    for speaker, group in partners.by_speaker(clips).items():
        stranger = clip(speaker, "sad", None, 99, "said by nobody", scored=False)
        main = partners.reference_of(stranger, group)
        if main is None or main.flags:
            continue
        stand_ins = set()
        for one in (c for c in group if c.sentence):
            reference = partners.reference_of(one, group)
            if one.sentence != main.clip.sentence:
                assert reference == main
            elif not reference.flags:
                stand_ins.add(reference.clip.clip_id)
        assert len(stand_ins) <= 1


@given(clip_lists(), st.randoms())
def test_no_choice_depends_on_the_order_of_the_clips(clips, random):
    shuffled = list(clips)
    random.shuffle(shuffled)
    for one in clips:
        for choose in (partners.other_sentence, partners.other_emotion, partners.emotion_source, partners.reference_of):
            assert choose(one, clips) == choose(one, shuffled)


@given(clip_lists())
def test_needed_clips_are_the_scored_ones_and_all_that_will_be_chosen(clips):
    scored = [c for c in clips if c.scored][:3]
    needed = partners.needed_clips(scored, clips, emotion_sources=True)
    assert {c.clip_id for c in scored} <= needed <= {c.clip_id for c in clips}
    prepared = [c for c in clips if c.clip_id in needed]
    everyone = [c for c in clips if c.scored]
    for one in scored:
        assert partners.other_sentence(one, prepared) == partners.other_sentence(one, clips)
        assert partners.other_emotion(one, prepared) == partners.other_emotion(one, clips)
        assert partners.emotion_source(one, prepared) == partners.emotion_source(one, clips)
        assert partners.reference_of(one, prepared, everyone) == partners.reference_of(one, clips, everyone)


@given(clip_lists(), st.data())
def test_asking_again_without_what_failed_ends_with_choices_that_work(clips, data):
    scored, broken = [c for c in clips if c.scored], data.draw(st.sets(st.sampled_from([c.clip_id for c in clips])))
    known = set()
    for _ in range(len(clips) + 1):
        new = broken & partners.needed_clips(scored, clips, unusable=known) - known
        if not new:
            break
        known |= new
    assert not partners.needed_clips(scored, clips, unusable=known) & broken


def test_a_limit_or_a_failed_clip_does_not_move_the_reference():
    clips = [clip("M003", "neutral", 1, n, f"n{n}", scored=n != 3) for n in range(1, 6)]
    clips += [clip("M003", "angry", 3, n, f"n{n}") for n in (1, 2)]
    full = [c for c in clips if c.scored]
    expected = {c.clip_id: partners.reference_of(c, clips, full).clip.clip_id for c in full}
    assert set(expected.values()) == {"M003_front_neutral_1_003"}  # the one sentence that no scored clip says
    for one in full:
        assert partners.reference_of(one, clips[2:], full).clip.clip_id == expected[one.clip_id]
        assert "M003_front_neutral_1_003" in partners.needed_clips([one], clips)


def test_a_neutral_clip_without_a_frame_is_replaced_as_reference_but_stays_scored():
    clips = [clip("M003", "neutral", 1, n, f"n{n}") for n in range(1, 5)]
    needed = partners.needed_clips(clips[:1], clips, no_reference=["M003_front_neutral_1_002"])
    assert "M003_front_neutral_1_003" in needed
    assert "M003_front_neutral_1_001" in partners.needed_clips(clips[:1], clips, no_reference=[clips[0].clip_id])


def test_where_all_neutral_clips_are_scored_only_the_reference_itself_takes_another():
    clips = [clip("M003", "neutral", 1, n, f"n{n}") for n in range(1, 5)] + [clip("M003", "sad", 1, 9, "n1")]
    chosen = [partners.reference_of(c, clips).clip.sentence for c in clips]
    assert chosen == [
        "n2",
        "n3",
        "n2",
        "n2",
        "n2",
    ]  # n1 is said twice, so n2 is the speaker's reference, n3 its stand-in


def test_the_six_sample_clips_have_a_flagged_reference_and_no_other_sentence():
    emotions = ("angry", "disgusted", "fear", "happy", "neutral", "sad")
    clips = [clip("1001", emotion, None, 1, "DFA") for emotion in emotions]
    for one in clips:
        reference = partners.reference_of(one, clips)
        assert reference.clip.emotion == "neutral" and reference.flags[0] == "reference-same-sentence"
        assert ("reference-same-clip" in reference.flags) == (one.emotion == "neutral")
        assert partners.other_sentence(one, clips) is None and partners.other_emotion(one, clips) is not None


def test_the_other_emotion_is_drawn_evenly_also_towards_neutral():
    emotions = ("angry", "fear", "happy", "neutral", "sad")
    clips = [clip(f"M{s:03}", e, 1 if e == "neutral" else 3, 1, "x") for s in range(300) for e in emotions]
    groups = partners.by_speaker(clips)
    drawn = [partners.other_emotion(c, groups[c.speaker]).emotion for c in clips if c.emotion == "angry"]
    share = {e: drawn.count(e) / 300 for e in emotions}
    assert share["angry"] == 0 and all(0.17 < share[e] < 0.33 for e in emotions[1:])


# --- the frame inside the reference clip


def cues_of(openness, gap, valid=None):
    """Cues of T frames whose eyes and lips are as given; outer eye corners 100 px apart."""
    frames = len(gap)
    landmarks = np.zeros((frames, 478, 3), np.float32)
    landmarks[:, 263, 0] = 100
    landmarks[:, 14, 1] = np.asarray(gap) * 100
    cues = Cues.empty(frames)
    return Cues(
        landmarks=landmarks,
        transform=cues.transform,
        gaze=cues.gaze,
        openness=np.repeat(np.asarray(openness, np.float32)[:, None], 2, axis=1),
        blendshapes=cues.blendshapes,
        valid=np.ones(frames, bool) if valid is None else np.asarray(valid),
    )


def yaw(*degrees):
    return np.stack([np.zeros(len(degrees)), degrees, np.zeros(len(degrees))], axis=1)


def test_the_most_frontal_of_the_frames_that_will_do_is_taken():
    cues = cues_of([0.3, 0.3, 0.05, 0.3, 0.3], [0.01, 0.01, 0.01, 0.2, 0.01])
    assert choose_reference_frame(cues, yaw(9, -4, 0, 0, 5)) == 1


def test_all_three_angles_count_and_the_first_of_equals_wins():
    cues = cues_of([0.3] * 5, [0.0] * 5)
    pose = np.array([[4, 0, 4], [4, 4, 0], [0, 4, 4], [5, 0, 0], [0, -5, 0]])
    assert choose_reference_frame(cues, pose) == 3


def test_one_closed_eye_is_enough_to_refuse_a_frame():
    cues = cues_of([0.3, 0.3, 0.3], [0.0] * 3)
    cues.openness[0, 1] = 0.01
    assert choose_reference_frame(cues, yaw(0, 8, 6)) == 2


def test_frames_without_a_face_are_never_taken():
    cues = cues_of([0.3] * 3, [0.0] * 3, valid=[False, True, True])
    pose = yaw(0, np.nan, 7)
    assert choose_reference_frame(cues, pose) == 2


def test_lips_that_never_meet_are_closed_where_they_are_closest():
    gap = np.linspace(0.3, 0.1, 20)
    assert choose_reference_frame(cues_of([0.3] * 20, gap), yaw(*[0] * 18, 5, 3)) == 19


@pytest.mark.parametrize(
    "cues",
    [
        cues_of([0.3] * 4, [0.0] * 4, valid=[False] * 4),
        cues_of([0.1, 0.3, 0.3, 0.3], [0.0, 0.5, 0.5, 0.5]),
        Cues.empty(0),
    ],
    ids=["no face", "closed only with closed eyes", "no frame"],
)
def test_a_clip_without_such_a_frame_is_refused_by_name(cues):
    with pytest.raises(RejectedInput) as caught:
        choose_reference_frame(cues, np.zeros((len(cues), 3)))
    assert caught.value.reason == Reason.NO_REFERENCE_IMAGE


def test_a_pose_of_another_shape_is_told():
    with pytest.raises(ValueError, match=r"\(2, 3\).*got \(3,\)"):
        choose_reference_frame(cues_of([0.3] * 2, [0.0] * 2), np.zeros(3))

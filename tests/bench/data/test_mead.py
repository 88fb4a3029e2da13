"""MEAD's reader: tolerant of how copies lie on disk, strict about what a name means."""

import os
import random
import time

import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.errors import Reason, UsageError
from bench.data import mead


def put(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def ids(clips):
    return [c.clip_id for c in clips]


def reasons(rejected):
    return {r.path: r.reason for r in rejected}


def test_a_clip_is_read_with_all_that_its_path_says(tmp_path):
    put(tmp_path, "M003/video/front/angry/level_3/012.mp4", "M003/audio/angry/level_3/012.m4a")
    [clip], rejected = mead.scan(tmp_path)
    assert rejected == []
    assert (clip.clip_id, clip.dataset, clip.speaker) == ("M003_front_angry_3_012", "mead", "M003")
    assert (clip.emotion, clip.level, clip.sentence) == ("angry", 3, "angry-012")
    assert clip.video == tmp_path / "M003/video/front/angry/level_3/012.mp4" and clip.video.is_absolute()
    assert clip.audio == tmp_path / "M003/audio/angry/level_3/012.m4a"


def test_the_sound_inside_the_video_is_used_where_there_is_no_sound_file(tmp_path):
    put(tmp_path, "W011/video/front/sad/level_1/001.mp4")
    [clip], rejected = mead.scan(tmp_path)
    assert clip.audio is None and rejected == []


def test_every_emotion_folder_of_mead_is_an_emotion_of_the_contract(tmp_path):
    put(tmp_path, *(f"M003/video/front/{emotion}/level_1/001.mp4" for emotion in EMOTIONS))
    clips, rejected = mead.scan(tmp_path)
    assert [c.emotion for c in clips] == sorted(EMOTIONS) and rejected == []


@pytest.mark.parametrize(
    "path",
    [
        "M003/video/video/front/happy/level_2/004.mp4",
        "M003/M003/video/front/happy/level_2/004.mp4",
        "part0/M003/video/front/happy/level_2/004.mp4",
        "M003_video/video/front/happy/level_2/004.mp4",
        "M003/front/happy/level_2/004.mp4",
        "M003/video/front/happy/level_2/004.MP4",
    ],
)
def test_folders_that_extraction_leaves_do_not_matter(tmp_path, path):
    put(tmp_path, path, "M003/audio/audio/happy/level_2/004.m4a")
    [clip], rejected = mead.scan(tmp_path)
    assert clip.clip_id == "M003_front_happy_2_004" and clip.audio is not None and rejected == []


def test_the_folder_of_one_speaker_may_be_the_root(tmp_path):
    put(tmp_path, "M003/video/front/happy/level_2/004.mp4")
    assert ids(mead.scan(tmp_path / "M003")[0]) == ["M003_front_happy_2_004"]


def test_only_the_view_asked_for_is_read(tmp_path):
    put(tmp_path, "M003/video/front/fear/level_1/001.mp4", "M003/video/left_30/fear/level_1/001.mp4")
    assert ids(mead.scan(tmp_path)[0]) == ["M003_front_fear_1_001"]
    assert ids(mead.scan(tmp_path, view="left_30")[0]) == ["M003_left_30_fear_1_001"]
    with pytest.raises(UsageError, match="left_30"):
        mead.scan(tmp_path, view="left_45")


def test_a_speaker_without_the_view_is_one_row_that_says_which_views_are_there(tmp_path):
    put(tmp_path, *(f"W017/video/down/fear/level_1/00{n}.mp4" for n in (1, 2, 3)))
    put(tmp_path, *(f"W017/audio/fear/level_1/00{n}.m4a" for n in (1, 2, 3)))
    clips, [row] = mead.scan(tmp_path)
    assert clips == [] and (row.clip_id, row.reason) == ("W017", Reason.MISSING_FILE)
    assert "down" in row.detail


def test_sound_without_video_is_named(tmp_path):
    put(tmp_path, "M003/video/front/sad/level_1/001.mp4", "M003/audio/sad/level_1/002.m4a")
    clips, [row] = mead.scan(tmp_path)
    assert len(clips) == 1 and (row.clip_id, row.reason) == ("M003_front_sad_1_002", Reason.NO_VIDEO)
    assert row.path == "M003/audio/sad/level_1/002.m4a"


def test_own_sound_goes_before_converted_sound(tmp_path):
    put(tmp_path, "M003/video/front/sad/level_1/001.mp4")
    put(tmp_path, "M003/audio/sad/level_1/001.flac", "M003/audio/sad/level_1/001.m4a", "M003/wav/sad/level_1/001.wav")
    assert mead.scan(tmp_path)[0][0].audio.name == "001.m4a"


@pytest.mark.parametrize(
    ("path", "reason", "word"),
    [
        ("M003/video/front/disgust/level_1/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "disgusted"),
        ("M003/video/front/Angry/level_1/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "angry"),
        ("M003/video/front/angry/level_4/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "level_3"),
        ("M003/video/front/neutral/level_2/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "neutral"),
        ("M003/video/frontal/angry/level_1/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "front"),
        ("actor3/video/front/angry/level_1/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "speaker"),
        ("M003/video/front/angry/level_1/1.mp4", Reason.NAME_OUTSIDE_SCHEME, "three digits"),
        ("M003/video/front/angry/level_1/001 (1).mp4", Reason.NAME_OUTSIDE_SCHEME, "three digits"),
        ("M003/video/front/angry/001.mp4", Reason.NAME_OUTSIDE_SCHEME, "level_"),
        ("M003/audio/disgust/level_1/001.m4a", Reason.NAME_OUTSIDE_SCHEME, "disgusted"),
        ("M003/video/front/angry/level_1/001.mov", Reason.WRONG_EXTENSION, "001.mp4"),
        ("M003/video/front/angry/level_1/001.txt", Reason.WRONG_EXTENSION, "001.mp4"),
    ],
)
def test_what_is_outside_the_scheme_is_rejected_and_told(tmp_path, path, reason, word):
    put(tmp_path, path, "M003/video/front/happy/level_1/001.mp4")
    clips, rejected = mead.scan(tmp_path)
    assert ids(clips) == ["M003_front_happy_1_001"]
    assert reasons(rejected) == {path: reason}
    assert word in rejected[0].detail


def test_litter_and_files_beside_a_clip_are_nobodys_concern(tmp_path):
    folder = "M003/video/front/angry/level_1/"
    put(
        tmp_path,
        *(folder + n for n in ("001.mp4", "._001.mp4", ".DS_Store", "Thumbs.db", "001.txt", "001.truth.safetensors")),
    )
    put(tmp_path, "M003/video.tar", "README.md", "__MACOSX/M003/video/front/angry/level_1/001.mp4", "puppet.json")
    clips, rejected = mead.scan(tmp_path)
    assert len(clips) == 1 and rejected == []


def test_the_second_of_two_files_with_one_clip_id_is_a_duplicate(tmp_path):
    put(tmp_path, "M003/video/front/angry/level_1/001.mp4", "M003/video/video/front/angry/level_1/001.mp4")
    [clip], [row] = mead.scan(tmp_path)
    assert clip.video == tmp_path / "M003/video/front/angry/level_1/001.mp4"
    assert row.reason == Reason.DUPLICATE and row.path == "M003/video/video/front/angry/level_1/001.mp4"
    assert "M003/video/front/angry/level_1/001.mp4" in row.detail


def test_links_that_lead_out_of_the_root_are_rejected_and_not_read(tmp_path):
    outside, root = tmp_path / "elsewhere", tmp_path / "root"
    put(outside, "M005/video/front/angry/level_1/001.mp4", "one.mp4")
    put(root, "M003/video/front/angry/level_1/001.mp4")
    (root / "M005").symlink_to(outside / "M005")
    (root / "M003/video/front/angry/level_1/002.mp4").symlink_to(outside / "one.mp4")
    (root / "M003/video/front/angry/level_1/003.mp4").symlink_to(root / "nothing.mp4")
    (root / "M003/video/front/angry/level_1/004.mp4").symlink_to(root / "M003/video/front/angry/level_1/001.mp4")
    (root / "again").symlink_to(root)
    clips, rejected = mead.scan(root)
    assert ids(clips) == ["M003_front_angry_1_001", "M003_front_angry_1_004"]
    assert reasons(rejected) == {
        "M005": Reason.OUTSIDE_ROOT,
        "M003/video/front/angry/level_1/002.mp4": Reason.OUTSIDE_ROOT,
        "M003/video/front/angry/level_1/003.mp4": Reason.MISSING_FILE,
    }
    assert "M003_front_angry_1_002" in {r.clip_id for r in rejected}


def test_a_link_to_the_root_itself_is_fine(tmp_path):
    put(tmp_path / "disk", "M003/video/front/angry/level_1/001.mp4")
    (tmp_path / "mead").symlink_to(tmp_path / "disk")
    assert len(mead.scan(tmp_path / "mead")[0]) == 1


def test_a_root_that_is_not_there_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="--root"):
        mead.scan(tmp_path / "nowhere")


def test_the_order_does_not_depend_on_the_file_system(tmp_path, monkeypatch):
    put(
        tmp_path,
        *(f"{s}/video/front/{e}/level_1/00{n}.mp4" for s in ("M003", "W009") for e in ("sad", "fear") for n in (1, 2)),
    )
    put(tmp_path, "M003/video/x/video/front/sad/level_1/001.mp4", "M003/video/front/oops/level_1/001.mp4")
    expected = mead.scan(tmp_path)
    listing = os.scandir

    class Shuffled:
        def __init__(self, path):
            self.path = path

        def __enter__(self):
            with listing(self.path) as entries:
                entries = list(entries)
            random.Random(len(self.path)).shuffle(entries)
            return iter(entries)

        def __exit__(self, *_):
            return False

    monkeypatch.setattr(os, "scandir", Shuffled)
    assert mead.scan(tmp_path) == expected
    assert ids(expected[0]) == sorted(ids(expected[0]))


def test_the_first_three_takes_say_the_same_in_every_emotion_and_level():
    assert mead.sentence_of("M003", "angry", "002") == mead.sentence_of("W037", "neutral", "002") == "common-2"
    assert mead.sentence_of("M003", "angry", "007") != mead.sentence_of("M003", "sad", "007")


def test_speakers_numbered_with_gaps_share_no_other_sentence_with_the_rest():
    assert mead.sentence_of("W037", "angry", "007") == mead.sentence_of("M037", "angry", "007")
    assert mead.sentence_of("W037", "angry", "007") != mead.sentence_of("M003", "angry", "007")


def test_expected_path_is_where_the_reader_finds_the_clip(tmp_path):
    for clip_id in ("M003_front_angry_1_001", "W009_front_neutral_1_040"):
        put(tmp_path, mead.expected_path(clip_id))
    assert ids(mead.scan(tmp_path)[0]) == ["M003_front_angry_1_001", "W009_front_neutral_1_040"]
    assert mead.expected_path("M003_left_30_fear_1_001") == "M003/video/left_30/fear/level_1/001.mp4"


@pytest.mark.slow
def test_thirty_thousand_clips_are_scanned_in_three_seconds(tmp_path):
    count = 0
    for speaker in (f"M{n:03}" for n in range(1, 46)):
        for emotion in EMOTIONS:
            for level in (1,) if emotion == "neutral" else (1, 2, 3):
                folders = [tmp_path / speaker / kind / emotion / f"level_{level}" for kind in ("video/front", "audio")]
                for folder in folders:
                    folder.mkdir(parents=True)
                for take in range(1, 41 if emotion == "neutral" else 31):
                    (folders[0] / f"{take:03}.mp4").touch()
                    (folders[1] / f"{take:03}.m4a").touch()
                    count += 1
    started = time.process_time()
    clips, rejected = mead.scan(tmp_path)
    seconds = time.process_time() - started
    assert len(clips) == count > 30_000 and rejected == []
    assert all(c.audio for c in clips)
    assert seconds < 3, f"{count} clips took {seconds:.1f} s"

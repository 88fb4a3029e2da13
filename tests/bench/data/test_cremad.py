"""CREMA-D's reader: names, known faulty clips, checksums."""

import hashlib

import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.errors import Reason
from bench.data import cremad


def put(root, *paths, content=b""):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def test_a_clip_is_read_with_all_that_its_name_says(tmp_path):
    put(tmp_path, "VideoFlash/1001_IEO_ANG_HI.flv", "AudioWAV/1001_IEO_ANG_HI.wav")
    [clip], rejected = cremad.scan(tmp_path)
    assert rejected == []
    assert (clip.clip_id, clip.dataset, clip.speaker) == ("1001_IEO_ANG_HI", "cremad", "1001")
    assert (clip.emotion, clip.level, clip.sentence) == ("angry", 3, "IEO")
    assert clip.video == tmp_path / "VideoFlash/1001_IEO_ANG_HI.flv"
    assert clip.audio == tmp_path / "AudioWAV/1001_IEO_ANG_HI.wav"


@pytest.mark.parametrize(("code", "level"), [("LO", 1), ("MD", 2), ("HI", 3), ("XX", None)])
def test_levels(tmp_path, code, level):
    put(tmp_path, f"VideoFlash/1002_IEO_SAD_{code}.flv")
    assert cremad.scan(tmp_path)[0][0].level == level


def test_six_emotions_are_six_of_the_eight(tmp_path):
    put(tmp_path, *(f"VideoFlash/1001_DFA_{e}_XX.flv" for e in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")))
    found = [c.emotion for c in cremad.scan(tmp_path)[0]]
    assert found == ["angry", "disgusted", "fear", "happy", "neutral", "sad"]
    assert set(found) < set(EMOTIONS)


@pytest.mark.parametrize("folder", ["VideoFlash", "", "CREMA-D/VideoFlash", "clips"])
def test_folders_do_not_matter_and_sound_may_be_missing(tmp_path, folder):
    put(tmp_path, f"{folder}/1001_DFA_ANG_XX.flv".lstrip("/"))
    [clip], rejected = cremad.scan(tmp_path)
    assert clip.audio is None and rejected == []


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("1092_DFA_ANG_XX.flv", "1091"),
        ("1001_XYZ_ANG_XX.flv", "DFA"),
        ("1001_DFA_SUR_XX.flv", "ANG"),
        ("1001_DFA_ANG_ZZ.flv", "HI"),
        ("1001-DFA-ANG-XX.flv", "1001_DFA_ANG_XX"),
        ("1001_dfa_ANG_XX.flv", "1001_DFA_ANG_XX"),
        ("holiday.flv", "1001_DFA_ANG_XX"),
    ],
)
def test_unknown_codes_are_outside_the_scheme_and_the_known_ones_are_told(tmp_path, name, word):
    put(tmp_path, f"VideoFlash/{name}")
    clips, [row] = cremad.scan(tmp_path)
    assert clips == [] and row.reason == Reason.NAME_OUTSIDE_SCHEME and word in row.detail


@pytest.mark.parametrize("extension", ["mp4", "txt"])
def test_another_file_in_the_place_of_a_clip_has_the_wrong_extension(tmp_path, extension):
    put(tmp_path, f"VideoFlash/1001_DFA_ANG_XX.{extension}")
    clips, [row] = cremad.scan(tmp_path)
    assert clips == [] and (row.clip_id, row.reason) == ("1001_DFA_ANG_XX", Reason.WRONG_EXTENSION)


def test_faulty_clips_are_rejected_as_known(tmp_path):
    faulty = ["1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"]
    put(tmp_path, *(f"VideoFlash/{n}.flv" for n in faulty), *(f"AudioWAV/{n}.wav" for n in faulty))
    clips, rejected = cremad.scan(tmp_path)
    assert clips == [] and [r.clip_id for r in rejected] == faulty
    assert all(r.known and r.reason == Reason.KNOWN_FAULTY for r in rejected)


def test_the_one_shortened_name_is_read_under_its_full_one(tmp_path):
    put(tmp_path, "VideoFlash/1040_ITH_SAD_XX.flv", "AudioWAV/1040_ITH_SAD_X.wav")
    [clip], rejected = cremad.scan(tmp_path)
    assert clip.clip_id == "1040_ITH_SAD_XX" and clip.audio.name == "1040_ITH_SAD_X.wav" and rejected == []


def test_the_second_of_two_copies_is_a_duplicate(tmp_path):
    put(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/more/1001_DFA_ANG_XX.flv")
    [clip], [row] = cremad.scan(tmp_path)
    assert clip.video.parent.name == "VideoFlash" and (row.reason, row.clip_id) == (Reason.DUPLICATE, clip.clip_id)


def test_sound_without_video_is_named(tmp_path):
    put(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "VideoFlash/1001_DFA_SAD_XX.flv")
    clips, [row] = cremad.scan(tmp_path)
    assert len(clips) == 1 and (row.clip_id, row.reason) == ("1001_DFA_ANG_XX", Reason.NO_VIDEO)


def test_a_pointer_of_a_clone_without_lfs_is_a_missing_file(tmp_path):
    put(
        tmp_path,
        "VideoFlash/1001_DFA_ANG_XX.flv",
        content=b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    )
    clips, [row] = cremad.scan(tmp_path)
    assert clips == [] and row.reason == Reason.MISSING_FILE and "git lfs pull" in row.detail


def test_an_empty_file_is_left_to_prepare(tmp_path):
    put(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv")
    assert len(cremad.scan(tmp_path)[0]) == 1


def test_verify_compares_video_and_sound_with_the_list(tmp_path, monkeypatch):
    video, sound = hashlib.sha256(b"video").hexdigest(), hashlib.sha256(b"sound").hexdigest()
    names = ("1001_DFA_ANG_XX", "1001_DFA_DIS_XX", "1001_DFA_FEA_XX", "1001_DFA_HAP_LO")
    monkeypatch.setattr(cremad, "checksums", lambda: dict.fromkeys(names[:3], (video, sound)))
    put(tmp_path, *(f"VideoFlash/{n}.flv" for n in (names[0], names[2], names[3])), content=b"video")
    put(tmp_path, f"VideoFlash/{names[1]}.flv", content=b"other")
    put(tmp_path, f"AudioWAV/{names[2]}.wav", content=b"other")
    assert len(cremad.scan(tmp_path)[0]) == 4
    clips, rejected = cremad.scan(tmp_path, verify=True)
    assert [c.clip_id for c in clips] == [names[0]]
    assert {(r.path, r.reason) for r in rejected} == {
        (f"VideoFlash/{names[1]}.flv", Reason.WRONG_HASH),
        (f"AudioWAV/{names[2]}.wav", Reason.WRONG_HASH),
        (f"VideoFlash/{names[3]}.flv", Reason.WRONG_HASH),
    }


def test_the_list_has_every_clip_once_and_every_name_is_in_the_scheme():
    listed = cremad.checksums()
    assert len(listed) == 7442
    assert [name for name in listed if cremad.wrong_in_name(name)] == []
    assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for pair in listed.values() for value in pair)
    assert len({flv for flv, _ in listed.values()}) == 7442


def test_links_out_of_the_root_are_rejected(tmp_path):
    root = tmp_path / "root"
    put(
        tmp_path,
        "elsewhere/1001_DFA_ANG_XX.flv",
        "elsewhere/1001_DFA_SAD_XX.wav",
        "root/VideoFlash/1001_DFA_SAD_XX.flv",
    )
    (root / "VideoFlash/1001_DFA_ANG_XX.flv").symlink_to(tmp_path / "elsewhere/1001_DFA_ANG_XX.flv")
    (root / "1001_DFA_SAD_XX.wav").symlink_to(tmp_path / "elsewhere/1001_DFA_SAD_XX.wav")
    [clip], rejected = cremad.scan(root)
    assert clip.clip_id == "1001_DFA_SAD_XX" and clip.audio is None
    assert {r.path for r in rejected} == {"VideoFlash/1001_DFA_ANG_XX.flv", "1001_DFA_SAD_XX.wav"}
    assert {r.reason for r in rejected} == {Reason.OUTSIDE_ROOT}

"""The registry of datasets, and a tree read through a manifest."""

import pytest

from bench.contract.clip import Part
from bench.contract.errors import NothingDoneError, Reason, UsageError
from bench.data import datasets
from bench.data.manifests import load_manifest

POLICIES = {"puppet": "all", "puppet-cremad": "all", "cremad": "none", "cremad-sample": "none", "mead": "none"}


def put(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_five_datasets_with_their_media_policy():
    assert {name: d.media_policy for name, d in datasets.all_datasets().items()} == POLICIES
    for dataset in datasets.all_datasets().values():
        assert callable(dataset.module().scan) and callable(dataset.module().expected_path)
        assert dataset.licence and dataset.layout.startswith("Expected") and dataset.source


def test_an_unknown_dataset_gets_a_suggestion_and_the_list():
    with pytest.raises(UsageError, match=r"did you mean 'cremad'.*puppet, puppet-cremad, cremad, cremad-sample, mead"):
        datasets.get_dataset("crema-d")


def test_clips_carry_part_and_dataset_and_missing_ones_are_rows(tmp_path):
    names = sorted(load_manifest("cremad-sample", "sample").clips)
    put(tmp_path, *(f"VideoFlash/{n}.flv" for n in names[1:]), "VideoFlash/1002_DFA_ANG_XX.flv")
    clips, [row] = datasets.scan_dataset("cremad-sample", tmp_path)
    assert [c.clip_id for c in clips] == names[1:]
    assert all(c.part == Part.TEST and c.scored and c.dataset == "cremad-sample" for c in clips)
    assert (row.clip_id, row.reason, row.path) == (names[0], Reason.MISSING_FILE, f"VideoFlash/{names[0]}.flv")


def test_only_the_parts_asked_for_are_read_and_missed(tmp_path):
    csv = write(
        tmp_path / "a.csv",
        "speaker,clip_id,part,scored\nM003,,test,0\n,M003_front_sad_1_001,test,1\nM005,,validation,1\n",
    )
    tree = tmp_path / "tree"
    put(tree, *(f"{s}/video/front/sad/level_1/00{n}.mp4" for s in ("M003", "M005", "M007") for n in (1, 2)))
    put(tree, *(f"{s}/video/front/oops/level_1/001.mp4" for s in ("M003", "M005")))
    put(tree, "M005/video/front/sad/level_1/003.mov", "M003/video/front/sad/level_1/003.mov")
    clips, rejected = datasets.scan_dataset("mead", tree, csv, ["test"])
    assert [(c.clip_id, c.scored) for c in clips] == [("M003_front_sad_1_001", True), ("M003_front_sad_1_002", False)]
    assert {r.path for r in rejected} >= {
        "M003/video/front/sad/level_1/003.mov",
        "M003/video/front/oops/level_1/001.mp4",
    }
    assert not any(r.path.startswith("M005") for r in rejected)
    clips, _ = datasets.scan_dataset("mead", tree, csv, [Part.VALIDATION])
    assert {c.speaker for c in clips} == {"M005"} and all(c.scored for c in clips)
    assert {c.speaker for c in datasets.scan_dataset("mead", tree, csv)[0]} == {"M003", "M005"}


def test_a_clip_that_is_rejected_for_another_reason_is_not_missing_too(tmp_path):
    csv = write(tmp_path / "a.csv", "clip_id,part\n1076_MTI_SAD_XX,test\n1001_DFA_ANG_XX,test\n")
    put(tmp_path / "tree", "VideoFlash/1076_MTI_SAD_XX.flv", "VideoFlash/1001_DFA_ANG_XX.mp4")
    clips, rejected = datasets.scan_dataset("cremad", tmp_path / "tree", csv)
    assert clips == [] and [(r.clip_id, r.reason, r.known) for r in rejected] == [
        ("1001_DFA_ANG_XX", Reason.WRONG_EXTENSION, False),
        ("1076_MTI_SAD_XX", Reason.KNOWN_FAULTY, True),
    ]


def test_a_speaker_of_whom_nothing_is_there_is_one_row(tmp_path):
    csv = write(tmp_path / "a.csv", "speaker,part\nM003,test\nW009,test\n")
    put(tmp_path / "tree", "M003/video/front/sad/level_1/001.mp4")
    clips, [row] = datasets.scan_dataset("mead", tmp_path / "tree", csv)
    assert len(clips) == 1 and (row.clip_id, row.reason) == ("W009", Reason.MISSING_FILE)


def test_an_entry_that_names_a_path_is_rejected_and_the_rest_goes_on(tmp_path):
    csv = write(tmp_path / "a.csv", "clip_id,part\n../secret,test\nM003_front_sad_1_001,test\n")
    put(tmp_path / "tree", "M003/video/front/sad/level_1/001.mp4")
    clips, [row] = datasets.scan_dataset("mead", tmp_path / "tree", csv)
    assert len(clips) == 1 and (row.path, row.reason) == ("../secret", Reason.OUTSIDE_ROOT)


def test_a_folder_without_any_clip_says_the_expected_layout(tmp_path):
    put(tmp_path, "notes.txt")
    with pytest.raises(NothingDoneError, match=r"VideoFlash/1001_DFA_ANG_XX\.flv"):
        datasets.scan_dataset("cremad", tmp_path)


def test_the_embedded_dataset_is_read_by_the_reader_of_mead(tmp_path):
    csv = write(
        tmp_path / "quick.csv", "clip_id,part,scored\nM101_front_angry_1_001,test,1\nW101_front_neutral_1_004,test,0\n"
    )
    put(tmp_path / "tree", "M101/video/front/angry/level_1/001.mp4", "W101/video/front/neutral/level_1/004.mp4")
    clips, rejected = datasets.scan_dataset("puppet", tmp_path / "tree", csv, ["test"])
    assert [(c.dataset, c.speaker, c.scored) for c in clips] == [("puppet", "M101", True), ("puppet", "W101", False)]
    assert rejected == []


def test_an_unknown_part_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="judge-train"):
        datasets.scan_dataset("mead", tmp_path, None, ["train"])


def test_the_published_split_finds_its_clips_in_a_tree_of_their_names(tmp_path):
    manifest = load_manifest("mead", "eat100")
    module = datasets.get_dataset("mead").module()
    put(tmp_path, *(module.expected_path(n) for n in manifest.clips))
    clips, rejected = datasets.scan_dataset("mead", tmp_path, "eat100", ["test"])
    assert {c.clip_id for c in clips} == set(manifest.clips) and rejected == []

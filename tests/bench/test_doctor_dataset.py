"""A dataset's folder against the manifests: what is there, missing, odd; wrong roots are recognised."""

import os
import shutil
import time

import pytest

from bench.contract.clip import Part
from bench.contract.errors import NothingDoneError, UsageError
from bench.data import cremad, mead
from bench.data.manifests import load_manifest
from bench.doctor import dataset, examination, tree
from bench.doctor.findings import COLUMNS, in_words
from bench.workspace import Workspace

CLIPS = [f"{s}_front_{e}_1_{t:03d}" for s in ("M003", "M005") for e in ("angry", "neutral") for t in (1, 2, 3)]


@pytest.fixture
def split(tmp_path):
    """A user's split over CLIPS: M003 test, M005 method-train."""
    path = tmp_path / "mine.csv"
    rows = [f"{clip},{'test' if clip.startswith('M003') else 'method-train'}\n" for clip in CLIPS]
    path.write_text("clip_id,part\n" + "".join(rows))
    return load_manifest("mead", path)


def mead_tree(root, clips=CLIPS):
    for number, clip in enumerate(clips):
        path = root / mead.expected_path(clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video" * (number + 1))
    return root


def by_name(rows):
    return {row.what: row for row in rows}


def look(root, split, part=Part.TEST, name="mead"):
    return by_name(dataset.examine(dataset.read(name, root), split, part))


def test_a_whole_tree_is_all_right(tmp_path, split):
    rows = look(mead_tree(tmp_path / "mead"), split)
    assert rows["mine test"].state == rows["mine method-train"].state == rows["mead"].state == "ok"
    assert "6 of 6" in rows["mine test"].found


def test_what_is_missing_is_counted_named_and_told_per_speaker(tmp_path, split):
    root = mead_tree(
        tmp_path / "mead", [c for c in CLIPS if c not in ("M003_front_angry_1_002", "M003_front_neutral_1_001")]
    )
    row = look(root, split)["mine test"]
    assert row.state == "LACK" and row.do
    assert row.data["missing"] == ["M003_front_angry_1_002", "M003_front_neutral_1_001"]
    assert "2 missing: M003_front_angry_1_002" in row.found


def test_what_another_part_lacks_is_a_note(tmp_path, split):
    root = mead_tree(tmp_path / "mead", CLIPS[:6])
    rows = look(root, split)
    assert rows["mine test"].state == "ok" and rows["mine method-train"].state == "note"
    assert look(root, split, Part.METHOD_TRAIN)["mine method-train"].state == "LACK"


def test_parts_of_the_embedded_dataset_that_are_not_rendered_yet_are_no_lack(smoke_tree):
    manifest = load_manifest("puppet", "smoke")
    rows = by_name(dataset.examine(dataset.read("puppet", smoke_tree, rendered=True), manifest, Part.VALIDATION))
    assert rows["smoke validation"].state == "ok" and "0 of 5" in rows["smoke validation"].found
    assert "10 of 10" in rows["smoke test"].found


def test_in_a_tree_of_the_embedded_dataset_that_is_given_nothing_is_rendered_so_what_is_missing_lacks(smoke_tree):
    manifest = load_manifest("puppet", "smoke")
    rows = by_name(dataset.examine(dataset.read("puppet", smoke_tree), manifest, Part.VALIDATION))
    assert rows["smoke validation"].state == "LACK" and "leave --root out" in rows["smoke validation"].do
    assert rows["smoke test"].state == "ok"


@pytest.mark.parametrize("given, state", [(True, "LACK"), (False, "ok")])
def test_only_a_root_that_was_given_is_taken_as_it_is(smoke_tree, tmp_path, given, state):
    (tmp_path / "datasets").mkdir()
    shutil.copytree(smoke_tree, tmp_path / "datasets" / "puppet-smoke")
    question = examination.Question("puppet", smoke_tree if given else None, profile="smoke", part="validation")
    assert by_name(examination._dataset(question, Workspace(tmp_path)))["smoke validation"].state == state


def test_counts_agree_with_what_prepare_would_read(tmp_path):
    """The same clips as scan_dataset gives, for a manifest of clips and one of speakers."""
    from bench.data.datasets import scan_dataset

    root = mead_tree(tmp_path / "mead")
    reading = dataset.read("mead", root)
    for name in ("eat100", "folds5-0", "edtalk"):
        manifest = load_manifest("mead", name)
        table = dataset.coverage(reading, manifest)
        for part in Part:
            clips, unusable = scan_dataset("mead", root, manifest, [part])
            assert sorted(c.clip_id for c in clips) == sorted(table[part].found)
            missing = {r.clip_id for r in unusable if r.reason == "missing-file"}
            assert missing == set(table[part].missing)


def test_known_faulty_files_are_no_lack(tmp_path):
    faulty = "1064_IEO_DIS_MD"
    path = tmp_path / "own.csv"
    path.write_text(f"clip_id,part\n{faulty},test\n1064_IEO_ANG_HI,test\n")
    for clip in (faulty, "1064_IEO_ANG_HI"):
        file = tmp_path / "cremad" / cremad.expected_path(clip)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(clip.encode())
    rows = look(tmp_path / "cremad", load_manifest("cremad", path), name="cremad")
    assert rows["own test"].state == "ok" and rows["own test"].data["known_faulty"] == [faulty]
    assert rows["known-faulty"].state == "ok"


def test_empty_files_identical_files_and_strangers_are_found(tmp_path, split):
    root = mead_tree(tmp_path / "mead", [*CLIPS, "M003_front_angry_3_040", "W099_front_angry_1_001"])
    (root / mead.expected_path(CLIPS[0])).write_bytes(b"")
    shutil.copyfile(root / mead.expected_path(CLIPS[1]), root / mead.expected_path(CLIPS[-1]))
    (root / "M003" / "notes.txt").write_text("x")
    rows = look(root, split)
    assert rows["empty files"].data["paths"] == [mead.expected_path(CLIPS[0])]
    assert rows["identical files"].state == "LACK"
    assert f"{CLIPS[1]} = {CLIPS[-1]}" in rows["identical files"].found
    assert rows["extra clips"].data["clips"] == ["W099_front_angry_1_001"]  # no shipped manifest names W099 either
    assert "1 .txt" in rows["other files"].found


def test_identical_files_of_one_speaker_on_one_side_are_a_note(tmp_path, split):
    root = mead_tree(tmp_path / "mead")
    shutil.copyfile(root / mead.expected_path(CLIPS[1]), root / mead.expected_path(CLIPS[2]))
    assert look(root, split)["identical files"].state == "note"


def test_large_files_that_differ_only_at_their_end_are_not_identical(tmp_path, split):
    root = mead_tree(tmp_path / "mead")
    for number, clip in enumerate(CLIPS[:2]):
        (root / mead.expected_path(clip)).write_bytes(b"x" * 100_000 + bytes([number]))
    assert "identical files" not in look(root, split)


@pytest.mark.parametrize(
    "below, said",
    [("M003", "one speaker's folder"), ("M003/video/front", "inside a speaker's folder")],
)
def test_a_root_too_deep_names_the_folder_to_give(tmp_path, split, below, said):
    root = mead_tree(tmp_path / "mead")
    row = look(root / below, split)["layout"]
    assert said in row.found and row.do.endswith(f"--root '{root}'")


def test_a_root_too_high_is_read_all_the_same(tmp_path, split):
    mead_tree(tmp_path / "data" / "part0")
    assert look(tmp_path / "data", split)["mine test"].state == "ok"


def test_archives_that_were_never_unpacked_are_named_with_the_command(tmp_path, split):
    root = mead_tree(tmp_path / "mead", CLIPS[:6])
    (root / "M005").mkdir()
    (root / "M005" / "video.tar").write_bytes(b"tar")
    row = look(root, split)["layout"]
    assert row.state == "LACK" and "1 archive not unpacked" in row.found and "tar -xf 'M005/video.tar'" in row.do


@pytest.mark.parametrize("name, other", [("mead", "cremad"), ("cremad", "mead")])
def test_the_other_datasets_folder_is_recognised(tmp_path, split, name, other):
    if other == "mead":
        (tmp_path / "d" / "M003").mkdir(parents=True)
    else:
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "1001_DFA_ANG_XX.wav").write_bytes(b"x")
    reading = dataset.read(name, tmp_path / "d")
    hints = tree.layout_hints(name, reading.dataset.reader, reading.root, reading.seen, 0)
    assert any(f"--dataset {other}" in do for _, do in hints)


def test_the_sound_folder_alone_points_above(tmp_path):
    (tmp_path / "AudioWAV").mkdir()
    (tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav").write_bytes(b"x")
    rows = look(tmp_path / "AudioWAV", load_manifest("cremad", "speakers"), name="cremad")
    assert rows["cremad"].state == "LACK"
    assert f"--root '{tmp_path}'" in rows["layout"].do


def test_an_empty_folder_is_nothing_to_do_and_says_the_layout(tmp_path):
    with pytest.raises(NothingDoneError, match=r"is empty.*Expected M003/video/front"):
        look(tmp_path, load_manifest("mead", "eat100"))


def test_no_folder_is_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        dataset.read("mead", tmp_path / "absent")


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.mp4").write_bytes(b"x")
    (tmp_path / "d").mkdir()
    os.symlink(tmp_path / "outside", tmp_path / "d" / "link")
    assert not tree.look(tmp_path / "d").sizes


def test_text_of_a_tree_with_long_names_fits_the_terminal(tmp_path, split):
    rows = dataset.examine(dataset.read("mead", mead_tree(tmp_path / "mead", CLIPS[:3])), split, Part.TEST)
    longest = max(in_words(rows).splitlines(), key=len)
    assert len(longest) <= COLUMNS or " " not in longest.strip().removeprefix("-> ")


@pytest.mark.slow
def test_thirty_thousand_entries_take_seconds(tmp_path):
    """MEAD's front view as the published lists have it, every file there and empty: 28,040 clips."""
    manifest = load_manifest("mead", "edtalk")
    for entry in manifest.entries:
        path = tmp_path / mead.expected_path(entry.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    started = time.process_time()
    rows = by_name(dataset.examine(dataset.read("mead", tmp_path), manifest, Part.TEST))
    spent = time.process_time() - started
    print(f"{rows['mead'].data['entries']} entries: {spent:.1f} s of one core")
    assert rows["edtalk test"].data["missing"] == []
    assert len(rows["empty files"].data["paths"]) == len(manifest.entries)
    assert spent < 15

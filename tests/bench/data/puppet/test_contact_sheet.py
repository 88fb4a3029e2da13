"""The contact sheet: every speaker and emotion once, resumable, and of the frame that shows most."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.contract.clip import EMOTIONS
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.result import DatasetRecord
from bench.contract.sheet import Sheet
from bench.data.puppet.actions import ACTIONS
from bench.data.puppet.contact_sheet import apex, write_sheet
from bench.data.puppet.version import PUPPET_VERSION
from bench.sheet import sheet_of, sheets_of
from bench.workspace import Workspace

SIZE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory, face_weights):
    out = tmp_path_factory.mktemp("sheet")
    write_sheet(out, "smoke", jobs=1, size=SIZE)
    return out


def times(folder):
    return {p.name: p.stat().st_mtime_ns for p in folder.glob("*.webp")}


def test_every_speaker_and_emotion_once_at_the_strongest_level(folder):
    import cv2

    sheet = Sheet.load(folder / "sheet.json")
    assert [(t.speaker, t.emotion) for t in sheet.tiles] == [(s, e) for s in ("M101", "W101") for e in EMOTIONS]
    assert {t.level for t in sheet.tiles if t.emotion != "neutral"} == {3}
    pictures = [cv2.imread(str(folder / t.file)) for t in sheet.tiles]
    assert {p.shape for p in pictures} == {(SIZE, SIZE, 3)}
    assert all(p.std() > 20 for p in pictures)
    assert len({p.tobytes() for p in pictures}) == 16


def test_a_second_run_makes_nothing_and_a_third_only_what_is_missing(folder):
    before = times(folder)
    write_sheet(folder, "smoke", jobs=1, size=SIZE)
    assert times(folder) == before
    gone = min(before)
    content = (folder / gone).read_bytes()
    (folder / gone).unlink()
    (folder / "M999_front_sad_3_001-0123456789ab.webp").write_bytes(b"of an earlier version")
    write_sheet(folder, "smoke", jobs=1, size=SIZE)
    after = times(folder)
    assert set(after) == set(before) and (folder / gone).read_bytes() == content
    assert {name for name in before if before[name] != after[name]} == {gone}


def test_cremads_layout_has_its_own_names_and_emotions_for_the_same_heads(folder):
    sheet = write_sheet(folder, "smoke", jobs=1, size=SIZE, dataset="puppet-cremad")
    assert {t.speaker for t in sheet.tiles} == {"1101", "2101"} and len({t.emotion for t in sheet.tiles}) == 6
    write_sheet(folder, "smoke", jobs=1, size=SIZE)


def test_the_apex_is_the_strongest_expression_with_open_eyes_whatever_the_mouth_says():
    actions = np.zeros((5, len(ACTIONS)))
    actions[:, ACTIONS.index("brow_lower")] = [0.1, 0.5, 0.9, 0.7, 0.2]
    actions[2, ACTIONS.index("blink")] = 0.8
    actions[4, ACTIONS.index("jaw_open")] = 1.0
    assert apex(actions) == 3
    assert apex(actions, weakest=True) == 0


def test_always_closed_eyes_still_have_an_apex():
    actions = np.zeros((3, len(ACTIONS)))
    actions[:, ACTIONS.index("blink")] = [0.9, 0.8, 0.9]
    assert apex(actions) == 1


def record(**changes):
    fields = {"name": "puppet", "profile": "smoke", "part": "test", "manifest": "smoke", "manifest_sha256": "0",
              "data_version": str(PUPPET_VERSION), "n_scored": 4, "n_speakers": 2, "n_rejected": 0, "store_sha256": "0",
              "media_policy": "all"}  # fmt: skip
    return DatasetRecord(**(fields | changes))


@pytest.mark.parametrize("changes", [{"media_policy": "none"}, {"media_policy": "generated"}, {"name": "mead"}])
def test_there_is_no_sheet_where_there_may_or_can_be_none(tmp_path, changes):
    assert sheet_of(record(**changes), Workspace(tmp_path)) is None


def test_another_version_of_the_embedded_dataset_has_other_faces(tmp_path):
    with pytest.raises(UsageError, match="version 0"):
        sheet_of(record(data_version="0"), Workspace(tmp_path))


def test_other_datasets_show_stored_frames_where_they_may(smoke_work, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.data.datasets.is_embedded", lambda name: False)
    space = Workspace(smoke_work)
    folder = sheet_of(record(), space)
    sheet = Sheet.load(folder / "sheet.json")
    assert sheet.size == 256 and "prepared clip" in sheet.source
    assert len({(t.speaker, t.emotion) for t in sheet.tiles}) == len(sheet.tiles) >= 2
    assert all((folder / t.file).stat().st_size > 1000 for t in sheet.tiles)


def test_a_sheet_that_cannot_be_made_is_said_and_stops_nothing(tmp_path, monkeypatch, capsys):
    def refuse(*arguments, **more):
        raise NothingDoneError("no disk, no weights")

    monkeypatch.setattr("bench.sheet.sheet_of", refuse)
    broken = tmp_path / "result.json"
    broken.write_text("{}")
    assert sheets_of([broken], Workspace(tmp_path)) == []
    assert capsys.readouterr().err == ""  # the report says what is wrong with the result
    monkeypatch.setattr("bench.sheet.Result.load", lambda path: SimpleNamespace(dataset=record()))
    assert sheets_of([broken, broken], Workspace(tmp_path)) == []
    assert capsys.readouterr().err.count("no contact sheet of puppet: no disk, no weights") == 1

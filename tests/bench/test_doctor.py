"""What the doctor says of a machine, and how: groups, 80 columns, exit codes, a document."""

import json
import sys
import time
import types
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from run_emotalk import emotalk

from bench.contract.errors import ExitCode
from bench.doctor import machine, packages, pretrained
from bench.doctor.findings import COLUMNS, Finding, exit_code, in_words
from bench.tracking.service import DEFAULT_SERVER
from bench.workspace import Workspace


def finding(state="ok", what="a", **changes):
    return Finding("Group", what, state, **({"found": "something"} | changes))


def test_exit_code_is_that_of_the_worst_finding():
    assert exit_code([]) == ExitCode.DONE
    assert exit_code([finding("ok"), finding("note")]) == ExitCode.DONE
    assert exit_code([finding("unsure"), finding("note")]) == ExitCode.COULD_NOT_TELL
    assert exit_code([finding("unsure"), finding("LACK")]) == ExitCode.SOME_FAILED


def test_text_stays_within_the_terminal_and_names_what_to_do():
    rows = [finding("LACK", "a name that is longer than its column", found="word " * 60, do="emotalk weights fetch x")]
    text = in_words([*rows, finding("note", found="one\ntwo " + "words " * 30)])
    assert max(map(len, text.splitlines())) <= COLUMNS
    assert "-> emotalk weights fetch x" in text
    assert text.splitlines()[-1].startswith("1 lacking")


def test_a_long_command_is_never_broken_inside_a_word():
    path = "/a/very/long/path/" * 8
    assert path in in_words([finding("LACK", do=f"emotalk prepare --root {path}")])


def test_folded_groups_hide_only_what_is_ok():
    text = in_words([finding("ok", "fine"), finding("LACK", "broken"), finding("note", "odd")], folded=("Group",))
    assert "1 looked at" in text and "broken" in text and "odd" in text


def test_a_finding_says_ok_to_programs_unless_it_lacks_or_is_unsure():
    assert [finding(state).document()["ok"] for state in ("ok", "note", "LACK", "unsure")] == [True, True, False, False]


def test_this_machine_can_do_the_work(tmp_path):
    rows = {row.what: row for row in machine.examine(Workspace(tmp_path))}
    for name in ("Python", "cores", "memory", "disk", "codecs", "espeak-ng"):
        assert rows[name].state == "ok", rows[name]
    assert rows["cores"].data["cores"] >= 1
    assert rows["GPU"].state in ("ok", "note") and (rows["GPU"].data["cards"] or "none" in rows["GPU"].found)


def test_a_full_disk_lacks_and_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "LEAST_FREE", 10**18)
    row = machine.disk(Workspace(tmp_path))
    assert row.state == "LACK" and "EMOTALK_WORK" in row.do


@pytest.mark.parametrize(
    "settings, mode",
    [
        ({"WANDB_MODE": "disabled"}, "off"),
        ({"WANDB_MODE": "offline", "WANDB_API_KEY": "k"}, "offline"),
        ({"WANDB_API_KEY": "k"}, "online"),
        ({}, "offline"),
    ],
)
def test_tracking_says_what_would_happen_and_never_shows_the_key(settings, mode, monkeypatch, tmp_path):
    pytest.importorskip("wandb", reason="without the library there is nothing to say")
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_DISABLED", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name, value in settings.items():
        monkeypatch.setenv(name, "secret-of-mine" if value == "k" else value)
    row = machine._tracking()
    assert row.data["mode"] == mode
    assert row.state != "LACK"
    assert "secret-of-mine" not in json.dumps(row.document())


def test_tracking_finds_the_key_that_wandb_login_writes(monkeypatch, tmp_path):
    pytest.importorskip("wandb", reason="without the library there is nothing to say")
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    host = DEFAULT_SERVER.partition("//")[2]
    (tmp_path / "netrc").write_text(f"machine {host} login user password {'0' * 40}\n")
    assert machine._tracking().data == {"mode": "online", "key": True}


class FakeCuda:
    """torch.cuda of a machine with one card, or with none."""

    def __init__(self, cards):
        self.is_available = lambda: bool(cards)
        self.device_count = lambda: len(cards)
        self.get_device_properties = lambda i: cards[i]


@pytest.mark.parametrize(
    "cards, driver, cuda, state, said",
    [
        (["Card X"], "570.1", "12.8", "ok", "Card X, 80.0 GB; driver 570.1, CUDA 12.8"),
        ([], None, None, "note", "none: everything runs on the CPU"),
        ([], "570.1", None, "note", "built without CUDA"),
        ([], "570.1", "12.8", "note", "sees no card"),
    ],
)
def test_a_card_is_named_and_a_driver_without_a_working_torch_is_told(monkeypatch, cards, driver, cuda, state, said):
    import torch

    cards = [SimpleNamespace(name=name, total_memory=80 * 10**9) for name in cards]
    monkeypatch.setattr(torch, "cuda", FakeCuda(cards))
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(machine, "_driver", lambda: driver)
    row = machine._gpu()
    assert row.state == state and said in row.found
    assert bool(row.do) == (driver is not None and not cards)


def test_another_package_of_our_name_is_found_out(monkeypatch, tmp_path):
    stranger = types.ModuleType("metrics")
    stranger.__file__ = str(tmp_path / "metrics" / "__init__.py")
    monkeypatch.setitem(sys.modules, "metrics", stranger)
    row = packages._ours()
    assert row.state == "LACK" and str(tmp_path) in row.found


def test_versions_are_compared_with_the_pinned_ones(monkeypatch):
    monkeypatch.setattr(packages, "_version", lambda name: "0.0.1" if name == "numpy" else "1+cpu")
    row = packages._against_constraints()
    assert row.state == "note" and "numpy 0.0.1 instead of" in row.found and row.do


def test_a_build_of_the_pinned_version_is_the_pinned_version(monkeypatch):
    lines = (packages.Path(packages.__file__).parents[2] / "constraints.txt").read_text().splitlines()
    pins = {r.name: next(iter(r.specifier)).version for line in lines if (t := line.split("#")[0].strip())
            for r in [Requirement(t)]}  # fmt: skip
    monkeypatch.setattr(packages, "_version", lambda name: pins[name] + "+cu128")
    assert packages._against_constraints().state == "ok"


def test_weights_name_the_columns_that_stay_empty_without_them(monkeypatch, tmp_path):
    monkeypatch.delenv("EMOTALK_WEIGHTS", raising=False)
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    rows = {row.what: row for row in pretrained.examine()}
    landmarks = rows[pretrained.ESSENTIAL]
    assert landmarks.state == "LACK" and landmarks.do == "emotalk weights fetch face_landmarker"
    assert "M-LMD" in landmarks.found
    assert all(row.state != "LACK" for name, row in rows.items() if name != pretrained.ESSENTIAL)


def test_the_columns_of_an_extractor_are_named_and_no_class():
    users = pretrained._users()
    assert users["gaze_eth_xgaze"] == ["Gaze-rel"]
    assert {"LSE-D", "LSE-C"} <= set(users["syncnet_v2"])
    assert users["sfd_face"] == ["syncnet_tracks"]


def test_a_wrong_weight_file_lacks_even_if_nothing_needs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOTALK_WEIGHTS", str(tmp_path))
    (tmp_path / "sface.onnx").write_bytes(b"not a network")
    row = {row.what: row for row in pretrained.examine()}["sface"]
    assert row.state == "LACK" and "emotalk weights fetch sface" in row.do


def test_doctor_alone_answers_within_ten_seconds_and_prints_one_document(tmp_path, face_weights):
    started = time.perf_counter(), time.process_time()
    done = emotalk("doctor", "--json", "--work", tmp_path)
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 0, [f for f in document["findings"] if not f["ok"]]
    groups = list(dict.fromkeys(f["group"] for f in document["findings"]))
    assert groups == ["Machine", "Packages", "Weights", "Leaks in splits", "Leaks in the work folder"]
    # on a busy machine the wall says nothing; it is held where there is a core to spare
    if machine.os.getloadavg()[0] < machine.cores() / 2:
        assert time.perf_counter() - started[0] < 10


def test_wrong_use_says_what_to_give(tmp_path):
    for flags, said in (
        (("--root", tmp_path), "--dataset"),
        (("--dataset", "mead"), "--root"),
        (("--manifest", "edtalk"), "--dataset"),
        (("--dataset", "mead", "--root", tmp_path / "absent"), "no folder"),
    ):
        done = emotalk("doctor", *flags, "--work", tmp_path / "work")
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr

"""Hours and disk predicted before starting: from earlier runs, from a short measurement, from the docs; held to a real run."""

import json
import shutil
from dataclasses import replace
from time import monotonic

import pytest

from bench import rates
from bench.contract.clip import Part
from bench.contract.errors import ExitCode
from bench.data.manifests import load_manifest
from bench.data.prepare_clip import PREPARE_VERSION
from bench.data.puppet.dataset import plan
from bench.data.puppet.version import PUPPET_VERSION
from bench.doctor import ahead, dataset, forecast
from bench.doctor.findings import exit_code
from bench.doctor.forecast import Cost, Step
from bench.doctor.sources import Sources, header_of, sample
from bench.prepare import dataset_root, prepare
from bench.workspace import Workspace

HD = Sources(frames=75, width=1920, height=1080, fps=25.0, sampled=40, failed=0)
COST = Cost(0.01, 1000, "documented", "docs")


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(forecast, "cores", lambda: 4)


def record(**changes):
    """A record of this machine."""
    facts = {"clips": 10, "frames": 1000, "frame_seconds": 0.02, "wall_seconds": 12.0, "workers": 2, "written": 10**7}
    facts |= {"code": PREPARE_VERSION, "size": (480, 360), "native": False} | changes
    return rates.rate(facts.pop("kind", "prepare"), facts.pop("label", "cremad"), **facts)


def test_time_grows_with_frames_and_falls_with_processes_up_to_the_cores():
    work = [forecast.step("prepare", 1000, 100_000, COST, jobs).seconds - forecast.STARTING for jobs in (1, 2, 4, 16)]
    assert work == pytest.approx([1000, 500, 250, 250])
    assert forecast.step("prepare", 1000, 200_000, COST, 1).seconds > 1.9 * work[0]


def test_one_clip_runs_on_one_core_and_no_clip_costs_nothing():
    assert forecast.step("prepare", 1, 100, COST, 4).seconds == pytest.approx(forecast.STARTING + 1)
    nothing = forecast.step("prepare", 0, 0, COST, 4)
    assert (nothing.seconds, nothing.bytes) == (0, 0)


def test_records_are_kept_and_those_of_another_machine_are_not_used(tmp_path):
    ours, other = record(), replace(record(), machine="another processor, 64 cores")
    rates.add(tmp_path, [other, ours])
    assert rates.load(tmp_path) == [ours]
    rates.add(tmp_path, [ours])
    assert len(json.loads(rates.path_of(tmp_path).read_text())["records"]) == 3


def test_the_oldest_records_give_way(tmp_path, monkeypatch):
    monkeypatch.setattr(rates, "KEPT", 3)
    for number in range(5):
        rates.add(tmp_path, [record(clips=number + 1)])
    assert [r.clips for r in rates.load(tmp_path)] == [3, 4, 5]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 9, "records": []}', "null"]
)
def test_a_file_that_is_not_understood_counts_as_none_and_is_written_anew(tmp_path, text):
    rates.path_of(tmp_path).write_text(text)
    assert rates.load(tmp_path) == []
    rates.add(tmp_path, [record()])
    assert len(rates.load(tmp_path)) in (0, 1)  # never an error; records with an unknown schema are replaced


def test_a_cache_that_cannot_be_written_harms_nothing(tmp_path):
    (tmp_path / "file").write_text("x")
    rates.add(tmp_path / "file", [record()])
    assert rates.load(tmp_path / "file") == []


def test_a_rate_holds_for_sources_like_those_it_was_measured_on():
    known = [record()]
    like = Sources(60, 480, 360, 25.0, 1, 0)
    assert forecast.prepare_cost(known, like).frame_seconds == 0.02
    assert forecast.prepare_cost(known, replace(like, fps=30.0)) is None  # cues twice
    assert forecast.prepare_cost(known, HD) is None
    assert forecast.prepare_cost([replace(known[0], code="older")], like) is None
    assert forecast.prepare_cost([], like) is None


def test_a_longer_run_shows_the_rate_better_than_a_newer_short_one():
    known = [record(frames=5000, frame_seconds=0.02), record(frames=100, frame_seconds=0.5, written=10**6)]
    assert forecast.prepare_cost(known, Sources(60, 480, 360, 25.0, 1, 0)).frame_seconds == 0.02


def test_documented_figures_are_those_of_the_table_and_grow_with_the_picture():
    def at(width, height, fps=25.0):
        return forecast.documented_prepare(Sources(60, width, height, fps, 1, 0))

    assert at(256, 256).frame_seconds == pytest.approx(0.0088)
    assert at(1920, 1080).frame_seconds == pytest.approx(0.0297)
    assert at(256, 256).frame_seconds <= at(480, 360).frame_seconds < at(1280, 720).frame_seconds
    assert at(1280, 720).frame_seconds < at(1920, 1080).frame_seconds < at(3840, 2160).frame_seconds
    assert at(480, 360, 29.97).frame_seconds == pytest.approx(0.0156, rel=0.02)  # docs/performance.md's CREMA-D row
    assert at(480, 360, 29.97).frame_bytes > at(480, 360).frame_bytes
    assert at(1920, 1080).basis == "documented"


def test_a_disk_too_small_for_the_prediction_lacks():
    steps = [Step("prepare", 10, 1000, 60.0, 5e9, "documented", "docs")]
    assert exit_code(forecast.findings(steps, 10**11, 2, "test")) == ExitCode.DONE
    rows = forecast.findings(steps, 5 * 10**9, 2, "test")
    assert exit_code(rows) == ExitCode.SOME_FAILED
    assert "--work" in rows[-1].do and "too small" in rows[-1].found


def test_other_work_on_the_cores_is_said(monkeypatch):
    steps = [Step("prepare", 10, 1000, 60.0, 5e6, "documented", "docs")]
    monkeypatch.setattr(forecast, "_load", lambda: 0.0)
    assert not [r for r in forecast.findings(steps, 10**11, 4, "test") if r.what == "busy now"]
    monkeypatch.setattr(forecast, "_load", lambda: 12.0)
    (row,) = [r for r in forecast.findings(steps, 10**11, 4, "test") if r.what == "busy now"]
    assert row.data["times"] == 4.0 and row.state == "note"


@pytest.mark.parametrize("seconds, text", [(5.4, "5 s"), (200, "3 min"), (7500, "2 h 05 min")])
def test_durations_are_said_as_people_say_them(seconds, text):
    assert forecast.duration(seconds) == text


def test_headers_tell_what_the_videos_hold(cremad_tree):
    from bench.data import media

    for path in sorted(cremad_tree.rglob("*.flv"))[:3]:
        header, info = header_of(path), media.probe(path)
        assert (header.width, header.height) == (info.width, info.height)
        assert header.seconds == pytest.approx(info.duration_s, abs=0.1)
        assert header.fps == pytest.approx(info.fps, rel=0.02)


def test_files_that_are_no_videos_have_no_header(tmp_path):
    for name, content in (("empty.flv", b""), ("text.flv", b"hello")):
        (tmp_path / name).write_bytes(content)
        assert header_of(tmp_path / name) is None
    assert header_of(tmp_path / "absent.flv") is None
    assert sample([]) is None


def test_prepare_leaves_a_rate_behind_and_a_second_run_that_does_nothing_leaves_none(smoke_work):
    known = [r for r in rates.load(smoke_work / "cache") if r.kind == "prepare"]
    assert len(known) == 1
    (rate,) = known
    store = smoke_work / "store" / "puppet-smoke" / "clips"
    size = sum(p.stat().st_size for p in store.rglob("*") if p.is_file() and p.name != "record.json")
    assert (rate.width, rate.height, rate.native) == (256, 256, False)
    assert rate.bytes == size
    assert 0.001 < rate.frame_seconds < 1


class Ticks:
    """Wall and processor seconds that go on as told."""

    def __init__(self, monkeypatch):
        self.wall = self.processor = 0.0
        monkeypatch.setattr(rates, "monotonic", lambda: self.wall)
        monkeypatch.setattr(rates, "family_seconds", lambda: self.processor)


@pytest.mark.parametrize("load", [1, 5])
def test_rendering_is_timed_without_the_start_of_its_workers_and_without_other_work(tmp_path, monkeypatch, load):
    ticks = Ticks(monkeypatch)
    clock = rates.RenderClock(lambda done, total: None, tmp_path)
    clock(0, 50)
    for group in range(10):  # two workers, five clips of 50 frames a group, 20 ms a frame, 3 s to start
        started = 3.0 if group < 2 else 0.0
        ticks.processor += 5.0 + started
        ticks.wall += load * (5.0 + started) / 2
        clock(5, 50)
    (rate,) = clock.rates("puppet-quick", 2500, 2, "1")
    assert rate.frame_seconds == pytest.approx(0.02)
    assert (rate.clips, rate.frames, rate.workers) == (50, 2500, 2)


def test_a_short_rendering_is_freed_of_loading_and_one_of_nothing_leaves_no_record(tmp_path, monkeypatch):
    ticks = Ticks(monkeypatch)
    clock = rates.RenderClock(lambda done, total: None, tmp_path)
    clock(0, 10)
    assert clock.rates("puppet-smoke", 250, 2, "1") == []
    for _ in range(2):
        ticks.processor += 2.5 + rates.LOADING
        ticks.wall += 1 + rates.LOADING / 2
        clock(5, 10)
    assert clock.rates("puppet-smoke", 250, 2, "1")[0].frame_seconds <= 0.02


def test_a_system_that_does_not_tell_processor_time_is_timed_by_the_wall(monkeypatch):
    assert rates._undisturbed(3.0, float("nan")) == 3.0
    assert rates._undisturbed(3.0, 1.0) == 1.0


def test_workers_count_into_the_processor_time_of_the_family():
    import subprocess
    import sys

    before = rates.family_seconds()
    code = "import time\nwhile time.process_time() < 0.5: pass\nprint(1, flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as child:
        child.stdout.readline()
        assert rates.family_seconds() - before >= 0.4  # while it runs
        child.communicate("\n")
    assert rates.family_seconds() - before >= 0.4  # and after it was waited for


def test_the_mirror_to_wandb_is_no_part_of_the_work():
    import subprocess
    import sys

    code = "import time\nwhile time.process_time() < 0.5: pass\nprint(1, flush=True)\ninput()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, start_new_session=True) as child:
        before = rates.family_seconds()
        child.stdout.readline()
        assert rates.family_seconds() - before < 0.3
        child.communicate("\n")


def test_building_a_head_counts_as_frames_when_it_is_measured_and_when_it_is_predicted(tmp_path, monkeypatch):
    """Ten clips of one speaker and ten of ten: what one shows of a frame predicts the other."""
    each, found = 0.02, []
    for speakers in (1, 10):
        ticks = Ticks(monkeypatch)
        clock = rates.RenderClock(lambda done, total: None, tmp_path)
        clock(0, 10)
        for _ in range(10):
            seconds = each * (20 + rates.HEAD_FRAMES * speakers / 10)
            ticks.processor, ticks.wall = ticks.processor + seconds, ticks.wall + seconds
            clock(1, 10)
        (rate,) = clock.rates("puppet-quick", 200, 1, "1", speakers)
        found.append(rate.frame_seconds)
        cost = Cost(rate.frame_seconds, 0, "earlier run", "")
        predicted = forecast.step("render", 10, 200, cost, 1, speakers).seconds - forecast.STARTING
        assert predicted == pytest.approx(ticks.wall)
    assert found == pytest.approx([each, each])


def test_rendering_leaves_a_rate_that_knows_of_its_heads(tmp_path, monkeypatch):
    from bench.data.puppet import dataset as puppet

    def write(root, *given, progress, **flags):
        progress(0, 60)
        ticks.processor, ticks.wall = ticks.processor + 100, ticks.wall + 100
        progress(60, 60)

    ticks = Ticks(monkeypatch)
    monkeypatch.setattr(puppet, "write_tree", write)
    dataset_root("puppet", None, "quick", Part.TEST, Workspace(tmp_path), 1, None)
    (rate,) = rates.load(tmp_path / "cache")
    planned = plan("quick", ("test",))
    heads = len({clip.speaker for clip in planned})
    assert rate.frames == sum(clip.frames for clip in planned)
    assert rate.frame_seconds == pytest.approx(
        (100 - rates.LOADING) / (rate.frames + rates.HEAD_FRAMES * heads), abs=1e-6
    )


def test_of_frames_only_and_of_cremads_layout_the_forecast_is_that_of_their_own_kind():
    rendered = [record(kind="render", label="puppet-quick", code=str(PUPPET_VERSION), size=None)]
    assert forecast.stage_cost("render", rendered, "puppet-bench").frame_seconds == 0.02
    assert forecast.stage_cost("render", rendered, "puppet-cremad-quick") is None
    moving = record(label="puppet-quick", size=(256, 256))
    square = Sources(20, 256, 256, 25.0, 0, 0)
    stills = replace(square, stills=True)
    assert forecast.prepare_cost([moving], square) and forecast.prepare_cost([moving], stills) is None
    own = replace(moving, label="puppet-pretrain")
    assert forecast.prepare_cost([own], stills) and forecast.prepare_cost([own], square) is None
    assert forecast.documented_prepare(stills).frame_seconds > 1.5 * forecast.documented_prepare(square).frame_seconds


def test_the_embedded_datasets_other_layout_is_prepared_as_what_it_is(tmp_path):
    from bench.data.puppet import flv

    assert ahead.EMBEDDED["cremad"] == (*flv.SIZE, float(flv.FPS))
    work, _ = ahead.steps(
        "puppet-cremad-quick", load_manifest("puppet-cremad", "quick"), Part.TEST, None, Workspace(tmp_path),
        embedded=("quick", "cremad"),
    )  # fmt: skip
    prepare = next(step for step in work if step.stage == "prepare")
    assert prepare.bytes / prepare.frames > 19_000  # cues twice: measured 21 kB a frame


def test_no_more_clips_are_scored_than_the_limit_asks_for(tmp_path):
    manifest = load_manifest("puppet", "bench")
    work, _ = ahead.steps(
        "puppet-bench", manifest, Part.TEST, None, Workspace(tmp_path), embedded=("bench", "mead"), limit=1
    )
    assert work[-1].clips == len(ahead._control_rows())


def test_rows_are_recorded_only_if_they_are_the_controls_and_all_fresh(tmp_path):
    for methods, fresh, count in (("controls", True, 1), ("controls", False, 0), ("static", True, 0)):
        clock = rates.RowsClock(tmp_path, "mead", 2, methods)
        (tmp_path / "generated").mkdir(exist_ok=True)
        (tmp_path / "generated" / methods).write_bytes(b"x" * 500)
        clock.row(fresh=True)
        clock.row(fresh=fresh)
        found = clock.rates([50, 60], "emotalk")
        assert len(found) == count
        assert all((r.frames, r.clips, r.bytes) == (220, 4, 500) for r in found)


def test_nothing_is_left_to_do_for_what_is_prepared(smoke_work, smoke_tree):
    space, manifest = Workspace(smoke_work), load_manifest("puppet", "smoke")
    reading = dataset.read("puppet", smoke_tree)
    steps, _ = ahead.steps("puppet-smoke", manifest, Part.TEST, reading, space, embedded=("smoke", "mead"))
    assert [step.clips for step in steps] == [0, 0, 4 * 9]


def test_of_a_tree_that_is_not_rendered_yet_everything_is_ahead(tmp_path):
    steps, lengths = ahead.steps(
        "puppet-quick",
        load_manifest("puppet", "quick"),
        Part.TEST,
        None,
        Workspace(tmp_path),
        embedded=("quick", "mead"),
    )
    assert [(s.stage, s.clips) for s in steps] == [("render", 60), ("prepare", 60), ("controls", 24 * 9)]
    assert steps[0].frames == steps[1].frames == sum(clip.frames for clip in plan("quick", ("test",)))
    assert {s.basis for s in steps} == {"documented"}
    assert "50 frames" in lengths


def test_what_is_there_of_a_row_and_part_counts_once_and_training_parts_are_not_scored(tmp_path):
    space, manifest = Workspace(tmp_path), load_manifest("puppet", "smoke")
    items = space.generated("static", "puppet-smoke") / "items"
    items.mkdir(parents=True)
    scored = [clip.clip_id for clip in plan("smoke", ("test",)) if clip.scored]
    for name in [*scored[:3], "of-another-part", "of-a-third"]:
        (items / f"{name}.json").write_text("{}")
    steps, _ = ahead.steps("puppet-smoke", manifest, Part.TEST, None, space, embedded=("smoke", "mead"))
    assert steps[-1].clips == 4 * 9 - 3
    steps, _ = ahead.steps("puppet-smoke", manifest, Part.VALIDATION, None, space, embedded=("smoke", "mead"))
    assert steps[-1].clips == 2 * 9
    steps, _ = ahead.steps("puppet-smoke", manifest, Part.METHOD_TRAIN, None, space, embedded=("smoke", "mead"))
    assert [step.stage for step in steps] == ["render", "prepare"]


def many_clips(cremad_tree, folder, copies):
    """A CREMA-D tree of the six real clips under several actors, and a split of one's own: 1001 validation, the rest test."""
    rows = []
    for actor in range(1001, 1001 + copies):
        for path in sorted(cremad_tree.rglob("1001_*.flv")):
            name = path.stem.replace("1001", str(actor), 1)
            target = folder / "VideoFlash" / f"{name}.flv"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            rows.append(f"{name},{'validation' if actor == 1001 else 'test'}\n")
    (folder / "own.csv").write_text("clip_id,part\n" + "".join(rows))
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_forecast_is_held_to_a_measured_run(cremad_tree, face_weights, tmp_path, monkeypatch):
    """Six real clips of one actor are prepared; 24 of four others are predicted from that, and from a short measurement.

    Time is compared as the time on free cores: the smaller of wall seconds and processor seconds per process.
    """
    monkeypatch.undo()
    root, jobs = many_clips(cremad_tree, tmp_path / "cremad", 5), 2
    manifest = load_manifest("cremad", root / "own.csv")
    reading = dataset.read("cremad", root)
    space = Workspace(tmp_path / "work")
    monkeypatch.setenv("EMOTALK_WORK", str(space.root))
    flags = {"root": root, "profile": None, "manifest": str(root / "own.csv"), "space": space, "jobs": jobs}

    def predicted(measure):
        steps, _ = ahead.steps("cremad", manifest, Part.TEST, reading, space, embedded=None, jobs=jobs, measure=measure)
        return next(step for step in steps if step.stage == "prepare")

    now = predicted(measure=True)
    assert now.basis == "measured now" and not (space.cache / "measure").exists()
    prepare("cremad", part="validation", **flags)
    before = predicted(measure=False)
    assert before.basis == "earlier run"
    started = monotonic(), rates.family_seconds()
    report = prepare("cremad", part="test", **flags)
    wall, processor = monotonic() - started[0], rates.family_seconds() - started[1]
    free = min(wall, processor / jobs)
    folder = space.store("cremad")
    size = sum(r.bytes for r in rates.load(space.cache)[1:])
    assert rates.bytes_below([folder]) >= size
    for step in (now, before):
        print(
            f"{step.basis}: {step.clips} clips; predicted/actual frames {step.frames / report.frames:.2f}, "
            f"time {step.seconds:.1f}/{free:.1f} s = {step.seconds / free:.2f} (wall {wall:.1f} s, load "
            f"{forecast._load():.1f}), disk {step.bytes / size:.2f}"
        )
        assert step.clips == report.prepared == 24
        assert 1 / 1.2 < step.bytes / size < 1.2
        assert 1 / 1.5 < step.seconds / free < 1.5

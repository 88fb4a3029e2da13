"""The ruler: a difference is the dose that makes it, on the dataset, protocol and version that were calibrated."""

import pytest
from hand_calibration import DOSES, calibration, cell, damage
from result_rows import write_row

from bench.contract.errors import UsageError
from bench.contract.result import ExtractorRecord, Result
from reports.dosewords import doses_in_words, in_short, in_words, read_as
from reports.ruler import NOT_FROM_ZERO, Ruler, badness, find_ruler


def ruler(*cells, **about):
    return Ruler(calibration(damage(*cells, **about)))


def read(one, difference, metric="SSIM", version="1"):
    [dose] = one.read(metric, version, difference)
    return dose


@pytest.mark.parametrize(
    "effect", [lambda d: -0.01 * d, lambda d: 0.3 * d**2, lambda d: d**0.5], ids=["falls", "bends up", "bends down"]
)
@pytest.mark.parametrize("dose", DOSES)
def test_what_a_dose_does_reads_as_that_dose_whatever_its_sign(effect, dose):
    one = ruler(cell(effect=effect, half=abs(effect(1.0)) / 9))
    for sign in (-1, 1):
        found = read(one, sign * effect(dose))
        assert found.reads == "dose" and found.dose == pytest.approx(dose)
        assert found.low <= found.dose and (found.high is None or found.dose <= found.high)


def test_between_doses_larger_differences_are_larger_doses_and_a_straight_line_is_read_as_one():
    one = ruler(cell(effect=lambda d: 0.3 * d**2, half=0.05))
    doses = [read(one, size).dose for size in (0.1, 0.2, 0.3, 0.6, 1.2, 2.0, 4.0)]
    assert doses == sorted(doses) and len(set(doses)) == len(doses)
    assert read(ruler(cell()), 0.025).dose == pytest.approx(2.5)


def test_a_curve_known_less_well_gives_a_wider_interval_and_one_without_intervals_none():
    sharp, blunt, bare = (read(ruler(cell(half=half)), 0.02) for half in (0.001, 0.004, None))
    assert blunt.low < sharp.low < 2.0 < sharp.high < blunt.high
    assert (bare.dose, bare.low, bare.high) == (pytest.approx(2.0), None, None)


def test_beyond_the_curve_it_says_so_and_guesses_nothing():
    one = ruler(cell())
    assert read(one, 0.05).reads == "more-than-top" and read(one, 0.05).dose is None
    assert read(one, 0.001).reads == read(one, 0.0).reads == "too-small"
    near_top = read(one, 0.0395)
    assert near_top.high is None and in_words(near_top).endswith(", > 4]")


def test_a_dose_that_does_less_than_a_smaller_one_is_stepped_over():
    answers = {1.0: -0.010, 2.0: -0.009, 4.0: -0.04}
    found = read(ruler(cell(effect=answers.__getitem__)), 0.025)
    assert 1.0 < found.dose < 4.0


@pytest.mark.parametrize("name", NOT_FROM_ZERO)
def test_below_the_smallest_dose_nothing_is_read_where_dose_zero_is_not_the_undamaged_clip(name):
    one = ruler(cell(effect=lambda d: -0.1 - 0.01 * d, half=0.015), name=name)
    below, inside = read(one, 0.105), read(one, 0.12)
    assert below.reads == "less-than-bottom" and in_words(below) == f"{name} < 1 px" and below.dose is None
    assert in_short([below]) == [f"{name} < 1 px"]
    assert inside.dose == pytest.approx(2.0) and in_words(inside).startswith(f"{name} 2 px [≤ 1, ")
    assert read(ruler(cell(effect=lambda d: -0.1 - 0.01 * d)), 0.105).dose < 1  # a blur of 0 px is no blur
    assert read(one, 0.001).reads == "too-small" and read(one, 0.2).reads == "more-than-top"


def test_such_a_curve_also_needs_two_doses():
    assert ruler(cell(doses=[1.0]), name="codec").read("SSIM", "1", 0.01) == []


def with_lows(*lows):
    """A straight curve of .01 a dose whose intervals begin at these sizes."""
    made = cell(effect=lambda d: 0.01 * d)
    points = [p.model_copy(update={"low": low}) for p, low in zip(made.points, lows, strict=True)]
    return ruler(made.model_copy(update={"points": points}))


def test_the_upper_end_is_the_largest_dose_that_the_lower_curve_allows():
    assert read(with_lows(0.009, 0.009, 0.039), 0.009).high == pytest.approx(2.0)  # a plateau: up to its last dose
    assert read(with_lows(0.009, 0.008, 0.039), 0.009).high == pytest.approx(2.0)  # what one dose does, larger ones do
    assert read(with_lows(-0.001, -0.002, 0.039), 0.01).high > 2.0  # doses that may do nothing
    assert read(with_lows(-0.001, -0.002, 0.0), 0.01).high is None  # beyond the top dose


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "not-as-declared"},
        {"verdict": "not-shown"},
        {"says": "flat", "margin": 0.1},
        {"version": "2"},
        {"version": ""},
    ],
    ids=str,
)
def test_only_what_answers_as_declared_and_in_this_version_is_a_ruler(changes):
    assert ruler(cell(**changes)).read("SSIM", "1", 0.02) == []
    assert ruler(cell()).read("PSNR", "1", 0.02) == []


def test_a_curve_of_one_dose_is_no_ruler():
    assert ruler(cell(doses=[1.0])).read("SSIM", "1", 0.005) == []


def test_the_surest_damages_of_different_kinds_come_first():
    one = Ruler(
        calibration(
            damage(cell(half=0.004), name="noise"),
            damage(cell(half=0.001)),
            damage(cell(half=0.003), name="sound-lag", unit="frames", kind="sound"),
            damage(cell(effect=lambda d: -1e-4 * d, half=1e-5), name="codec"),
        )
    )
    doses = one.read("SSIM", "1", 0.02)
    assert [dose.damage for dose in doses] == ["blur", "sound-lag", "noise", "codec"]
    assert in_short(doses, 2) == ["blur 2 px [1.9, 2.1]", "sound-lag 2 frames [1.7, 2.3]"]
    assert in_short(doses, 9)[-1].startswith("noise") and in_short([]) == []
    assert in_short(one.read("SSIM", "1", 9.0), 1) == ["noise > 4 px"]
    assert in_short(one.read("SSIM", "1", 0.0)) == ["too small to read"]


def test_doses_are_told_in_their_units():
    assert doses_in_words([0.1, 0.5, 1.0], "share of clips") == "10, 50, 100 % of clips"
    one = ruler(cell(), name="sound-lag", unit="frames", kind="sound")
    assert in_words(read(one, 0.01)).startswith("sound-lag 1 frame [")


@pytest.fixture
def result(tmp_path):
    return Result.load(write_row(tmp_path / "row", "good", {"SSIM": 0.9}) / "result.json")


def saved(folder, name, made):
    (folder / name).mkdir(parents=True)
    made.save(folder / name / "calibration.json")
    return folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset": {"name": "cremad"}}, "no calibration of the dataset puppet"),
        ({"dataset": {"data_version": "1"}}, "another version of its data"),
        ({"protocol": "eat-like"}, "another protocol"),
        ({"protocol_sha256": "older"}, "another version of it"),
    ],
    ids=str,
)
def test_no_ruler_is_laid_on_what_it_was_not_made_for(changes, said, result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    found = find_ruler(result, [saved(tmp_path, "c", calibration(**changes))])
    assert isinstance(found, str) and said in found and "emotalk calibrate --dataset puppet" in found


def test_the_command_that_makes_a_ruler_has_every_flag_that_it_needs(result, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")

    def said(**changes):
        return find_ruler(result.model_copy(update={"dataset": result.dataset.model_copy(update=changes)}))

    assert "`emotalk calibrate --dataset mead --root FOLDER` makes one" in said(name="mead", profile=None)
    assert "`emotalk calibrate --dataset cremad-sample` makes one" in said(name="cremad-sample", profile=None)
    assert "`emotalk calibrate --dataset puppet --profile bench --split validation` makes" in said(
        profile="bench", part="validation"
    )


def test_of_several_calibrations_the_rows_own_part_comes_first(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    saved(tmp_path, "a", calibration(dataset={"part": "validation"}, n_clips=999))
    found = find_ruler(result, [saved(tmp_path, "b", calibration(n_clips=7))])
    assert found.calibration.n_clips == 7 and "puppet quick test: 7 clips of 5 speakers" in found.made_of


@pytest.mark.parametrize("broken", ["{}", '{"schema_version": 0}', "\udcff", ""])
def test_a_broken_file_of_the_users_own_is_left_out_and_named(result, tmp_path, monkeypatch, broken):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    (tmp_path / "calibration" / "x").mkdir(parents=True)
    (tmp_path / "calibration" / "x" / "calibration.json").write_text(broken, errors="surrogateescape")
    said = "calibration/x/calibration.json is not a calibration: remove or remake it"
    assert said in find_ruler(result, [tmp_path / "calibration"])
    assert said in find_ruler(result, [saved(tmp_path / "calibration", "y", calibration())]).made_of


def test_a_broken_file_of_the_suites_own_is_an_error(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.resources.files", lambda package: tmp_path)
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "calibration-x.json").write_text("{}")
    with pytest.raises(UsageError, match=r"calibration-x\.json: not a calibration"):
        find_ruler(result)


def test_a_partial_or_empty_calibration_does_not_hide_a_whole_one(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    whole = calibration(damage(cell()), damage(cell(half=0.003), name="noise"), n_clips=7)
    saved(tmp_path, "whole", whole)
    saved(tmp_path, "partial", calibration(n_clips=99, created="2027-01-01T00:00:00+00:00"))
    saved(tmp_path, "old", calibration(damage(*[cell(version="0")] * 5), n_clips=99))
    found = find_ruler(result, [saved(tmp_path, "empty", calibration(damage(cell(verdict="not-shown")), n_clips=99))])
    assert found.calibration.n_clips == 7


def test_where_no_curve_can_be_read_that_is_said(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    found = find_ruler(result, [saved(tmp_path, "empty", calibration(damage(cell(verdict="not-shown"))))])
    assert found.startswith("the calibration of puppet has no curve that can be read; `emotalk calibrate")


def test_one_speaker_makes_no_ruler_and_no_further_calibration_is_asked_for(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    made = calibration(damage(cell(half=None, verdict="not-shown")), n_speakers=1)
    said = "the calibration of puppet is on 1 speaker, too few to show that any column answers as declared"
    assert find_ruler(result, [saved(tmp_path, "one", made)]) == said


def test_columns_that_other_networks_made_are_not_read_and_named(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    records = [
        ExtractorRecord(name="face", version="1", weights={"face": "w"}),
        ExtractorRecord(name="sync_expert", version="1", weights={"sync-expert": "a"}),
    ]
    made = calibration(damage(cell(), cell("SX-D")), extractors=records)
    folders = [saved(tmp_path, "c", made)]
    mine = [records[0], records[1].model_copy(update={"weights": {"sync-expert": "b"}})]
    found = find_ruler(result.model_copy(update={"extractors": mine}), folders)
    assert found.read("SX-D", "1", 0.02) == [] and found.read("SSIM", "1", 0.02)
    assert "not laid on SX-D: calibrated with other weights of sync_expert" in found.made_of
    assert find_ruler(result.model_copy(update={"extractors": records}), folders).read("SX-D", "1", 0.02)
    other_face = records[0].model_copy(update={"weights": {"face": "v"}})
    found = find_ruler(result.model_copy(update={"extractors": [other_face]}), folders)
    assert "no curve that can be read; not laid on SSIM" in found


@pytest.mark.parametrize(("clips", "read"), [(9, False), (10, True), (20, True), (40, True), (41, False), (None, True)])
def test_a_number_of_all_clips_is_read_only_on_about_as_many_as_it_was_measured_on(clips, read):
    one = ruler(cell("FID"))  # of 20 clips
    assert bool(one.read("FID", "1", 0.02, clips)) is read
    why_not = None if read else f"measured on 20 clips, this row has {clips}"
    assert one.other_size("FID", "1", clips) == why_not
    assert read_as(one.read("FID", "1", 0.02, clips), why_not) == ([why_not] if why_not else ["blur 2 px [1.8, 2.2]"])


def test_what_was_measured_on_as_many_clips_is_read_though_other_curves_were_not():
    few = cell("FID", points=[p.model_copy(update={"n_clips": 5}) for p in cell().points])
    one = Ruler(calibration(damage(few), damage(cell("FID"), name="noise")))
    assert [dose.damage for dose in one.read("FID", "1", 0.02, 30)] == ["noise"] and not one.other_size("FID", "1", 30)
    assert one.other_size("FID", "1", 90) == "measured on 5 and 20 clips, this row has 90"
    assert one.other_size("FID", "2", 90) is None  # of another version there is no curve


def test_of_two_calibrations_the_one_that_can_be_read_on_so_many_clips_is_taken(result, tmp_path, monkeypatch):
    monkeypatch.setattr("reports.ruler.FROZEN", "none")
    whole = result.metric("SSIM").model_copy(update={"metric": "FID", "kind": "set", "n_clips": 50})
    result = result.model_copy(update={"metrics": [whole]})
    large = [p.model_copy(update={"n_clips": 60}) for p in cell().points]
    saved(tmp_path, "few", calibration(damage(cell("FID")), n_clips=99))
    found = find_ruler(result, [saved(tmp_path, "many", calibration(damage(cell("FID", points=large)), n_clips=60))])
    assert found.calibration.n_clips == 60


def test_badness_is_the_shown_value_with_less_for_better():
    assert badness("higher", 0.9, None) == -0.9 and badness("zero", -2.0, None) == 2.0
    assert badness("match", 5.0, 6.0) == 1.0 and badness("match", 5.0, None) is None

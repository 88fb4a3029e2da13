"""`emotalk power`: rows that are there say, per metric, the smallest difference that their part can show."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hand_calibration import calibration, cell, damage
from result_rows import write_row
from run_emotalk import emotalk

from bench import cli
from bench.compare import compare_rows, load_row
from bench.contract.errors import NothingDoneError, UsageError
from bench.contract.metric import SetEstimate
from bench.power import comparable, power_of_rows
from bench.power_verb import power_verb
from bench.workspace import Workspace
from metrics.power import smallest_difference
from reports.power import markdown, terminal
from reports.ruler import Ruler

VALUES = {"SSIM": 0.9, "M-LMD": 1.0, "SX-C": 5.8}


@pytest.fixture
def results(tmp_path):
    """Three rendered rows and the real clips themselves, five speakers."""
    folder = tmp_path / "work" / "results"
    for k, name in enumerate(("one", "two", "three", "gt")):
        write_row(folder / name, name, VALUES, spread=1.0 + k, seed=k)
    return folder


@pytest.fixture
def rows(results):
    return [load_row(path) for path in sorted(results.iterdir())]


@pytest.fixture(autouse=True)
def spread(monkeypatch):
    """The set metric of these rows: the SD of what the clips gave."""

    def estimate(clips, seed):
        x = np.stack([clip.arrays["x"] for clip in clips])
        return SetEstimate(lambda mask: float(x[mask].std()))

    metric = SimpleNamespace(name="spread", collection="numbers", estimate=estimate)
    for module in ("bench.power", "bench.compare"):
        monkeypatch.setattr(f"{module}.set_metric", lambda result, name: metric)


def of(record, name):
    return next(m for m in record.metrics if m.metric == name)


@pytest.mark.parametrize("metric", ["SSIM", "M-LMD", "SX-C", "spread"])
def test_the_spread_is_that_of_the_comparisons_of_all_rendered_pairs(rows, metric):
    chosen, left_out = comparable(rows)
    assert [row.result.name for row in chosen] == ["one", "three", "two"] and not left_out
    found = of(power_of_rows(chosen), metric)
    sds = []
    for k, one in enumerate(chosen):
        for other in chosen[k + 1 :]:
            [pair] = compare_rows([one, other]).pairs
            interval = next(m for m in pair.metrics if m.metric == metric).targets["new-speakers"].interval
            sds.append((interval.high - interval.low) / 2 / 2.7764 * np.sqrt(5))
    assert found.n_pairs == 3
    assert [found.sd, found.sd_low, found.sd_high] == pytest.approx([np.median(sds), min(sds), max(sds)], rel=1e-4)
    own = found.smallest[0]
    assert own.speakers == 5 and own.middle == pytest.approx(smallest_difference(found.sd, 5))
    assert own.holm == pytest.approx(smallest_difference(found.sd, 5, 2)) and own.low <= own.middle <= own.high


def test_other_numbers_of_speakers_and_of_rows_can_be_asked_for(rows):
    record = power_of_rows(comparable(rows)[0], speakers=(100,), comparisons=9)
    sizes = {s.speakers: s for s in of(record, "SSIM").smallest}
    assert list(sizes) == [5, 4, 12, 40, 100]
    assert sizes[4].middle > sizes[5].middle > sizes[12].middle > sizes[40].middle > sizes[100].middle
    assert sizes[5].holm == pytest.approx(smallest_difference(of(record, "SSIM").sd, 5, 9))


def test_the_order_of_rows_does_not_matter(rows):
    chosen = comparable(rows)[0]
    assert power_of_rows(chosen).metrics == power_of_rows(chosen[::-1]).metrics


def test_rows_of_other_clips_are_left_out_and_named(rows, tmp_path):
    other = load_row(write_row(tmp_path / "other", "other", VALUES, store_sha256="elsewhere"))
    chosen, left_out = comparable([other, *rows])
    assert len(chosen) == 3 and left_out == ["other: other clips"]


def test_equal_rows_and_a_metric_without_values_have_nothing_to_learn_from(results, tmp_path):
    twins = [load_row(write_row(tmp_path / n, n, VALUES | {"M-LMD": None}, seed=7)) for n in ("a", "b")]
    record = power_of_rows(twins)
    assert "alike for every speaker" in of(record, "SSIM").reason and of(record, "SSIM").n_alike == 1
    assert of(record, "M-LMD").reason == "no two rows have a value: no-face"
    with pytest.raises(UsageError, match="two or more rendered rows"):
        power_of_rows(twins[:1])


def test_too_few_speakers_say_so(rows, monkeypatch):
    monkeypatch.setattr("metrics.statistics.LEAST_SPEAKERS", 6)
    record = power_of_rows(comparable(rows)[0])
    assert of(record, "SSIM").reason == "5 speakers, 6 are needed"
    assert "5 speakers, 6 are needed" in terminal(record) and "80 % of draws" not in terminal(record)


def test_what_can_be_shown_is_also_told_in_doses(rows):
    ruler = Ruler(calibration(damage(cell(effect=lambda dose: -0.1 * dose))))
    record = power_of_rows(comparable(rows)[0], ruler=ruler)
    [dose] = of(record, "SSIM").doses
    assert dose.dose == pytest.approx(of(record, "SSIM").smallest[0].middle / 0.1)
    assert not of(record, "M-LMD").doses
    for text in (terminal(record), markdown(record)):
        said = " ".join(text.split())
        assert "blur" in said and "as large as" in said and "calibrated on puppet quick test" in said


def test_what_was_calibrated_on_other_numbers_of_clips_says_so_in_the_table(rows):
    curve = cell("spread", effect=lambda dose: 0.1 * dose)
    curve = curve.model_copy(update={"points": [p.model_copy(update={"n_clips": 3}) for p in curve.points]})
    record = power_of_rows(comparable(rows)[0], ruler=Ruler(calibration(damage(curve))))
    assert of(record, "spread").kind == "set" and not of(record, "spread").doses
    for text in (terminal(record), markdown(record)):
        assert "measured on 3 clips, this row has 20" in text


def test_the_words_name_rows_speakers_and_assumptions(rows):
    text = " ".join(terminal(power_of_rows(comparable(rows)[0], left_out=["old: other clips"])).split())
    for words in (
        "20 clips, 5 speakers",
        "one, three and two",
        "with 40 speakers",
        "as many clips of each",
        "80 % of draws of 5 speakers",
        "Holm, 2 rows",
        "M-LMD* ↓",
        "Left out: old: other clips",
        "known to within",
    ):
        assert words in text, words


def test_the_verb_writes_a_record_and_prints_it(results):
    work = results.parent
    done = emotalk("power", "--profile", "quick", "--work", work, "--json", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["rows"] == ["one", "three", "two"] and document["n_speakers"] == 5
    assert (work / "power" / "puppet-quick--test--emotalk" / "power.md").is_file()
    assert "emotalk calibrate --dataset puppet" in document["ruler"]


def test_a_part_without_rows_names_the_command_that_makes_them(results):
    done = emotalk("power", "--profile", "quick", "--split", "validation", "--work", results.parent)
    assert done.returncode == 3
    command = "emotalk run --dataset puppet --profile quick --split validation --methods controls"
    assert f"`{command} --work {results.parent}`" in done.stderr


def ask(results, **flags):
    return power_verb(cli.Power(work=results.parent, jobs=1, **flags), Workspace(results.parent), "emotalk power")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"protocol": "nope"}, "nope"),
        ({"protocol": "emotalk,eat-like"}, "expected one protocol"),
        ({"manifest": "bench"}, "--manifest, --limit"),
        ({"limit": 3}, "--manifest, --limit"),
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused(results, flags, said):
    with pytest.raises(UsageError, match=said):
        ask(results, **flags)


def test_where_out_is_a_link_the_folder_behind_it_is_filled(results, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    ask(results, out=tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there" / "power.json").is_file()


def test_a_folder_of_other_things_is_refused_before_anything_is_computed(results, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.power.power_of_rows", lambda *args, **kwargs: pytest.fail("computed first"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").touch()
    with pytest.raises(UsageError, match="expected a new folder"):
        ask(results, out=tmp_path / "mine")


@pytest.mark.parametrize(
    ("flags", "command"),
    [
        (
            {"protocol": "eat-like"},
            "--dataset puppet --profile quick --split test --protocol eat-like --methods controls",
        ),
        ({"dataset": "mead"}, "--dataset mead --root FOLDER --split test --methods controls"),
        ({"dataset": "cremad-sample"}, "--dataset cremad-sample --split test --methods controls"),
    ],
    ids=str,
)
def test_the_command_that_makes_rows_has_every_flag_that_it_needs(results, flags, command):
    with pytest.raises(NothingDoneError, match=f"`emotalk run {command} --work {results.parent}`"):
        ask(results, **flags)

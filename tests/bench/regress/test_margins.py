"""A margin is a tenth of the way from the re-encoded real clips to the worst control, in the unit of badness."""

import pytest
from hand_calibration import calibration, cell, damage
from regression_rows import CONTROLS, DECLARED, write_control

from bench.compare import load_row
from bench.contract.errors import UsageError
from bench.regress.declaration import load_declaration, parse_declaration
from bench.regress.margins import control_rows, margins_of
from metrics.registry import METRICS
from reports.ruler import Ruler


def of(margins, metric):
    return next(m for m in margins[0] if m.metric == metric)


def controls_of(results):
    return control_rows(load_row(results / "model").result, DECLARED, results)


@pytest.mark.parametrize(("metric", "margin"), [("M-LMD", 0.4), ("SX-C", 0.39), ("spread", 0.8)])
def test_it_is_a_tenth_of_the_distance_to_the_worst_control_in_every_direction(margins, metric, margin):
    found = of(margins, metric)
    assert found.margin == pytest.approx(margin, rel=0.08) and found.control == "static"
    assert [one.control for one in found.considered] == ["static", "gt-mismatched"]


def test_the_values_it_came_from_stand_beside_it(margins):
    found = of(margins, "SX-C")
    worst = found.considered[0]
    assert found.margin == pytest.approx(0.1 * (abs(worst.value - worst.truth) - abs(worst.base - worst.truth)))
    assert (worst.truth, worst.n_clips) == (6.0, 20)


def test_a_control_that_cannot_be_had_somewhere_leaves_the_others(results):
    controls = controls_of(results)
    of_static = controls["static"].result.metric("M-LMD")
    of_static.value, of_static.reason = None, "no-face"
    found = of(margins_of(controls, DECLARED, 0, "none"), "M-LMD")
    assert found.control == "gt-mismatched" and found.margin == pytest.approx(0.2, rel=0.1)
    assert found.considered[0].reason == "no-face"


def test_without_a_control_that_is_worse_a_metric_is_not_in_the_gate(results, tmp_path):
    better = {
        name: (values | {"M-LMD": 0.5}, spread) for name, (values, spread) in CONTROLS.items() if name != "gt-reencoded"
    }
    for name, (values, spread) in better.items():
        write_control(tmp_path / "better", name, values, spread=spread)
    controls = controls_of(results) | {name: load_row(tmp_path / "better" / name) for name in better}
    margins, ungated = margins_of(controls, DECLARED, 0, "none")
    assert "M-LMD" not in {m.metric for m in margins}
    assert "is no worse than gt-reencoded" in next(one.reason for one in ungated if one.metric == "M-LMD")


def test_a_control_that_lacks_is_an_error_with_the_command_that_makes_it(results):
    (results / "static" / "result.json").unlink()
    with pytest.raises(UsageError, match=r"no result of static .*emotalk run --dataset puppet --profile quick"):
        controls_of(results)


def test_controls_on_other_clips_do_not_count(results, tmp_path):
    write_control(tmp_path, "static", CONTROLS["static"][0], store_sha256="other")
    (results / "static" / "result.json").write_text((tmp_path / "static" / "result.json").read_text())
    with pytest.raises(UsageError, match="no result of static"):
        controls_of(results)


def test_it_is_told_in_doses_of_the_calibration(results):
    ruler = Ruler(calibration(damage(cell("M-LMD", effect=lambda dose: 0.4 * dose, half=0.05, direction="lower"))))
    found = of(margins_of(controls_of(results), DECLARED, 0, ruler), "M-LMD")
    assert found.doses[0].damage == "blur" and found.doses[0].dose == pytest.approx(1.0, rel=0.1)


def test_every_primary_metric_of_the_suite_has_its_controls_declared():
    primary = {name for name, cls in METRICS.items() if getattr(cls, "primary", False)}
    assert primary == set(load_declaration().primary)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("share = 2.0", "share"),
        ('share = 0.1\nbase = "gt-reencoded"\n[primary]\nM-LMDD = ["static"]', "did you mean 'M-LMD'"),
        ('share = 0.1\nbase = "gt-reencoded"\n[primary]\nM-LMD = ["statik"]', "did you mean 'static'"),
        ('share = 0.1\nbase = "gt-reencoded"\nshares = 1\n[primary]\nM-LMD = ["static"]', "shares"),
        (
            'share = 0.1\nbase = "gt-reencoded"\n[primary]\nM-LMD = ["static"]\n[guards]\nM-LMD = ["static"]',
            "M-LMD stands under",
        ),
        ("= 1", "not a TOML document"),
    ],
)
def test_a_declaration_that_says_nothing_sensible_is_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse_declaration(f"version = 1\n{text}".encode(), "mine.toml")


def test_the_gate_of_cues_alone_looks_at_the_same_and_at_guards_of_its_own():
    videos, cues = load_declaration(), load_declaration(of_cues=True)
    assert cues.primary == videos.primary and cues.guards.items() > videos.guards.items()
    assert set(cues.guards) - set(videos.guards) == {"GeoEmo-acc"} and cues.sha256 != videos.sha256


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('version = 1\n[guards]\nMouth-lagg = ["static"]', "did you mean 'Mouth-lag'"),
        ('version = 1\n[guards]\nM-LMD = ["static"]', "M-LMD stands in regression.toml too"),
        ('version = 1\n[primary]\nMouth-lag = ["static"]', "regression-cues.toml: guards"),
    ],
)
def test_guards_of_cues_that_say_nothing_sensible_are_refused(text, said):
    sound = b'version = 1\nshare = 0.1\nbase = "gt-reencoded"\n[primary]\nM-LMD = ["static"]'
    assert parse_declaration(sound, "regression.toml").guards == {}
    with pytest.raises(UsageError, match=said):
        parse_declaration(sound, "regression.toml", text.encode())

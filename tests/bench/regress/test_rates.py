"""The gate on a reference's own clips: equal rows raise no alarm beyond the stated rate, worse ones are found."""

import pytest

from bench.regress.judging import Held, judged
from bench.regress.rates import markdown, rates, worse


def test_equal_rows_raise_no_alarm_and_worse_ones_are_found(frozen):
    equal, bad = rates(frozen, draws=40, worse_by=(0.0, 3.0))
    assert equal.regressed <= 0.05 and set(equal.verdicts) == {"M-LMD", "spread", "SX-C"}
    assert bad.regressed == 1.0 and bad.verdicts == {"M-LMD": {"worse": 1.0}, "SX-C": {"worse": 1.0}}
    said = markdown(frozen.record, [equal, bad], 40)
    assert "| 3 margins | M-LMD | 0.0 | 0.0 | 0.0 | 100.0 |" in said and "20 clips, 40 draws" in said


def test_the_same_draws_give_the_same_rates(frozen):
    one, other, another = (rates(frozen, draws=5, seed=seed, worse_by=(1.0,))[0] for seed in (0, 0, 1))
    assert one == other
    assert one.verdicts.keys() == another.verdicts.keys()


@pytest.mark.parametrize("size", [1.0, 2.0])
def test_a_row_is_made_worse_by_so_many_margins_in_every_direction(frozen, size):
    """Under match away from the real clips, on the side where the reference lies."""
    people = {clip.clip_id: clip for clip in frozen.record.clips}
    for margin in frozen.record.margins:
        if frozen.record.column(margin.metric).kind == "clip":
            reference = frozen.columns[margin.metric]
            row = worse(reference, reference, size * margin.margin)
            [line] = judged([Held(frozen.record.column(margin.metric), margin, row, reference, None)], people, 0)
            assert line.difference == pytest.approx(size * margin.margin)

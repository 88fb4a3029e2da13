"""What depends on the number of clips depends on it linearly; `python -m bench.scale` prints all of it (docs/performance.md)."""

import pytest

from bench.scale import ahead, large, page
from bench.scale.cost import Run
from bench.scale.memory import Peak

FEW, MANY = (
    large.ONE_TAKE,
    4 * large.ONE_TAKE,
)  # the same mix of clips: neutral ones are what reference images come from


@pytest.fixture
def example(smoke_work):
    """A small prepared clip with a face that can be a reference image."""
    return smoke_work / "store" / "puppet-smoke" / "clips" / "M101_front_neutral_1_003"


@pytest.mark.slow
def test_four_times_the_clips_take_less_than_six_times_as_long(example, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))  # put back afterwards: a work folder is opened below
    large.steps(tmp_path / "warm", 50, example, large.here)  # libraries are loaded once
    few, many = (large.steps(tmp_path / str(rows), rows, example, large.here) for rows in (FEW, MANY))
    for one, other in zip(few, many, strict=True):
        ratio = other.processor / one.processor
        print(f"{one.name:55} {one.processor:6.2f} s {other.processor:6.2f} s of one core: {ratio:.1f} times")
        assert ratio < 1.5 * MANY / FEW, one.name


def test_what_is_prepared_is_not_prepared_again_at_any_size(example, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOTALK_WORK", str(tmp_path))
    made = large.Large(tmp_path / "large", 200, example)
    made.build()
    selection = made.prepare()  # raises if a clip is prepared anew
    assert len(selection.scored) == 200 and len({row.clip.speaker for row in selection.scored}) == len(large.SPEAKERS)


def test_there_are_names_for_thirty_thousand_clips_of_meads_scheme():
    names = large.clip_ids(large.ROWS)
    assert len(set(names)) == large.ROWS
    with pytest.raises(ValueError, match="at most"):
        large.clip_ids(10**6)


def test_the_peak_is_what_was_held_and_not_what_is_left():
    with Peak() as peak:
        before = peak.mib
        held = bytearray(200 * 2**20)
        held[::4096] = b"x" * len(held[::4096])
        peak._look()
        del held
    assert peak.mib - before > 190


def test_the_table_says_what_is_linear_and_what_two_workers_gain():
    runs = [Run("prepare", n, 50 * n, w, 10.0 * n / w, 500.0) for n, w in ((4, 1), (4, 2), (8, 2), (16, 2))]
    text = "\n".join(page.cost_lines(runs))
    assert "| prepare | 2.00, 2.00 | 1.00 | 2.00 (4 clips) | none seen | 100.0 | 2.00 (4 clips) |" in text


def test_a_start_that_does_not_grow_is_told_apart_from_the_cost_of_a_frame():
    runs = [Run("evaluate", n, 50 * n, w, 6.0 + 3.0 * n / w, 500.0) for n, w in ((4, 1), (4, 2), (8, 2), (16, 2))]
    text = "\n".join(page.cost_lines(runs))
    assert "| evaluate | 1.50, 1.67 | 1.00 | 1.50 (4 clips) | 6.0 | 30.0 | 2.00 (4 clips) |" in text


def test_one_size_has_no_line_and_a_line_below_zero_is_no_start():
    [single] = (line for line in page.cost_lines([Run("evaluate", 4, 200, 2, 9.0, 500.0)]) if "one size" in line)
    assert single.count("one size") == 4
    steep = [Run("render", n, 50 * n, w, n * n / w, 500.0) for n, w in ((4, 1), (4, 2), (8, 2), (16, 2))]
    assert "none seen" in "\n".join(page.cost_lines(steep))


def test_a_section_of_the_page_is_replaced_and_the_others_are_left():
    once = page.written_into("# Speed\n", "cost", ["old"])
    both = page.written_into(once, "large", ["large"])
    again = page.written_into(both, "cost", ["new"])
    assert "old" not in again and again.count("new") == 1 and "large" in again and again.count(page.HEADING) == 1


def test_hours_ahead_grow_with_the_clips_and_learning_parts_are_not_scored():
    rows = {(r.dataset, r.part): r for r in ahead.ahead()}
    few, many = rows["mead", "test"], rows["mead", "method-train"]
    assert many.prepare.seconds / few.prepare.seconds == pytest.approx(many.clips / few.clips, rel=0.01)
    assert few.row and many.row is None

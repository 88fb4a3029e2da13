"""Sound stays with the picture through every container that people use."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bench.data import av_alignment as alignment

EXACT_MS = 2.0
# AVI has no time stamps: with a sound encoder that puts something first, its writer moves the picture by whole frames.
ALLOWED_MS = {"avi: MPEG-4 part 2, MP3 44.1 kHz": 17.0, "avi: H.264, AAC 48 kHz": 22.0}


def test_the_measure_sees_a_known_shift():
    samples = alignment.sound(alignment.RATE)[:, 0]
    assert np.allclose(alignment.sound_times(samples), alignment.EVENTS, atol=1e-5)
    for shift in (-700, -37, 1, 160):
        moved = np.roll(samples, shift)
        expected = np.array(alignment.EVENTS) + shift / alignment.RATE
        assert np.allclose(alignment.sound_times(moved), expected, atol=1e-5)


def test_the_measure_sees_a_shifted_file(tmp_path):
    path = tmp_path / "shifted.mp4"
    late = np.roll(alignment.sound(alignment.RATE)[:, 0], 800)
    alignment.write_video(path, alignment.flashes(Fraction(25)), audio=late)
    row = alignment.row("test", "50 ms late", *alignment.read_times(path))
    assert row.error_ms == pytest.approx(50, abs=0.1)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return list(alignment.measure(tmp_path_factory.mktemp("alignment")))


def test_our_files_are_aligned_for_us_and_for_other_players(rows):
    ours = [row for row in rows if row.direction.startswith("our writer")]
    assert {row.label for row in ours} >= {"mp4", "mov", "mkv", "flv", "avi", "m4a alone", "wav alone"}
    for row in ours:
        if row.label == "mp4, edit lists ignored":
            assert row.error_ms == pytest.approx(64, abs=1)  # 1024 samples of AAC priming at 16 kHz
        elif (row.direction, row.label) != ("our writer, plain decoding", "avi"):
            assert abs(row.error_ms) <= EXACT_MS, row


def test_files_of_others_are_read_aligned(rows):
    foreign = [row for row in rows if row.direction.startswith("foreign")]
    assert len(foreign) == len(alignment.FOREIGN)
    for row in foreign:
        assert abs(row.error_ms) <= ALLOWED_MS.get(row.label, EXACT_MS), row
        assert row.spread_ms < 1, row


def test_replaced_sound_is_aligned(rows):
    replaced = [row for row in rows if row.direction.startswith("sound replaced")]
    assert len(replaced) >= 8
    for row in replaced:
        assert abs(row.error_ms) <= EXACT_MS and row.spread_ms < 1, row


@pytest.mark.parametrize("begin", [0.04, 0.52])
def test_sound_that_starts_before_the_picture_is_cut(tmp_path, begin):
    """A file whose sound runs `begin` seconds before its first picture."""
    case = alignment.Foreign("", ".mp4", fps=Fraction(25), audio="aac", picture_start=begin, sound_start=0.0)
    path = tmp_path / "early.mkv"
    replace(case, suffix=".mkv", audio="flac").write(path)
    row = alignment.row("", "", *alignment.read_times(path))
    assert abs(row.error_ms) <= EXACT_MS


def test_the_page_has_these_rows(rows):
    page = (Path(__file__).parents[3] / "docs" / "media.md").read_text(encoding="utf-8")
    told = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[2].lstrip("+-").replace(".", "").isdigit():
            told[cells[0], cells[1]] = float(cells[2])
    assert set(told) == {(row.direction, row.label) for row in rows}
    for row in rows:
        assert told[row.direction, row.label] == pytest.approx(row.error_ms, abs=0.5), row


def test_table_has_a_line_per_row():
    made = [alignment.Row("a", "b", 0.1, 0.0), alignment.Row("c", "d", math.nan, math.nan)]
    lines = alignment.table(made).splitlines()
    assert len(lines) == 4 and lines[2].startswith("| a | b | +0.10 |")

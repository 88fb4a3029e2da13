"""A metric that vouches for a family puts its doubts on all columns of it, and on no others."""

from bench.contract.result import MetricValue
from bench.row_tables import with_doubts_of_families
from metrics.gaze import GazeJS
from metrics.gaze_reliability import GazeReliability
from metrics.psnr import PSNR


def cell(metric, flags: list[str]) -> MetricValue:
    return MetricValue(metric=metric.name, direction=metric.direction, unit=metric.unit, definition=metric.definition,
                       version="1", value=1.0, reason=None, intervals=[], n_clips=1, n_speakers=1, n_frames=1, n_expected=1,
                       coverage=1.0, flags=flags)  # fmt: skip


def test_flags_of_the_second_opinion_stand_on_every_gaze_cell():
    metrics = [PSNR(), GazeJS(), GazeReliability()]
    flags = [["odd"], ["sparse-map"], ["unreliable-gaze-pitch"]]
    found = with_doubts_of_families([cell(m, f) for m, f in zip(metrics, flags, strict=True)], metrics)
    assert [one.flags for one in found] == [["odd"], ["sparse-map", "unreliable-gaze-pitch"], ["unreliable-gaze-pitch"]]

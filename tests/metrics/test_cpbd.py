"""CPBD of a clip: mean over frames that have edges."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import Direction, OwnMetric
from bench.contract.seen import Labels, Seen
from metrics.cpbd import CPBD


def seen(values: list[float]) -> Seen:
    labels = Labels("c", "d", "s", None, None)
    return Seen(labels, Cues.empty(len(values)), {"sharpness": {"cpbd": np.array(values)}})


def test_mean_over_frames_with_edges():
    assert CPBD().own(seen([0.5, np.nan, 1.0])) == (0.75, 2)


def test_a_clip_without_edges_has_a_reason_and_no_value():
    for values in ([np.nan, np.nan], []):
        with pytest.raises(Unscorable) as error:
            CPBD().own(seen(values))
        assert error.value.reason == Reason.NO_VARIATION


def test_is_read_against_the_real_clip():
    assert isinstance(CPBD(), OwnMetric)
    assert CPBD.direction is Direction.MATCH

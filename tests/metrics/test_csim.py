"""CSIM: 1 for the same face, moments paired by their place in the clip, reasons where there is nothing to compare."""

import numpy as np
import pytest

from bench.contract.cues import Cues
from bench.contract.errors import Reason, Unscorable
from bench.contract.metric import PairMetric
from bench.contract.seen import Labels, Pair, Seen
from metrics.csim import CSIM, CSIMSFace, CSIMSFaceToPortrait, CSIMToPortrait

ALL = (CSIM, CSIMToPortrait, CSIMSFace, CSIMSFaceToPortrait)
LABELS = Labels("c", "d", "s", None, None)


def seen(rows: np.ndarray, portrait: Seen | None = None) -> Seen:
    rows = np.asarray(rows, np.float32)
    frame = np.where(np.isnan(rows).any(1), -1, np.arange(len(rows)) * 10)
    arrays = {"embedding": rows / np.linalg.norm(rows, axis=1, keepdims=True), "frame": frame}
    features = {"identity_arcface": arrays, "identity_sface": arrays}
    return Seen(LABELS, Cues.empty(50), features, portrait=portrait)


def vectors(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(5, 32))


@pytest.mark.parametrize("metric", ALL, ids=lambda m: m.name)
def test_the_same_face_is_one_and_the_negative_minus_one(metric):
    still = np.repeat(vectors(0)[:1], 5, 0)
    real = seen(still, portrait=seen(still))
    assert metric().pair(Pair(real, seen(still))).value == pytest.approx(1, abs=1e-12)
    assert metric().pair(Pair(real, seen(-still))).value == pytest.approx(-1, abs=1e-12)
    assert isinstance(metric(), PairMetric)


def test_moments_are_paired_by_their_place_and_the_sides_can_be_swapped():
    x, y = vectors(0), vectors(1)
    there, back = CSIM().pair(Pair(seen(x), seen(y))), CSIM().pair(Pair(seen(y), seen(x)))
    cosines = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    assert there.value == pytest.approx(cosines.mean(), abs=1e-6) and there.n_frames == 5
    assert back.value == pytest.approx(there.value, abs=1e-12)
    assert CSIM().pair(Pair(seen(x), seen(x[::-1]))).value < 0.99


def test_every_moment_is_compared_with_the_one_portrait():
    x, portrait = vectors(0), vectors(1)[:1]
    real = seen(vectors(2), portrait=seen(np.repeat(portrait, 5, 0)))
    value = CSIMToPortrait().pair(Pair(real, seen(x))).value
    cosines = x @ portrait[0] / np.linalg.norm(x, axis=1) / np.linalg.norm(portrait)
    assert value == pytest.approx(cosines.mean(), abs=1e-6)
    # the real clip itself does not enter
    other = seen(vectors(3), portrait=seen(np.repeat(portrait, 5, 0)))
    assert CSIMToPortrait().pair(Pair(other, seen(x))).value == value


def test_moments_without_a_face_on_either_side_are_left_out():
    x, y = vectors(0), vectors(1)
    x[0], y[1] = np.nan, np.nan
    score = CSIM().pair(Pair(seen(x), seen(y)))
    assert score.n_frames == 3
    assert score.value == pytest.approx(CSIM().pair(Pair(seen(x[2:]), seen(y[2:]))).value, abs=1e-12)


def test_nothing_to_compare_has_a_reason():
    x, gone = vectors(0), np.full((5, 32), np.nan)
    with pytest.raises(Unscorable) as error:
        CSIM().pair(Pair(seen(x), seen(gone)))
    assert error.value.reason == Reason.NO_FACE
    with pytest.raises(Unscorable) as error:
        CSIMToPortrait().pair(Pair(seen(x), seen(x)))
    assert error.value.reason == Reason.NO_REFERENCE_IMAGE
    with pytest.raises(Unscorable) as error:
        CSIMToPortrait().pair(Pair(seen(x, portrait=seen(gone)), seen(x)))
    assert error.value.reason == Reason.NO_FACE


def test_the_two_networks_and_the_two_pairings_are_four_columns():
    assert len({m.name for m in ALL}) == len({m().definition for m in ALL}) == 4
    assert {m.extractors for m in ALL} == {("identity_arcface",), ("identity_sface",)}

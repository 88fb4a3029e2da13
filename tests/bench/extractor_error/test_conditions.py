"""What is done to pictures before the extractor sees them."""

import numpy as np
import pytest

from bench.extractor_error.conditions import CONDITIONS, Condition


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    from scipy.ndimage import gaussian_filter

    # detail at all scales, like skin and hair
    noise = np.random.default_rng(0).normal(0, 1, (256, 256, 3))
    picture = sum(s * gaussian_filter(noise, (s, s, 0)) for s in (0.7, 2, 5, 12))
    picture = 128 + 40 * picture / picture.std()
    return [np.roll(picture, shift, 1).clip(0, 255).astype(np.uint8) for shift in (0, 3)]


@pytest.mark.parametrize("condition", [Condition("none", 0), Condition("size", 256), Condition("blur", 0)])
def test_a_condition_that_does_nothing_changes_nothing(frames, condition):
    assert all((a == b).all() for a, b in zip(condition(frames), frames, strict=True))


@pytest.mark.parametrize(
    ("kind", "amounts"), [("size", (192, 128, 96, 64)), ("blur", (0.5, 1, 2, 3)), ("codec", (12, 18, 28, 35))]
)
def test_more_of_it_takes_more_away(frames, kind, amounts):
    lost = [
        np.mean(
            [np.square(a.astype(float) - b).mean() for a, b in zip(Condition(kind, x)(frames), frames, strict=True)]
        )
        for x in amounts
    ]
    assert lost[0] > 0 and (np.diff(lost) > 0).all()


def test_pictures_keep_their_size_kind_and_place(frames):
    for condition in CONDITIONS:
        seen = condition(frames)
        assert len(seen) == len(frames) and all(f.shape == (256, 256, 3) and f.dtype == np.uint8 for f in seen)
        # the picture is not shifted: its low frequencies stay where they are
        assert abs(seen[0].mean(2).mean(0) - frames[0].mean(2).mean(0)).mean() < 2


def test_names_are_distinct_and_an_unknown_kind_is_refused():
    assert len({c.name for c in CONDITIONS}) == len(CONDITIONS)
    with pytest.raises(ValueError, match="expected one of none, codec, size, blur, got 'fog'"):
        Condition("fog", 1)

"""What a row says beside its numbers."""

import pytest

from bench.contract.seen import Labels
from bench.row_record import people


def labels(clip_id, emotion, dataset="cremad-sample"):
    return Labels(clip_id, dataset, "1001", emotion, None)


def test_people_who_rated_the_real_clips_stand_beside_them_also_where_no_judge_is():
    (said,) = people([labels("1001_IEO_HAP_LO", "happy"), labels("1001_IEO_SAD_MD", "sad")])
    assert "face" in said and "voice" in said and "audio-visual" in said


@pytest.mark.parametrize("dataset", ["puppet", "mead"])
def test_a_dataset_without_votes_says_nothing_of_people(dataset):
    assert people([labels("1001_IEO_HAP_LO", "happy", dataset)]) == []

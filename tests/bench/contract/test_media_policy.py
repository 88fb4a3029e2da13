import pytest

from bench.contract.media_policy import STRICTEST_FIRST, shareable, strictest


@pytest.mark.parametrize(
    ("policy", "kind", "names", "may"),
    [
        ("all", "control", ["gt"], True),
        ("generated", "control", ["static"], False),
        ("generated", "folder", ["gt-copy"], False),
        ("generated", "folder", ["mine", "gt"], False),
        ("generated", "folder", ["GT"], False),
        ("generated", "folder", ["gt_crf18"], False),
        ("generated", "folder", ["gtalk"], True),
        ("generated", "plug-in", ["mine"], True),
        ("none", "plug-in", ["mine"], False),
        ("none", "control", ["gt"], False),
    ],
)
def test_who_may_be_shared(policy, kind, names, may):
    assert shareable(policy, kind, *names) is may


def test_a_stricter_policy_never_shares_more():
    for kind in ("control", "folder", "plug-in"):
        shared = [shareable(policy, kind, "mine") for policy in STRICTEST_FIRST]
        assert shared == sorted(shared)


def test_an_unknown_policy_shares_nothing_and_says_so():
    with pytest.raises(ValueError, match="none, generated, all"):
        shareable("anything else", "plug-in", "mine")


def test_the_strictest_of_policies():
    assert strictest(["all", "none", "generated"]) == "none"
    assert strictest(["all", "generated"]) == "generated"
    assert strictest([]) == "none"

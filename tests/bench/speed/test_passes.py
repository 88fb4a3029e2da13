"""Forward passes are counted once, where they are asked for, and nothing is left behind."""

import numpy as np


def test_nested_modules_count_once_under_the_extractor_that_is_at_work():
    import torch

    from bench import sides
    from bench.speed.passes import watched

    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(3, 2)))
    call = torch.nn.Module.__call__
    with watched() as passes:
        with sides.blamed("inception"):
            net(torch.zeros(5, 3))
            net(torch.zeros(2, 3))
        before = passes.copy()
        with sides.blamed("judge"):
            net(torch.zeros(1, 3))
    assert passes.items == {"inception": 7, "judge": 1} and passes.seconds["inception"] > 0
    assert passes.since(before).items == {"inception": 0, "judge": 1}
    net(torch.zeros(9, 3))
    assert torch.nn.Module.__call__ is call and passes.items["judge"] == 1


def test_the_face_networks_are_told_apart_by_their_input(face_weights):
    from bench.speed.passes import watched
    from metrics.extractors.face import FaceExtractor

    with watched() as passes:
        FaceExtractor({"face_landmarker": face_weights})([np.zeros((64, 64, 3), np.uint8)] * 2)
    assert passes.items == {"face_detector": 2}

"""SSIM against scikit-image on the same frames, in one process: prints the ratio (pytest -s -m slow tests/speed)."""

import time

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from metrics.ssim import SSIM


@pytest.mark.slow
def test_ssim_is_several_times_faster_than_scikit_image():
    rng = np.random.default_rng(0)
    x = np.stack([cv2.GaussianBlur(f, (0, 0), 2) for f in rng.integers(0, 256, (16, 256, 256, 3)).astype(np.uint8)])
    y = np.clip(x.astype(int) + rng.integers(-20, 21, x.shape), 0, 255).astype(np.uint8)
    metric = SSIM()

    def ours() -> np.ndarray:
        return metric.frames(x, y)

    def reference() -> list[float]:
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
        return [structural_similarity(a, b, channel_axis=-1, **options) for a, b in zip(x, y, strict=True)]

    def seconds(function) -> float:
        function()
        start = time.process_time()  # all threads counted, so a ratio of work, not of cores
        function()
        return time.process_time() - start

    assert ours() == pytest.approx(reference(), abs=1e-12)
    ratios = [seconds(reference) / seconds(ours) for _ in range(5)]
    print(f"\nSSIM 256x256 RGB: {sorted(ratios)[2]:.1f} x scikit-image, {seconds(ours) / 16 * 1e3:.2f} ms per frame")
    assert sorted(ratios)[2] > 2.5

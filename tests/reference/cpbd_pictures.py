"""Run the package cpbd 1.0.7 on gray pictures and write what it says: the yardstick of `metrics/extractors/sharpness.py`.

A program for the reference environment (`make reference-venv`):

    .venv-ref/bin/python tests/reference/cpbd_pictures.py tests/golden/cpbd.npz

The pictures come with scikit-image or are drawn from a seed, so only the values are written: NAME -> float64. The package
is from 2017 and imports two names that have moved since; they are put back before it is loaded, nothing else is touched.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def pictures() -> dict[str, np.ndarray]:
    """NAME -> (H, W) uint8; the test draws the same ones."""
    from scipy import ndimage
    from skimage import data

    camera, coins = data.camera(), data.coins()
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (130, 200)).astype(np.uint8)
    drawn = {
        "camera": camera[100:356, 100:356],
        "coins": coins[:256, :320],
        "odd-size": camera[:199, :333],
        "noise": noise,
        "flat": np.full((128, 128), 77, np.uint8),
        "bar": np.repeat([[20] * 60 + [60, 170] + [200] * 20 + [150, 60] + [20] * 44], 128, 0).astype(np.uint8),
        "low-contrast": (camera[100:356, 100:356] // 8 + 100).astype(np.uint8),
        "steps": np.repeat(np.arange(256)[None] // 2, 128, 0).astype(np.uint8),
    }
    for sigma in (1, 2, 4):
        drawn[f"camera-blurred-{sigma}"] = ndimage.gaussian_filter(camera[100:356, 100:356], sigma)
    return drawn


def main(out: Path) -> None:
    import scipy.ndimage
    import skimage.filters
    from skimage.filters import edges

    scipy.ndimage.imread = None  # used by its command line only
    skimage.filters.edges = edges
    from cpbd.compute import compute

    values = {name: np.float64(compute(picture)) for name, picture in pictures().items()}
    temporary = out.with_name(out.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **values)
    temporary.replace(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A hash of what each corruption and perturbation makes of one picture: ``python tests/masked/kernel_hashes.py``.

`.ci/environments light` has them made by the project's own environment and by one without torch, on one machine.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from hardiness.distortions.apply import corrupt, corruptions, perturb, perturbations


def picture(height: int, width: int) -> np.ndarray:
    """Areas, edges and texture in colour, made of whole numbers alone: the same wherever it is made."""
    rows, columns = np.mgrid[:height, :width]
    waves = np.stack([(rows * 3 + columns) % 160, (columns * 2 + rows // 3) % 190, (rows * columns // 37) % 210], -1)
    squares = 45 * ((rows // 13 + columns // 11) % 2)[..., None]
    return (waves + squares).astype(np.uint8)


def digest(*images: np.ndarray) -> str:
    """One hash of all pixels of the images."""
    found = hashlib.sha256()
    for image in images:
        found.update(image.tobytes())
    return found.hexdigest()


def kernel_hashes() -> dict[str, str]:
    """The hashes by kernel, at its mildest and its strongest level."""
    still, moving = picture(150, 200), picture(256, 300)
    hashes = {}
    for name in corruptions.names():
        for severity in sorted({1, corruptions.get(name).severities[-1]}):
            hashes[f"{name} {severity}"] = digest(corrupt(still, name, severity, id="n01440764/1"))
    for name in perturbations.names():
        for difficulty in range(1, len(perturbations.get(name).levels) + 1):
            hashes[f"{name} {difficulty}, frames"] = digest(*perturb(moving, name, difficulty=difficulty, id="n/1"))
    return hashes


if __name__ == "__main__":
    print(json.dumps(kernel_hashes()))

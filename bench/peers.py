"""The published generator's corruptions as two installed packages carry them: only those that give its own pictures.

A package's function counts where it reproduces the golden pictures (at least 99.9 % of the values at most 2 of 255 off,
at every severity). For two corruptions neither does as installed; there corrupt-tta's is taken with the one number put
right in which it differs from the generator, and held against the golden pictures like the others.
"""

from __future__ import annotations

import inspect
import textwrap
import time
import warnings
import zlib
from typing import Any

import numpy as np

from bars import sized
from fidelity import Apply, difference, golden, seeded, sides
from hardiness.reference.sets import SEVERITIES, distortion_set

IMAGENET_C = distortion_set("imagenet-c")
NAMES = IMAGENET_C.members[:: sized(1, 10)]
"""Of the 15; a short bench takes two, of which one draws something and one does not."""

IMAUG, TTA = "imagecorruptions-imaug", "corrupt-tta"
MENDED = {
    "frost": ("np.random.randint(1, 7)", "np.random.randint(1, 6)", "the first five pictures for its six"),
    "elastic_transform": ("224", "244", "244 for its 224"),
}
"""Text in corrupt-tta's function, what the generator has in its place, and that in words."""

RIGHT_SHARE = 0.999
TIMED = sized(3)


def mended(name: str) -> Apply:
    """corrupt-tta's function with the generator's number in place of its own."""
    from corrupt_tta import corruptions

    old, new, _ = MENDED[name]
    text = textwrap.dedent(inspect.getsource(getattr(corruptions, name)))
    assert old in text, f"corrupt-tta's {name} has changed: {old} is not in it"
    scope: dict[str, Any] = dict(vars(corruptions))
    exec(text.replace(old, new), scope)
    return lambda image, _, severity: np.uint8(scope[name](image, severity))


def is_right(distribution: str, apply: Apply, name: str) -> bool:
    """Whether a function gives the published generator's pictures."""
    if distribution == TTA and name == "impulse_noise":
        return True  # it is scikit-image's generator, which cannot be seeded through the package; see docs/fidelity.md
    apply = seeded(distribution, apply)
    return all(difference(apply, name, severity).within_2 >= RIGHT_SHARE for severity in SEVERITIES)


def right() -> dict[str, dict[str, Apply]]:
    """For each of the names, the functions that give the published pictures, by where they come from."""
    _, *packages = sides().items()
    found: dict[str, dict[str, Apply]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in NAMES:
            given = {distribution: apply for distribution, apply in packages if name not in MENDED}
            if name in MENDED:
                given = {f"{TTA}, {MENDED[name][2]}": mended(name)}
            kept = {where: apply for where, apply in given.items() if is_right(where, apply, name)}
            assert kept, f"no package gives the published pictures of {name}"
            found[name] = kept
    return found


def fastest(functions: dict[str, Apply], name: str) -> str:
    """Which of the functions takes the least time over all severities."""
    image = golden(0)

    def seconds(apply: Apply) -> float:
        best = []
        for severity in SEVERITIES:
            apply(image, name, severity)
            times = []
            for _ in range(TIMED):
                begin = time.perf_counter()
                apply(image, name, severity)
                times.append(time.perf_counter() - begin)
            best.append(min(times))
        return sum(best)

    return min(functions, key=lambda where: seconds(functions[where]))


def seed_of(name: str, severity: int, sample: str) -> int:
    """A seed for one cell of one photograph, for functions that draw from the global generator."""
    return zlib.crc32(f"{name} {severity} {sample}".encode())


def drawn(where: str, apply: Apply, image: np.ndarray, name: str, severity: int, seed: int) -> np.ndarray:
    """One picture with every generator behind it seeded, ``uint8 (224, 224, 3)``."""
    np.random.seed(seed)  # noqa: NPY002  # the packages draw from the global generator
    if where == IMAUG and name in ("impulse_noise", "glass_blur"):
        import imagecorruptions

        return imagecorruptions.corrupt(image, corruption_name=name, severity=severity, seed=seed % 2**31)
    return apply(image, name, severity)

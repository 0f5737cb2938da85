"""How far our corruptions, and those of two packages, are from the published generators' own pictures.

    HARDINESS_DATA=… python bench/fidelity.py            # writes docs/fidelity.md and docs/results/fidelity.csv
    HARDINESS_DATA=… python bench/fidelity.py --check    # exits with 1 where the page is not what it would write

The generator ran with ``np.random.seed(0)`` before each call. The packages get the same seed; our kernels get the draws
that the generator made from it, which the golden test replays. Of ImageNet-C-bar no package gives the published
pictures from the published draws, so the page says of ours alone how many values differ.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import runpy
import sys
import unittest.mock
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image

from hardiness.distortions.apply import corrupt, corruption_under, corruptions
from hardiness.reference.sets import SEVERITIES, distortion_set

IMAGENET_C = distortion_set("imagenet-c")

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "fidelity.md"
CELLS_FILE = ROOT / "docs" / "results" / "fidelity.csv"
PICTURES = (0, 1)
BAR_SEVERITIES = (1, 3, 5)
DISTRIBUTIONS = ("hardiness", "imagecorruptions-imaug", "corrupt-tta")
SMALL, SMALL_PROTOCOL = "hardiness, CIFAR-10-C", "cifar10-c"

Apply = Callable[[np.ndarray, str, int], np.ndarray]

NOTES = {
    "hardiness": {
        "shot_noise": "equal in distribution only (a chi-square test holds it to a rate 2 % off): alias tables instead "
        "of numpy's sampler; the figures compare two independent draws",
        "impulse_noise": "the generator's choices are replayed as bits of one word",
    },
    "imagecorruptions-imaug": {
        "motion_blur": "without ImageMagick's rounding to 16 bits in between",
        "snow": "flakes become bytes after the motion blur and not before",
        "frost": "draws from all six pictures, and enlarges them by 1.1",
        "fog": "single-precision fractal",
        "elastic_transform": "other parameters, and no affine step",
    },
    "corrupt-tta": {
        "impulse_noise": "has no way to seed it; seeded here from outside, as the generator was",
        "glass_blur": "exchanges pixels where the generator copies, in the opposite order",
        "motion_blur": "a straight two-sided box, not ImageMagick's one-sided Gaussian",
        "snow": "the same box in place of ImageMagick's motion blur",
        "frost": "draws from all six pictures; this seed happens to give one of the five",
        "fog": "ignores the severity's decay (always 3)",
        "brightness": "HSV in single precision by OpenCV",
        "elastic_transform": "224 for the generator's 244",
        "spatter": "another algorithm: mud at every severity",
        "saturate": "HSV in single precision by OpenCV",
    },
}
"""What to know beside the figures, from reading the packages' sources."""


class Difference(NamedTuple):
    """Largest and mean absolute difference in grey levels, and the share of the values at most 2 off."""

    largest: int
    mean: float
    within_2: float


def data_root() -> Path:
    """The folder of real data; without one there is nothing to measure."""
    given = os.environ.get("HARDINESS_DATA", "")
    for needed in ("golden/imagenet-c", "golden/imagenet-c-bar", "golden/cifar10-c"):
        if not Path(given, needed).is_dir():
            sys.exit(f"HARDINESS_DATA must name a folder that holds {needed}, was {given!r}")
    return Path(given)


def golden(picture: int, name: str = "", severity: int = 0) -> np.ndarray:
    """An input, or the generator's own output for it."""
    folder = data_root() / "golden" / "imagenet-c"
    file = f"image{picture}_{name}_{severity}.png" if name else f"image{picture}.png"
    return np.asarray(PIL.Image.open(folder / file).convert("RGB"))


def sides() -> dict[str, Apply]:
    """Each package as one function of (image, name, severity); imported here, for the packages are heavy."""
    import corrupt_tta
    import imagecorruptions

    def imaug(image: np.ndarray, name: str, severity: int) -> np.ndarray:
        return imagecorruptions.corrupt(image, corruption_name=name, severity=severity)

    def tta(image: np.ndarray, name: str, severity: int) -> np.ndarray:
        return np.uint8(corrupt_tta.corrupt(image, corruption_name=name, severity=severity))

    return {"hardiness": corrupt, "imagecorruptions-imaug": imaug, "corrupt-tta": tta}


def seeded(distribution: str, apply: Apply) -> Apply:
    """The same function with every generator that it draws from started as the published one's was."""
    import corrupt_tta.corruptions
    import imagecorruptions

    def run(image: np.ndarray, name: str, severity: int) -> np.ndarray:
        np.random.seed(0)  # noqa: NPY002  # the packages draw from the global generator
        inner = np.random.RandomState(0).randint(2**31)  # what the published one seeds impulses with
        if distribution == "imagecorruptions-imaug" and name in ("impulse_noise", "glass_blur"):
            seed = inner if name == "impulse_noise" else 0
            return imagecorruptions.corrupt(image, corruption_name=name, severity=severity, seed=seed)
        if distribution == "corrupt-tta" and name == "impulse_noise":
            given = functools.partial(random_noise, rng=inner)
            with unittest.mock.patch.object(corrupt_tta.corruptions, "random_noise", given):
                return apply(image, name, severity)
        return apply(image, name, severity)

    random_noise = corrupt_tta.corruptions.random_noise
    return run


def replayed(protocol: str = "") -> Apply:
    """Our kernels on the generator's draws, at the strengths of a protocol."""
    draws = runpy.run_path(str(ROOT / "tests" / "reference" / "test_corruptions_golden.py"))["REPLAYED"]

    def run(image: np.ndarray, name: str, severity: int) -> np.ndarray:
        if name not in draws:
            return corrupt(image, name, severity, id="", protocol=protocol)
        entry = corruption_under(name, protocol)
        level = entry.level(severity)
        return entry.apply(image, level, draws[name](np.random.RandomState(0), image.shape, level))

    return run


def differences(
    names: Sequence[str] = (*IMAGENET_C.members, *IMAGENET_C.extra), severities: Sequence[int] = SEVERITIES
) -> dict[str, dict[tuple[str, int], Difference]]:
    """For each distribution and (corruption, severity), over both pictures."""
    ours, *peers = sides().items()
    applies: dict[str, Apply] = {ours[0]: replayed(), **{name: seeded(name, apply) for name, apply in peers}}
    cells = [(name, severity) for name in names for severity in severities]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {side: {cell: difference(apply, *cell) for cell in cells} for side, apply in applies.items()}


def difference(apply: Apply, name: str, severity: int) -> Difference:
    """How far one function is from the generator in one cell, over both pictures."""
    off = np.stack(
        [np.abs(apply(golden(k), name, severity).astype(int) - golden(k, name, severity).astype(int)) for k in PICTURES]
    )
    return Difference(int(off.max()), float(off.mean()), float(np.mean(off <= 2)))


def small_differences(folder: Path, names: Sequence[str]) -> dict[tuple[str, int], Difference]:
    """How far our kernels are from CIFAR-10-C's generator, by (corruption, severity), over all pictures of a folder."""
    apply, archives = replayed(SMALL_PROTOCOL), [np.load(file) for file in sorted(folder.glob("*.npz"))]
    found = {}
    for name in names:
        for severity in SEVERITIES:
            pairs = [pair for a in archives for pair in zip(a["input"], a[name][:, severity - 1], strict=True)]
            off = np.stack([np.abs(apply(image, name, severity).astype(int) - expected) for image, expected in pairs])
            found[name, severity] = Difference(int(off.max()), float(off.mean()), float(np.mean(off <= 2)))
    return found


def bar_differences(folder: Path) -> dict[tuple[str, int], tuple[Difference, int]]:
    """ImageNet-C-bar's kernels, fed with the generator's draws, by (corruption, severity); and how many values differ.

    Args:
        folder: of the published code's pictures, its one input, and what it drew.
    """
    replayed = runpy.run_path(str(ROOT / "tests" / "reference" / "test_c_bar_golden.py"))["REPLAYED"]
    cases = json.loads((folder / "cases.json").read_text())["cases"]

    def read(name: str) -> np.ndarray:
        return np.asarray(PIL.Image.open(folder / f"{name}.png").convert("RGB"))

    found = {}
    for name in distortion_set("imagenet-c-bar").members:
        entry = corruptions.get(name)
        for severity in BAR_SEVERITIES:
            drawn = replayed[name](cases[f"{name}.{severity}"]["parameters"])
            made = entry.apply(read("input"), entry.level(severity), drawn)
            off = np.abs(made.astype(int) - read(f"{name}.{severity}").astype(int))
            measured = Difference(int(off.max()), float(off.mean()), float(np.mean(off <= 2)))
            found[name, severity] = measured, int(np.count_nonzero(off))
    return found


def bar_lines(found: dict[tuple[str, int], tuple[Difference, int]]) -> list[str]:
    """The lines of the page about ImageNet-C-bar."""
    return [
        "## ImageNet-C-bar",
        "",
        "The published code (facebookresearch/augmentation-corruption at ba4d5a5e), run once for each corruption and "
        "severity on a synthetic picture of 64x64; our kernels are fed with the draws that it made. Over "
        f"{len({name for name, _ in found})} corruptions at severities {', '.join(map(str, BAR_SEVERITIES))}, "
        f"{sum(count for _, count in found.values())} of {12_288 * len(found):,} values differ.",
        "",
    ]


def page(
    found: dict[str, dict[tuple[str, int], Difference]], bar: dict[tuple[str, int], tuple[Difference, int]]
) -> str:
    """The Markdown page."""
    lines = [
        "# Fidelity",
        "",
        "*Are the corruptions the published ones?* Yes: given the published generator's draws, our pictures are equal "
        "to its own or one grey level off, but for shot noise, which is equal in distribution. The table has each "
        "corruption, and two other packages beside.",
        "",
        "Absolute differences, in grey levels of 255, from pictures made by the published generator of ImageNet-C "
        "(make_imagenet_c.py of hendrycks/robustness; NumPy 2.2, scikit-image 0.26, OpenCV 4.11, ImageMagick 7.1.1), "
        "over two pictures of 224x224, before any JPEG. A cell holds the worst of the five severities: *equal*, or the "
        "largest difference, the mean, the share of values at most 2 off. [Every severity](results/fidelity.csv).",
        "",
        'The second column is of pictures of 32x32 at the strengths of CIFAR-10-C (`protocol="cifar10-c"`): eight '
        "pictures of its test set, from make_cifar_c.py under OpenCV 5.0, whose affine warp no longer rounds to 1/32 "
        "pixel as that of OpenCV 4 did.",
        "",
        f"| corruption | hardiness | {SMALL} | " + " | ".join(DISTRIBUTIONS[1:]) + " |",
        "|---|---|" + "---|" * len(DISTRIBUTIONS),
    ]
    for name in (*IMAGENET_C.members, *IMAGENET_C.extra):
        worst = [
            shown(
                Difference(
                    max(found[each][name, severity].largest for severity in SEVERITIES),
                    max(found[each][name, severity].mean for severity in SEVERITIES),
                    min(found[each][name, severity].within_2 for severity in SEVERITIES),
                )
            )
            for each in ("hardiness", SMALL, *DISTRIBUTIONS[1:])
        ]
        remark = ", ours of other draws" if name == "shot_noise" else ""
        lines.append(f"| {name}{remark} | {' | '.join(worst)} |")
    lines += ["", *bar_lines(bar), "## Notes, from reading the packages", ""]
    for distribution, notes in NOTES.items():
        lines += [f"**{distribution}**", ""]
        lines += [f"- {name}: {note}." for name, note in notes.items()]
        lines.append("")
    lines += [
        "A difference of 1 without a note is the last truncation to a byte falling the other way.",
        "",
        "Written by `python bench/fidelity.py`; do not edit. Versions: "
        + ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS)
        + ".",
        "",
        "## Where to go next",
        "",
        "[What each benchmark was checked against](benchmarks.md) · [corrupt pictures](kernels.md)",
        "",
    ]
    return "\n".join(lines)


def cells(found: dict[str, dict[tuple[str, int], Difference]]) -> str:
    """Every corruption and severity, a line each: the differences of each package."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("corruption", "severity", *DISTRIBUTIONS, SMALL))
    for name in (*IMAGENET_C.members, *IMAGENET_C.extra):
        for severity in SEVERITIES:
            lines.writerow((name, severity, *(cell(found[each][name, severity]) for each in (*DISTRIBUTIONS, SMALL))))
    return text.getvalue()


def shown(found: Difference) -> str:
    """One entry of the page's table."""
    return cell(found) if found.largest else "equal"


def cell(found: Difference) -> str:
    """One entry of the file."""
    return f"{found.largest}, {found.mean:.3f}, {100 * found.within_2:.2f} %"


def main() -> int:
    """Write the page, or check it."""
    names = (*IMAGENET_C.members, *IMAGENET_C.extra)
    found = differences() | {SMALL: small_differences(data_root() / "golden" / "cifar10-c", names)}
    written = {PAGE: page(found, bar_differences(data_root() / "golden" / "imagenet-c-bar")), CELLS_FILE: cells(found)}
    if "--check" in sys.argv:
        fresh = all(file.is_file() and file.read_text("utf-8") == text for file, text in written.items())
        print("docs/fidelity.md is fresh" if fresh else "docs/fidelity.md is stale: run python bench/fidelity.py")
        return 0 if fresh else 1
    for file, text in written.items():
        file.write_text(text, "utf-8")
        print(f"wrote {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast ImageNet-C-bar's corruptions are, one thread, against the published way to compute them and plain numpy.

    HARDINESS_DATA=… python bench/c_bar.py [--json]

Photographs of 224x224, severities 1, 3 and 5; a figure is the mean over severities of the median time of one image,
drawing included. Nothing is timed before all sides gave the same pictures from the same draws.

The published code, which is not installed, calls a function for every pixel of nearly all of them, and Perlin and
plasma noise take most of its time. Those two (`c_bar_pixels`) are one rival: alone they take less than the published
ten. Whole arrays in plain numpy (`c_bar_reference`), much faster than what was published, are the other.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import math
import sys
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

import c_bar_pixels as pixels
import c_bar_reference as plain
from bars import at_most, product_ms, sized, tell, versions
from fidelity import data_root
from hardiness.core.model import CANVAS_224
from hardiness.distortions.apply import corrupt, corruptions
from hardiness.distortions.still.caustics import Water
from hardiness.distortions.still.cutout import CheckerPattern
from hardiness.distortions.still.perlin import Lattice
from hardiness.distortions.still.sparkles import Star
from hardiness.distortions.still.waves import Plasma, Rings, Wave
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.reference.sets import distortion_set

PHOTOGRAPHS, ROUNDS = sized(4), sized(5)
SEVERITIES = (1, 3, 5)
WHOLE_PRODUCTS = 14.0
DOMINANT = ("perlin_noise", "plasma_noise")
"""Of the published code's time."""

NAMES = distortion_set("imagenet-c-bar").members
SIDE = sized(224, 56)

Image = np.ndarray[Any, Any]
Pair = tuple[dict[str, Any], Any]
"""The same draws, for the plain formula by name and for our kernel."""


def noise_seed(random: np.random.RandomState) -> int:
    return int(random.randint(2**31))


def wave(random: np.random.RandomState, level: Any) -> Pair:
    along, down, phase = random.uniform(-1, 1, 3)
    return {"freq": (along, down), "phase": phase, "intensity": level.intensity}, Wave(along, down, phase)


def rings(random: np.random.RandomState, level: Any) -> Pair:
    x, y, rays, amplitude, width = random.uniform(1, (SIDE, SIDE, 10, 0.1 * SIDE, 0.1 * SIDE))
    given = {"offset": (x, y), "freq": rays, "amplitude": amplitude, "ring_width": width}
    return {**given, "intensity": (level.intensity,)}, Rings(x, y, rays, amplitude, width)


def plasma(random: np.random.RandomState, level: Any) -> Pair:
    time_, sharpness, scale = random.uniform((0, 0.5, 0.075 * SIDE), (6 * math.pi, 1, 0.2 * SIDE))
    given = {"time": time_, "iterations": 5, "sharpness": sharpness, "scale": scale}
    return {**given, "intensity": level.intensity}, Plasma(**given)


def board(random: np.random.RandomState, level: Any) -> Pair:
    angle, side, seed = random.uniform(0, 2 * math.pi), random.uniform(0.1, 0.25) * SIDE, noise_seed(random)
    cells = int(4 * SIDE // side)
    painted = np.random.RandomState(seed).uniform(size=(cells, cells)) < level.fraction
    given = {"angle": angle, "scales": (side, side), "fraction": level.fraction, "seed": seed}
    return given, CheckerPattern(angle, side, painted)


def stars(random: np.random.RandomState, level: Any) -> Pair:
    centres, seed, rays = random.uniform(0, SIDE, (5, 2)), noise_seed(random), random.randint(50, 200, 5)
    radius, inner = level.radius * SIDE, np.random.RandomState(seed)
    given = {"centers": centres, "radii": [radius] * 5, "nrays": rays, "amounts": [50] * 5, "seed": seed}
    ours = tuple(
        Star(tuple(centre), np.maximum(1, radius + 0.25 * radius * inner.normal(size=n)))
        for centre, n in zip(centres, rays, strict=True)
    )
    return {**given, "randomness": 25}, ours


def one_star(random: np.random.RandomState, level: Any) -> Pair:
    centre, seed, rays = random.uniform(0.25, 0.75, 2) * SIDE, noise_seed(random), int(random.randint(50, 200))
    lengths = 0.25 * SIDE * (1 + 0.25 * np.random.RandomState(seed).normal(size=rays))
    given = {"center": centre, "radius": 0.25 * SIDE, "rays": rays, "amount": 100 - 50 * level.exponent}
    return {**given, "seed": seed, "randomness": 25}, Star(tuple(centre), lengths)


def lattice(random: np.random.RandomState, level: Any) -> Pair:
    seed = noise_seed(random)
    inner = np.random.RandomState(seed)
    slopes = (np.array([inner.randint(0, 2**31, 2) for _ in range(514)]) % 512 - 256) / 256
    partners = np.array([inner.randint(0, 2**31) % 256 for _ in range(256)])
    ours = Lattice((slopes / np.linalg.norm(slopes, axis=1, keepdims=True))[:256].copy(), partners)
    return {"m": 0, "turbulence": 16, "seed": seed, "gain": 0.5, "bias": 0.5, "alpha": level.share}, ours


def three_fields(random: np.random.RandomState, level: Any) -> Pair:
    seed = noise_seed(random)
    phases = np.random.RandomState(seed).uniform(0, 2 * np.pi, (3, SIDE, SIDE // 2))
    return {"seed": seed, "intensity": level.intensity}, phases


def one_field(random: np.random.RandomState, level: Any) -> Pair:
    seed = noise_seed(random)
    phases = np.random.RandomState(seed).uniform(0, 2 * np.pi, (1, SIDE, SIDE // 2))
    return {"seed": seed, "threshold": level.threshold}, phases


def water(random: np.random.RandomState, level: Any) -> Pair:
    ours = Water(random.uniform(0.5, 2), random.uniform(0.75, 1.25) * SIDE)
    given = {"eta": 4.0, "lens_scale": level.reach * SIDE, "lighting_amount": level.lighting, "softening": 1}
    return {**given, **ours._asdict()}, ours


DRAWN: dict[str, Callable[[np.random.RandomState, Any], Pair]] = {
    "single_frequency_greyscale": wave,
    "cocentric_sine_waves": rings,
    "plasma_noise": plasma,
    "checkerboard_cutout": board,
    "sparkles": stars,
    "inverse_sparkles": one_star,
    "perlin_noise": lattice,
    "brownish_noise": three_fields,
    "blue_noise_sample": one_field,
    "caustic_refraction": water,
}


def photographs() -> list[Image]:
    files = sorted((data_root() / "imagenet" / "val").glob("*/*.JPEG"))[:PHOTOGRAPHS]
    whole = [on_canvas(decode(file.read_bytes(), str(file)), CANVAS_224) for file in files]
    return [np.ascontiguousarray(image[:SIDE, :SIDE]) for image in whole]


def checked(name: str, image: Image, rival: ModuleType = plain, severities: Sequence[int] = SEVERITIES) -> int:
    """How many values differ between the two sides over severities; by more than one level, the bench ends."""
    differing = 0
    for severity in severities:
        entry = corruptions.get(name)
        given, ours = DRAWN[name](np.random.RandomState(severity), entry.level(severity))
        off = np.abs(entry.apply(image, entry.level(severity), ours).astype(int) - getattr(rival, name)(image, **given))
        if off.max() > 1 or np.count_nonzero(off) > 10:
            sys.exit(f"{name} severity {severity}: {np.count_nonzero(off)} values differ: nothing is timed")
        differing += int(np.count_nonzero(off))
    return differing


def by_pixels(name: str, image: Image) -> float:
    """Milliseconds for one image, pixel by pixel, at the severity in the middle."""
    severity = SEVERITIES[1]
    checked(name, image, pixels, [severity])
    given, _ = DRAWN[name](np.random.RandomState(0), corruptions.get(name).level(severity))
    start = time.perf_counter()
    getattr(pixels, name)(image, **given)
    return 1e3 * (time.perf_counter() - start)


def measured(name: str, images: list[Image]) -> tuple[float, float]:
    """Milliseconds for one image: ours, then the plain formula, taking turns."""
    ours_ms = plain_ms = 0.0
    for severity in SEVERITIES:
        level, times = corruptions.get(name).level(severity), ([], [])  # type: tuple[list[float], list[float]]
        corrupt(images[0], name, severity)
        for turn in range(ROUNDS):
            for index, image in enumerate(images):
                given, _ = DRAWN[name](np.random.RandomState(turn), level)
                start = time.perf_counter()
                corrupt(image, name, severity, id=str(index))
                middle = time.perf_counter()
                getattr(plain, name)(image, **given)
                times[1].append(time.perf_counter() - middle)
                times[0].append(middle - start)
        ours_ms += 1e3 * float(np.median(times[0])) / len(SEVERITIES)
        plain_ms += 1e3 * float(np.median(times[1])) / len(SEVERITIES)
    return ours_ms, plain_ms


def main() -> int:
    """Check, measure, tell."""
    images = photographs()
    notes: dict[str, Any] = {"values that differ, of 4.5 million": sum(checked(name, images[0]) for name in NAMES)}
    ours_ms = plain_ms = published_ms = 0.0
    for name in NAMES:
        ours, theirs = measured(name, images)
        if name in DOMINANT:
            slow = by_pixels(name, images[0])
            notes[f"{name}: pixel by pixel, ms"] = slow
            notes[f"{name}: times faster than pixel by pixel"] = slow / ours
            published_ms += slow
        notes[f"{name}: ours, then plain numpy's, ms"] = f"{ours:.2f} {theirs:.2f}"
        notes[f"{name}: times faster than plain numpy"] = theirs / ours
        ours_ms, plain_ms = ours_ms + ours, plain_ms + theirs
    notes |= {"the ten, ours, ms": ours_ms, "the ten, plain numpy, ms": plain_ms}
    notes["the ten, times faster than plain numpy"] = plain_ms / ours_ms
    product = product_ms()
    notes["the ten together, times faster than Perlin and plasma alone pixel by pixel"] = published_ms / ours_ms
    notes["a product of matrices, ms"] = product
    bars = {"the ten together, an image, in products of matrices": at_most(ours_ms / product, WHOLE_PRODUCTS)}
    return tell(bars, notes, versions("numpy", "numba", "scipy"), ROUNDS * PHOTOGRAPHS)


if __name__ == "__main__":
    sys.exit(main())

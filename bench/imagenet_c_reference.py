"""ImageNet-C on real photographs: the models' errors, and Lite0's beside those that the published functions give.

    HARDINESS_DATA=… python bench/imagenet_c_reference.py [OUT]      # writes docs/imagenet_c_results.md

The reference corrupts the same crops by the published generator's functions as packages carry them (`peers.right`, held
against the golden pictures first), saves and reads them as JPEG of quality 85 by PIL, and asks the same model. What is
drawn is drawn four times, and the error is the mean: otherwise the reference's own chance is as large as what it is to
judge. The interval stays that of as many answers as there are photographs. Records are kept in OUT, so that the script
continues where it was stopped.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

import peers
from bars import machine, versions
from hardiness import api, models
from hardiness import data as datasets
from hardiness.core import CANVAS_224, Item, Result
from hardiness.distortions import SEVERITIES, corruptions
from hardiness.imaging import decode, on_canvas
from hardiness.models.preprocessing import to_pixels
from hardiness.reference import IMAGENET_C
from hardiness.statistics.intervals import wilson

PAGE = Path(__file__).resolve().parents[1] / "docs" / "imagenet_c_results.md"
DATA = os.environ.get("HARDINESS_DATA", "data")
MODELS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1")
COMPARED = MODELS[0]
CELLS = [(name, severity) for name in IMAGENET_C.members for severity in SEVERITIES]
DRAWS = 4
CHUNK = 16
"""Photographs in the making at a time: 32 MB of pictures each."""
DRAWN = {name: 1 if corruptions.get(name).deterministic else DRAWS for name in IMAGENET_C.members}
WORKERS = len(os.sched_getaffinity(0))


def begin_worker() -> None:
    """Functions in each process, and one thread for each."""
    import cv2

    cv2.setNumThreads(1)
    warnings.simplefilter("ignore")
    globals()["FUNCTIONS"] = {name: next(iter(found.items())) for name, found in peers.right().items()}


def reference_pictures(item: Item) -> np.ndarray:
    """The pictures of one photograph as the published functions and PIL's JPEG make them, by cell, then by draw."""
    clean = on_canvas(decode(item.file.read(), item.file.name), CANVAS_224)
    pictures = []
    for name, severity in CELLS:
        where, apply = globals()["FUNCTIONS"][name]
        for draw in range(DRAWN[name]):
            seed = peers.seed_of(name, severity, f"{item.id} {draw}")
            stream = io.BytesIO()
            PIL.Image.fromarray(peers.drawn(where, apply, clean, name, severity, seed)).save(stream, "JPEG", quality=85)
            pictures.append(np.asarray(PIL.Image.open(stream).convert("RGB")))
    return np.stack(pictures)


def reference_wrong(items: list[Item]) -> np.ndarray:
    """How many of the photographs Lite0 gets wrong in each cell, a mean over draws, ``float64 (75,)``."""
    cell_of = np.repeat(np.arange(len(CELLS)), [DRAWN[name] for name, _ in CELLS])
    with ProcessPoolExecutor(WORKERS, get_context("spawn"), begin_worker) as pool:
        classifier = models.load(models.resolve(COMPARED))
        wrong = np.zeros(len(CELLS))
        for start in range(0, len(items), CHUNK):
            part = items[start : start + CHUNK]
            for item, pictures in zip(part, pool.map(reference_pictures, part), strict=True):
                logits = np.concatenate([classifier.logits(to_pixels(few)) for few in np.array_split(pictures, 7)])
                wrong += np.bincount(cell_of, logits.argmax(axis=1) != item.label, len(CELLS))
    return wrong / np.bincount(cell_of)


def page(results: list[Result], wrong: np.ndarray, total: int) -> Iterator[str]:
    """The Markdown page, line by line."""
    packages = versions("hardiness", "torch", "openvino", "imagecorruptions-imaug", "corrupt-tta")
    yield "# ImageNet-C on 250 photographs"
    yield ""
    yield "Written by `python bench/imagenet_c_reference.py`; do not edit. " + (
        f"{total} photographs, one a class, generated (seed 0), JPEG of quality 85. They are training images, so "
        "errors are lower than on the validation set, and mCE here is not comparable with published values. "
        f"{machine()['processor']}; " + ", ".join(f"{name} {given}" for name, given in packages.items()) + "."
    )
    yield from ["", "## Scores", "", "Percent, with 95 % intervals.", ""]
    yield "| model | clean error | mean error | mCE | relative mCE |"
    yield "|---|---|---|---|---|"
    for result in results:
        cells = [shown(result, metric) for metric in ("clean_error", "mean_error", "mce", "relative_mce")]
        yield f"| `{result.model}` | {' | '.join(cells)} |"
    for result in results:
        yield from ["", f"## Errors of {result.model}, percent", "", "| corruption | 1 | 2 | 3 | 4 | 5 | mean |"]
        yield "|---|---|---|---|---|---|---|"
        for name in IMAGENET_C.members:
            row = [result.score("error", corruption=name, severity=s).value for s in SEVERITIES]
            row.append(result.score("error", corruption=name).value)
            yield f"| {name} | {' | '.join(f'{100 * (value or 0):.1f}' for value in row)} |"
    yield from comparison(next(r for r in results if r.model == COMPARED), wrong, total)


def shown(result: Result, metric: str) -> str:
    """A headline with its interval."""
    score = result.score(metric)
    assert score.value is not None
    assert score.interval is not None
    return f"{100 * score.value:.1f} ({100 * score.interval.low:.1f} to {100 * score.interval.high:.1f})"


def comparison(result: Result, wrong: np.ndarray, total: int) -> Iterator[str]:
    """The table of Lite0's errors beside the reference's."""
    yield from ["", f"## {COMPARED} beside the published functions", ""]
    yield (
        "Each cell: our error, then the error and its 95 % interval (Wilson) on the same photographs corrupted by the "
        f"published generator's own function, seeded independently of ours. Where it draws, it drew {DRAWS} times, and "
        f"its error is the mean; the interval is that of {total} answers. A cell outside is marked."
    )
    yield from [
        "",
        "| corruption | function | " + " | ".join(map(str, SEVERITIES)) + " |",
        "|---|---|---|---|---|---|---|",
    ]
    outside, apart = [], []
    for name, functions in peers.right().items():
        cells = []
        for severity in SEVERITIES:
            ours = result.score("error", corruption=name, severity=severity).value
            theirs = float(wrong[CELLS.index((name, severity))])
            interval = wilson(theirs, total)
            assert ours is not None
            apart += [100 * (ours - theirs / total)] if DRAWN[name] > 1 else []
            fits = interval.low <= ours <= interval.high
            outside += [] if fits else [f"{name} {severity}"]
            bounds = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
            cells.append(f"{100 * ours:.1f}; {100 * theirs / total:.1f} ({bounds})" + ("" if fits else " **outside**"))
        yield f"| {name} | {next(iter(functions))} | {' | '.join(cells)} |"
    yield ""
    yield f"{len(CELLS) - len(outside)} of {len(CELLS)} cells lie within" + (
        f"; outside: {', '.join(outside)}." if outside else "."
    )
    yield (
        f"Over the {len(apart)} cells with draws our error is {np.mean(apart):+.2f} points from the reference's on "
        f"average, and {np.sqrt(np.mean(np.square(apart))):.2f} in root mean square."
    )
    yield ""
    yield (
        "Every function gives the generator's golden pictures at all severities (checked by the script; the table is "
        "in [fidelity](fidelity.md)). Two do so only with one number of the package put right, as the column says."
    )


def main() -> int:
    out: Any = Path(sys.argv[1]) if len(sys.argv) > 1 else tempfile.mkdtemp()
    command = api.Command(models=MODELS, benchmarks=("imagenet-c:source=generated",), out=Path(out), data=(DATA,))
    outcome = api.run(command)
    assert not outcome.problems, outcome.problems
    items = list(datasets.locate([DATA]).dataset("imagenet").items)
    lines = list(page(list(outcome.results), reference_wrong(items), len(items)))
    PAGE.write_text("\n".join(lines) + "\n")
    print(f"wrote {PAGE.name}; {lines[-4]} {lines[-3]}")
    return int("outside" in lines[-4])


if __name__ == "__main__":
    sys.exit(main())

"""ImageNet-C on real photographs: the models' errors, and Lite0's beside those that the published functions give.

    HARDINESS_DATA=… python bench/imagenet_c_reference.py [OUT]      # writes into docs/results.md

The reference corrupts the same crops by the published generator's functions as packages carry them (`peers.right`, held
against the golden pictures first), saves and reads them as JPEG of quality 85 by PIL, and asks the same model. What is
drawn is drawn four times, and the error is the mean: otherwise the reference's own chance is as large as what it is to
judge. The interval stays that of as many answers as there are photographs. Records are kept in OUT, so that the script
continues where it was stopped.
"""

from __future__ import annotations

import csv
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
from hardiness.api.command import Command
from hardiness.api.execution import run
from hardiness.core.benchmark import Item
from hardiness.core.model import CANVAS_224
from hardiness.core.result import Result
from hardiness.core.spread import Interval
from hardiness.data.root import locate
from hardiness.distortions.apply import corruptions
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.sets import SEVERITIES, distortion_set
from hardiness.statistics.intervals import wilson

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))

from write import with_block

IMAGENET_C = distortion_set("imagenet-c")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "results.md"
CELLS_FILE = PAGE.parent / "results" / "imagenet_c.csv"
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
        classifier = load(resolve(COMPARED))
        wrong = np.zeros(len(CELLS))
        for start in range(0, len(items), CHUNK):
            part = items[start : start + CHUNK]
            for item, pictures in zip(part, pool.map(reference_pictures, part), strict=True):
                logits = np.concatenate([classifier.logits(to_pixels(few)) for few in np.array_split(pictures, 7)])
                wrong += np.bincount(cell_of, logits.argmax(axis=1) != item.label, len(CELLS))
    return wrong / np.bincount(cell_of)


def block(results: list[Result], apart: dict[tuple[str, int], tuple[float, Interval]]) -> Iterator[str]:
    """What stands in the page, line by line: the headlines, and how near Lite0 comes to the published functions."""
    yield "| model | clean error | mean error | mCE | relative mCE |"
    yield "|---|---|---|---|---|"
    for result in results:
        cells = [shown(result, metric) for metric in ("clean_error", "mean_error", "mce", "relative_mce")]
        yield f"| `{result.model}` | {' | '.join(cells)} |"
    compared = next(result for result in results if result.model == COMPARED)
    within = [theirs.low <= error_of(compared, *cell) <= theirs.high for cell, (_, theirs) in apart.items()]
    drawn = [100 * (error_of(compared, *cell) - theirs) for cell, (theirs, _) in apart.items() if DRAWN[cell[0]] > 1]
    packages = versions("hardiness", "torch", "openvino", "imagecorruptions-imaug", "corrupt-tta")
    yield ""
    mean, spread = np.mean(drawn), np.sqrt(np.mean(np.square(drawn)))
    yield (
        f"{sum(within)} of {len(CELLS)} errors of `{COMPARED}` lie within the interval of the published functions' "
        f"error on the same photographs. Over the {len(drawn)} cells with draws ours is {mean:+.2f} points from theirs "
        f"on average, and {spread:.2f} in root mean square. {machine()['processor']}; "
        + ", ".join(f"{name} {given}" for name, given in packages.items())
        + "."
    )


def error_of(result: Result, name: str, severity: int) -> float:
    """The error in one cell."""
    value = result.score("error", corruption=name, severity=severity).value
    assert value is not None
    return value


def shown(result: Result, metric: str) -> str:
    """A headline with its interval."""
    score = result.score(metric)
    assert score.value is not None
    assert score.interval is not None
    return f"{100 * score.value:.1f} ({100 * score.interval.low:.1f} to {100 * score.interval.high:.1f})"


def write_cells(results: list[Result], apart: dict[tuple[str, int], tuple[float, Interval]]) -> None:
    """Every error, and beside Lite0's the published function with its error and interval, in percent."""
    functions = {name: next(iter(found)) for name, found in peers.right().items()}
    with CELLS_FILE.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(("model", "corruption", "severity", "error", "published function", "its error", "low", "high"))
        for result in results:
            for (name, severity), (theirs, interval) in apart.items():
                numbers = (theirs, interval.low, interval.high) if result.model == COMPARED else ()
                beside = (functions[name], *(f"{100 * each:.1f}" for each in numbers)) if numbers else ("",) * 4
                lines.writerow((result.model, name, severity, f"{100 * error_of(result, name, severity):.1f}", *beside))


def main() -> int:
    out: Any = Path(sys.argv[1]) if len(sys.argv) > 1 else tempfile.mkdtemp()
    command = Command(models=MODELS, benchmarks=("imagenet-c:source=generated",), out=Path(out), data=(DATA,))
    outcome = run(command)
    assert not outcome.problems, outcome.problems
    items = list(locate([DATA]).dataset("imagenet").items)
    wrong = dict(zip(CELLS, reference_wrong(items), strict=True))
    apart = {cell: (float(count / len(items)), wilson(float(count), len(items))) for cell, count in wrong.items()}
    results = list(outcome.results)
    lines = list(block(results, apart))
    PAGE.write_text(with_block(PAGE.read_text("utf-8"), "imagenet-c", "\n".join(lines) + "\n"), "utf-8")
    write_cells(results, apart)
    print(f"wrote {PAGE.name} and {CELLS_FILE.name}; {lines[-1]}")
    return int(not lines[-1].startswith(f"{len(CELLS)} of"))


if __name__ == "__main__":
    sys.exit(main())

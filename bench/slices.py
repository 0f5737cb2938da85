"""Scores by slice of a synthesised ImageNet-C run of 50,000 images under 76 conditions: three columns of ten values.

What slices take beside ``show`` of the same rows, each in a process of its own: of pictures that stand alone, whose
scores are kept, and of 5,000 clusters, whose scores are computed anew. The numbers are first held against those of all
pictures.

    python bench/slices.py [--images 50000] [--json]
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from apart import apart
from bars import alternating, at_most, sized, tell, versions
from hardiness.core.columns import NO_GROUPING, Columns, Grouping
from hardiness.report.format import as_text
from hardiness.report.terminal import score_tables
from hardiness.results.folder import Folder
from hardiness.store.store import Store
from scoring import write

REPETITIONS = sized(3)
COLUMNS = ("site", "camera", "season")
VALUES = 10


def columns_of(images: int) -> Columns:
    """Three columns of ten values each, and a patient of about ten pictures."""
    generator = np.random.default_rng(0)
    ids = np.array(sorted(f"n{image % 1000:08d}/ILSVRC2012_val_{image:08d}" for image in range(images)), object)
    values = {
        name: np.array([f"{name} {v}" for v in generator.integers(0, VALUES, images)], object) for name in COLUMNS
    }
    patients = generator.integers(0, max(images // 10, 1), images)
    return Columns(ids, {**values, "patient": np.array([f"p{patient}" for patient in patients], object)})


def grouping_of(images: int, kind: str) -> Grouping:
    """The grouping of a kind: ``show``, ``sliced``, ``clustered``, or ``clustered sliced``."""
    if kind == "show":
        return NO_GROUPING
    slices = COLUMNS if "sliced" in kind else ()
    return Grouping("patient" if "clustered" in kind else "", slices, {}, (columns_of(images),))


def shown(out: Path, images: int, kind: str) -> tuple[float, float]:
    """Seconds that results and their tables take, and the peak of this process in MB."""
    grouping = grouping_of(images, kind)
    begin = time.perf_counter()
    as_text(score_tables(Folder.open(Store.open(out), grouping=grouping).results))
    return time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def check_equal(out: Path, images: int) -> int:
    """How many numbers are those of the rows; leaves where one is not."""
    (result,) = Folder.open(Store.open(out), grouping=grouping_of(images, "sliced")).results
    for score in result.slices:
        whole = result.score(score.metric).value
        together = sum((each.score.value or 0.0) * each.score.n for each in score.slices) / score.n
        if score.metric == "mean_error" and abs(together - (whole or 0.0)) > 1e-9:
            raise SystemExit(f"{score.column}: the slices together are {together}, and all pictures {whole}")
    return sum(len(score.slices) for score in result.slices)


def measured(out: Path, images: int, kind: str) -> tuple[float, float]:
    """Seconds and MB of one kind, in a process from nothing."""
    with apart(kind) as ask:
        seconds, peak = ask[kind](shown, out, images, kind)
        return seconds, peak


def main() -> int:
    """Print the figures; 0 where every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=sized(50_000, 40))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        with apart("writer") as ask:
            ask["writer"](write, out, options.images, 256)
        shown(out, options.images, "show")  # keeps what show computes
        peaks: dict[str, float] = {}

        def side(kind: str) -> float:
            seconds, peaks[kind] = measured(out, options.images, kind)
            return seconds

        kinds = ("show", "sliced", "clustered", "clustered sliced")
        seconds = dict(
            zip(kinds, alternating(REPETITIONS, *(lambda kind=kind: side(kind) for kind in kinds)), strict=True)
        )
        numbers = check_equal(out, options.images)
    bars = {}
    for kind, beside in (("sliced", "show"), ("clustered sliced", "clustered")):
        bars[f"{kind}: s beside {beside}"] = at_most(seconds[kind] - seconds[beside], 2.0)
        bars[f"{kind}: MB beside {beside}"] = at_most(peaks[kind] - peaks[beside], 400.0)
    notes = {"images": options.images, "numbers compared": numbers}
    notes |= {f"{kind}, s": taken for kind, taken in seconds.items()}
    notes |= {f"{kind}: peak, MB": peak for kind, peak in peaks.items()}
    return tell(bars, notes, versions("numpy", "scipy"), REPETITIONS)


if __name__ == "__main__":
    sys.exit(main())

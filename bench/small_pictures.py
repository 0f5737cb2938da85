"""CIFAR at its own size: whole runs beside the network alone, and corruptions beside imagecorruptions.

    HARDINESS_DATA=… python bench/small_pictures.py [--json]

ResNet-20 answers somebody's JPEG copies of the 10,000 test pictures. Clean pictures and one corruption in the
published form, an archive of ``.npy`` files, are timed against the network alone on batches that are in memory. The
whole table of CIFAR-10-C, 750,000 answers to pictures that are made on the way, is timed against the corruptions
alone plus the network alone. The corruptions themselves take one thread, 32 x 32 pixels and all severities. The short
size takes a few pictures and corruptions.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bars import alternating, at_least, at_most, sized, tell, versions
from cifar import extract, pictures_of, write_example
from fidelity import data_root, sides
from fresh_run import fresh_run
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import DataSet
from hardiness.data.root import DataRoot, locate
from hardiness.distortions.apply import corrupt
from hardiness.engine.batch_sizes import automatic_batch_size
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.sets import SEVERITIES, distortion_set

CORES = len(os.sched_getaffinity(0))
PROTOCOL = "cifar10-c"
SET = distortion_set("imagenet-c")
MEMBERS = SET.members[: sized(len(SET.members), 2)]
NAMES = (*MEMBERS, *SET.extra[: sized(len(SET.extra))])
LEVELS = SEVERITIES[: sized(len(SEVERITIES))]
PICTURES = sized(10_000, 20)
KERNEL_PICTURES = sized(8, 1)
ROUNDS = sized(3)
Bars = dict[str, dict[str, Any]]
Notes = dict[str, str]
SHARE_BAR, GENERATED_BAR, KERNELS_BAR, TABLE_S = 0.95, 1.05, 10.0, 900


def network_rate(classifier: Classifier, pictures: np.ndarray, batch: int) -> float:
    """Pictures a second of the network alone, on pixels that lie in memory, all cores busy."""
    batches = [to_pixels(list(pictures[first : first + batch])) for first in range(0, len(pictures), batch)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(classifier.runtimes.streams) as pool:
        list(pool.map(classifier.logits, batches))
    return len(pictures) / (time.perf_counter() - begin)


def run_rate(classifier: Classifier, benchmark: str, data: DataSet) -> float:
    """Answers a second of a whole run into a fresh store."""
    records, seconds = fresh_run(classifier, benchmark, data)
    return len(records) / seconds


def kernel_rate(pictures: np.ndarray) -> float:
    """Corrupted pictures a second of the corruptions alone, all cores busy."""
    cells = [(name, severity) for name in MEMBERS for severity in LEVELS]

    def made(place: int) -> None:
        for name, severity in cells:
            corrupt(pictures[place], name, severity, id=str(place), protocol=PROTOCOL)

    begin = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(made, range(len(pictures))))
    return len(cells) * len(pictures) / (time.perf_counter() - begin)


def milliseconds(apply: Callable[[np.ndarray, str, int], Any], name: str, pictures: Sequence[np.ndarray]) -> float:
    """Milliseconds a picture takes on one thread: the mean over severities of the median."""
    total = 0.0
    for severity in LEVELS:
        apply(pictures[0], name, severity)  # compiled
        times = []
        for picture in [*pictures] * ROUNDS:
            begin = time.perf_counter()
            apply(picture, name, severity)
            times.append(time.perf_counter() - begin)
        total += 1000 * float(np.median(times)) / len(LEVELS)
    return total


@dataclass(frozen=True, slots=True)
class Test:
    """ResNet-20 and the pictures that it answers, as arrays and as both published forms.

    Attributes:
        classifier: the network.
        batch: pictures of a batch.
        pictures: ``uint8 (N, 32, 32, 3)``.
        clean, archive: the data root of each form.
    """

    classifier: Classifier
    batch: int
    pictures: np.ndarray
    clean: DataRoot
    archive: DataRoot


def prepare(folder: Path) -> Test:
    """Write the pictures in both forms into a folder, and load the network."""
    root = data_root() / "cifar10"
    pictures, labels = pictures_of(extract(root / "test_jpeg.tar", folder))
    chosen = np.random.default_rng(0).permutation(len(labels))[:PICTURES]
    pictures, labels = pictures[chosen], labels[chosen]
    np.savez(folder / "test.npz", x=pictures, y=labels)
    (folder / "cifar10-c").mkdir()
    np.save(folder / "cifar10-c" / "fog.npy", np.concatenate([pictures] * len(SEVERITIES)))
    np.save(folder / "cifar10-c" / "labels.npy", np.tile(labels, len(SEVERITIES)))
    (weights,) = (root / "weights").glob("resnet20-*")
    classifier = load(resolve(f"py:{write_example(folder)}:resnet20:weights={weights}"))
    clean, archive = locate([f"cifar10={folder / 'test.npz'}"]), locate([f"cifar10-c={folder / 'cifar10-c'}"])
    return Test(classifier, automatic_batch_size(classifier, 32), pictures, clean, archive)


def compare_with_network(test: Test, bars: Bars, notes: Notes) -> float:
    """Time pictures that exist, clean and in an archive, beside the network alone; return the network's pictures/s."""
    network = 0.0
    for name, benchmark, root in (
        ("clean pictures", "cifar10", test.clean),
        ("an archive", f"{PROTOCOL}:corruptions=fog", test.archive),
    ):
        data = parse(benchmark).dataset(root)
        network, rate = alternating(
            ROUNDS,
            lambda: network_rate(test.classifier, test.pictures, test.batch),
            lambda benchmark=benchmark, data=data: run_rate(test.classifier, benchmark, data),
        )
        notes[f"{name}: network alone, then the run, pictures/s"] = f"{network:.0f} {rate:.0f}"
        bars[f"{name}: the run over the network alone"] = at_least(rate / network, SHARE_BAR)
    return network


def time_whole_table(test: Test, network: float, bars: Bars, notes: Notes) -> None:
    """Time all corruptions of the table, made on the way, beside corruptions and network one after the other."""
    whole = f"{PROTOCOL}:corruptions={'+'.join(MEMBERS)}"
    kernels = kernel_rate(test.pictures[: sized(200, 4)])
    table = run_rate(test.classifier, whole, parse(whole).dataset(test.clean))
    notes["corruptions alone, network alone, the whole table, pictures/s"] = f"{kernels:.0f} {network:.0f} {table:.0f}"
    bars["the whole table: time over corruptions alone plus network alone"] = at_most(
        1 / (1 / kernels + 1 / network) / table, GENERATED_BAR
    )
    answers = len(test.pictures) * (1 + len(MEMBERS) * len(SEVERITIES))
    bars["the whole table of ResNet-20, s"] = at_most(answers / table, TABLE_S)


def compare_corruptions(pictures: np.ndarray, bars: Bars, notes: Notes) -> None:
    """Time each corruption beside that of imagecorruptions."""
    ours = theirs = 0.0
    package = sides()["imagecorruptions-imaug"]
    for name in NAMES:
        few = [*pictures[:KERNEL_PICTURES]]
        mine = milliseconds(lambda p, n, s: corrupt(p, n, s, id="a", protocol=PROTOCOL), name, few)
        usual = milliseconds(package, name, few)
        notes[f"{name}: ours, then imagecorruptions, ms"] = f"{mine:.3f} {usual:.3f}"
        ours, theirs = ours + mine, theirs + usual
    bars["the corruptions together at 32 px, times faster than imagecorruptions"] = at_least(theirs / ours, KERNELS_BAR)


def main() -> int:
    """Measure, tell."""
    warnings.simplefilter("ignore")
    bars: Bars = {}
    notes: Notes = {}
    with tempfile.TemporaryDirectory() as folder:
        test = prepare(Path(folder))
        network = compare_with_network(test, bars, notes)
        time_whole_table(test, network, bars, notes)
    compare_corruptions(test.pictures, bars, notes)
    return tell(bars, notes, versions("torch", "numba", "imagecorruptions-imaug"), ROUNDS)


if __name__ == "__main__":
    sys.exit(main())

"""Real networks on real test pictures of CIFAR-10, and published answers: what docs/small_pictures.md shows.

    HARDINESS_DATA=… python bench/cifar.py      # writes docs/results/cifar.csv and docs/results/cifar_answers.csv

The three networks answer the first 500 test pictures and JPEG copies of all 10,000, by hardiness and by a plain loop of
torch; the bench ends with an error where the two count other errors. The answers of 15 networks are those that Recht et
al. (2018) published. ``make docs`` writes the page's tables from these files.
"""

from __future__ import annotations

import csv
import io
import os
import re
import runpy
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

import hardiness

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "small_pictures.md"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PUBLISHED = {"resnet20": 8.27, "resnet32": 7.37, "resnet44": 6.9}
"""Errors on the 10,000 test pictures in percent, as the README beside the weights has them."""

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
VERSIONS = {"cifar10": "test", "cifar10.1-v4": "v4"}
"""The sets of published answers, and what the file calls them."""


def write_example(folder: Path) -> Path:
    """The example of the page, as a file."""
    (code,) = re.findall(r'```python title="resnet_cifar.py"\n(.*?)```', PAGE.read_text("utf-8"), re.DOTALL)
    file = folder / "resnet_cifar.py"
    file.write_text(code, "utf-8")
    return file


def extract(archive: Path, folder: Path) -> Path:
    """The JPEG copies, in a folder for each class."""
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder / "test"


def errors_of_a_loop(network: torch.nn.Module, pictures: np.ndarray, labels: np.ndarray) -> int:
    """Errors by a loop over batches of ``(N, 32, 32, 3)`` pictures, without hardiness."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    errors = 0
    with torch.inference_mode():
        for first in range(0, len(pictures), 100):
            part = torch.from_numpy(pictures[first : first + 100]).permute(0, 3, 1, 2).float() / 255
            answers = network((part - mean) / std).argmax(1).numpy()
            errors += int((answers != labels[first : first + 100]).sum())
    return errors


def pictures_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of a folder for each class, and their labels."""
    files = [(file, label) for label, name in enumerate(CLASSES) for file in sorted((folder / name).iterdir())]
    return np.stack([np.asarray(PIL.Image.open(file)) for file, _ in files]), np.array([label for _, label in files])


def published_network(name: str, example: Path, weights: Path) -> torch.nn.Module:
    """A network of the example with its published weights, without hardiness; normalised pixels come in."""
    network: torch.nn.Module
    network, _ = runpy.run_path(str(example))[name]()
    state = torch.load(weights, map_location="cpu", weights_only=True)["state_dict"]
    network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    return network.eval()


def network_rows(data: Path, folder: Path, names: Iterable[str] = PUBLISHED) -> list[dict[str, Any]]:
    """A row for each network and set of pictures: errors by hardiness, with the interval, and by a plain loop.

    Args:
        data: folder with ``test_first_500.npz``, ``test_jpeg.tar`` and ``weights``.
        folder: an empty one for what is made.
        names: of the networks.
    """
    example, copies = write_example(folder), extract(data / "test_jpeg.tar", folder)
    with np.load(data / "test_first_500.npz") as first:
        sets = {"first 500": (data / "test_first_500.npz", first["x"], first["y"])}
    sets["JPEG copies"] = (copies, *pictures_of(copies))
    rows = []
    for name in names:
        (weights,) = (data / "weights").glob(f"{name}-*")
        network = published_network(name, example, weights)
        for of, (place, pictures, labels) in sets.items():
            result = hardiness.evaluate(
                f"{name}=py:{example}:{name}:weights={weights}",
                "cifar10",
                f"cifar10={place}",
                out=folder / "runs" / of,
                progress=False,
            )
            top1 = result.score("top1")
            row = {"network": name, "pictures": of, "n": top1.n, "errors": round(top1.n * (1 - top1.number))}
            ends = {"low": 100 * (1 - top1.interval.high), "high": 100 * (1 - top1.interval.low)}
            rows.append(row | {end: f"{value:.2f}" for end, value in ends.items()})
            if (found := errors_of_a_loop(network, pictures, labels)) != row["errors"]:
                sys.exit(f"{name} on {of}: {row['errors']} errors by hardiness, {found} by a plain loop")
    return rows


def answer_rows(file: Path) -> list[dict[str, Any]]:
    """A row for each network whose answers are published, the best first: accuracies, place and robustness."""
    with np.load(file) as arrays:
        names = [name.removesuffix(".test") for name in arrays.files if name.endswith(".test")]
        labels = {of: arrays["labels" if kind == "test" else f"labels_{kind}"] for of, kind in VERSIONS.items()}
        answers = {of: {name: arrays[f"{name}.{kind}"] for name in names} for of, kind in VERSIONS.items()}
    scores = hardiness.score(labels, answers)
    places = scores.compare().benchmarks[0].scores[0].ranks
    by_name = {(each.benchmark, each.model): each for each in scores}
    rows = []
    for name in sorted(names, key=lambda name: -by_name["cifar10", name].score("top1").number):
        row = {"network": name, "place": place_text(places[name])}
        for of in VERSIONS:
            row |= ends_in_percent(of, by_name[of, name].score("top1"), ".2f")
        robustness = by_name["cifar10.1-v4", name].score("effective_robustness")
        rows.append(row | ends_in_percent("effective robustness", robustness, "+z.2f"))
    return rows


def place_text(place: Any) -> str:
    """The place of a network, or the range of places that it may have."""
    return str(place.rank) if place.rank == place.worst else f"{place.rank} to {place.worst}"


def ends_in_percent(name: str, score: Any, digits: str) -> dict[str, str]:
    """A score and its interval by their names in the file."""
    ends = {"": score.number, " low": score.interval.low, " high": score.interval.high}
    return {f"{name}{end}": format(100 * value, digits) for end, value in ends.items()}


def csv_of(rows: list[Mapping[str, Any]]) -> str:
    """Rows as a CSV file."""
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def main() -> None:
    data = Path(os.environ["HARDINESS_DATA"]) / "cifar10"
    files: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
        "cifar.csv": lambda: network_rows(data, Path(tempfile.mkdtemp())),
        "cifar_answers.csv": lambda: answer_rows(data / "predictions_of_15.npz"),
    }
    for name, rows in files.items():
        (RESULTS / name).write_text(csv_of(rows()), "utf-8")
        print(RESULTS / name)


if __name__ == "__main__":
    main()

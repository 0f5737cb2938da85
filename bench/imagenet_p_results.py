"""ImageNet-P on real photographs: all ten sequences for the four embedded models, on two sets of photographs.

    HARDINESS_DATA=… python bench/imagenet_p_results.py [OUT]      # writes into docs/results.md

Records are kept in OUT, so that the script continues where it was stopped.
"""

from __future__ import annotations

import csv
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bars import machine, versions
from hardiness.api.command import Command
from hardiness.api.execution import run
from hardiness.core.request import Request
from hardiness.core.result import Result, Score
from hardiness.reference.sets import distortion_set
from hardiness.results.folder import Folder
from hardiness.store.store import Store

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))

from write import with_block

IMAGENET_P = distortion_set("imagenet-p")

PAGE = Path(__file__).resolve().parents[1] / "docs" / "results.md"
CELLS_FILE = PAGE.parent / "results" / "imagenet_p.csv"
DATA = os.environ.get("HARDINESS_DATA", "data")
MODELS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1")
BASELINE = MODELS[-1]
LIMIT = 24
SETS = ("embedded", "imagenet")
HEADLINES = {"mfr": "mFR", "flip_probability": "flip probability", "top5_distance": "top-5 distance"}


def shown(score: Score) -> str:
    """A score with its interval, fractions and ratios in percent."""
    assert score.value is not None
    assert score.interval is not None
    factor, digits = (1.0, 2) if score.unit == "top-5 distance" else (100.0, 1)
    value, low, high = (factor * each for each in (score.value, score.interval.low, score.interval.high))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def block(given: list[Result], divided: list[Result]) -> Iterator[str]:
    """What stands in the page, line by line: the headlines of each model on each set of photographs."""
    heads = [*HEADLINES.values(), f"mT5D over {BASELINE}"]
    yield f"| photographs | model | {' | '.join(heads)} |"
    yield "|---" * (2 + len(heads)) + "|"
    for name in SETS:
        for result, other in zip(given, divided, strict=True):
            if result.data == name:
                cells = [shown(result.score(metric)) for metric in HEADLINES] + [shown(other.score("mt5d"))]
                yield f"| {name} | `{result.model}` | {' | '.join(cells)} |"
    packages = versions("hardiness", "torch", "openvino")
    yield ""
    yield f"{machine()['processor']}; {', '.join(f'{name} {version}' for name, version in packages.items())}."


def write_cells(results: list[Result]) -> None:
    """Each metric by perturbation with its interval, fractions and ratios in percent."""
    with CELLS_FILE.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(("photographs", "model", "perturbation", "metric", "value", "low", "high"))
        for result in results:
            for metric in ("flip_probability", "flip_rate", "top5_distance"):
                for name in IMAGENET_P.members:
                    numbers = re.findall(r"-?[\d.]+", shown(result.score(metric, perturbation=name)))
                    lines.writerow((result.data, result.model, name, metric, *numbers))


def main() -> int:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    for data in ("embedded", DATA):
        benchmark = ("imagenet-p:source=generated",)
        outcome = run(Command(MODELS, benchmark, out, data=(data,), request=Request(limit=LIMIT)))
        assert not outcome.problems, outcome.problems
    store = Store.open(out)
    lines = block(Folder.open(store).results, Folder.open(store, baseline=BASELINE).results)
    PAGE.write_text(with_block(PAGE.read_text("utf-8"), "imagenet-p", "\n".join(lines) + "\n"), "utf-8")
    write_cells(Folder.open(store).results)
    print(f"wrote {PAGE.name} and {CELLS_FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""ImageNet-P on real photographs: all ten sequences for the four embedded models, on two sets of photographs.

    HARDINESS_DATA=… python bench/imagenet_p_results.py [OUT]      # writes docs/imagenet_p_results.md

Records are kept in OUT, so that the script continues where it was stopped.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bars import machine, versions
from hardiness import api
from hardiness.core import Request, Result, Score
from hardiness.reference import IMAGENET_P
from hardiness.results.results import results_of as scored
from hardiness.store import Store

PAGE = Path(__file__).resolve().parents[1] / "docs" / "imagenet_p_results.md"
DATA = os.environ.get("HARDINESS_DATA", "data")
MODELS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1")
BASELINE = MODELS[-1]
LIMIT = 24
SETS = {
    "embedded": ("The embedded photographs", "They lie in the packages of the demo, and are few and easy."),
    "imagenet": ("ImageNet photographs", "One a class, of 250 classes; they are training images."),
}
HEADLINES = {"mfr": "mFR", "flip_probability": "flip probability", "top5_distance": "top-5 distance"}


def shown(score: Score) -> str:
    """A score with its interval, fractions and ratios in percent."""
    assert score.value is not None
    assert score.interval is not None
    factor, digits = (1.0, 2) if score.unit == "top-5 distance" else (100.0, 1)
    value, low, high = (factor * each for each in (score.value, score.interval.low, score.interval.high))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def by_perturbation(results: list[Result], metric: str) -> Iterator[str]:
    """A table of one metric: a row a perturbation, a column a model."""
    yield f"| perturbation | {' | '.join(f'`{result.model}`' for result in results)} |"
    yield "|---" * (1 + len(results)) + "|"
    for name in IMAGENET_P.members:
        cells = (shown(result.score(metric, perturbation=name)) for result in results)
        yield f"| {name} | {' | '.join(cells)} |"


def section(name: str, results: list[Result], divided: list[Result]) -> Iterator[str]:
    """What one set of photographs gave."""
    title, note = SETS[name]
    place = "embedded" if name == "embedded" else "ROOT"
    models = " ".join(f"-m {model}" for model in MODELS)
    yield from ["", f"## {title}", "", f"{note} The first {LIMIT} in the order of `--limit`, 320 frames each.", ""]
    yield from [
        "```",
        f"hardiness run {models} \\",
        f"              -b imagenet-p --data {place} --limit {LIMIT}",
        "```",
    ]
    heads = [*HEADLINES.values(), f"mT5D over {BASELINE}"]
    yield from ["", f"| model | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for result, other in zip(results, divided, strict=True):
        cells = [shown(result.score(metric)) for metric in HEADLINES] + [shown(other.score("mt5d"))]
        yield f"| `{result.model}` | {' | '.join(cells)} |"
    yield from ["", "Flip probability, percent:", "", *by_perturbation(results, "flip_probability")]
    yield from ["", "Flip rate, percent of AlexNet's published flip probability:", ""]
    yield from by_perturbation(results, "flip_rate")
    yield from ["", "Top-5 distance:", "", *by_perturbation(results, "top5_distance")]


def page(given: list[Result], divided: list[Result]) -> Iterator[str]:
    """The Markdown page, line by line."""
    packages = versions("hardiness", "torch", "openvino")
    yield "# ImageNet-P on real photographs"
    yield ""
    yield (
        f"Written by `python bench/imagenet_p_results.py`; do not edit. Generated sequences (seed 0), {LIMIT} "
        "photographs of each set, all ten perturbations, 95 % intervals by bootstrap over photographs. "
        f"{machine()['processor']}; {', '.join(f'{name} {version}' for name, version in packages.items())}."
    )
    yield ""
    yield (
        "With so few photographs the intervals are wide: two models whose intervals overlap have not been told apart. "
        "mFR divides by AlexNet's flip probabilities on the released videos of the whole validation set; generated "
        "frames were not coded as video, and these are other photographs, so it is not comparable with published "
        f"values. No source gives AlexNet's top-5 distances; mT5D here divides by the stored run of `{BASELINE}` "
        f"(`--baseline {BASELINE}`)."
    )
    for name in SETS:
        parts = ([result for result in each if result.data == name] for each in (given, divided))
        yield from section(name, *parts)


def main() -> int:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    for data in ("embedded", DATA):
        benchmark = ("imagenet-p:source=generated",)
        outcome = api.run(api.Command(MODELS, benchmark, out, data=(data,), request=Request(limit=LIMIT)))
        assert not outcome.problems, outcome.problems
    store = Store.open(out)
    PAGE.write_text("\n".join(page(scored(store), scored(store, BASELINE))) + "\n")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

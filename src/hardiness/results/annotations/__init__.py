"""What others said of photographs that runs were made on: one module for each source of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from hardiness.benchmarks import CLEAN
from hardiness.core import ImageTable, Registry, Score
from hardiness.reference import validation_number
from hardiness.results.runs import ScoredRun

IMAGENET_CLASSES = 1000

Annotation = Callable[[ScoredRun, Sequence[Score]], Sequence[Score]]
"""From a run and its scores to the same with more; unchanged where nobody said anything of its photographs.

What is computed goes through `ScoredRun.remember`, keyed by a hash of what was said."""

registry: Registry[Annotation] = Registry("annotation", "hardiness.results.annotations", "hardiness.annotations")
"""By name; each is asked about every run, in the order of the names, while its table is held."""


def annotated_scores(run: ScoredRun, scores: Sequence[Score]) -> Sequence[Score]:
    """The scores of a run with those by every annotation."""
    for name in registry.names() if scores and is_of_validation(run) else ():
        scores = registry.get(name)(run, scores)
    return scores


def is_of_validation(run: ScoredRun) -> bool:
    """Whether it is of labelled photographs that may be those of ImageNet's validation set."""
    identity = run.stored.run
    named = (identity.benchmark.name, identity.benchmark.card) == (CLEAN, "classification")
    return named and identity.data.num_classes == IMAGENET_CLASSES


def numbered(table: ImageTable) -> list[tuple[int, int]]:
    """Row and number of each photograph that has the published name of a validation image."""
    found = ((row, validation_number(sample)) for row, sample in enumerate(table.ids.tolist()))
    return [(row, number) for row, number in found if number is not None]


def behind(scores: Sequence[Score], metric: str, more: Iterable[Score]) -> list[Score]:
    """The scores with more of them behind the first of that metric; at the end where there is none."""
    places = [place for place, score in enumerate(scores) if score.metric == metric]
    after = places[0] + 1 if places else len(scores)
    return [*scores[:after], *more, *scores[after:]]

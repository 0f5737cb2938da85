"""What others said of photographs that runs were made on: one module for each source of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hardiness.benchmarks import CLEAN
from hardiness.core import ImageTable, Registry, Run, Score
from hardiness.reference import validation_number
from hardiness.results.runs import ScoredRun

IMAGENET_CLASSES = 1000

Annotate = TypeVar("Annotate", bound=Callable[..., Sequence[Score]])


@dataclass(frozen=True)
class PhotographLabels:
    """What others said of the photographs of one benchmark.

    Attributes:
        benchmark: of whose photographs; it is not asked about runs of others.
        classes: how many classes they are of.
        scores: from a run and its scores to the same with more; unchanged where nobody said anything of its pictures.
            It is called while the run's table is held; what it computes goes through `ScoredRun.remember`, keyed by a
            hash of what was said.
    """

    benchmark: str
    classes: int
    scores: Callable[[ScoredRun, Sequence[Score]], Sequence[Score]]

    def speaks_of(self, identity: Run) -> bool:
        """Whether a run may be of these photographs."""
        return (identity.benchmark.name, identity.data.num_classes) == (self.benchmark, self.classes)


registry: Registry[PhotographLabels] = Registry("annotation", "hardiness.results.annotations", "hardiness.annotations")
"""By name."""


def of_validation(name: str) -> Callable[[Annotate], Annotate]:
    """Decorator that registers what was said of ImageNet's validation photographs under a name."""

    def decorate(function: Annotate) -> Annotate:
        registry.register(name, PhotographLabels(CLEAN, IMAGENET_CLASSES, function), f"{function.__module__}:{name}")
        return function

    return decorate


def annotated_scores(run: ScoredRun, scores: Sequence[Score]) -> Sequence[Score]:
    """The scores of a run with those by every annotation of its photographs."""
    for name in registry.names() if scores else ():
        if registry.get(name).speaks_of(run.stored.run):
            scores = registry.get(name).scores(run, scores)
    return scores


def numbered(table: ImageTable) -> list[tuple[int, int]]:
    """Row and number of each photograph that has the published name of a validation image."""
    found = ((row, validation_number(sample)) for row, sample in enumerate(table.ids.tolist()))
    return [(row, number) for row, number in found if number is not None]


def behind(scores: Sequence[Score], metric: str, more: Iterable[Score]) -> list[Score]:
    """The scores with more of them behind the first of that metric; at the end where there is none."""
    places = [place for place, score in enumerate(scores) if score.metric == metric]
    after = places[0] + 1 if places else len(scores)
    return [*scores[:after], *more, *scores[after:]]

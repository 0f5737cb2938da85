"""What others said of photographs that runs were made on: one module for each source of labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from hardiness.benchmarks.accuracy_warnings import CLEAN
from hardiness.benchmarks.own_code import scoring_code
from hardiness.core.errors import DataError
from hardiness.core.model import IMAGENET_CLASSES
from hardiness.core.registry import Registry, instance_of
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable
from hardiness.reference.validation_images import validation_number
from hardiness.results.runs import ScoredRun

Labels = TypeVar("Labels", bound=Callable[[ImageTable], Sequence[Score]])


@dataclass(frozen=True)
class PhotographLabels:
    """What others said of the photographs of one benchmark.

    Attributes:
        benchmark: of whose photographs; it is not asked about runs of others.
        classes: how many classes they are of.
        sha256: of what was said; scores are kept, and are then of the same rows and of this.
        scores: from a run's table to scores, none where nobody said anything of its pictures; a `DataError` where what
            was said is not here.
        behind: the metric behind whose first score they stand; at the end if empty.
    """

    benchmark: str
    classes: int
    sha256: str
    scores: Callable[[ImageTable], Sequence[Score]]
    behind: str = ""

    def speaks_of(self, identity: Run) -> bool:
        """Whether a run may be of these photographs."""
        return (identity.benchmark.name, identity.data.num_classes) == (self.benchmark, self.classes)


registry: Registry[PhotographLabels] = Registry(
    "annotation", "hardiness.results.annotations", "hardiness.annotations", instance_of(PhotographLabels)
)
"""By name."""


def of_validation(name: str, sha256: str, behind: str = "") -> Callable[[Labels], Labels]:
    """Decorator that registers what was said of ImageNet's validation photographs under a name.

    The function is asked where some photograph has its published name.
    """

    def decorate(function: Labels) -> Labels:
        labels = PhotographLabels(CLEAN, IMAGENET_CLASSES, sha256, partial(_where_numbered, function), behind)
        registry.register(name, labels, f"{function.__module__}:{name}")
        return function

    return decorate


def _where_numbered(scores: Callable[[ImageTable], Sequence[Score]], table: ImageTable) -> Sequence[Score]:
    return scores(table) if numbered(table) else []


def annotated_scores(run: ScoredRun, scores: Sequence[Score]) -> Sequence[Score]:
    """The scores of a run with those by every annotation of its photographs, which are kept."""
    for name in registry.names() if scores else ():
        if (labels := registry.get(name)).speaks_of(run.stored.run):
            scores = _behind(scores, labels.behind, _kept(run, name, labels))
    return scores


def _kept(run: ScoredRun, name: str, labels: PhotographLabels) -> Sequence[Score]:
    """The scores by an annotation; none where what was said is not installed, or in another version.

    One of somebody else's that fails gives none, here and from then on.
    """
    try:
        of = f"{labels.sha256} {scoring_code(labels.scores)}".strip()
        return run.memo.record(list[Score], name, of, lambda: list(labels.scores(run.table)))
    except DataError:
        return ()
    except Exception as error:
        if not registry.give_up(name, error):
            raise
        return ()


def numbered(table: ImageTable) -> list[tuple[int, int]]:
    """Row and number of each photograph that has the published name of a validation image."""
    found = ((row, validation_number(sample)) for row, sample in enumerate(table.ids.tolist()))
    return [(row, number) for row, number in found if number is not None]


def _behind(scores: Sequence[Score], metric: str, more: Iterable[Score]) -> list[Score]:
    """The scores with more of them behind the first of that metric; at the end where there is none."""
    places = [place for place, score in enumerate(scores) if score.metric == metric]
    after = places[0] + 1 if places else len(scores)
    return [*scores[:after], *more, *scores[after:]]

"""People's answers, beside the models that saw the same stimuli."""

from __future__ import annotations

from hardiness.core import Result
from hardiness.reference import Humans, humans
from hardiness.report import format as formatting

SCORER, PUBLISHED = "cue_conflict", "cue-conflict"
"""The scorer and the data set that people's answers stand beside; to stimuli of one's own they say nothing."""


def people_beside(result: Result) -> Humans | None:
    """The answers of people to the published stimuli; ``None`` where a result is of anything else."""
    return humans() if result.run.benchmark.card == SCORER and result.data == PUBLISHED else None


def yardstick(result: Result) -> str:
    """People's scores in a line below the models' table; empty where there are none."""
    people = people_beside(result)
    if people is None:
        return ""
    found = people.overall
    accuracy, shape, texture = (
        formatting.number(value, "fraction") for value in (found.cue_accuracy, found.shape_bias, 1 - found.shape_bias)
    )
    low, high = (formatting.number(bound(people.shape_bias_by_observer.values()), "fraction") for bound in (min, max))
    return (
        f"humans: cue accuracy {accuracy}, shape bias {shape} ({low} to {high} by person), texture bias {texture}; "
        f"{people.observers} people, {found.trials:,} trials, all 1,200 published stimuli"
    )

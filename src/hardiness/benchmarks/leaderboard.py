"""What others have published of a model's weights, whatever it is called here, and what may stand in a figure."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core import InputIdentity, Note, Result, Run, epsilon_text
from hardiness.reference import Published, published_series, robustbench

IMAGENET_CLASSES = 1000

EMBEDDED = "embedded"
"""Photographs that nothing was published of, with ImageNet's classes."""

OWN_VIEW = ("classification", "subset_classification")
"""Cards whose published numbers are of each model's own view; those of all others are of pictures on a fixed canvas."""


def is_comparable(results: Sequence[Result]) -> bool:
    """Whether marks of numbers published on ImageNet may stand in a figure of these results.

    They may not where classes are other ones, or where pictures lie on another canvas than the published ones did.
    """
    measured = [result for result in results if not result.measured.get("published")]
    return all(_has_imagenets_classes(each) and _is_on_published_canvas(each.run) for each in measured)


def series_beside(results: Sequence[Result], metric: str) -> dict[str, list[Published]]:
    """Every published value of a metric of these results' benchmark, by model; none where they are not comparable."""
    return published_series(results[0].benchmark, metric) if is_comparable(results) else {}


def published_on(results: Sequence[Result]) -> str:
    """On which pictures the published numbers beside these results were measured, as the end of a sentence."""
    return "on ImageNet's, not on these photographs" if results[0].data == EMBEDDED else "on all of the data set"


def _has_imagenets_classes(result: Result) -> bool:
    """By the labels; of categories of ImageNet's classes, as stimuli have, it is the data that are published."""
    if result.data.startswith("own-"):
        return False
    return bool(result.run.data.categories) or result.run.data.num_classes == IMAGENET_CLASSES


def _is_on_published_canvas(run: Run) -> bool:
    return run.benchmark.card in OWN_VIEW or run.input == InputIdentity() or run.input.canvas == "fixed"


def names_of(result: Result) -> tuple[str, ...]:
    """The names under which numbers of this model may have been published: its own, and what it was recognised as."""
    said = (session.get("published_as") for session in result.measured.get("sessions", ()))
    return tuple(dict.fromkeys((result.run.model.name, *filter(None, said))))


def leaderboard_note(result: Result) -> Note | None:
    """What RobustBench lists for a model under AutoAttack, and what differs here; ``None`` where it lists none."""
    if result.benchmark != "autoattack":
        return None
    clean, attacked = (published_series("autoattack", metric) for metric in ("clean_accuracy", "accuracy"))
    name = next((each for each in names_of(result) if each in attacked), None)
    if name is None:
        return None
    before, (after,) = clean[name][0], attacked[name]
    here = result.run.benchmark.options
    differs = [
        f"{option}={wanted}"
        for option, wanted in (("subset", "robustbench"), ("preprocessing", robustbench.preprocessing(before.source)))
        if here.get(option) != wanted
    ]
    text = (
        f"RobustBench lists {name} with {100 * before.value:.2f} % clean and {100 * after.value:.2f} % at "
        f"ε {epsilon_text(after.condition['epsilon'])}, on {after.n:,} images"
    )
    if differs:
        text += f"; for its images and preprocessing: {','.join(differs)}"
    return Note(text, (result.name,))

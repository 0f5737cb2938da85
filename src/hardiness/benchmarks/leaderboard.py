"""Numbers that others have published of a model's weights, whatever it is called here, and those for a figure."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.benchmarks.options import registry
from hardiness.core.attack_plan import epsilon_text
from hardiness.core.result import Interval, Result, Score
from hardiness.core.run import InputIdentity, Run
from hardiness.core.section import Note
from hardiness.reference import robustbench
from hardiness.reference.published_numbers import PublishedNumber, published_series
from hardiness.reference.timm_results import TIMM_SETS, best_rows, parameters_m, timm_row


def is_comparable(results: Sequence[Result]) -> bool:
    """Whether marks of numbers published on ImageNet may stand in a figure of these results.

    They may not where classes are other ones, or where pictures lie on another canvas than the published ones did.
    """
    measured = [result for result in results if not result.measured.get("published")]
    return all(each.run.data.has_imagenets_classes and _is_on_published_canvas(each.run) for each in measured)


def series_beside(results: Sequence[Result], metric: str) -> dict[str, list[PublishedNumber]]:
    """Every published value of a metric of these results' benchmark, by model; none where they are not comparable."""
    return published_series(results[0].benchmark, metric) if is_comparable(results) else {}


def published_on(results: Sequence[Result]) -> str:
    """On which pictures the published numbers beside these results were measured, as the end of a sentence."""
    return "on ImageNet's, not on these photographs" if results[0].run.data.is_embedded else "on all of the data set"


def _is_on_published_canvas(run: Run) -> bool:
    benchmark = registry.find(run.benchmark.name)
    in_own_view = benchmark is not None and benchmark.marks_in_own_view
    return in_own_view or run.input == InputIdentity() or run.input.canvas == "fixed"


def names_of(result: Result) -> tuple[str, ...]:
    """The names under which numbers of this model may have been published: its own, and what it was recognised as."""
    published = (session.get("published_as") for session in result.measured.get("sessions", ()))
    return tuple(dict.fromkeys((result.run.model.name, *filter(None, published))))


ROUNDED_M = 0.005
"""The largest error by which timm rounds millions of parameters."""


def timm_notes(result: Result) -> list[Note]:
    """The place of a model's top-1 among timm's published results, and why its own row there says nothing of it."""
    run, notes = result.run, []
    if result.measured.get("published") or not run.data.has_imagenets_classes or run.data.is_embedded:
        return []
    for key, metric, title in ((result.benchmark, "top1", "top-1"), ("imagenet-real", "real_top1", "ReaL top-1")):
        score = next((s for s in result.scores if s.metric == metric and not s.condition), None)
        if key in TIMM_SETS and score is not None and score.value is not None:
            notes.append(Note(f"{title} {_place(key, score, _size_m(result))}", (result.name,)))
    row = timm_row(run.model) if notes else None
    return [*notes, Note(row, (result.name,))] if isinstance(row, str) else notes


def _size_m(result: Result) -> float | None:
    """Millions of parameters of its model: as counted when it ran, else as timm says; ``None`` where neither does."""
    counted = (session.get("parameters") for session in result.measured.get("sessions", ()))
    parameters = next(filter(None, counted), None)
    return parameters / 1e6 if parameters else parameters_m(result.run.model)


def _place(benchmark: str, score: Score, size: float | None) -> str:
    """The place of a score among all models of timm, and among those of at most this many million parameters."""
    rows = best_rows(benchmark)
    small = tuple(row for row in rows if size is not None and row.parameters_m <= size + ROUNDED_M)
    among = [(f"{len(rows):,} models", rows)]
    if size is not None:
        among.append((f"{len(small):,} of at most {size:.3g} million parameters", small))
    assert score.value is not None
    ends = score.interval or Interval(score.value, score.value)
    texts = []
    for name, others in among:
        best, at, worst = (
            1 + sum(row.top1[benchmark] > v for row in others) for v in (ends.high, score.value, ends.low)
        )
        texts.append(f"{at:,}{'' if best == worst else f' ({best:,}–{worst:,})'} of {name}")
    return f"would be place {' and '.join(texts)} in timm's published results"


def leaderboard_notes(result: Result) -> list[Note]:
    """RobustBench's numbers for a model under its benchmark, with the options that differ here; none if not listed."""
    clean, attacked = (published_series(result.benchmark, metric) for metric in ("clean_accuracy", "accuracy"))
    listed = (other for other in names_of(result) if other in clean and other in attacked)
    name = next((other for other in listed if robustbench.is_listed(attacked[other])), None)
    if name is None:
        return []
    before, (after,) = clean[name][0], attacked[name]
    here = result.run.benchmark.options
    differs = [
        f"{option}={expected}"
        for option, expected in (("subset", "robustbench"), ("preprocessing", robustbench.preprocessing(before.source)))
        if here.get(option) != expected
    ]
    text = (
        f"RobustBench lists {name} with {100 * before.value:.2f} % clean and {100 * after.value:.2f} % at "
        f"ε {epsilon_text(after.condition['epsilon'])}, on {after.n:,} images"
    )
    if differs:
        text += f"; for its images and preprocessing: {','.join(differs)}"
    return [Note(text, (result.name,))]

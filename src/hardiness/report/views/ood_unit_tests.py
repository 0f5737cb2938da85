"""Pictures without an object: which pass for photographs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardiness.benchmarks.ood import FPR95, METHOD_TITLES, METHODS
from hardiness.benchmarks.ood_unit_tests import KINDS, MEANS, OF_KIND
from hardiness.core.result import Result, Score
from hardiness.report.charts import Chart, Dots, Grid, Observer
from hardiness.report.headings import in_words
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

HALF = 0.5
"""Share above which a kind of pictures is said to pass."""

ALL = "mean of all tests"

IN_FULL: Mapping[str, str] = {**METHOD_TITLES, "msp": "softmax probability"}


@register("ood_unit_tests")
class OodUnitTestsView(CardView):
    """Pictures without an object that pass for photographs, by test."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """The share that passes for photographs, by test, and for each model a grid of tests by method."""
        yield from filter(None, (passing_chart(results, method) for method in METHODS))
        yield from filter(None, map(_grid, results))


def passing_chart(results: Sequence[Result], method: str) -> Dots | None:
    """The share of each test that passes for photographs by one method; ``None`` where there is none."""
    observers = tuple(each for result in results if (each := _observer(result, method)).by_row)
    if not observers:
        return None
    present = dict.fromkeys(name for each in observers for name in each.by_row)
    rows = []
    for kind, names in KINDS.items():
        if f"mean of {kind}" in present:
            rows += [f"mean of {kind}", *(name for name in names if name in present)]
    return Dots(
        f"passing_{method}",
        f"By {IN_FULL[method]}: {_heading(observers)}",
        "Share of pictures without any object that a threshold lets through which accepts 95 % of the photographs; "
        "lines are 95 % intervals. A model that flags nothing stands right in both kinds of tests, one that flags "
        "noise alone left in the first and right in the second; a good one left in all.",
        "passes for a photograph ↓ better",
        ("flagged", "passes"),
        ALL,
        tuple(rows),
        observers,
        bars=True,
    )


def _observer(result: Result, method: str) -> Observer:
    """The mean over all tests, those of both kinds, and each test."""
    by_row: dict[str, Score] = {}
    overall = None
    for score in result.scores:
        if score.metric == MEANS[method].name and score.value is not None:
            overall = score
        elif score.condition.get("method") == method and score.value is not None:
            kind, test = score.condition.get("kind"), score.condition.get("test")
            if score.metric in (FPR95.name, OF_KIND.name):
                by_row[str(test) if test else f"mean of {kind}"] = score
    return Observer(result.name, overall, by_row)


def _heading(observers: Sequence[Observer]) -> str:
    """The kinds of pictures that each model flags, in the order of the table; models of one kind together."""
    by_finding: dict[str, list[str]] = {}
    for observer in observers:
        by_finding.setdefault(_flagged(observer.by_row), []).append(observer.name)
    if len(by_finding) == 1:
        (what, names), *_ = by_finding.items()
        return f"{names[0]} {what}" if len(names) == 1 else f"each of the {len(names)} models {what}"
    return "; ".join(
        f"{in_words(names, len(observers))} {what if len(names) == 1 else what.replace('flags', 'flag', 1)}"
        for what, names in by_finding.items()
    )


def _flagged(by_row: Mapping[str, Score]) -> str:
    passing = [kind for kind in KINDS if (score := by_row.get(f"mean of {kind}")) and (score.value or 0.0) > HALF]
    findings = {
        (): "flags most of both kinds",
        ("noise",): "flags plain and striped pictures alone",
        ("plain and striped",): "flags noise alone",
        tuple(KINDS): "flags hardly anything",
    }
    return findings[tuple(passing)]


def _grid(result: Result) -> Grid | None:
    lookup = ScoreLookup(result.scores)
    tests = dict.fromkeys(score.condition["test"] for score in result.scores if "test" in score.condition)
    rows = tuple(
        (name.replace("_", " "), tuple(lookup.cell("fpr95", test=name, method=method) for method in METHODS))
        for name in tests
    )
    heads = tuple(METHOD_TITLES.values())
    return Grid(result.name, "pictures that pass for photographs", "test", heads, rows) if rows else None

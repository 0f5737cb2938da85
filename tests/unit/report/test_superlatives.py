"""Headings that name what stands first: a tie is called one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.core.spread import Interval
from hardiness.report.charts import Chart, Curves
from hardiness.report.confidence_charts import confidence_charts
from hardiness.report.headings import ends_apart, first, in_words, mean_intervals
from hardiness.report.views import laion_c
from hardiness.report.views.corruption import corruption_charts
from hardiness.report.views.perturbation import flips
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages

IMAGES = 100


def result(model: str, metric: str, values: Mapping[Condition, float], n: int = IMAGES) -> Result:
    scores = [
        Score(metric, value, "fraction", n, ShareOfImages(round(value * n), n), condition=condition)
        for condition, value in values.items()
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity("mine", "own", "own"))
    return Result(model, "mine", "own", "own", scores, Counts(n, n, 0, n), run, {})


def title(charts: Sequence[Chart], name: str) -> str:
    return next(chart.title for chart in charts if chart.name == name)


@pytest.mark.parametrize(
    ("values", "digits", "highest", "lowest"),
    [
        ({"a": 1.0}, 1, ("a",), ("a",)),
        ({"a": 97.04, "b": 96.96, "c": 3}, 1, ("a", "b"), ("c",)),
        ({"a": 97.04, "b": 96.96, "c": 3}, 2, ("a",), ("c",)),
        ({"a": 5, "b": 5}, 0, ("a", "b"), ("a", "b")),
    ],
)
def test_first_is_all_that_reads_the_same(
    values: dict[str, float], digits: int, highest: tuple[str, ...], lowest: tuple[str, ...]
) -> None:
    assert first(values, digits) == highest
    assert first(values, digits, lowest=True) == lowest


def test_names_in_words() -> None:
    assert [in_words("abcde"[:count], 15) for count in (1, 2, 3, 4)] == ["a", "a and b", "a, b and c", "4 of 15"]


@pytest.mark.parametrize(
    ("accuracies", "heading"),
    [
        ({"a": 0.9704, "b": 0.9696, "c": 0.5}, "Right on 50.0 to 97.0 %"),
        ({"a": 0.97, "b": 0.92}, "Right on 92.0 to 97.0 %"),
        ({"a": 0.97, "b": 0.97}, "Each is right on 97.0 %"),
        ({"a": 0.97}, "Right on 97.0 %"),
    ],
)
def test_no_model_wins_before_models_were_compared(accuracies: dict[str, float], heading: str) -> None:
    results = [result(name, "top1", {Condition(): value}) for name, value in accuracies.items()]
    charts = confidence_charts([*results], accuracy_first=True)
    assert title(charts, "accuracy") == heading


@pytest.mark.parametrize(
    ("errors", "heading"),
    [
        ({"fog": 0.5, "snow": 0.2, "frost": 0.502}, "Most is lost under frost and fog (50 % wrong), least under snow"),
        ({"fog": 0.5, "jpeg_compression": 0.2}, "Most is lost under fog (50 % wrong), least under jpeg compression"),
        ({"fog": 0.5, "snow": 0.5}, "As much is lost under each: 50 % wrong"),
        ({"fog": 0.5}, "Error under fog by severity"),
    ],
)
def test_no_corruption_wins_a_tie(errors: dict[str, float], heading: str) -> None:
    values = {Condition(corruption=name, severity=s): value for name, value in errors.items() for s in (1, 2)}
    curves = corruption_charts([result("a", "error", values)])[0]
    assert isinstance(curves, Curves)
    assert curves.heading.startswith(heading)


def test_no_perturbation_wins_a_tie() -> None:
    def heading(n: int = 2000, **values: float) -> str:
        found = {Condition(perturbation=name): value for name, value in values.items()}
        return flips([result("a", "flip_probability", found, n)])[0].title

    assert heading(tilt=0.02, snow=0.0201) == "Answers flip as often under each: at 2.0 % of the steps"
    worse = "Answers flip most under zoom blur: at 5.0 % of the steps"
    assert heading(tilt=0.02, snow=0.0201, zoom_blur=0.05) == worse
    within_chance = "Answers flip at 2.0 to 5.0 % of the steps, by perturbation"
    assert heading(100, tilt=0.02, snow=0.02, zoom_blur=0.05) == within_chance
    assert heading(tilt=0.02) == "Answers flip under tilt at 2.0 % of the steps"


def test_no_distortion_wins_a_tie() -> None:
    def named(half: float = 0.01, **shares: float) -> str:
        return laion_c._title(shares, {name: Interval(share - half, share + half) for name, share in shares.items()})

    assert named(mosaic=0.4, glitched=0.4001, stickers=0.6) == (
        "Fewest are right under mosaic and glitched, most under stickers"
    )
    assert named(0.15, mosaic=0.4, glitched=0.4001, stickers=0.6) == "Right on 40.0 to 60.0 %, by distortion"
    assert named(mosaic=0.4, stickers=0.4) == "As many are right under each distortion"
    assert named(vertical_lines=0.4) == "Right under vertical lines"


@pytest.mark.parametrize(
    ("errors", "heading"),
    [
        ({"fog": 0.5, "snow": 0.2, "frost": 0.5001}, "Error by corruption: most under frost and fog, least under snow"),
        ({"fog": 0.5, "snow": 0.5}, "Error by corruption: the same under each"),
        ({"patch_drop": 0.5}, "Error under patch drop"),
    ],
)
def test_no_mean_error_wins_a_tie(errors: dict[str, float], heading: str) -> None:
    found = result("a", "error", {Condition(corruption=name): value for name, value in errors.items()})
    assert title(corruption_charts([found]), "error_by_corruption") == heading


@pytest.mark.parametrize(
    ("errors", "n", "heading", "mean"),
    [
        ({"fog": 0.6, "gaussian_noise": 0.8}, 5, "From 60 to 80 % are wrong, by corruption", "60.0 to 80.0 %"),
        (
            {"fog": 0.6, "gaussian_noise": 0.8},
            100,
            "Most is lost under gaussian noise (80 % wrong), least under fog (60 %)",
            "most under gaussian noise, least under fog",
        ),
        (
            {"fog": 0.5, "snow": 0.7, "gaussian_noise": 0.8},
            100,
            "Most is lost under gaussian noise and snow (70 to 80 % wrong), least under fog (50 %)",
            "most under gaussian noise and snow, least under fog",
        ),
        ({"fog": 0.6, "snow": 0.7, "blur": 0.8}, 100, "From 60 to 80 % are wrong, by corruption", "60.0 to 80.0 %"),
    ],
)
def test_most_and_least_are_named_only_where_intervals_are_apart(
    errors: dict[str, float], n: int, heading: str, mean: str
) -> None:
    cells = {Condition(corruption=name, severity=s): value for name, value in errors.items() for s in (1, 2)}
    means = {Condition(corruption=name): value for name, value in errors.items()}
    found = result("a", "error", {**cells, **means}, n)
    for results in ([found], [found, replace(found, model="b")]):
        charts = corruption_charts(results)
        assert isinstance(charts[0], Curves)
        assert charts[0].heading == heading
        assert title(charts, "error_by_corruption") == f"Error by corruption: {mean}"


def test_ends_without_intervals_or_with_many_names_are_not_apart() -> None:
    values = {"a": 0.9, "b": 0.9, "c": 0.9, "d": 0.9, "e": 0.1}
    narrow = {name: Interval(value - 0.01, value + 0.01) for name, value in values.items()}
    assert ends_apart(values, narrow) == ()
    assert ends_apart({"a": 0.9, "e": 0.1}, narrow) == (("a",), ("e",))
    assert ends_apart({"a": 0.9, "e": 0.1}, {"a": narrow["a"]}) == ()
    high, low, bare = (
        Score("error", 0.5, "fraction", 9, each) for each in (TwoEnds(0.5, 0.5, 1), TwoEnds(0.5, 0, 0.5), None)
    )
    assert mean_intervals({"a": [high, low], "b": [high, bare], "c": [low]}) == {
        "a": Interval(0.25, 0.75),
        "c": Interval(0, 0.5),
    }

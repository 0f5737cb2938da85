"""The figure of a section whose card draws none."""

from __future__ import annotations

from hardiness.core import BenchmarkIdentity, Condition, Counts, Dots, Interval, ModelIdentity, Result, Run, Score
from hardiness.report.headline_figure import with_figure
from hardiness.report.sections import sections

WORD = Condition(text="wrong class")


def result(model: str, drop: float, word: float) -> Result:
    scores = [
        Score("typographic_drop", drop, "fraction", 100, Interval(drop - 0.1, drop + 0.1), higher_is_better=False),
        Score("word_answered", word, "fraction", 100, Interval(word, word + 0.2), higher_is_better=False),
        Score("clean_accuracy", 0.7, "fraction", 100, Interval(0.6, 0.8)),
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity("typographic", "typographic", "azuma2023"))
    return Result(model, "typographic", "imagenet", "azuma2023", scores, Counts(100, 100, 0, 100), run, {}, key=model)


def test_a_section_without_figures_shows_its_scores_best_first_in_words() -> None:
    (shown,) = sections([result("a", 0.4, 0.3), result("b", 0.2, 0.1)])
    assert not shown.section.charts
    (figure,) = with_figure(shown).section.charts
    assert isinstance(figure, Dots)
    assert figure.title == "drop by the word: from 20.0 (b) to 40.0 (a)"
    assert figure.all_rows == "drop by the word ↓"
    assert figure.rows == ("answers that are the word ↓", "clean accuracy ↑")
    assert [each.overall and each.overall.value for each in figure.observers] == [0.4, 0.2]
    assert figure.limit == 0.8


def test_what_lies_on_no_scale_from_0_to_1_is_left_out() -> None:
    (shown,) = sections([result("a", 0.05, 0.3)])
    (figure,) = with_figure(shown).section.charts
    assert isinstance(figure, Dots)
    assert figure.title == "drop by the word: 5.0", "its interval begins below 0: it is said, and not drawn"
    assert figure.all_rows == "answers that are the word ↓"


def test_a_section_with_figures_keeps_them() -> None:
    score = Score("top1", 0.5, "fraction", 4, Interval(0.25, 0.75))
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-val", "classification", "orhan2019"))
    (shown,) = sections([Result("a", "imagenet-val", "imagenet", "orhan2019", [score], Counts(4, 4, 0, 4), run, {})])
    assert shown.section.charts
    assert with_figure(shown) is shown

"""The figure of a section whose card draws none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from one_score import compared

from hardiness.core.codes import ModelNote
from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.beside import from_few, with_figure
from hardiness.report.charts import Curves, Dots, Line, Observer, Panel
from hardiness.report.exports.exporter import registry
from hardiness.report.figures import NARROW_PX
from hardiness.report.figures.charts import draw
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import Text
from hardiness.report.page import inks_of, sheet
from hardiness.report.sections import sections
from hardiness.results.comparison import BenchmarkComparison
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds

WORD = Condition(text="wrong class")


def result(model: str, drop: float, word: float) -> Result:
    scores = [
        Score("typographic_drop", drop, "fraction", 100, TwoEnds(drop, drop - 0.1, drop + 0.1), higher_is_better=False),
        Score("word_answered", word, "fraction", 100, TwoEnds(word, word, word + 0.2), higher_is_better=False),
        Score("clean_accuracy", 0.7, "fraction", 100, TwoEnds(0.7, 0.6, 0.8)),
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity("typographic", "typographic", "azuma2023"))
    return Result(model, "typographic", "imagenet", "azuma2023", scores, Counts(100, 100, 0, 100), run, {}, key=model)


def test_a_section_without_figures_shows_its_scores_best_first_in_words() -> None:
    (shown,) = sections([result("a", 0.45, 0.3), result("b", 0.2, 0.1)])
    assert not shown.section.charts
    (figure,) = with_figure(shown).section.charts
    assert isinstance(figure, Dots)
    assert figure.title == "drop by the word: from 20.0 (b) to 45.0 (a)"
    assert figure.all_rows == "drop by the word ↓"
    assert figure.rows == ("answers that are the word ↓", "clean accuracy ↑")
    assert [each.overall and each.overall.value for each in figure.observers] == [0.2, 0.45]
    assert figure.limit == 0.8


def test_no_heading_names_a_model_that_shares_its_place() -> None:
    (shown,) = sections([result("a", 0.4, 0.3), result("b", 0.2, 0.1)])
    (figure,) = with_figure(shown).section.charts
    assert isinstance(figure, Dots)
    assert figure.title == "drop by the word: from 20.0 to 40.0", "their intervals meet at 30"
    (shown,) = sections([result("a", 0.7, 0.3), result("b", 0.2, 0.1), result("c", 0.25, 0.1)])
    (figure,) = with_figure(shown).section.charts
    assert isinstance(figure, Dots)
    assert figure.title == "drop by the word: from 20.0 to 70.0 (a)"


def classified(model: str, top1: float, half: float, n: int = 1000) -> Result:
    score = Score("top1", top1, "fraction", n, TwoEnds(top1, top1 - half, top1 + half))
    run = Run(ModelIdentity(model), BenchmarkIdentity("imagenet-val", "classification", "orhan2019"))
    counts = Counts(n, n, 0, n)
    return Result(model, "imagenet-val", "imagenet", "orhan2019", [score], counts, run, {}, key=model)


def test_the_figure_of_accuracies_draws_the_interval_of_every_row() -> None:
    (shown,) = sections([classified("a", 0.8, 0.1)])
    (figure,) = [chart for chart in shown.section.charts if isinstance(chart, Dots)]
    assert "lines are 95 % intervals" in figure.caption
    assert figure.bars


def heading(*results: Result) -> str:
    (shown,) = sections(results)
    return next(chart.title for chart in from_few(shown).section.charts if chart.name == "accuracy")


def test_a_heading_names_a_winner_where_one_model_is_alone_in_first_place() -> None:
    a, b, c = classified("a", 0.9, 0.02), classified("b", 0.89, 0.02), classified("c", 0.5, 0.02)
    assert heading(a, b, c) == "Right on 50.0 to 90.0 %"
    assert heading(a, c) == "a is right most often: 90.0 %"
    assert heading(a) == "Right on 90.0 %"
    random = replace(
        classified("r", 0.0, 0.0),
        measured={"sessions": [{"notes": [{"code": ModelNote.RANDOM_WEIGHTS, "arguments": {}}]}]},
    )
    assert heading(a, b, c, random) == "Right on 50.0 to 90.0 %", "what nobody trained makes no range"
    assert heading(random) == "Right on 0.0 %"


def test_a_paired_comparison_decides_whether_a_heading_names_a_winner() -> None:
    def shown(first_right: int) -> str:
        right = {"a": np.arange(400) < first_right, "b": np.arange(400) < 350}
        paired = compared("top1", {name: mean(np.arange(len(each)), each) for name, each in right.items()}, True)
        found = [classified(name, float(each.mean()), 0.03, 400) for name, each in right.items()]
        comparison = BenchmarkComparison("imagenet-val", "imagenet", (paired,), 400, (), (), protocol="orhan2019")
        (section,) = sections(found, [comparison])
        return next(chart.title for chart in section.section.charts if chart.name == "accuracy")

    assert shown(366) == "a is right most often: 91.5 %", "16 of 16 that differ are a's, though the intervals overlap"
    assert shown(352) == "Right on 87.5 to 88.0 %"


def test_headings_say_from_how_few_images_they_are() -> None:
    assert heading(classified("a", 0.5, 0.4, 3)) == "Right on 50.0 %, from 3 images"
    assert heading(classified("a", 0.5, 0.4, 1)) == "Right on 50.0 %, from 1 image"
    assert heading(classified("a", 0.5, 0.2, 30)) == "Right on 50.0 %"


def test_what_lies_on_no_scale_from_0_to_1_is_left_out() -> None:
    (shown,) = sections([result("a", 0.05, 0.3)])
    (figure,) = with_figure(shown).section.charts
    assert isinstance(figure, Dots)
    assert figure.title == "drop by the word: 5.0", "its interval begins below 0: it is said, and not drawn"
    assert figure.all_rows == "answers that are the word ↓"


def test_a_section_with_figures_keeps_them() -> None:
    score = Score("top1", 0.5, "fraction", 4, TwoEnds(0.5, 0.25, 0.75))
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-val", "classification", "orhan2019"))
    (shown,) = sections([Result("a", "imagenet-val", "imagenet", "orhan2019", [score], Counts(4, 4, 0, 4), run, {})])
    assert shown.section.charts
    assert with_figure(shown) is shown


def test_a_figure_of_many_models_has_few_rows_on_the_sheet_to_hand_over() -> None:
    def handed_over(models: str) -> str:
        (shown,) = sections([classified(model, 0.5, 0.1) for model in models])
        rows = ("fog", "snow", "frost", "pixelate", "contrast")
        scores = {row: Score("error", 0.5, "fraction", 100, TwoEnds(0.5, 0.4, 0.6)) for row in rows}
        observers = tuple(Observer(model, None, scores) for model in models)
        dots = Dots("by_row", "By row", "", "error", ("", ""), "all", rows, observers)
        shown = replace(shown, section=replace(shown.section, charts=(dots,)))
        return sheet([shown], "hardiness", inks_of([shown]))

    few, many = handed_over("abcd"), handed_over("abcde")
    assert "By row (3 of 5 rows)" in many
    assert ("frost" in many, "pixelate" in many) == (True, False)
    assert "By row" in few
    assert "of 5 rows" not in few
    assert "pixelate" in few


def test_the_sheet_to_hand_over_counts_models_once() -> None:
    written = registry.get("sheet").write([classified("a", 0.9, 0.1), classified("b", 0.8, 0.1)]).decode()
    assert "hardiness · 2 models · 1,000 photographs" in written


def test_the_sheet_to_hand_over_has_figures_that_can_be_read_and_say_more_than_its_first_screen() -> None:
    panel = Panel("severity", (Line("a", (1.0, 2.0), (0.5, 0.6)),), (), (1.0, 2.0), ("1", "2"))
    small = Curves("by_severity", "By severity", "By severity", "", (panel,) * 15, small=True)
    row = {"fog": Score("error", 0.5, "fraction", 100, TwoEnds(0.5, 0.4, 0.6))}
    dots = Dots("by_row", "By row", "", "error", ("", ""), "all", ("fog",), (Observer("a", None, row),))
    one_row = replace(dots, title="One row", rows=())
    (shown,) = sections([classified("a", 0.5, 0.1)])
    parts = [replace(shown, section=replace(shown.section, charts=charts)) for charts in ((one_row,), (small, dots))]
    text = sheet(parts, "hardiness", inks_of(parts))
    captions = text[text.index('<section id="sheet"') :].split("<figcaption>")[1:]
    assert [caption.partition("<")[0] for caption in captions] == ["By row", "One row"]
    lone = replace(shown, section=replace(shown.section, charts=(small,)))
    assert "<figcaption>By severity" in sheet([lone], "hardiness", inks_of([lone]))


def test_the_row_of_everything_is_named_whole_on_a_phone() -> None:
    """It was ``all tha…ere run``."""
    row = {"fog": Score("error", 0.5, "fraction", 100, TwoEnds(0.5, 0.4, 0.6))}
    observer = Observer("a", row["fog"], row)
    dots = Dots("by_row", "By row", "", "error", ("", ""), "all that were run", ("fog",), (observer,))
    texts = [mark.text for _, mark in draw(dots, NARROW_PX, Inks(("a",))).marks if isinstance(mark, Text)]
    assert "all that were run" in texts

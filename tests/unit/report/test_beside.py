"""Measured models among published ones: leaders, sources, differences, and where nothing may be compared."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Run
from hardiness.reference.published_numbers import baseline, leaders, published, published_beside, table
from hardiness.reference.small_pictures import small_pictures
from hardiness.report.beside import BEST, RUNGS_MOST, ladder, published_peers, with_ladder
from hardiness.report.charts import Curves, Dots, Heat, Line
from hardiness.report.figures import NARROW_PX, WIDE_PX
from hardiness.report.figures.charts import caption_of, draw
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.sheet import Text
from hardiness.report.page import PageOptions, inks_of, page
from hardiness.report.sections import BenchmarkSection, sections
from hardiness.results.results import published_results
from hardiness.statistics.spreads.combined import TwoEnds

WHOLE = Counts(50_000, 50_000, 0, 50_000)


def measured(value: float, model: str = "mine", counts: Counts = WHOLE, data: str = "imagenet-c") -> Result:
    score = Score("mce", value, "ratio", counts.images, TwoEnds(value, value - 0.02, value + 0.02), False)
    benchmark = BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019")
    run = Run(ModelIdentity(model), benchmark, DataIdentity(data))
    return Result(model, "imagenet-c", data, "hendrycks2019", [score], counts, run, {}, key="k")


@pytest.mark.slow
def test_leaders_stand_beside_and_nothing_is_computed_from_them() -> None:
    known = {(row.model, row.benchmark, row.metric, row.condition) for row in table()}
    assert not known & {(row.model, row.benchmark, row.metric, row.condition) for row in leaders()}
    assert all(row.source for row in leaders())
    assert published_beside("imagenet-c", "mce", {})["Noisy Student EfficientNet-L2"].value == 0.283
    assert published_beside("imagenet-a", "top1", {})["resnext101_32x48d_wsl"].value == 0.610267
    assert published_beside("autoattack", "accuracy", {"epsilon": 4 / 255})
    shown = {each.model for each in published_results()}
    assert "Noisy Student EfficientNet-L2" not in shown, "the published results are the paper's own"


def test_differences_are_to_each_published_model_with_its_source() -> None:
    (shown,) = sections([measured(0.30), measured(0.60, "other")])
    found = published_peers(shown)
    assert found is not None
    assert found.heads == ("mCE ↓",)
    first = found.lines[0]
    assert (first.model, first.source) == ("Noisy Student EfficientNet-L2", "arXiv:1911.04252")
    assert first.numbers[0] is not None
    assert (first.numbers[0].text, first.numbers[0].difference) == ("28.3", "+1.7")
    assert found.measured[0]["mine"] == pytest.approx((0.30, 0.28, 0.32, 50_000))
    assert found.measured[0]["other"] == pytest.approx((0.60, 0.58, 0.62, 50_000))
    part = sections([measured(0.30, counts=Counts(50_000, 100, 0, 100))])
    told = published_peers(part[0])
    assert told is not None
    assert told.lines[0].numbers[0] is not None
    assert told.lines[0].numbers[0].difference == "+1.7, within"
    assert told.measured[0]["mine"][3] == 0, "of a part of the data"


def test_the_ladder_says_how_many_are_behind() -> None:
    (shown,) = sections([measured(0.50)])
    found = ladder(shown)
    assert found is not None
    place = next(place for place, rung in enumerate(found.rungs) if not rung.published)
    values = [rung.score.value for rung in found.rungs if rung.score.value is not None]
    assert values == sorted(values)
    known = [row.value for row in published_beside("imagenet-c", "mce", {}).values()]
    behind = sum(value > 0.5 for value in known)
    assert found.title == f"Among published models by mCE: mine is better than {behind} of {len(known)}"
    assert place > 0
    part = ladder(sections([measured(0.50, counts=Counts(50_000, 100, 0, 100))])[0])
    assert part is not None
    assert part.title == "Among published models by mCE: mine with 50.0 on 100 of 50,000"
    assert "reproduces nothing" in part.caption
    assert "reproduces nothing" not in found.caption
    tied = ladder(sections([measured(0.50), measured(0.5001, "twin"), measured(0.6, "third")])[0])
    assert tied is not None
    first = "the best of 3 models here"
    assert tied.title == f"Among published models by mCE: {first} is better than {behind} of {len(known)}"
    assert [chart.name for chart in with_ladder(shown).section.charts][-1] == "among_published"


def small(benchmark: str, card: str, score: Score) -> BenchmarkSection:
    """A section of ten thousand test pictures of CIFAR-10."""
    counts = Counts(10_000, 10_000, 0, 10_000)
    classes = small_pictures()["cifar10"].classes
    run = Run(ModelIdentity("mine"), BenchmarkIdentity(benchmark, card), DataIdentity("cifar10", classes=classes))
    (shown,) = sections([Result("mine", benchmark, "cifar10", "", [score], counts, run, {}, key="k")])
    return shown


def test_numbers_of_robustbench_stand_beside_those_of_small_pictures() -> None:
    names = [row for row in leaders() if row.model.startswith("robustbench:") and row.benchmark == "cifar10"]
    assert (len(names), sum(row.benchmark == "cifar100" for row in leaders())) == (143, 51), "194 models of RobustBench"
    corrupted = small("cifar10-c", "corruption", Score("mean_accuracy", 0.75, "fraction", 10_000))
    title = "Among published models by mean accuracy: mine is better than 1 of 23"
    figure = ladder(corrupted)
    assert figure is not None
    assert figure.title == title
    peers = published_peers(corrupted)
    assert peers is not None
    assert peers.lines[-1].source == "RobustBench, cifar10/corruptions: WideResNet-28-10, N/A"
    assert peers.lines[-1].numbers[0].text == "73.5"  # type: ignore[union-attr]


def test_accuracy_under_attack_of_small_pictures_stands_beside_their_own_alone() -> None:
    linf = published_beside("autoattack", "accuracy", {"epsilon": 8 / 255}, "cifar10")
    assert len(linf) == 99
    assert linf["robustbench:Linf/Standard"].value == 0
    assert len(published_beside("autoattack", "accuracy", {"epsilon": 0.5}, "cifar10")) == 21
    assert len(published_beside("autoattack", "accuracy", {"epsilon": 8 / 255}, "cifar100")) == 38
    assert not published_beside("autoattack", "accuracy", {"epsilon": 8 / 255})
    shown = small(
        "autoattack", "attack", Score("accuracy", 0.5, "fraction", 10_000, None, True, Condition(epsilon=8 / 255))
    )
    peers = published_peers(shown)
    assert peers is not None
    assert {line.model for line in peers.lines} == linf.keys()


def test_a_ladder_of_many_published_models_has_the_best_and_the_nearest() -> None:
    (shown,) = sections([measured(0.50)])
    found = ladder(shown)
    known = sorted(row.value for row in published_beside("imagenet-c", "mce", {}).values())
    assert found is not None
    assert len(known) > RUNGS_MOST
    kept = [rung.score.value for rung in found.rungs if rung.published]
    assert len(kept) == RUNGS_MOST
    assert kept[:BEST] == known[:BEST]
    below, above = [v for v in known if v < 0.5], [v for v in known if v > 0.5]
    assert below[-1] in kept
    assert above[0] in kept
    assert f"with {len(known) - RUNGS_MOST} more models." in found.caption


def test_other_photographs_stand_beside_nothing() -> None:
    for data in ("embedded", "own-pets"):
        (shown,) = sections([measured(0.5, data=data)])
        assert published_peers(shown) is None
        assert with_ladder(shown) == shown


@pytest.mark.slow
def test_a_published_model_is_not_beside_itself() -> None:
    (shown,) = sections([replace(each) for each in published_results() if each.benchmark == "imagenet-c"])
    found = published_peers(shown)
    assert found is not None
    assert not any(line.model.startswith("resnext101_32x") for line in found.lines)
    assert all(number is None or not number.difference for line in found.lines for number in line.numbers)


def test_a_ladder_is_drawn_within_its_width() -> None:
    (shown,) = sections([measured(0.50, "x" * 300)])
    found = ladder(shown)
    assert found is not None
    for width in (WIDE_PX, NARROW_PX):
        sheet = draw(found, width, Inks.for_models(["x" * 300]))
        groups = {group for group, _ in sheet.marks}
        assert {"0", "published"} <= groups
        texts = [mark for _, mark in sheet.marks if hasattr(mark, "anchor")]
        assert all(0 <= mark.x <= width for mark in texts)


def with_cells(data: DataIdentity, canvas: InputIdentity) -> Result:
    """A model's errors on ImageNet-C under two corruptions at three severities."""
    cells = [Condition(corruption=name, severity=level) for name in ("fog", "snow") for level in (1, 3, 5)]
    means = [Condition(corruption=name) for name in ("fog", "snow")]
    scores = [Score("error", 0.4, "fraction", 100, None, False, cell) for cell in (*means, *cells)]
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019"), data, canvas)
    return Result("a", "imagenet-c", data.name, "hendrycks2019", scores, Counts(100, 100, 0, 100), run, {}, key="k")


FIXED, OTHER_CANVAS = InputIdentity("fixed", "224"), InputIdentity("view", "64")
IMAGENET = DataIdentity("imagenet", "f", 100)


def grey_marks(result: Result) -> tuple[dict[str, tuple[Line, ...]], int]:
    """What stands in grey in the figures of a result on ImageNet-C: curves by corruption, and the number of strokes."""
    (shown,) = sections([result])
    curves = next(chart for chart in shown.section.charts if isinstance(chart, Curves))
    dots = next(chart for chart in shown.section.charts if isinstance(chart, Dots))
    return {panel.title: panel.published for panel in curves.panels}, len(dots.published)


def test_the_figure_of_imagenet_c_has_alexnets_published_errors_by_severity() -> None:
    curves, strokes = grey_marks(with_cells(IMAGENET, FIXED))
    known = baseline("imagenet-c")
    assert known is not None
    for name in ("fog", "snow"):
        (line,) = curves[name]
        errors = known["error_by_severity"][name]
        assert (line.name, line.x, line.y) == ("AlexNet", (1, 3, 5), tuple(errors[level - 1] for level in (1, 3, 5)))
    assert strokes == 5
    (shown,) = sections([with_cells(IMAGENET, FIXED)])
    figure = shown.section.charts[0]
    assert isinstance(figure, Curves)
    assert caption_of(figure).endswith("Thin grey lines: AlexNet as published, on all of the data set.")
    (shown,) = sections([with_cells(replace(IMAGENET, name="embedded"), FIXED)])
    figure = shown.section.charts[0]
    assert isinstance(figure, Curves)
    assert caption_of(figure).endswith("AlexNet as published, on ImageNet's, not on these photographs.")


def test_the_matrix_of_one_severity_has_alexnets_published_errors_beside() -> None:
    def matrix(result: Result) -> Heat:
        (shown,) = sections([result])
        return next(chart for chart in shown.section.charts if isinstance(chart, Heat))

    whole = with_cells(IMAGENET, FIXED)
    one = replace(whole, scores=[s for s in whole.scores if s.condition.get("severity", 3) == 3])
    known = baseline("imagenet-c")
    assert known is not None
    beside_it = matrix(one)
    alexnet = {layer.name: layer.values for layer in beside_it.layers}["AlexNet"]
    assert alexnet == tuple((known["error_by_severity"][name][2],) for name in beside_it.rows)
    assert caption_of(beside_it).endswith("AlexNet: as published, on all of the data set.")
    (shown,) = sections([one])
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    assert re.search(r'<div class="wide published"[^>]*AlexNet', text)
    drawn = draw(beside_it, NARROW_PX, Inks.for_models(["a"]))
    assert "AlexNet" in [mark.text for _, mark in drawn.marks if isinstance(mark, Text)], "not shortened"
    assert len(matrix(whole).layers) == 1, "curves over severities have them"
    assert len(matrix(replace(one, run=with_cells(IMAGENET, OTHER_CANVAS).run)).layers) == 1


@pytest.mark.parametrize(
    ("data", "canvas"),
    [
        (DataIdentity("own-pets", "f", 100), FIXED),
        (DataIdentity("imagenet", "f", 100, num_classes=37), FIXED),
        (IMAGENET, OTHER_CANVAS),
    ],
)
def test_no_published_mark_stands_beside_other_classes_or_another_canvas(
    data: DataIdentity, canvas: InputIdentity
) -> None:
    curves, strokes = grey_marks(with_cells(data, canvas))
    assert curves == {"fog": (), "snow": ()}
    assert strokes == 0
    (shown,) = sections([with_cells(data, canvas)])
    assert ladder(shown) is None
    figure = reliability("imagenet-a", replace(data, name="own-pets"))
    assert [panel.published for panel in figure.panels] == [(), ()]


def reliability(benchmark: str, data: DataIdentity) -> Curves:
    """The figure of a model's confidence."""
    card = "classification" if benchmark == "imagenet-val" else "subset_classification"
    details = {"reliability": [[0.9, 0.8, 0.7, 0.9]], "coverage": [[0.5, 0.9], [1.0, 0.8]]}
    run = Run(ModelIdentity("a"), BenchmarkIdentity(benchmark, card, "p"), data, OTHER_CANVAS)
    counts, top1 = Counts(100, 100, 0, 100), Score("top1", 0.8, "fraction", 100, TwoEnds(0.8, 0.7, 0.9))
    found = Result("a", benchmark, data.name, "p", [top1], counts, run, {}, key="k", details=details)
    (shown,) = sections([found])
    return next(chart for chart in shown.section.charts if isinstance(chart, Curves))


def test_the_reliability_diagram_has_published_calibration_and_accuracy_of_the_same_data() -> None:
    figure = reliability("imagenet-a", replace(IMAGENET, name="imagenet-a"))
    (rms,) = published("resnext101_32x8d_wsl", "imagenet-a", "rms_calibration_error", {"protocol": "hendrycks2019"})
    (accuracy,) = published("resnext101_32x8d_wsl", "imagenet-a", "top1", {})
    left, right = ({line.name: line for line in panel.published} for panel in figure.panels)
    assert len(left) == len(right) == 5
    below = left["resnext101_32x8d_wsl"]
    assert [x - y for x, y in zip(below.x, below.y, strict=True)] == pytest.approx([rms.value, rms.value])
    assert right["resnext101_32x8d_wsl"].y == (accuracy.value, accuracy.value)
    assert right["resnext101_32x8d_wsl"].x[-1] == 1.0
    assert "RMS calibration error" in caption_of(figure)
    assert "by the published ECE" in caption_of(reliability("imagenet-val", IMAGENET))
    embedded = reliability("imagenet-val", replace(IMAGENET, name="embedded"))
    assert embedded.panels[0].published == (), "a calibration error of other photographs is no mark among these"
    assert embedded.panels[1].published
    assert "not on these photographs" in caption_of(embedded)

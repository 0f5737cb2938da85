"""Effective robustness: published lines and their examples, lines of one's own, intervals, and who has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latex_notes import with_notes
from scipy.special import expit, logit
from scipy.stats import linregress

from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.cli.main import main
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Result
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Plan, Run
from hardiness.core.spread import Interval
from hardiness.core.table import Records
from hardiness.reference.classes import subset
from hardiness.reference.published_lines import published_line, published_lines
from hardiness.reference.timm_results import timm_rows
from hardiness.report.explained_by_accuracy import explanation_of
from hardiness.report.exports.exporter import registry as exporters
from hardiness.report.marks import caveat
from hardiness.report.sections import sections
from hardiness.report.stored_results import StoredResults
from hardiness.report.words import text as said
from hardiness.results.comparisons.effective_robustness import fitted
from hardiness.results.folder import Folder
from hardiness.results.results import published_results
from hardiness.statistics.effective_robustness import Point, fit
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import newcombe
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.store.store import Store

EXAMPLES = (
    ("imagenet-v2", "resnet50", 76.13, 63.21, -0.74),
    ("imagenet-v2", "resnext101_32x8d", 79.31, 67.45, -0.31),
    ("imagenet-v2", "instagram-resnext101_32x8d", 82.69, 73.63, 1.6),
    ("imagenet-v2", "instagram-resnext101_32x16d", 84.18, 75.51, 1.52),
    ("imagenet-v2", "instagram-resnext101_32x32d", 85.09, 76.77, 1.55),
    ("imagenet-v2", "instagram-resnext101_32x48d", 85.44, 76.96, 1.26),
    ("imagenet-v2", "resnext101_32x8d_deepaugment_augmix", 79.9, 68.76, 0.28),
    ("imagenet-v2", "efficientnet-l2-noisystudent", 88.32, 80.85, 1.11),
    ("imagenet-sketch", "resnet50", 76.13, 24.09, -0.36),
    ("imagenet-sketch", "resnext101_32x8d", 79.31, 29.43, 1.16),
    ("imagenet-sketch", "instagram-resnext101_32x8d", 82.69, 54.92, 21.64),
    ("imagenet-sketch", "instagram-resnext101_32x16d", 84.18, 57.7, 21.81),
    ("imagenet-sketch", "instagram-resnext101_32x32d", 85.09, 58.38, 20.74),
    ("imagenet-sketch", "instagram-resnext101_32x48d", 85.44, 58.81, 20.47),
    ("imagenet-sketch", "resnext101_32x8d_deepaugment_augmix", 79.9, 38.43, 9.37),
    ("imagenet-sketch", "efficientnet-l2-noisystudent", 88.32, 47.64, 2.71),
    ("imagenet-r", "resnet50", 92.12, 36.17, -0.6),
    ("imagenet-r", "resnext101_32x8d", 93.79, 42.57, 1.93),
    ("imagenet-r", "instagram-resnext101_32x8d", 95.92, 75.81, 28.23),
    ("imagenet-r", "instagram-resnext101_32x16d", 96.44, 78.85, 29.02),
    ("imagenet-r", "instagram-resnext101_32x32d", 96.77, 79.46, 28.03),
    ("imagenet-r", "instagram-resnext101_32x48d", 96.97, 79.66, 27.18),
    ("imagenet-r", "resnext101_32x8d_deepaugment_augmix", 93.89, 52.11, 11.2),
    ("imagenet-r", "efficientnet-l2-noisystudent", 97.79, 74.67, 17.09),
    ("objectnet", "resnet50", 78.86, 35.75, 1.15),
    ("objectnet", "resnext101_32x8d", 82.46, 41.05, 1.15),
    ("objectnet", "instagram-resnext101_32x8d", 87.01, 53.4, 4.97),
    ("objectnet", "instagram-resnext101_32x16d", 88.58, 56.23, 4.22),
    ("objectnet", "instagram-resnext101_32x32d", 89.28, 58.09, 4.32),
    ("objectnet", "instagram-resnext101_32x48d", 89.62, 59.12, 4.49),
    ("objectnet", "resnext101_32x8d_deepaugment_augmix", 82.64, 41.11, 0.92),
    ("objectnet", "efficientnet-l2-noisystudent", 93.12, 68.45, 3.27),
    ("imagenet-a", "resnext101_32x8d", 93.82, 10.2, 0.55),
    ("imagenet-a", "instagram-resnext101_32x8d", 96.32, 45.37, 10.55),
    ("imagenet-a", "instagram-resnext101_32x16d", 96.81, 53.07, 7.79),
    ("imagenet-a", "instagram-resnext101_32x32d", 97.37, 58.07, -1.76),
    ("imagenet-a", "instagram-resnext101_32x48d", 97.63, 61.03, -6.1),
    ("imagenet-a", "resnext101_32x8d_deepaugment_augmix", 94.03, 11.48, 0.84),
    ("imagenet-a", "efficientnet-l2-noisystudent", 98.55, 84.85, -5.12),
    ("imagenet-c", "resnet50", 76.13, 38.1, -1.8),
    ("imagenet-c", "resnext101_32x8d", 79.31, 45.97, 0.45),
    ("imagenet-c", "instagram-resnext101_32x8d", 82.69, 56.66, 4.29),
    ("imagenet-c", "instagram-resnext101_32x16d", 84.18, 59.11, 3.41),
    ("imagenet-c", "instagram-resnext101_32x32d", 85.09, 60.43, 2.57),
    ("imagenet-c", "instagram-resnext101_32x48d", 85.44, 61.31, 2.6),
    ("imagenet-c", "resnext101_32x8d_deepaugment_augmix", 79.9, 62.83, 16.2),
)
"""Benchmark, model, clean and shifted accuracy, and effective robustness, in percent, as the testbed gives them."""


def share(value: float, n: int, of: str) -> Estimate:
    return mean(np.array([f"{of}{i:06d}" for i in range(n)], object), np.arange(n) < round(value * n))


def points(generator: np.random.Generator, count: int, noise: float) -> list[Point]:
    clean = generator.uniform(0.5, 0.9, count)
    shifted = expit(-1.2 + 1.1 * logit(clean) + noise * generator.normal(size=count))
    return [Point(f"m{i}", float(a), float(b)) for i, (a, b) in enumerate(zip(clean, shifted, strict=True))]


@pytest.mark.slow
@pytest.mark.parametrize(("benchmark", "model", "clean", "shifted", "theirs"), EXAMPLES)
def test_their_examples_reproduce(benchmark: str, model: str, clean: float, shifted: float, theirs: float) -> None:
    line = published_line(benchmark, clean / 100)
    assert line is not None
    accuracies = share(clean / 100, 10_000, "c"), share(shifted / 100, 10_000, "s")
    found = fitted(line).effective_robustness(EFFECTIVE, *accuracies)
    assert 100 * found.above.number == pytest.approx(theirs, abs=0.03)
    assert found.continued == (not 100 * line.clean.low <= clean <= 100 * line.clean.high)
    sentence = explanation_of(found)
    assert ("explain" in sentence) != found.continued  # nothing is judged beyond the points
    assert ("continued" in sentence) == found.continued


@pytest.fixture(scope="module")
def of_the_paper() -> Sequence[Result]:
    """The published results of the paper's models."""
    return published_results()


@pytest.mark.slow
def test_the_wsl_models_stand_where_the_paper_says(of_the_paper: Sequence[Result]) -> None:
    found = {(each.benchmark, each.model): each for each in of_the_paper}
    values = {
        name: [100 * (found[name, f"resnext101_32x{d}d_wsl"].score(EFFECTIVE.name).value or 0) for d in (8, 16, 32, 48)]
        for name in ("imagenet-r", "imagenet-sketch", "imagenet-v2")
    }
    assert np.mean(values["imagenet-r"]) == pytest.approx(28, abs=1)
    assert np.mean(values["imagenet-sketch"]) == pytest.approx(21, abs=1)
    assert np.mean(values["imagenet-v2"]) == pytest.approx(1.6, abs=0.2)
    assert not any(score.metric == EFFECTIVE.name for score in found["imagenet-c", "resnext101_32x8d_wsl"].scores)


def test_a_published_line_says_what_it_goes_through() -> None:
    lines = {(line.benchmark, line.part): line for line in published_lines()}
    sizes = {name: line.n for name, line in lines.items()}
    assert sizes == {
        ("imagenet-v2", ""): 85,
        ("imagenet-sketch", ""): 85,
        ("imagenet-r", ""): 80,
        ("objectnet", ""): 85,
        ("imagenet-a", "below ResNet-50"): 33,
        ("imagenet-a", "above ResNet-50"): 51,
        ("imagenet-c", ""): 78,
        ("cifar10.1", ""): 15,
        ("cifar10.1-v4", ""): 15,
    }
    for line in lines.values():
        of_cifar = line.benchmark.startswith("cifar")
        expected = (line.n, "Recht et al.", "2018-06") if of_cifar else (line.n, "Taori et al.", "2020-07")
        assert (len(line.models), line.authors, line.date) == expected
        assert not {"resnet50_swsl", "resnet50_augmix"} & set(line.models)
        assert line.clean.low < float(expit(line.centre)) < line.clean.high
    assert not any("resnet50" in line.models for line in lines.values() if line.benchmark == "imagenet-a")


def test_imagenet_a_is_broken_at_resnet_50() -> None:
    below, above = (published_line("imagenet-a", clean) for clean in (0.9185, 0.9187))
    assert below is not None
    assert above is not None
    assert (below.part, above.part) == ("below ResNet-50", "above ResNet-50")
    assert above.slope > 4 * below.slope


def test_convnext_on_imagenet_a_is_where_accuracy_puts_it() -> None:
    (row,) = (row for row in timm_rows() if (row.model, row.crop_px) == ("convnext_base.fb_in1k", 224))
    line = published_line("imagenet-a", row.clean["imagenet-a"])
    assert line is not None
    above = row.top1["imagenet-a"] - fitted(line).expected(row.clean["imagenet-a"])
    assert 100 * above == pytest.approx(-0.5, abs=0.05)


def test_the_line_is_scipys() -> None:
    given = points(np.random.default_rng(0), 12, 0.1)
    line = fit(given)
    theirs = linregress(logit([p.clean for p in given]), logit([p.shifted for p in given]))
    assert (line.slope, line.intercept) == (pytest.approx(theirs.slope), pytest.approx(theirs.intercept))
    assert line.residual / (line.spread * np.sqrt(line.n)) == pytest.approx(theirs.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "n"), [(6, 400), pytest.param(40, 2000, marks=pytest.mark.thorough), (40, 400)])
def test_the_interval_covers_a_model_of_the_reference_population(count: int, n: int) -> None:
    """Of the line alone such a model lies off in many draws, ever more of them the better the line is known."""
    generator, covered, trials = np.random.default_rng(count + n), 0, 400
    for _ in range(trials):
        drawn = points(generator, count + 1, 0.15)
        try:
            line = fit(drawn[:-1])
        except ArgumentError:
            trials -= 1
            continue
        clean, shifted = (generator.binomial(n, p) / n for p in (drawn[-1].clean, drawn[-1].shifted))
        found = line.effective_robustness(EFFECTIVE, share(clean, n, "c"), share(shifted, n, "s"))
        interval = found.above.interval
        covered += interval is not None and interval.low <= 0 <= interval.high
    assert trials > 150
    assert 0.925 <= covered / trials <= 0.985


@pytest.mark.parametrize("shifted", [0.0, 0.3, 0.55, 1.0])
def test_the_interval_at_95_percent_is_newcombes_of_accuracies_and_line(shifted: float) -> None:
    line = fit(points(np.random.default_rng(0), 12, 0.1))
    found = line.effective_robustness(EFFECTIVE, share(0.7, 200, "c"), share(shifted, 300, "s"))
    expected, band = line.expected(0.7), line.band(0.7)
    slope = line.slope * expected * (1 - expected) / (0.7 * 0.3)
    own = (share(shifted, 300, "s") - share(0.7, 200, "c").through(expected, slope)).interval(-1.0, 1.0)
    of_line = Interval(band.low - expected, band.high - expected)
    ends = newcombe(found.above.number, own, 0.0, of_line)
    assert found.above.interval is not None
    assert found.above.spread is not None
    assert (found.above.interval.low, found.above.interval.high) == pytest.approx((ends.low, ends.high), rel=1e-12)
    wide, narrow = (found.above.spread.interval(level) for level in (0.99, 0.9))
    assert wide.low < found.above.interval.low < narrow.low < narrow.high < found.above.interval.high < wide.high
    assert (found.clean.n, found.shifted.n, found.shifted.spread) == (
        200,
        300,
        ShareOfImages(round(shifted * 300), 300),
    )


def test_a_line_that_hangs_on_one_model_or_recipe_is_none() -> None:
    steady = points(np.random.default_rng(3), 8, 0.02)
    fit(steady)
    lever = Point("lever", 0.99, 0.30)
    with pytest.raises(ArgumentError, match="without lever its slope moves by"):
        fit([*steady, lever])
    bent = [Point(f"b{i}", 0.93 + 0.004 * i, 0.72) for i in range(4)]
    with pytest.raises(ArgumentError, match="without the models of cutmix its slope moves by"):
        fit([*steady, *bent], lambda name: ["cutmix"] if name.startswith("b") else [])
    with pytest.raises(ArgumentError, match="needs 3 reference models, had 2"):
        fit(steady[:2])
    with pytest.raises(ArgumentError, match="unequal clean accuracy"):
        fit([Point(str(i), 0.5, 0.1 * i + 0.1) for i in range(4)])
    with pytest.raises(ArgumentError, match="between 0 and 1, and none has"):
        fit([*steady, Point("none", 0.9, 0.0)])


def stored(
    folder: Path,
    benchmark: str,
    right: float,
    n: int,
    model: str = "net",
    options: Mapping[str, Any] | None = None,
    data: str = "",
    shift: str = "imagenet-r",
    **changed: Any,
) -> Store:
    """A run of n photographs of the classes of a shifted set, so many of them right."""
    classes = np.array(subset(shift), np.int32)
    label = classes[np.arange(n) % len(classes)]
    answer = np.where(np.arange(n) < round(right * n), label, 999 - label).astype(np.int32)
    columns = {
        "sample": np.array([f"{benchmark}/{i:06d}" for i in range(n)]),
        "condition": np.zeros(n, np.int16),
        "frame": np.zeros(n, np.int16),
        "label": label,
        "prediction": answer,
        "top5_class": np.repeat(answer[:, None], 5, axis=1).astype(np.int16),
        "confidence": np.full(n, 0.5, np.float32),
    }
    if benchmark == "imagenet-val":
        columns[f"prediction_{shift}"] = answer
    else:
        columns |= {"subset_prediction": answer, "subset_confidence": columns["confidence"]}
    card = "classification" if benchmark == "imagenet-val" else "subset_classification"
    identity = replace(
        Run(
            ModelIdentity(model, model, options=options or {}),
            BenchmarkIdentity(benchmark, card),
            DataIdentity(data or benchmark.replace("imagenet-val", "imagenet"), "f", n),
        ),
        **changed,
    )
    store = Store.create(folder)
    work = [(sample, 0) for sample in columns["sample"].tolist()]
    store.run(identity, Plan(batch_size=8, whole=(0,))).write(0, work, Records(columns))
    return store


@pytest.mark.slow
def test_a_whole_run_has_it_and_the_page_says_how_far_accuracy_explains_it(tmp_path: Path) -> None:
    stored(tmp_path, "imagenet-val", 0.94, 50_000)
    (found,) = (
        each
        for each in Folder.open(stored(tmp_path, "imagenet-r", 0.43, 30_000)).results
        if each.benchmark == "imagenet-r"
    )
    score = found.score(EFFECTIVE.name)
    line = published_line("imagenet-r", 0.94)
    assert line is not None
    assert score.value == pytest.approx(0.43 - fitted(line).expected(0.94), abs=1e-3)
    assert score.interval is not None
    # The line's models lie about it as they do, which no number of photographs changes.
    assert 0.08 < score.interval.high - score.interval.low < 0.12
    assert found.details[EFFECTIVE.name]["continued"] is False


def reason(folder: Path) -> str:
    (found,) = (each for each in Folder.open(Store.open(folder)).results if each.benchmark == "imagenet-r")
    return said(found.score(EFFECTIVE.name).lack)


def test_who_has_none_is_told_why(tmp_path: Path) -> None:
    small = [("partial", {}), ("view", {"options": {"crop_px": 288}}), ("canvas", {"input": InputIdentity("fixed")})]
    reasons = {}
    for name, changed in small:
        for benchmark, n in (("imagenet-val", 400), ("imagenet-r", 300)):
            stored(tmp_path / name, benchmark, 0.5, n, **changed)
        reasons[name] = reason(tmp_path / name)
    for benchmark in ("imagenet-val", "imagenet-r"):
        stored(tmp_path / "own", benchmark, 0.5, 300, data="own-birds")
    assert reasons["partial"] == (
        "a part of imagenet-val was evaluated (400 of 50,000 images), and the published line is of all"
    )
    assert "its view was changed (crop_px=288)" in reasons["view"]
    assert "fixed canvas" in reasons["canvas"]
    assert "classes are not ImageNet's 1,000" in reason(tmp_path / "own")


def test_the_first_resnet_50_filtered_imagenet_a_and_its_later_weights_did_not(tmp_path: Path) -> None:
    for pretrained in ("IMAGENET1K_V1", "IMAGENET1K_V2"):
        for benchmark in ("imagenet-val", "imagenet-a"):
            options, shift = {"pretrained": pretrained}, "imagenet-a"
            stored(tmp_path, benchmark, 0.5, 400, "torchvision:resnet50", options, shift=shift)
    found = [each for each in Folder.open(Store.open(tmp_path)).results if each.benchmark == "imagenet-a"]
    reasons = {str(each.run.model.options["pretrained"]): said(each.score(EFFECTIVE.name).lack) for each in found}
    assert "was filtered by this model" in reasons["IMAGENET1K_V1"]
    assert reasons["IMAGENET1K_V2"].startswith("a part of imagenet-val was evaluated")


@pytest.mark.slow
def test_imagenet_a_has_one_line_on_either_side_of_resnet_50(tmp_path: Path) -> None:
    for model, clean in (("small", 0.86), ("large", 0.95)):
        stored(tmp_path, "imagenet-val", clean, 50_000, model, shift="imagenet-a")
        stored(tmp_path, "imagenet-a", 0.05, 7_500, model, shift="imagenet-a")
    results = {each.model: each for each in Folder.open(Store.open(tmp_path)).results if each.benchmark == "imagenet-a"}
    small, large = (results[model].score(EFFECTIVE.name) for model in ("small", "large"))
    # The lower line foretells 2.0 % from 86 %, the upper one 17.2 % from 95 %.
    assert (small.value, large.value) == (pytest.approx(0.05 - 0.0201, abs=1e-3), pytest.approx(0.05 - 0.172, abs=1e-2))
    (section,) = sections(list(results.values()))
    (chart,) = (each for each in section.section.charts if each.name == "explained_by_accuracy")
    assert {spot.name for spot in chart.spots} == {"small", "large"}
    assert "33 models without extra data below ResNet-50 and 51 models without extra data above" in chart.caption


@pytest.mark.slow
def test_models_of_ones_own_make_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = points(np.random.default_rng(5), 6, 0.03)
    for point in given:
        stored(tmp_path, "imagenet-val", point.clean, 400, point.model)
        stored(tmp_path, "imagenet-r", point.shifted, 600, point.model)
    stored(tmp_path, "imagenet-val", 0.8, 400, "mine")
    stored(tmp_path, "imagenet-r", float(expit(-1.2 + 1.1 * logit(0.8))) + 0.3, 600, "mine")
    asked = [part for point in given for part in ("--reference", point.model)]
    text = compared(tmp_path, asked, monkeypatch, capsys)
    assert "mine on imagenet-r, by the 6 reference models m0, m1, m2 …: " in text
    assert "more than its clean accuracy explains" in text
    lost = compared(tmp_path, ["--reference", "other"], monkeypatch, capsys)
    assert "there is no line: the reference model other: it was not run on imagenet-r" in lost


def compared(out: Path, more: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The output of ``hardiness compare OUT -m mine -m m0 --all``, in one line."""
    monkeypatch.setattr("sys.argv", ["hardiness", "compare", str(out), "-m", "mine", "-m", "m0", "--all", *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return " ".join(capsys.readouterr().out.split())


def test_timms_rows_are_read() -> None:
    rows = timm_rows()
    assert (len(rows), len({row.model for row in rows})) == (1557, 1267)
    first = next(row for row in rows if row.model == "resnet50.a1_in1k")
    assert 0.7 < first.top1["imagenet-val"] < 0.82


def test_a_condition_names_nothing_of_it(of_the_paper: Sequence[Result]) -> None:
    assert all(
        score.condition == Condition()
        for each in of_the_paper
        for score in each.scores
        if score.metric == EFFECTIVE.name
    )


def test_what_is_continued_is_marked_wherever_the_number_stands(of_the_paper: Sequence[Result]) -> None:
    found = [each for each in of_the_paper if each.benchmark == "objectnet"]
    marked = [each.details[EFFECTIVE.name]["continued"] for each in found]
    assert marked == [False, False, True, True, True]
    (section,) = sections(found)
    (chart,) = (each for each in section.section.charts if each.name == "explained_by_accuracy")
    assert chart.title == (
        "objectnet: clean accuracy explains 1 of 2 models; resnext101_32x8d_wsl lies 5.0 points above the line; "
        "3 beyond the line's models not judged"
    )
    assert len(chart.published) == 335  # clean accuracy is known of each
    assert [trend.name for trend in chart.trends] == [
        "line of 85 standard models, 95 % band",
        "continued beyond these models",
    ]
    assert chart.caption.count("from the line continued beyond its models") == 3
    assert "resnext101_32x8d: explained by its clean accuracy: +1.2 points" in chart.caption
    told = " ".join(str(StoredResults(found)).split())
    assert told.count("continued") == 3
    for name in ("markdown", "latex"):
        assert with_notes(exporters.get(name).write(found, ()).decode()).count("continued") == 3
    assert [caveat(each, each.score(EFFECTIVE.name)) for each in found] == [
        "",
        "",
        *["continued"] * 3,
    ]  # as a page has it

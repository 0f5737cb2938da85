"""Laws that every registered card keeps."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.core.attack_plan import Round
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, Run
from hardiness.core.table import ImageTable, Records
from hardiness.engine.cross_checks import missing_columns
from hardiness.report.words import text as said
from hardiness.results.measured import measured
from hardiness.statistics.clusters import Clusters, EstimateBasis

CELLS = {
    "corruption": tuple(Condition(corruption="fog", severity=severity) for severity in (1, 2)),
    "perturbation": (Condition(perturbation="shot_noise"), Condition(perturbation="rotate")),
    "attack": tuple(Condition(epsilon=0.1, steps=steps) for steps in (1, 5)),
    "shift_consistency": tuple(Condition(shift=1, crop=crop) for crop in ("first", "second")),
    "watermark": (Condition(corruption="watermark"),),
    "ood_unit_tests": (Condition(test="black"),),
    "typographic": (Condition(text="wrong class"),),
    "laion_c": tuple(Condition(corruption="glitched", severity=severity) for severity in (1, 2)),
    "picture_scores": tuple(Condition(corruption="fog", severity=severity) for severity in (1, 2)),
    "ratios": tuple(Condition(by=name) for name in ("road", "sign")),
}
WITHOUT_CLEAN = ("perturbation", "shift_consistency", "laion_c", "ratios")
STIMULI = [f"{shape}{i}-{texture}{i}" for i in range(4) for shape, texture in (("cat", "dog"), ("dog", "oven"))]
OUTSIDE = [f"{'ninco:' if i % 2 else ''}{name}" for i, name in enumerate(STIMULI)]
"""The same where half of the photographs are of another set."""

SHOWN = [f"{('contrast/c05', 'contrast/c30', 'edge/0')[i % 3]}/{name}" for i, name in enumerate(STIMULI)]
"""The same as stimuli that people were shown."""

SAMPLES = {"ood": OUTSIDE, "ood_unit_tests": OUTSIDE, "model_vs_human": SHOWN}

WITHOUT_CLUSTERS = {
    *("ece", "mean_ece", "mean_ece_partial", "rms_calibration_error", "squared_difference"),
    *("fpr95", "kind_fpr95", "mean_fpr95_msp", "mean_fpr95_max_logit", "mean_fpr95_energy"),
}
"""Metrics whose intervals no method makes of clusters: inverted tests of bins, resampled images and thresholds."""

OF_ITS_OWN_CLEAN = ("retained_score",)
"""Ratios to the run's own clean pictures, and to no baseline."""

FRAMES = 3
COUNTS = Counts(8, 8, 0, 8)


def run_of(card: str) -> Run:
    cells = CELLS.get(card, ())
    clean = () if card in WITHOUT_CLEAN else (Condition(),)
    return Run(
        benchmark=BenchmarkIdentity("b", card, "p", {"range": "0..1"} if card == "picture_scores" else {}),
        data=DataIdentity("d", "f", 8, 10, {"cat": (0,), "dog": (1, 2), "oven": (3,)}),
        conditions=(*clean, *cells),
        attack=(Round("pgd", "linf", 0.1, {1: cells[0], 5: cells[1]}),) if card == "attack" else (),
    )


def rows_of(card: str, run: Run) -> Records:
    """Eight images under every condition, with every column that some card reads."""
    generator = np.random.default_rng(0)
    frames = FRAMES if card == "perturbation" else 1
    shape = (len(STIMULI), len(run.conditions), frames)
    image, condition, frame = (index.ravel() for index in np.indices(shape))
    n = image.size
    columns: dict[str, Any] = {
        "sample": np.array(SAMPLES.get(card, STIMULI), object)[image],
        "condition": condition.astype(np.int16),
        "frame": frame.astype(np.int16),
        "label": (image % 10).astype(np.int32),
    }
    for name in (
        "prediction",
        "written",
        "superclass",
        "subset_prediction",
        "prediction_imagenet-a",
        "prediction_imagenet-r",
        "target",
    ):
        columns[name] = generator.integers(0, 10, n).astype(np.int32)
    for name in (
        "confidence",
        "subset_confidence",
        "loss",
        "zero_gradient",
        "surrogate_success",
        "carton",
        "logsumexp",
        "label_logit",
    ):
        columns[name] = generator.random(n).astype(np.float32)
    columns |= {"success": generator.random(n) < 0.5, "finite_gradient": np.ones(n, bool)}
    columns |= {name: generator.integers(0, 3, n).astype(np.int16) for name in ("step", "restart")}
    columns |= {**missing_columns(n), "told_error": np.zeros(n, np.float32)}
    columns["top5_class"] = generator.permuted(np.tile(np.arange(10, dtype=np.int16), (n, 1)), axis=1)[:, :5]
    columns["top5_logit"] = -np.sort(-generator.random((n, 5)), axis=1).astype(np.float32)
    columns["category"] = generator.integers(0, 3, n).astype(np.int16)
    columns["logits"] = generator.random((n, 10)).astype(np.float32)
    columns["score"] = generator.random(n)
    columns |= {"numerator": generator.integers(0, 50, n).astype(float), "denominator": np.full(n, 50.0)}
    return Records(columns)


@pytest.mark.parametrize("name", cards.names())
class TestCard:
    def test_says_what_it_is(self, name: str) -> None:
        card = cards.get(name)
        assert getattr(type(card), "__final__", False)
        assert "Source:" in (type(card).__doc__ or "")

    def test_reads_no_column_that_it_does_not_name(self, name: str) -> None:
        card, run = cards.get(name), run_of(name)
        rows = rows_of(name, run)
        named = ("sample", "condition", "label", *(rows.columns if card.columns is None else card.columns))
        few = Records({column: rows[column] for column in named if column in rows})
        assert card.table(few, run).columns.keys() == card.table(rows, run).columns.keys()

    def test_tables_of_parts_joined_score_as_that_of_all_rows(self, name: str) -> None:
        card, run = cards.get(name), run_of(name)
        rows = rows_of(name, run)
        samples = np.unique(rows["sample"], return_inverse=True)[1]
        parts = [card.table(rows.where(samples % 3 == part), run) for part in (2, 0, 1)]
        empty = card.table(Records({}), run)
        joined, whole = ImageTable.join([empty, *parts]), card.table(rows, run)
        scores = card.scores(whole, run, None)
        assert card.scores(joined, run, None) == scores
        assert card.findings(joined, scores, run) == card.findings(whole, scores, run)

    def test_counts_images_and_gives_each_score_once(self, name: str) -> None:
        card, run = cards.get(name), run_of(name)
        scores = card.scores(card.table(rows_of(name, run), run), run, None)
        assert scores
        assert len({(score.metric, score.condition) for score in scores}) == len(scores)
        # Out of distribution, a score counts the photographs of one side.
        assert max(score.n for score in scores) == len(STIMULI) // (2 if name == "ood" else 1)

    def test_says_why_where_a_score_has_no_interval(self, name: str) -> None:
        card, run = cards.get(name), run_of(name)
        table = card.table(rows_of(name, run), run)
        scores = card.scores(table, run, card.as_baseline(table, run))
        bare = [score for score in scores if score.value is not None and score.interval is None]
        assert [score.metric for score in bare if not said(score.lack)] == []

    def test_hands_over_what_each_interval_rests_on(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The estimate of each score with an interval is of its value and of pictures of the table.

        Where each picture is a cluster of its own the interval is as wide as the plain one, or as an exact one.
        """
        many = [stimulus.replace("-", f"{k}-") for k in range(40) for stimulus in SAMPLES.get(name, STIMULI)]
        monkeypatch.setitem(globals(), "STIMULI", many)
        monkeypatch.setitem(SAMPLES, name, many)
        card, run = cards.get(name), run_of(name)
        rows = rows_of(name, run)
        cell = np.unique(rows["sample"], return_inverse=True)[1] * len(run.conditions) + rows["condition"]
        rows = rows.where(np.random.default_rng(1).random(cell.max() + 1)[cell] < 0.9)  # frames of a sequence together
        table = card.table(rows, run)
        single, places = Clusters(table.ids, np.arange(len(table))), range(len(table))
        scores = [s for s in card.scores(table, run, card.as_baseline(table, run)) if s.interval]
        assert {score.metric for score in scores if score.basis is None} <= WITHOUT_CLUSTERS
        for score in scores:
            if score.basis is None:
                continue
            assert isinstance(score.basis, EstimateBasis)
            estimate = score.basis.estimate()
            value = 1 - estimate.value if score.metric == "aurra" else estimate.value
            assert value == pytest.approx(score.value, abs=1e-12), score
            assert set(estimate.ids.tolist()) <= {*table.ids.tolist(), *places}, score
            widths = [each.high - each.low for each in (score.basis.spread(single).spread.interval(), score.interval)]
            assert 0.95 < widths[0] / widths[1] < 1.15, score

    def test_scores_and_findings_are_those_that_are_read_of_what_is_kept(self, name: str) -> None:
        """To the bit, with their spreads: a page made at once is the page made later."""
        card, run = cards.get(name), run_of(name)
        table = card.table(rows_of(name, run), run)
        scores = card.scores(table, run, card.as_baseline(table, run))
        findings = card.findings(table, scores, run)
        kept = json.loads(json.dumps(json_form([scores, findings])))
        assert repr(from_json(list[Score], kept[0], "scores")) == repr(list(scores))
        assert repr(from_json(list[Fact], kept[1], "findings")) == repr(list(findings))

    def test_declares_what_its_scores_measure(self, name: str) -> None:
        """Unit and direction of each score are those of its metric, which says what it means."""
        card, run = cards.get(name), run_of(name)
        table = card.table(rows_of(name, run), run)
        for score in card.scores(table, run, card.as_baseline(table, run)):
            metric = card.metric(score.metric)
            assert (score.unit, score.higher_is_better) == (metric.unit, metric.higher_is_better), score.metric
            assert metric.explanation, f"{score.metric} is declared by no metric of the card"
        assert len({each.name for each in card.declared}) == len(card.declared)

    def test_divides_by_its_own_baseline_where_it_divides(self, name: str) -> None:
        card, run = cards.get(name), run_of(name)
        table = card.table(rows_of(name, run), run)
        baseline = card.as_baseline(table, run)
        assert (baseline is not None) == card.divides
        scores = [score for score in card.scores(table, run, baseline) if score.metric not in OF_ITS_OWN_CLEAN]
        ratios = [score for score in scores if score.unit == "ratio" and score.value]
        assert all(score.value == pytest.approx(1) for score in ratios)
        assert bool(ratios) == card.divides

    def test_stops_on_the_score_that_stands_for_the_benchmark(self, name: str) -> None:
        """Its sums are its scores, and the first is the headline; where it has none it says so by an empty name."""
        card, run = cards.get(name), run_of(name)
        table = card.table(rows_of(name, run), run)
        divisor = card.as_baseline(table, run)
        sums = card.sums(table, run, divisor)
        assert bool(sums) == bool(card.stops_on)
        scores = card.scores(table, run, divisor)
        known = {(score.metric, score.condition): score for score in scores}
        for each in sums:
            score = known[each.metric, each.condition]
            assert score.value == pytest.approx(float(np.nanmean(each.by_image()))), each.metric
            assert score.higher_is_better == each.higher_is_better, each.metric
        if sums:
            headline = card.headline_of(card.columns_of([Result("m", "b", "d", "p", scores, COUNTS, run, {})]))
            assert headline is not None
            assert (sums[0].metric, sums[0].condition) == (headline.metric, headline.condition)

    def test_measures_images_by_the_cells_that_they_have(self, name: str) -> None:
        """Where one image lacks a cell, its sums are its scores; those that have every cell are compared."""
        card, run = cards.get(name), run_of(name)
        table = card.table(rows_of(name, run), run)
        divisor = card.as_baseline(table, run)
        compared = [(s.metric, s.condition) for s in card.measurables(table, run, divisor) if s.compared]
        assert len(set(compared)) == len(compared)
        if len(table.present) == 1:
            return
        cells = {image: table.cells.tolist() for image in table.ids.tolist()}
        cells[table.ids[0]].pop()
        thin = table.only(cells)
        scores = {(s.metric, s.condition): s.value for s in card.scores(thin, run, divisor)}
        sums = card.sums(thin, run, divisor)
        assert bool(sums) == bool(card.stops_on)
        for each in sums:
            found = each.estimate(np.arange(len(thin)))
            assert found.value == pytest.approx(scores[each.metric, each.condition]), each.metric
        by_image = measured(thin, run, divisor)
        names = [(s.metric, s.condition) for s in by_image.scores] if by_image else []
        assert set(names) <= set(compared), "of whole images each score is whole, whatever others lack"
        assert by_image is None or thin.ids[0] not in by_image.ids

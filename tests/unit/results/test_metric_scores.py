"""Metrics that are registered for any run: scores, what is kept of them, comparisons, verdicts, and what fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hardiness
from hardiness.benchmarks.card import Card
from hardiness.benchmarks.corruptions import CorruptionCard
from hardiness.benchmarks.photographs import Classification
from hardiness.core.columns import Columns, ColumnSource, Grouping
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.metrics.declaration import RunMetric, metric, pair_metric, pair_registry, registry
from hardiness.metrics.scoring import Outcomes, Scoring
from hardiness.report.words import text as said
from hardiness.results.comparison import compare_runs, not_comparable
from hardiness.results.folder import Folder
from hardiness.results.gate import judge
from hardiness.results.measured import measures_of
from hardiness.results.policy import parse_policy
from hardiness.results.rules.errors import UndecidableError
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.looks import score_of_look
from hardiness.results.stopped import Look
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import proportion
from hardiness.statistics.spreads.looks import ShareAtEveryLook
from hardiness.store.store import Store

CELLS = (
    Condition(),
    *(Condition(corruption=name, severity=level) for name in ("fog", "frost") for level in (1, 3)),
)
N = 120


@pytest.fixture(autouse=True)
def own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (registry, pair_registry):
        each.names()
        for name in ("_entries", "_refused", "_contested"):
            monkeypatch.setattr(each, name, dict(getattr(each, name)))


def stored(out: Path, name: str, cells: int = 1, seed: int = 0, whole: int = 0, **changes: Any) -> Store:
    """A run of the validation set, or of a part of ImageNet-C, whose answers are by seed."""
    generator = np.random.default_rng(seed)
    image, condition = np.repeat(np.arange(N), cells), np.tile(np.arange(cells), N)
    label = (image % 4).astype(np.int32)
    prediction = np.where(generator.random(N * cells) < 0.7, label, (label + 1) % 6).astype(np.int32)
    rows = Records(
        {
            "sample": np.array([f"n/{k:04d}" for k in image]),
            "condition": condition.astype(np.int16),
            "frame": np.zeros(N * cells, np.int16),
            "label": label,
            "prediction": prediction,
            "top5_class": np.stack([prediction] * 5, axis=1).astype(np.int16),
            "confidence": generator.random(N * cells).astype(np.float32),
            "extra": (image % 3).astype(np.float32),
        }
    )
    card = "corruption" if cells > 1 else "classification"
    run = Run(
        ModelIdentity(name, name),
        BenchmarkIdentity("imagenet-c" if cells > 1 else "imagenet-val", card, "p"),
        DataIdentity("imagenet", "f", N),
        conditions=CELLS[: max(cells, whole)],
    )
    store = Store.create(out)
    work = list(zip(rows["sample"].tolist(), condition.tolist(), strict=True))
    store.run(replace(run, **changes), Plan(whole=tuple(range(max(cells, whole))))).write(0, work, rows)
    return store


def evens(scoring: Scoring) -> Outcomes:
    """The share of answers whose class is an even number."""
    return {Condition(): scoring.mean_of(scoring.table["answer"] % 2 == 0)}


def of(results: list[Result], name: str = "evens") -> list[Score]:
    return [score for result in results for score in result.scores if score.metric.removesuffix("_partial") == name]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the metrics by which scores are computed, one after the other."""
    names: list[str] = []
    scores = RunMetric.scores

    def counting(entry: RunMetric, scoring: Scoring) -> list[Score]:
        names.append(entry.name)
        return scores(entry, scoring)

    monkeypatch.setattr(RunMetric, "scores", counting)
    return names


def test_it_is_scored_from_stored_rows_and_stands_behind_the_benchmarks_own(tmp_path: Path) -> None:
    store = stored(tmp_path, "m")
    before = Folder.open(store).results
    metric("evens", "even answers", table=("answer",))(evens)
    (result,) = Folder.open(store).results
    assert [score for score in result.scores if score.metric != "evens"] == list(before[0].scores)
    (score,) = of([result])
    answer = store.runs()[0].records()["prediction"]
    hits = int(np.sum(answer % 2 == 0))
    assert (score.value, score.n, score.interval) == (hits / N, N, proportion(hits, N))


def test_it_is_computed_once(tmp_path: Path, calls: list[str]) -> None:
    store = stored(tmp_path, "m")
    metric("evens", table=("answer",))(evens)
    first = Folder.open(store).results
    for _ in range(2):
        del registry._entries["evens"]
        metric("evens", table=("answer",))(evens)
        assert Folder.open(store).results[0].scores == first[0].scores
        assert calls.count("evens") == 1


def test_edited_code_gives_new_scores(tmp_path: Path) -> None:
    store = stored(tmp_path, "m")
    values = []
    for rest in (0, 1):
        registry._entries.pop("evens", None)

        def edited(scoring: Scoring, rest: int = rest) -> Outcomes:
            return {Condition(): scoring.mean_of(scoring.table["answer"] % 2 == rest)}

        metric("evens", table=("answer",))(edited)
        values.append(of(Folder.open(store).results)[0].value)
    assert values[0] != values[1]
    assert sum(filter(None, values)) == pytest.approx(1)


def test_what_stored_rows_lack_makes_it_not_available_where_it_speaks_of_the_run(
    tmp_path: Path, calls: list[str]
) -> None:
    store = stored(tmp_path, "m")
    files = sorted(tmp_path.rglob("*.parquet"))
    metric("silent", table=("depth",))(evens)
    metric("told", table=("answer",), rows=("depth",), applies=lambda run: True)(evens)
    metric("elsewhere", table=("depth",), applies=lambda run: run.benchmark.name == "objectnet")(evens)
    results = Folder.open(store).results
    assert not of(results, "silent") + of(results, "elsewhere")
    (score,) = of(results, "told")
    assert (score.value, said(score.lack)) == (None, "not available: no depth is in the stored rows")
    assert not {"silent", "told", "elsewhere"} & {*calls}
    made = {*tmp_path.rglob("*.parquet")} - {*files}
    assert {path.parent.name for path in made} == {"scored"}, "nothing is evaluated for it"


def test_columns_of_rows_that_the_table_does_not_carry_are_added_to_it(tmp_path: Path) -> None:
    stores = [stored(tmp_path / name, name, seed=seed) for seed, name in enumerate("ab")]

    @metric("thirds", rows=("extra",))
    def thirds(scoring: Scoring) -> Outcomes:
        """The share of images whose extra is 0."""
        return {Condition(): scoring.mean_of(scoring.table["extra"] == 0)}

    assert [score.value for store in stores for score in of(Folder.open(store).results, "thirds")] == pytest.approx(
        [1 / 3] * 2
    )
    (compared,) = compare_runs(Folder.open(*stores))
    assert "thirds" in {score.metric for score in compared.scores}


def test_a_file_of_classes_has_none_that_needs_more(tmp_path: Path) -> None:
    store = stored(tmp_path, "m", model=ModelIdentity("m", "m", outputs="classes"))
    metric("evens", table=("answer",))(evens)
    metric("surer", table=("confidence",), outputs="probabilities")(
        lambda scoring: {Condition(): scoring.mean_of(scoring.table["confidence"])}
    )
    results = Folder.open(store).results
    assert of(results)[0].value is not None
    (score,) = of(results, "surer")
    assert (score.value, score.interval, said(score.lack)) == (None, None, "not available: the file has classes only")
    measured = measures_of(Folder.of([store.runs()[0]]).alone[0])
    assert measured is not None
    assert {"evens"} <= {each.metric for each in measured.scores}
    assert "surer" not in {each.metric for each in measured.scores}


def test_the_headline_of_a_part_is_named_so(tmp_path: Path) -> None:
    store = stored(tmp_path, "m", cells=3, whole=5)
    metric("evens", table=("answer",))(evens)
    (result,) = Folder.open(store).results
    assert "mce_partial" in {score.metric for score in result.scores}
    assert [score.metric for score in result.scores if "evens" in score.metric] == ["evens_partial"]
    measured = measures_of(Folder.of([store.runs()[0]]).alone[0])
    assert measured is not None
    assert "evens_partial" in {each.metric for each in measured.scores}


def test_one_that_fails_is_given_up_with_a_line_and_the_rest_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = stored(tmp_path, "m")
    before = Folder.open(store).results

    def fails(scoring: Scoring) -> Outcomes:
        raise ValueError("in two\nlines")

    metric("evens", table=("answer",))(fails)
    metric("top1", table=("answer",))(evens)
    metric("beyond", table=("answer",))(lambda scoring: {Condition(): mean(scoring.table.ids, np.full(N, 7.0))})
    (result,) = Folder.open(store).results
    assert result.scores == before[0].scores
    place = f"of {__name__}:"
    lines = {record.message.partition(place)[0]: record.message for record in caplog.records}
    assert lines.keys() == {"metric 'evens' ", "metric 'top1' ", "metric 'beyond' "}
    assert " failed: ValueError: in two (in " in lines["metric 'evens' "]
    assert "the card 'classification' has a metric of that name; rename it" in lines["metric 'top1' "]
    assert "its value for the headline must be from 0 to 1, was 7" in lines["metric 'beyond' "]
    assert Folder.open(store).results[0].scores == before[0].scores
    assert len(caplog.records) == 3, "once each"


def test_models_are_compared_by_its_headline_and_by_no_condition_beside_it(tmp_path: Path) -> None:
    stores = [stored(tmp_path / name, name, cells=5, seed=seed) for seed, name in enumerate("ab")]

    @metric("evens", "even answers", table=("answer",))
    def by_cell(scoring: Scoring) -> Outcomes:
        """The share in each cell, too."""
        even = scoring.table["answer"] % 2 == 0
        return {Condition(): scoring.mean_of(even), **{cell: scoring.mean_of(even, cell) for cell in CELLS[1:]}}

    (compared,) = compare_runs(Folder.open(*stores))
    (score,) = [score for score in compared.scores if "evens" in score.metric]
    assert (score.metric, score.condition, score.title) == ("evens_partial", Condition(), "even answers of a part")
    own = [of(Folder.open(store).results)[0].value for store in stores]
    assert list(score.values.values()) == pytest.approx(own)
    assert score.pairs["a", "b"].interval is not None
    registry.give_up("evens", ValueError())
    (without,) = compare_runs(Folder.open(*stores))
    assert "evens_partial" not in {score.metric for score in without.scores}, "what was kept is of the metrics of then"


def test_an_estimate_is_compared_on_the_images_that_both_have(tmp_path: Path) -> None:
    stores = [stored(tmp_path / name, name, seed=seed) for seed, name in enumerate("ab")]

    @metric("sureness", "sureness", table=("confidence",), unit="times")
    def sureness(scoring: Scoring) -> Outcomes:
        """How much surer than wrong."""
        table = scoring.table
        return {Condition(): mean(table.ids, table["confidence"]) / mean(table.ids, table["right"])}

    (compared,) = compare_runs(Folder.open(*stores))
    (score,) = [score for score in compared.scores if score.metric == "sureness"]
    assert score.unit == "times"
    assert score.pairs["a", "b"].p is not None
    rows = hardiness.compare([tmp_path / name for name in "ab"]).views()[0].rows
    (row,) = [row for row in rows if row[0] == "sureness"]
    assert row[1].startswith(f"a\n{score.values['a']:.2f}"), "in its own unit"


RULE = '[[rules]]\nbenchmark = "*"\nmodel = "b"\n'


def verdict_of(folder: Path, rule: str, **grouping: Any) -> Any:
    (folder / "policy.toml").write_text(RULE + rule)
    (verdict,) = hardiness.gate(folder / "b", folder / "policy.toml", **grouping).verdicts
    return verdict


def test_a_rule_may_be_on_it_and_on_how_much_worse_it_is(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        stored(tmp_path / name, name, seed=seed)
    metric("evens", "even answers", table=("answer",))(evens)
    alone = verdict_of(tmp_path, 'metric = "evens"\nat_least = "1 %"\n')
    assert (alone.outcome, alone.metric, alone.n) == ("pass", "even answers", N)
    against = 'against = "a"\nagainst_model = "a"\n'
    worse = verdict_of(tmp_path, f'metric = "evens"\nworse_by_at_most = 0.5\n{against}')
    assert (worse.outcome, worse.metric) == ("pass", "even answers, worse than a")
    ratio = metric("ratio", table=("confidence",), unit="times")(
        lambda scoring: {Condition(): mean(scoring.table.ids, scoring.table["confidence"]) / 0.5}
    )
    assert ratio.metric.range == (0, np.inf)
    assert verdict_of(tmp_path, 'metric = "ratio"\nat_most = 9\n').outcome == "pass"
    assert verdict_of(tmp_path, f'metric = "ratio"\nworse_by_at_most = 5\n{against}').outcome == "pass"


def test_a_metric_of_two_runs_is_shown_by_compare_and_judged_by_a_gate(tmp_path: Path) -> None:
    stores = [stored(tmp_path / name, name, cells=5, seed=seed) for seed, name in enumerate("ab")]

    @pair_metric("parity_flips", "changes of parity", table=("answer",), higher_is_better=False)
    def parity_flips(before: Scoring, now: Scoring) -> Outcomes:
        """The share of answers that become even or odd."""
        return {Condition(): now.mean_of(before.table["answer"] % 2 != now.table["answer"] % 2)}

    @pair_metric("gain", "gain", table=("confidence",), range=(-1, 1))
    def gain(before: Scoring, now: Scoring) -> Outcomes:
        """The mean difference of confidence."""
        return {Condition(): mean(now.table.ids, now.table["confidence"] - before.table["confidence"])}

    (compared,) = compare_runs(Folder.open(*stores))
    assert [(each.first, each.second, each.title) for each in compared.pair_scores] == [
        ("a", "b", "gain"),
        ("a", "b", "changes of parity"),
    ]
    share = compared.pair_scores[1].score
    rows = [store.runs()[0].records()["prediction"].reshape(N, 5)[:, 1:] for store in stores]
    assert share.value == pytest.approx(np.mean(rows[0] % 2 != rows[1] % 2))
    assert share.interval is not None
    notes = hardiness.compare([tmp_path / name for name in "ab"]).views()[0].notes
    assert any(note.startswith("a → b: changes of parity ") and "in percent, 120 images" in note for note in notes)
    against = 'against = "a"\nagainst_model = "a"\n'
    verdict = verdict_of(tmp_path, f'metric = "parity_flips"\nat_most = 0.9\n{against}')
    assert (verdict.outcome, verdict.metric) == ("pass", "changes of parity, against a")
    assert verdict.value == pytest.approx(share.value)
    fog = verdict_of(tmp_path, f'metric = "parity_flips"\nat_most = 0.9\nwhere = {{ corruption = "fog" }}\n{against}')
    assert fog.value == pytest.approx(np.mean(rows[0][:, :2] % 2 != rows[1][:, :2] % 2))
    assert verdict_of(tmp_path, f'metric = "gain"\nat_least = -0.5\n{against}').outcome == "pass"
    with pytest.raises(ArgumentError, match="parity_flips needs against, the folder of the baseline"):
        verdict_of(tmp_path, 'metric = "parity_flips"\nat_most = 0.9\n')


def test_a_metric_of_two_runs_may_ask_for_columns_and_is_not_available_without(tmp_path: Path) -> None:
    stores = [stored(tmp_path / name, name, seed=seed) for seed, name in enumerate("ab")]

    @pair_metric("same_at_night", "same at night", table=("answer",), columns=("time",))
    def same_at_night(before: Scoring, now: Scoring) -> Outcomes:
        """The share of equal answers by night."""
        is_night = now.columns["time"] == "night"
        assert np.array_equal(is_night, before.columns["time"] == "night")
        same = before.table["answer"][:, 0] == now.table["answer"][:, 0]
        return {Condition(): mean(now.table.ids[is_night], same[is_night])}

    rule = 'metric = "same_at_night"\nat_least = 0.01\nagainst = "a"\nagainst_model = "a"\n'
    lacking = "not available: the pictures have no column time"
    (without,) = compare_runs(Folder.open(*stores))
    assert [said(each.score.lack) for each in without.pair_scores] == [lacking]
    assert said(verdict_of(tmp_path, rule).missing) == lacking
    for nights in (40, 80):  # what is kept of comparisons is of the columns, too
        times = {f"n/{k:04d}": {"time": "night" if k < nights else "day"} for k in range(N)}
        (compared,) = hardiness.compare([tmp_path / name for name in "ab"], columns=times)
        (pair,) = compared.pair_scores
        rows = [store.runs()[0].records()["prediction"][:nights] for store in stores]
        assert (pair.score.n, pair.score.value) == (nights, pytest.approx(np.mean(rows[0] == rows[1])))
        verdict = verdict_of(tmp_path, rule, columns=times)
        assert (verdict.outcome, verdict.value) == ("pass", pytest.approx(pair.score.value))


def test_a_page_of_two_folders_shows_a_metric_of_two_runs_under_its_own_names(tmp_path: Path) -> None:
    folders = {tmp_path / "a": "first", tmp_path / "b": "second"}
    for seed, (folder, name) in enumerate(folders.items()):
        stored(folder, name, seed=seed)
    pair_metric("same", table=("answer",))(
        lambda before, now: {Condition(): now.mean_of(before.table["answer"] == now.table["answer"])}
    )
    page = Path(hardiness.write_report([*folders], to=tmp_path / "page.html")).read_text()
    assert "first → second: same " in page


def test_a_metric_of_two_runs_that_fails_costs_its_own_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stores = [stored(tmp_path / name, name, seed=seed) for seed, name in enumerate("ab")]

    @pair_metric("breaks", table=("answer",))
    def breaks(before: Scoring, now: Scoring) -> Outcomes:
        """It fails."""
        raise ValueError("no")

    verdict = verdict_of(tmp_path, 'metric = "breaks"\nat_most = 0.9\nagainst = "a"\nagainst_model = "a"\n')
    assert (verdict.outcome, said(verdict.missing)) == ("missing", "the metric breaks failed: ValueError: no")
    (compared,) = compare_runs(Folder.open(*stores))
    assert compared.pair_scores == ()
    assert compared.scores
    place = f"{__name__}:{breaks.function.__qualname__}"
    (line,) = [record.message for record in caplog.records]
    assert line.startswith(f"pair metric 'breaks' of {place} failed: ValueError: no (in ")


def test_a_run_is_stopped_by_sums_and_by_no_other_estimate(tmp_path: Path) -> None:
    """Rules on them are looked at while pictures come in, and their intervals hold at every look."""
    for seed, name in enumerate("ab"):
        stored(tmp_path / name, name, seed=seed)
    metric("evens", table=("answer",))(evens)
    metric("ratio", table=("confidence",), unit="times")(
        lambda scoring: {Condition(): mean(scoring.table.ids, scoring.table["confidence"]) / 0.5}
    )
    metric("beside", table=("answer",), compared=False)(evens)
    pair_metric("same", table=("answer",))(
        lambda before, now: {Condition(): now.mean_of(before.table["answer"] == now.table["answer"])}
    )
    given = parse_policy('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "evens"\nat_least = 0.1', "p", str(tmp_path))
    folder = PolicyFolder(Folder.open(Store.open(tmp_path / "b")), given)
    (run,) = folder.runs.values()
    table = run.table
    assert [each.metric for each in run.card.sums(table, run.stored.run, None)] == ["top1", "top5", "evens"]
    assert ("evens", Condition()) in Look(0.05).at(run.card, table, run.stored.run)
    (rule,) = given.rules
    score = score_of_look(rule, "evens", Condition(), run, table, folder)
    assert score is not None
    assert isinstance(score.spread, ShareAtEveryLook)
    assert score.value == of(folder.results)[0].value
    with pytest.raises(UndecidableError, match=r"no mean \(metric ratio\)"):
        score_of_look(replace(rule, metric="ratio"), "ratio", Condition(), run, table, folder)
    against = replace(rule, metric="same", against="a", against_model="a")
    paired = score_of_look(against, "same", Condition(), run, table, folder)
    assert paired is not None
    assert isinstance(paired.spread, ShareAtEveryLook)


def test_a_card_without_measurables_is_compared_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Classification, "measurables", Card.measurables)
    stores = [stored(tmp_path / name, name, seed=seed) for seed, name in enumerate("ab")]
    assert not_comparable(Folder.open(*stores)) == ["imagenet-val"]
    metric("evens", table=("answer",))(evens)
    (compared,) = compare_runs(Folder.open(*stores))
    assert [score.metric for score in compared.scores] == ["evens"]
    assert not_comparable(Folder.open(*stores)) == []


def test_of_two_distributions_with_one_name_a_rule_names_both(tmp_path: Path) -> None:
    stored(tmp_path / "b", "b")
    for each in (registry, pair_registry):
        each._contested["contested"] = ["one:thing of one 1.0", "other:thing of other 1.0"]
    with pytest.raises(ArgumentError, match=r"is in one:thing of one 1.0 and in other:thing of other 1.0; uninstall"):
        verdict_of(tmp_path, 'metric = "contested"\nat_most = 0.9\n')


def test_cards_are_not_asked_again_for_a_new_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, "m", cells=5)
    _ = Folder.open(store).results

    def must_not(*arguments: Any) -> None:
        raise AssertionError("what was kept is taken")

    monkeypatch.setattr(CorruptionCard, "scores", must_not)
    monkeypatch.setattr(CorruptionCard, "filled_table", must_not)
    metric("evens", table=("answer",))(evens)
    assert of(Folder.open(store).results)[0].value is not None


def at_night(scoring: Scoring) -> Outcomes:
    """The share of right answers to pictures taken at night."""
    dark = scoring.columns["time"] == "night"
    return {Condition(): scoring.mean_of(np.where(dark[:, None], scoring.table["right"] == 1, np.nan))}


def taken(changed: int = 0, **more: Any) -> Columns:
    """Every third picture is taken at night, and ``changed`` others too."""
    ids = np.array([f"n/{k:04d}" for k in range(N)], object)
    times = np.array(["night" if k % 3 == 0 or k < changed else "day" for k in range(N)], object)
    return Columns(ids, {"time": times}, (ColumnSource("times.csv", str(changed)),), **more)


def test_a_metric_gets_the_columns_of_pictures_that_it_asks_for_and_is_not_available_without(tmp_path: Path) -> None:
    store = stored(tmp_path, "m")
    metric("at_night", "top-1 at night", columns=("time",))(at_night)
    (score,) = of(Folder.open(store).results, "at_night")
    assert score.value is None
    assert said(score.lack) == "not available: the pictures have no column time"
    (given,) = of(Folder.open(store, grouping=Grouping(columns=(taken(),))).results, "at_night")
    right = store.runs()[0].records()
    hits = (right["prediction"] == right["label"])[::3]
    assert given.value == hits.mean()
    store.runs()[0].keep_picture_columns(taken())
    assert of(Folder.open(store).results, "at_night") == [given]
    (other,) = of(Folder.open(store, grouping=Grouping(columns=(taken(60),))).results, "at_night")
    assert other.value != given.value
    assert of(Folder.open(store).results, "at_night") == [given]


def test_models_are_compared_and_judged_by_a_metric_of_columns(tmp_path: Path) -> None:
    metric("at_night", "top-1 at night", columns=("time",))(at_night)
    store = stored(tmp_path, "one")
    stored(tmp_path, "two", seed=1)
    assert "at_night" not in [score.metric for score in compare_runs(Folder.open(store))[0].scores]
    for changed in (0, 60):
        grouping = Grouping(columns=(taken(changed),))
        (comparison,) = compare_runs(Folder.open(store, grouping=grouping))
        (score,) = [score for score in comparison.scores if score.metric == "at_night"]
        results = {
            result.model: of([result], "at_night")[0] for result in Folder.open(store, grouping=grouping).results
        }
        assert score.values == {name: pytest.approx(results[name].value) for name in ("one", "two")}
        verdicts = judge(
            parse_policy('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "at_night"\nat_least = 0.2'), store, grouping
        )
        assert [(each.outcome, each.value) for each in verdicts.verdicts] == [
            ("pass", pytest.approx(results[each.model].value)) for each in verdicts.verdicts
        ]
    missing = judge(parse_policy('[[rules]]\nbenchmark = "imagenet-val"\nmetric = "at_night"\nat_least = 0.2'), store)
    assert [each.outcome for each in missing.verdicts] == ["missing"] * 2
    assert all("not available: the pictures have no column time" in said(each.missing) for each in missing.verdicts)

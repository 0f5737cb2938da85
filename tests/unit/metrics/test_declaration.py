"""What a metric declares, and which of a model's outputs it needs."""

from __future__ import annotations

import pytest

from hardiness.benchmarks.card import cards
from hardiness.core.answers import ANSWERS
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import Metric
from hardiness.core.run import Run
from hardiness.metrics.declaration import PairMetric, RunMetric, metric, pair_metric, pair_registry, registry
from hardiness.metrics.scoring import Outcomes, Scoring


@pytest.fixture(autouse=True)
def own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (registry, pair_registry):
        monkeypatch.setattr(each, "_entries", dict(each._entries) if each.names() else {})


def test_a_decorated_function_is_a_metric_by_its_name() -> None:
    @metric("depth", "mean depth", unit="metres", range=(0, 9), higher_is_better=False, table=("answer",))
    def depth(scoring: Scoring) -> Outcomes:
        """The depth."""
        return {}

    assert registry.get("depth") is depth
    assert isinstance(depth, RunMetric)
    declared = depth.metric
    assert (declared.title, declared.unit, declared.range, declared.higher_is_better) == (
        "mean depth",
        "metres",
        (0, 9),
        False,
    )
    assert depth.speaks_of(Run())
    assert not registry.ships("depth")


def test_ranges_are_those_of_fractions_unless_they_are_said() -> None:
    def nothing(*scorings: Scoring) -> Outcomes:
        return {}

    assert metric("plain")(nothing).metric.range == (0.0, 1.0)
    assert metric("seconds", unit="s")(nothing).metric.range == (0.0, float("inf"))
    assert metric("below", range=(-0.5, 1))(nothing).metric.range == (-0.5, 1.0)
    pair = pair_metric("two", range=(-1, 1))(nothing)
    assert isinstance(pair, PairMetric)
    assert pair.metric.signed


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"outputs": "logit"},
            "outputs of metric 'wrong' must be one of scores, classes, confidences, probabilities, logits, was 'logit'",
        ),
        ({"range": (1, 0)}, r"range of metric 'wrong' must be its least and its largest value, was \(1, 0\)"),
        ({"range": (0, 5)}, "a fraction is at most 1, so give its unit"),
    ],
)
def test_what_is_declared_wrongly_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        metric("wrong", **given)  # type: ignore[arg-type]


def test_a_function_returns_a_mapping_from_conditions() -> None:
    found = metric("listed")(lambda scoring: [0.5])  # type: ignore[arg-type,return-value]
    with pytest.raises(ArgumentError, match="must return a mapping whose keys are Condition, returned list"):
        found(None)  # type: ignore[arg-type]


def test_a_name_that_ships_is_not_given_away() -> None:
    with pytest.raises(ArgumentError, match=r"metric 'real_top1' is registered twice: in hardiness\.metrics"):
        metric("real_top1")(lambda scoring: {})


METHODS = ("msp", "max_logit", "energy")
NEED_LOGITS = {"temperature"} | {
    f"{what}_{method}"
    for method in METHODS[1:]
    for what in (
        *(f"{of}_auroc" for of in ("near", "far", "imagenet-o", "ssb-hard", "ninco")),
        *(f"{of}_auroc" for of in ("inaturalist", "textures", "openimage-o", "outside")),
        "mean_fpr95",
    )
}
NEED_PROBABILITIES = {
    *("top5", "real_top5", "rms_calibration_error", "aurra", "ece", "brier_top1", "brier", "nll"),
    *("aurc", "augrc", "risk_at_80_coverage", "coverage_at_5_risk", "conformal_coverage"),
    *("mean_ece", "mean_brier_top1", "mean_nll", "auroc_two_classes", "average_precision"),
    *("auroc", "aupr", "fpr95", "kind_fpr95", "top5_distance", "t5d", "mt5d"),
    *(f"{of}_auroc_msp" for of in ("near", "far", "outside", "imagenet-o", "ssb-hard", "ninco")),
    *(f"{of}_auroc_msp" for of in ("inaturalist", "textures", "openimage-o")),
    "mean_fpr95_msp",
}
"""Of all that ships; what is in neither needs the class of an answer alone."""


def declared_metrics() -> dict[str, Metric]:
    own = {each.name: each for name in cards.names() for each in cards.get(name).declared}
    return own | {name: registry.get(name).metric for name in registry.names()}


def test_probabilities_suffice_for_all_but_what_needs_logits() -> None:
    lacking = {name for name, each in declared_metrics().items() if each.why_unavailable(Condition(), "probabilities")}
    assert lacking == NEED_LOGITS
    assert not any(each.why_unavailable(Condition(), "") for each in declared_metrics().values())


@pytest.mark.parametrize("outputs", ["classes", ANSWERS])
def test_classes_suffice_for_nothing_that_needs_how_sure_an_answer_is(outputs: str) -> None:
    lacking = {name for name, each in declared_metrics().items() if each.why_unavailable(Condition(), outputs)}
    assert lacking == NEED_LOGITS | NEED_PROBABILITIES
    reason = declared_metrics()["ece"].why_unavailable(Condition(), outputs)
    assert reason == Fact(Lack.OUTPUTS, {"outputs": outputs})


def test_methods_and_decisions_that_need_logits_say_so() -> None:
    known = declared_metrics()
    for name in ("auroc", "aupr", "fpr95", "kind_fpr95"):
        lacking = [
            method for method in METHODS if known[name].why_unavailable(Condition(method=method), "probabilities")
        ]
        assert lacking == ["max_logit", "energy"], name
    scaled = Condition(decision="temperature-scaled")
    assert {name for name, each in known.items() if each.why_unavailable(scaled, "probabilities")} == {
        *NEED_LOGITS,
        *("ece", "brier_top1", "nll"),
    }
    assert known["top1"].why_unavailable(Condition(decision="1000-way"), "classes") is None
    assert known["top5"].partial.why_unavailable(Condition(), "classes"), "of a part, too"

"""What is stored is read as it was, and an error names what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from hardiness.benchmarks.galleries import Answer, Gallery, Sample
from hardiness.core.attack_plan import Round
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import CheckOutcome, Fact, Trust, error_of
from hardiness.core.forms import from_json, json_form
from hardiness.core.model import View
from hardiness.core.request import Stop
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Plan, Run, Surrogate
from hardiness.core.spread import Interval
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.flips import PairFlips
from hardiness.results.gate import Gate, GateVerdict
from hardiness.results.noise import Noise, SettingEffect
from hardiness.results.policy import Rule
from hardiness.statistics.comparison import Difference, ScoreComparison
from hardiness.statistics.effective_robustness import EffectiveRobustness
from hardiness.statistics.flips import Flips
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.visualise.activation import Settings
from hardiness.visualise.patch import PatchSettings
from hardiness.visualise.style import StyleSettings

NET = ModelIdentity("squeezenet1_1", "ab" * 32, View(resize_px=256))
PHOTOGRAPHS = DataIdentity("imagenet", "cd" * 32, 50_000, 1000)
VAL = BenchmarkIdentity("imagenet-val", "classification", "top-1", {}, ("confidence", "top5"))
CORRUPTED = BenchmarkIdentity("imagenet-c", "corruption", "mce", {"extra": True, "corruptions": ("fog", "snow")})
ATTACK = (
    Round("pgd", "linf", 0.01, {1: Condition(epsilon=0.01, steps=1), 5: Condition(epsilon=0.01, steps=5)}),
    Round("square", "l2", 1, {7: Condition(epsilon=1)}, 3, True, "clean", {"loss": "ce", "sizes": (1, 2)}),
)
RUNS: Mapping[str, Run] = {
    "nothing": Run(),
    "photographs": Run(NET, VAL, PHOTOGRAPHS, InputIdentity("fixed", "224"), versions={"rows": 2, "kernels": 1}),
    "conditions": Run(
        NET,
        CORRUPTED,
        PHOTOGRAPHS,
        conditions=(Condition(), Condition(corruption="fog", severity=1), Condition(corruption="snow", severity=5)),
        seed=3,
        precision="bf16",
    ),
    "own classes": Run(
        ModelIdentity("mine.onnx", "ef" * 32, View(mean=(0.5, 0.5, 0.5), std=0.25, channel_order="BGR"), {"size": 64}),
        VAL,
        DataIdentity("pets", "01" * 32, 7, 2, classes=("cat", "dög")),
    ),
    "chat": Run(
        ModelIdentity("chat:gpt", options={"url": "http://localhost", "votes": 3}, outputs="answers"),
        BenchmarkIdentity("cue-conflict", "cue_conflict", "shape bias", {"letters": ("A", "B")}),
        DataIdentity("stimuli", "23" * 32, 1280, 16, {"airplane": (404, 895), "bear": (294,)}),
    ),
    "white box": Run(NET, BenchmarkIdentity("whitebox", "attack"), PHOTOGRAPHS, attack=ATTACK),
    "transfer": Run(
        NET,
        BenchmarkIdentity("blackbox", "attack"),
        attack=ATTACK[:1],
        surrogate=Surrogate("a+b", "45" * 32, "67", "8"),
    ),
    "sequences": Run(
        NET,
        BenchmarkIdentity("imagenet-p", "perturbation", "mfr", {"perturbations": ["tilt"], "thirds": None}),
        conditions=(Condition(perturbation="tilt"),),
    ),
    "ensemble": Run(
        ModelIdentity("a+b", "89" * 32, View(crop_mode="border", range="0..255"), {"members": {"a": 1, "b": [2, 3]}}),
        VAL,
    ),
    "answers from a file": Run(
        ModelIdentity("rows.csv", "ab" * 32, outputs="classes", code_sha256="cd" * 32), VAL, PHOTOGRAPHS
    ),
    "set of other things": Run(NET, BenchmarkIdentity("ood", "ood", options={"outside": ("textures",)})),
}
SCORES = (
    Score("top1", 0.75, "fraction", 4, TwoEnds(0.75, 0.30064, 0.95441)),
    Score(
        "mce",
        None,
        "ratio",
        0,
        higher_is_better=False,
        condition=Condition(protocol="all"),
        lack=error_of(ArgumentError("no baseline")),
    ),
    Score(
        "robustness",
        1,
        "fraction",
        4,
        condition=Condition(epsilon=0.01, steps=5),
        lack=error_of(ArgumentError("few")),
        doubt="x",
    ),
)
MASKS = Fact(
    "package.masks", {"share": 0.5, "at": ("image", 3), "is_sure": True}, about="net", outcome=CheckOutcome.RAISED
)
FINDINGS = (MASKS, Fact("package.verdict", {"doubts": (MASKS,), "way": None}, trust=Trust.WITHDRAWN))
STOPS = {
    "target": Stop(0.01, 40, ("k1", "k2")),
    "alone": Stop(1, 40),
    "policy": Stop(None, 12, policy="policy.toml"),
}
PLAN = Plan(16, "/data/imagenet", 50_000, 4, (0, 2))
SAMPLES = (
    Sample("n01/a", Condition(corruption="fog"), "hen", Answer("cock", 0.9), None, "flips twice"),
    Sample("n01/b", before=Answer("hen")),
)
FLIPS = Flips(*(Score("flips", hits / 10, "fraction", 10, ShareOfImages(hits, 10)) for hits in (1, 2, 7)))
DIFFERENCES = (
    Difference.tested(0.1, 9, "Tango", 0.2, TwoEnds(0.1, -0.1, 0.3), 0.3),
    Difference(0.2, 2, "", lack=error_of(ArgumentError("few"))),
)
RULE = Rule(
    *(1, "imagenet-c", "error", "at_most", 0.3, "net", "OUT", {"a": "b"}, "fog"), where=Condition(corruption="fog")
)
VERDICTS = (
    GateVerdict(
        RULE, "net", "imagenet-c", "imagenet", "pass", "error", "fraction", 0.2, Interval(0.1, 0.25), 0.95, 2, 50
    ),
    GateVerdict(
        Rule(2, "*", "top1", "at_least", 1),
        "chat †",
        "b",
        "d",
        "missing",
        "top-1",
        missing=error_of(ArgumentError("undefined")),
    ),
)
NOISE = Noise(
    "0123",
    "net",
    "imagenet-val",
    "imagenet",
    (
        SettingEffect("seed", "1", "top-1", 0.75, Score("top1", 0.25, "fraction", 4, TwoEnds(0.25, -0.1, 0.5)), 1),
        SettingEffect(
            "crop_px", "288", "top-1", 0.75, Score("top1", 0, "fraction", 4, lack=error_of(ArgumentError("few"))), 0
        ),
    ),
    {"precision": "no GPU"},
)
EFFECTIVE = EffectiveRobustness(SCORES[0], SCORES[1], SCORES[2], "100 models", False)
PAIR = PairFlips(
    *("a", "b", FLIPS, ((Condition(severity=1), FLIPS),), (("fog", FLIPS),), (("hen", FLIPS),)),
    (("hen", DIFFERENCES[0]), ("cock", DIFFERENCES[1])),
    SAMPLES,
    2,
)
APART = Difference.tested(0.25, 9, "Tango", 0.001, TwoEnds(0.25, 0.125, 0.375), 0.0625).among(0.002, 0.025)
KEPT = BenchmarkComparison(
    benchmark="whitebox",
    data="imagenet",
    scores=(
        ScoreComparison(
            metric="top1",
            higher_is_better=True,
            values={"a": 0.75, "b": 0.5, "c": 0.65},
            pairs={("a", "b"): APART, ("a", "c"): DIFFERENCES[0], ("b", "c"): DIFFERENCES[1]},
            n=9,
            title="top-1",
            noise={"b": (0.25, 4), "c": (0, 9)},
        ),
        ScoreComparison(
            metric="robustness",
            higher_is_better=False,
            values={"a": 0.75, "b": float("nan"), "c": 1},
            pairs={("a", "b"): Difference(float("nan"), 0, "", lack=error_of(ArgumentError("few"))), ("a", "c"): APART},
            n=0,
            condition=Condition(epsilon=0.01, steps=5),
        ),
        ScoreComparison("nll", False, {"a": 1.0}, {}, 9),
    ),
    n=9,
    notes=(Fact(RunRemark.LEFT_OUT, {"images": 1, "lack_a_condition": True}, "b"),),
    details=(),
    protocol="p",
    variant=("linf",),
    keys={"a": "0123", "b": "4567"},
    flips=(PAIR,),
)
VALUES: Mapping[str, Mapping[str, Any]] = {
    "runs": RUNS,
    "views": {"usual": View(), "own": RUNS["own classes"].model.view},
    "rounds": {each.attack: each for each in ATTACK},
    "plans": {"usual": Plan(), "full": PLAN},
    "stops": STOPS,
    "scores": {each.metric: each for each in SCORES},
    "findings": {each.code: each for each in FINDINGS},
    "galleries": {"mistakes": Gallery("Mistakes", "the surest first", SAMPLES)},
    "gates": {
        "usual": Gate(VERDICTS, "warn", "policy.toml"),
        "empty": Gate(()),
    },
    "noise": {"measured": NOISE, "empty": Noise("0", "a", "b", "c", ())},
    "flips": {"pair": PAIR},
    "effective robustness": {"net": EFFECTIVE},
}


@pytest.mark.parametrize("kind", VALUES)
def test_what_is_stored_is_read_as_it_was(kind: str) -> None:
    for value in VALUES[kind].values():
        form = json.loads(json.dumps(json_form(value)))
        read = from_json(type(value), form, "the file")
        assert json.loads(json.dumps(json_form(read))) == form
        assert read == from_json(type(value), json_form(value), "the file")


def test_a_kept_comparison_is_read_as_it_was() -> None:
    for compared in (KEPT, BenchmarkComparison("imagenet-val", "own", (), 0, (), ())):
        kept = json.loads(json.dumps(json_form(compared)))
        assert repr(from_json(BenchmarkComparison, kept, "F")) == repr(compared)  # NaN is not NaN


def test_numbers_stay_as_they_were_written() -> None:
    view = {**json_form(View()), "std": [1, 1, 1], "mean": [0, 0.5, 1]}
    assert json.dumps(json_form(from_json(View, view, "the file"))) == json.dumps(view)


DAMAGED = {
    "number": (
        Plan(),
        {"batch_size": "x"},
        "the field 'batch_size' of F must be a whole number, and is 'x'; restore it",
    ),
    "item": (Plan(), {"whole": [0, "1"]}, "the field 'whole[1]' of F must be a whole number, and is '1'; restore it"),
    "list": (VAL, {"columns": 3}, "the field 'columns' of F must be a list, and is 3; restore it"),
    "choice": (
        NET,
        {"view": {**json_form(View()), "range": "0..3"}},
        "the field 'view.range' of F must be '0..1' or",
    ),
    "view": (
        NET,
        {"view": {**json_form(View()), "crop_px": 0}},
        "the field 'view' of F cannot be read (crop_px must",
    ),
    "later": (
        Run(),
        {"lora": 1},
        "F has the field 'lora', which this version does not know; use the version",
    ),
    "inner": (Run(), {"data": {"samples": 1}}, "F must have the field 'data.categories', and has none; restore it"),
    "condition": (
        Run(),
        {"conditions": [{}, 1]},
        "the field 'conditions[1]' of F must be an object of texts and numbers",
    ),
    "spread": (SCORES[0], {"spread": 0.5}, "the field 'spread' of F must be a spread with its kind, and is 0.5"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_an_error_names_the_file_the_field_and_what_it_must_be(kind: str) -> None:
    value, changed, line = DAMAGED[kind]
    with pytest.raises(StoreError) as caught:
        from_json(type(value), {**json_form(value), **changed}, "F", "restore it")
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("name", sorted(json_form(Run())))
def test_a_field_of_a_run_that_is_gone_is_named(name: str) -> None:
    form = json_form(Run())
    del form[name]
    with pytest.raises(StoreError, match=f"^F must have the field '{name}', and has none; restore the file$"):
        from_json(Run, form, "F")


@pytest.mark.parametrize("kind", [Settings, PatchSettings, StyleSettings])
def test_what_an_option_is_called_is_not_its_name_in_json(kind: type[Any]) -> None:
    assert json_form(kind()) == json.loads(json.dumps(asdict(kind())))

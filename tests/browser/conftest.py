"""A folder with results of every card, its page, and a headless Chromium to open it in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardiness.benchmarks.galleries import Answer, Gallery, Sample
from hardiness.core.benchmark import Image
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.core.forms import json_form
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Failure
from hardiness.imaging.codecs import png
from hardiness.report.evidence.page import evidence_page
from hardiness.report.evidence.record import About, AboutSystem
from hardiness.report.evidence.writing import EvidenceSources, evidence_json, evidence_record
from hardiness.report.exports.exporter import registry
from hardiness.report.page import PageOptions, put_page
from hardiness.report.pictures import FeatureGrid, FeaturePicture
from hardiness.results.claims.claim import judge_claims, published_models
from hardiness.results.results import group_of, published_results
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.store.local_files import LocalFiles

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "[red]$x^2$[/red]",
    "\u202eevil\u202c שלום",
    "x" * 300,
)
"""Model names that would run, colour, typeset, turn or stretch the page if it took them for anything but text."""

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]


def corruption(model: str, shift: float) -> Result:
    cells = [Condition(corruption=name, severity=s) for name in ("fog", "snow", "gaussian_noise") for s in (1, 2, 3)]
    scores = [
        score("mean_error", 0.4 + shift, higher_is_better=False),
        score("clean_error", 0.1 + shift, higher_is_better=False),
        *(score("error", 0.3 + shift, higher_is_better=False, group=group) for group in ("noise", "weather")),
        *(score("error", 0.3 + shift, higher_is_better=False, corruption=n) for n in ("fog", "snow", "gaussian_noise")),
        *(score("error", 0.1 * cell["severity"] + shift, higher_is_better=False, **cell) for cell in cells),
    ]
    gallery = Gallery(
        "Answers that flip",
        "a rule",
        (
            Sample("n01/a", Condition(corruption="fog", severity=3), "hen", Answer("cock", 0.9), Answer("hen", 0.8)),
            Sample(
                "n01/<b>",
                Condition(corruption="snow", severity=1),
                "<i>hen</i>",
                Answer("cock", 0.9),
                Answer("hen", 0.8),
            ),
        ),
    )
    return result(model, "imagenet-c", "corruption", scores, details={"galleries": json_form([gallery])})


def classification(model: str, shift: float) -> Result:
    details = {
        "reliability": [[0.3, 0.4 - shift, 0.3 - shift, 0.5 - shift], [0.9, 0.95 - shift, 0.85 - shift, 0.99 - shift]],
        "coverage": [[0.2, 0.99 - shift], [1.0, 0.8 - shift]],
    }
    return result(
        model,
        "imagenet-val",
        "classification",
        [
            score("top1", 0.8 - shift),
            score("top5", 0.9 - shift),
            score("ece", 0.1 + shift, higher_is_better=False, protocol="equal-width"),
        ],
        details=details,
    )


def attack(model: str, shift: float) -> Result:
    accuracies = [
        score("accuracy", max(0.0, 0.5 - 5 * epsilon - shift), epsilon=epsilon, steps=steps)
        for epsilon in (0.01, 0.06)
        for steps in (1, 5, 10)
    ]
    findings = [
        Fact("package.loss", {"fell": True}, outcome=CheckOutcome.CLEAR),
        Fact("package.verdict", outcome=CheckOutcome.RAISED, trust=Trust.BELIEVED),
    ]
    return result(model, "whitebox", "attack", [score("clean_accuracy", 0.8 - shift), *accuracies], findings=findings)


def perturbation(model: str, shift: float) -> Result:
    conditions: list[dict[str, Any]] = [{}, {"perturbation": "rotate"}, {"perturbation": "shot_noise"}]
    flips = [score("flip_probability", 0.05 + shift, higher_is_better=False, **each) for each in conditions]
    return result(model, "imagenet-p", "perturbation", flips)


def cue_conflict(model: str, shift: float) -> Result:
    where = [{"protocol": "orhan2019"}, *({"protocol": "orhan2019", "category": c} for c in ("cat", "dog"))]
    scores = [s for c in where for s in (score("cue_accuracy", 0.6, **c), score("shape_bias", 0.2 + shift, **c))]
    return result(model, "cue-conflict", "cue_conflict", scores, data="cue-conflict")


CARDS = (classification, corruption, perturbation, attack, cue_conflict)


def score(metric: str, value: float, higher_is_better: bool = True, **condition: Any) -> Score:
    spread = TwoEnds(value, max(0.0, value - 0.02), min(1.0, value + 0.02))
    return Score(metric, value, "fraction", 1000, spread, higher_is_better, Condition(**condition))


def result(model: str, benchmark: str, card: str, scores: list[Score], data: str = "imagenet", **more: Any) -> Result:
    run = Run(ModelIdentity(model), BenchmarkIdentity(benchmark, card, "orhan2019", {"steps": [1, 5]}))
    session = {
        "device": "cpu",
        "rows": 1000,
        "packages": {"numpy": "2"},
        "asked": {"benchmark": benchmark},
        "limit": None,
    }
    return Result(
        model=model,
        benchmark=benchmark,
        data=data,
        protocol="orhan2019",
        scores=scores,
        counts=Counts(2000, 1000, 1, 1000),
        run=run,
        measured={"sessions": [session]},
        failures=[Failure("n01/broken", "<b>cannot be read</b>", (0,))],
        warnings=(Fact(RunRemark.PARTIAL, {"evaluated": 1000, "expected": 2000, "failed": 0, "conditions": 1}),),
        key=f"{benchmark}-{model}"[:16],
        plan=Plan(location="/somewhere"),
        **more,
    )


def of_models(*models: str) -> list[Result]:
    found = [make(model, 0.1 * place) for make in CARDS for place, model in enumerate(models)]
    return sorted(found, key=lambda each: (each.benchmark, models.index(each.model)))


def picture(result: Result, sample: str, condition: Condition) -> Image:
    return np.random.default_rng(len(condition)).integers(0, 255, (60, 80, 3), np.uint8)


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three models, with pictures."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    drawn = path.parent / "unit.png"
    drawn.write_bytes(png(np.full((60, 60, 3), 90, np.uint8)))
    facts = {"activation_before": 0.5, "activation_after": 7.0}
    features = [
        FeaturePicture("unit 3", facts, drawn),
        FeaturePicture("unit 4", facts, drawn),
        FeaturePicture("unit 5", facts, None),
    ]
    options = PageOptions(
        picture,
        figures=("svg",),
        features=[FeatureGrid("second", "orhan2019", "steps 500", features)],
        claims=judge_claims(published_models()).view(),
    )
    put_page(of_models("first", "second", "third"), LocalFiles(path.parent), path.name, "three models", options)
    return path


FOUR = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet1_1")
EIGHT = (*FOUR, "timm:mobilenetv3_small_050", "timm:resnet10t", "efficientnet_lite0 (resize_px=160)", "vit_tiny")


@pytest.fixture(scope="session")
def first_screens(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A page of four models, and one of eight of which one was not attacked."""
    pages = {}
    for models in (FOUR, EIGHT):
        folder = tmp_path_factory.mktemp("screen")
        pairs = list(zip(models, (0.0, 0.01, 0.02, 0.1, 0.11, 0.2, 0.3, 0.4), strict=False))
        results = [make(*pair) for make in (classification, corruption) for pair in pairs]
        results += [attack(*pair) for pair in (pairs if models == FOUR else pairs[:-1])]
        put_page(results, LocalFiles(folder), "report.html", "models", PageOptions(images=False, figures=()))
        pages[len(models)] = folder / "report.html"
    return pages


@pytest.fixture(scope="session")
def sheet_of_four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sheet to hand over of four models, as it is exported."""
    path = tmp_path_factory.mktemp("sheet") / "sheet.html"
    path.write_bytes(registry.get("sheet").write(of_models(*FOUR)))
    return path


@pytest.fixture(scope="session")
def evidence_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The evidence of four models, of eight, of more than have room, and of models whose names are no plain text."""
    folder, pages = tmp_path_factory.mktemp("evidence"), {}
    long = "A statement that goes on and on. " * 99
    names = {
        "four": [f"model_{k}" for k in range(4)],
        "eight": [f"model_{k}" for k in range(8)],
        "hostile": HOSTILE,
        "crowded": [f"model_{k}" for k in range(30)],
    }
    for name, models in names.items():
        results = sorted(of_models(*models), key=group_of)
        about = About(system=AboutSystem(name=HOSTILE[0] if name == "hostile" else None))
        if name == "crowded":
            about = About(system=AboutSystem(name=long, intended_use=long, domain=long, provider=long))
        pages[name] = folder / f"{name}.html"
        record = evidence_record(EvidenceSources(results, about=about))
        pages[name].write_text(evidence_page(record, evidence_json(record)), errors="backslashreplace")
    return pages


@pytest.fixture(scope="session")
def hostile_names() -> tuple[str, ...]:
    """Model names that are no plain text."""
    return HOSTILE


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of models whose names are no plain text."""
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    options = PageOptions(picture, figures=("svg",))
    put_page(of_models(*HOSTILE), LocalFiles(path.parent), path.name, HOSTILE[0], options)
    return path


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the published numbers."""
    path = tmp_path_factory.mktemp("published") / "report.html"
    every = [replace(each) for each in published_results()]
    put_page(every, LocalFiles(path.parent), path.name, "published", PageOptions(figures=()))
    return path


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are written: ``HARDINESS_SCREENSHOTS``, else ``runs/screenshots``."""
    folder = Path(os.environ.get("HARDINESS_SCREENSHOTS", "runs/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; tests are skipped where there is none, and fail in CI."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()

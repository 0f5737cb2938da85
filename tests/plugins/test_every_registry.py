"""A thing of each kind that docs/extend.md lists, in one package, with the decorators of its table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from strangers import MODULES, Distribution, Outcome

OTHERS = {
    **MODULES,
    "model.py": """
from hardiness import models
from hardiness.core import ModelSpec, View

def build(spec):
    from torch import nn
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, spec.num_classes))

SMALL = ModelSpec(name="small", build=f"{__name__}:build", view=View(), summary="Small.")
models.registry.register("small", SMALL, __name__)
""",
    "scheme.py": """
from dataclasses import replace
from hardiness import models
from hardiness.models.catalogue import Scheme
from my_edited.model import SMALL

def spec(name, options):
    return replace(SMALL, name=f"shop:{name}")

SHOP = Scheme("shop:NAME", "a shop of models", spec)
models.schemes.register("shop", SHOP, __name__)
""",
    "runtime.py": """
from hardiness.models.runtimes import runtimes

@runtimes.add("slow")
class Slow:
    name, streams = "slow", 1
    def __init__(self, plan):
        self.plan = plan
    def __call__(self, pixels):
        return self.plan.network(pixels)
""",
    "layout.py": """
from hardiness.data.root import LAYOUTS, Layout

def read(place): ...

SHELF = Layout("shelf/*", read)
LAYOUTS.register("shelf", SHELF, __name__)
""",
    "threat.py": """
from hardiness.attacks import threat_models
from hardiness.attacks.threats import Threat

@threat_models.add("nothing")
class Nothing(Threat):
    "Nothing may change."
    unit, most = "nothing", 1.0
    def distance(self, pixels, clean): ...
    def contains(self, pixels, clean, epsilon): ...
    def sample(self, clean, epsilon, generators): ...
""",
    "comparison.py": """
from dataclasses import replace
from hardiness.core import Fact, Trust
from hardiness.results.comparisons import speaks_of

@speaks_of("as-it-is", "classification")
def as_it_is(each, scored):
    odd = Fact("my_edited.odd", {"share": 0.25}, trust=Trust.WITHDRAWN)
    even = Fact("my_edited.even", {"n": 3}, trust=Trust.CANNOT_TELL)
    return replace(each.result, findings=[*each.result.findings, odd, even])
""",
    "metric.py": """
from hardiness.core import Condition
from hardiness.metrics import metric

@metric("constant", table=("answer",))
def constant(scoring):
    return {Condition(): scoring.mean_of(scoring.table["answer"] >= 0)}
""",
    "pair.py": """
from hardiness.core import Condition
from hardiness.metrics import pair_metric

@pair_metric("alike", table=("answer",))
def alike(before, now):
    return {Condition(): now.mean_of(before.table["answer"] == now.table["answer"])}
""",
    "claim.py": """
from hardiness.results.claims.claim import Claim, add

def contrasts(models):
    return []

BOLD = add(Claim("bold", "All is well.", "nobody", "none", "none", (), contrasts, needs_family=9), __name__)
""",
    "published.py": """
from hardiness.reference.published_tables import PublishedTable, registry

DOE = PublishedTable("darker", "Doe 2026", {"small": {"spread": 0.5}})
registry.register("doe", DOE, __name__)
""",
    "export.py": """
from hardiness.report.exports.exporter import register

@register("names", "names alone")
def write(results, comparisons=()):
    return "\\n".join(result.model for result in results).encode()
""",
    "view.py": """
from hardiness.report.views import CardView, register

@register("spread")
class SpreadView(CardView):
    def sentence(self, result, scores):
        return "spreads"
""",
    "words.py": """
ODD = "{share:.0%} of the pictures are odd: do not believe this number."
""",
    "logger.py": """
from hardiness.report.loggers.logger import register

@register("nobody")
def open_nobody(run): ...
""",
}
POINTS = {
    "hardiness.models": {"small": "my_edited.model:SMALL"},
    "hardiness.model_schemes": {"shop": "my_edited.scheme:SHOP"},
    "hardiness.runtimes": {"slow": "my_edited.runtime:Slow"},
    "hardiness.datasets": {"shelf": "my_edited.layout:SHELF"},
    "hardiness.benchmarks": {"darker": "my_edited.benchmark:Darker"},
    "hardiness.cards": {"spread": "my_edited.card:Spread"},
    "hardiness.corruptions": {"dusk": "my_edited.corruption"},  # a module alone will do
    "hardiness.perturbations": {"fading": "my_edited.perturbation:fading"},
    "hardiness.attacks": {"shade": "my_edited.attack:Shade"},
    "hardiness.threats": {"nothing": "my_edited.threat:Nothing"},
    "hardiness.comparisons": {"as-it-is": "my_edited.comparison:as_it_is"},
    "hardiness.metrics": {"constant": "my_edited.metric:constant"},
    "hardiness.pair_metrics": {"alike": "my_edited.pair"},
    "hardiness.claims": {"bold": "my_edited.claim:BOLD"},
    "hardiness.published": {"doe": "my_edited.published:DOE"},
    "hardiness.exports": {"names": "my_edited.export:write"},
    "hardiness.views": {"spread": "my_edited.view:SpreadView"},
    "hardiness.words": {"my_edited.odd": "my_edited.words:ODD"},
    "hardiness.loggers": {"nobody": "my_edited.logger:open_nobody"},
}

LOOK = """
from hardiness import attacks, benchmarks, distortions, models
from hardiness.data.root import LAYOUTS
from hardiness.reference import published_tables
from hardiness.models.runtimes import runtimes
from hardiness.report.exports import exporter
from hardiness.report.loggers import logger
from hardiness.metrics import pair_registry, registry
from hardiness.report.views import views
from hardiness.report.words import catalogue
from hardiness.results import claims, comparisons
registries = [
    attacks.registry, attacks.threat_models, benchmarks.registry, benchmarks.cards, distortions.corruptions,
    distortions.perturbations, models.registry, models.schemes, LAYOUTS, runtimes, exporter.registry, logger.registry,
    registry, pair_registry, claims.registry, comparisons.registry, published_tables.registry, views, catalogue,
]
points = {points!r}
assert {{each.group for each in registries}} == {{*points}}
for each in registries:
    assert {{*each.own()}} == set(), each.kind
    (name,) = points[each.group]
    assert name in each.names() and {{*each.own()}} == {{name}}, (each.kind, each.own())
    assert each.names() == each.names()
"""


@pytest.fixture(scope="module")
def installed(install: Callable[..., Path]) -> Path:
    return install(Distribution("my-edited", POINTS, OTHERS, "my_edited"))


@pytest.mark.slow
def test_every_registry_loads_what_its_group_names(
    installed: Path, place: Path, warm: Callable[..., Any], path: Any
) -> None:
    (place / "look.py").write_text(LOOK.format(points=POINTS))
    process = warm("look.py", cwd=place, env=path(installed))
    _, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, ""), err


LISTED = {
    "hardiness.models": "models",
    "hardiness.model_schemes": "models",
    "hardiness.runtimes": "runtimes",
    "hardiness.datasets": "datasets",
    "hardiness.benchmarks": "benchmarks",
    "hardiness.corruptions": "corruptions",
    "hardiness.perturbations": "perturbations",
    "hardiness.attacks": "attacks",
    "hardiness.threats": "attacks",
    "hardiness.exports": "exports",
    "hardiness.loggers": "loggers",
    "hardiness.metrics": "metrics",
    "hardiness.pair_metrics": "metrics",
}
NOT_TYPED = {f"hardiness.{name}" for name in ("cards", "comparisons", "claims", "published", "views", "words")}


@pytest.mark.slow
def test_each_name_that_a_person_may_type_is_listed(
    installed: Path, place: Path, command: Callable[..., Outcome]
) -> None:
    """Of exports, trackers, runtimes and data sets nothing said which there were, but an error."""
    assert {*LISTED} | NOT_TYPED == {*POINTS}
    for kind in sorted(set(LISTED.values())):
        listed = command(place, installed, "list", kind)
        assert (listed.status, listed.err) == (0, ""), kind
        for group in (group for group, its_kind in LISTED.items() if its_kind == kind):
            (name,) = POINTS[group]
            assert f"│ {name}" in listed.out, group
    helped = command(place, installed, "export", "--help")
    assert "model-index, names, parquet" in " ".join(helped.out.split())


@pytest.mark.slow
def test_they_are_used(installed: Path, place: Path, command: Callable[..., Outcome]) -> None:
    models = ("-m", "small:weights=random", "-m", "shop:anything:weights=random", "--runtime", "slow")
    few = ("-b", "imagenet-val", "--data", "data", "--limit", "2", "--quiet", "--log", "nobody", "--out", "out")
    ran = command(place, installed, "run", *models, *few)
    assert ran.status in (0, 1), ran.err
    exported = command(place, installed, "export", "out", "--format", "names")
    assert exported.status == 0, exported.err
    assert exported.out.split() == ["shop:anything", "small"]
    claimed = command(place, installed, "show", "out", "--claims")
    assert "All is well." in claimed.out, claimed.err
    shown = command(place, installed, "show", "out")
    assert "my_edited.odd: 25% of the pictures are odd: do not believe this number." in " ".join(shown.out.split())
    assert "my_edited.even: my_edited.even: cannot tell (n 3)" in " ".join(shown.out.split()), "it has no words"
    (first, *_) = json.loads((place / "out" / "results.json").read_text())["results"]
    (odd,) = [each for each in first["findings"] if each["code"] == "my_edited.odd"]
    text = "25% of the pictures are odd: do not believe this number."
    assert odd == {"code": "my_edited.odd", "arguments": {"share": 0.25}, "trust": "withdrawn", "text": text}

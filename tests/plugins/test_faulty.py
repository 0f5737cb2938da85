"""What is wrong with an installed package costs a line, and nothing that does not need it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from strangers import CORRUPTION, Distribution, Outcome
from told import warnings_of

CORRUPTIONS, BENCHMARKS = "hardiness.corruptions", "hardiness.benchmarks"
OTHERS = ("models", "model_schemes", "runtimes", "threats", "attacks")
"""Further groups of entry points whose names are asked for."""
NOTHING = """
from hardiness.core import Benchmark
SEVEN = 7

class Nothing(Benchmark):
    name = "nothing"
"""


def holding(distribution: str, name: str, more: str = "", version: str = "1.0", **benchmarks: str) -> Distribution:
    """A distribution with a corruption of that name in a package of its own name."""
    points = {CORRUPTIONS: {name: f"{distribution}:{name}"}, BENCHMARKS: benchmarks}
    points |= {f"hardiness.{group}": {name: f"{distribution}:{name}"} for group in OTHERS if name == "both"}
    return Distribution(
        distribution, points, {"__init__.py": CORRUPTION.format(name=name) + more}, distribution, version
    )


FAULTY = (
    holding("sound", "dusk"),
    holding("broken", "early", "import no_such_package\n", "2.1", broken="broken:Broken"),
    holding("one", "both"),
    holding("other", "both"),
    holding("greedy", "fog"),
    Distribution(
        "mistaken",
        {
            CORRUPTIONS: {"seven": "mistaken:SEVEN", "absent": "mistaken:absent"},
            BENCHMARKS: {"nothing": "mistaken:Nothing"},
            "hardiness.attacks": {"seven": "mistaken:SEVEN"},
            "hardiness.cards": {"seven": "mistaken:SEVEN"},
            "hardiness.models": {"seven": "mistaken"},
            "hardiness.runtimes": {"seven": "mistaken:SEVEN"},
            "hardiness.threats": {"seven": "mistaken:SEVEN"},
        },
        {"__init__.py": NOTHING},
        "mistaken",
    ),
)

LINES = {
    "corruption 'both' is in one:both of one 1.0 and in other:both of other 1.0; uninstall one, or rename its entry",
    "corruption 'absent' of mistaken:absent of mistaken 1.0 cannot be loaded: AttributeError: module 'mistaken' has no "
    "attribute 'absent'; mend or uninstall it",
    "corruption 'early' of broken:early of broken 2.1 cannot be loaded: ModuleNotFoundError: No module named "
    "'no_such_package'; mend or uninstall it",
    "corruption 'fog' of greedy:fog of greedy 1.0 has the name of one that ships; rename it",
    "corruption 'seven' of mistaken:SEVEN of mistaken 1.0 must be of type Corruption, was int; mend or uninstall it",
}

TWICE = """
from hardiness import attacks, distortions, models
from hardiness.benchmarks import cards, registry
first = distortions.corruptions.names()
assert distortions.corruptions.names() == first
assert "dusk" in first and "fog" in first and not {"early", "both", "seven", "absent"} & {*first}
assert distortions.corruptions.ships("fog") and not distortions.corruptions.ships("dusk")
assert not {"broken", "nothing"} & {*registry.names()} and "imagenet-c" in registry
assert cards.find("seven") is None and attacks.registry.find("seven") is None and models.registry.find("seven") is None
"""


@pytest.fixture(scope="module")
def faulty(install: Callable[..., Path]) -> Path:
    """A folder with one sound package, four with faults, and two of one name in several groups."""
    return install(*FAULTY)


def lines(outcome: Outcome) -> set[str]:
    """What the command said of packages."""
    return {line.removeprefix("hardiness: ") for line in outcome.err.splitlines()}


@pytest.mark.slow
def test_a_listing_says_in_a_line_each_what_is_wrong_and_lists_the_rest(
    faulty: Path, place: Path, command: Callable[..., Outcome]
) -> None:
    listed = command(place, faulty, "list", "corruptions")
    assert listed.status == 0
    assert "dusk" in listed.out
    assert "brightness" in listed.out
    assert lines(listed) == LINES
    told = lines(command(place, faulty, "list", "benchmarks"))
    assert told == {
        "benchmark 'broken' of broken:Broken of broken 2.1 cannot be loaded: ModuleNotFoundError: No module named "
        "'no_such_package'; mend or uninstall it",
        "benchmark 'nothing' of mistaken:Nothing of mistaken 1.0 must say what its dataset is, and Nothing does not; "
        "mend or uninstall it",
    }


@pytest.mark.slow
def test_what_ships_and_what_is_sound_runs_beside_it(
    faulty: Path, place: Path, command: Callable[..., Outcome]
) -> None:
    shipped = ("-b", "imagenet-c:corruptions=fog,severities=1", "-b", "imagenet-val")
    few = ("-m", "py:network.py:build", "--data", "data", "--limit", "2", "--quiet")
    told = command(place, faulty, "run", *few, *shipped, "--out", "out")
    assert (told.status, told.err) == (0, ""), "nothing of it needs a package"
    told = command(place, faulty, "run", *few, "-b", "imagenet-c:corruptions=dusk,severities=1", "--out", "out")
    assert told.status == 0, told.err
    assert lines(told) == LINES
    shown = command(place, faulty, "show", "out")
    assert (shown.status, shown.err) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("both", "in one:both of one 1.0 and in other:both of other 1.0"),
        ("early", "broken:early of broken 2.1 cannot be loaded: ModuleNotFoundError"),
        ("seven", "mistaken:SEVEN of mistaken 1.0 must be of type Corruption, was int"),
    ],
)
def test_asking_for_it_is_an_error_that_names_the_package(
    faulty: Path, place: Path, command: Callable[..., Outcome], name: str, said: str
) -> None:
    told = command(place, faulty, "list", "corruptions", name)
    assert told.status == 2
    assert said in told.err.splitlines()[-1]


BOTH = "{} 'both' is in one:both of one 1.0 and in other:both of other 1.0; uninstall one, or rename its entry"
SEVEN = "{} 'seven' of {} of mistaken 1.0 must be {}; mend or uninstall it"
EVALUATE = ("run", "-m", "py:network.py:build", "--data", "data", "--limit", "1", "--quiet", "--out", "out", "-b")
ASKED = {
    ("list", "models", "both"): BOTH.format("model"),
    ("list", "models", "both:name"): BOTH.format("model scheme"),
    ("list", "models", "seven"): SEVEN.format("model", "mistaken", "of type ModelSpec, was module mistaken"),
    ("list", "corruptions", "both"): BOTH.format("corruption"),
    ("list", "attacks", "both"): BOTH.format("attack"),
    (*EVALUATE, "imagenet-val", "--runtime", "both"): BOTH.format("runtime"),
    (*EVALUATE, "imagenet-val", "--runtime", "seven"): SEVEN.format(
        "runtime", "mistaken:SEVEN", "a class, or a function that makes one, was int"
    ),
    (*EVALUATE, "whitebox:norm=both"): BOTH.format("threat model"),
    (*EVALUATE, "whitebox:norm=seven"): SEVEN.format("threat model", "mistaken:SEVEN", "a subclass of Threat, was int"),
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ASKED, ids=lambda each: " ".join(each[-3:]))
def test_asking_in_any_group_says_the_reason_once(
    faulty: Path, place: Path, command: Callable[..., Outcome], arguments: tuple[str, ...]
) -> None:
    """A model, a runtime and a norm were called unknown, and other things had the same line twice."""
    outcome = command(place, faulty, *arguments)
    assert outcome.status == 2
    assert outcome.err.count(ASKED[arguments]) == 1, outcome.err
    assert "unknown" not in outcome.err


@pytest.mark.slow
def test_a_second_look_gives_the_same_names(faulty: Path, place: Path, warm: Callable[..., Any], path: Any) -> None:
    (place / "twice.py").write_text(TWICE)
    process = warm("twice.py", cwd=place, env=path(faulty))
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert {line for line in err.splitlines() if line.startswith("corruption ")} == LINES


LONELY = """
from dataclasses import dataclass
from hardiness.benchmarks import registry
from hardiness.benchmarks.photographs import Photographs

@registry.add("lonely")
@dataclass(frozen=True)
class Lonely(Photographs):
    "Photographs whose card cannot be had."
    name, card = "lonely", "no_card"
    question, paper, protocol, needs = "Is it there?", "none", "example", ("imagenet",)
"""


@pytest.mark.slow
def test_a_benchmark_whose_card_cannot_be_had_stops_nothing_else(
    install: Callable[..., Path], place: Path, command: Callable[..., Outcome]
) -> None:
    points = {BENCHMARKS: {"lonely": "lonely:Lonely"}, "hardiness.cards": {"no_card": "lonely.absent:Card"}}
    installed = install(Distribution("lonely", points, {"__init__.py": LONELY}, "lonely"))
    line = "card 'no_card' of lonely.absent:Card of lonely 1.0 cannot be loaded: ModuleNotFoundError: No module named "
    listed = command(place, installed, "list", "benchmarks")
    assert listed.status == 0
    assert "lonely" in listed.out
    assert "imagenet-val" in listed.out
    assert listed.err.startswith(f"hardiness: {line}")
    few = ("-m", "py:network.py:build", "--data", "data", "--limit", "2", "--quiet", "--out", "out")
    ran = command(place, installed, "run", *few, "-b", "imagenet-val", "-b", "lonely")
    assert ran.status == 0, ran.err
    shown = command(place, installed, "show", "out")
    assert shown.status == 0
    assert "imagenet-val" in shown.out


RAISES = """
from dataclasses import dataclass
from hardiness.benchmarks import registry
from hardiness.benchmarks.card import Card, register
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.shares import answered
from hardiness.core import ImageTable, Metric
from hardiness.metrics import metric
from hardiness.report.exports import exporter
from hardiness.report import views
from hardiness.results.claims.claim import Claim, add
from hardiness.results.comparisons import speaks_of

def fails(*arguments):
    raise ValueError("in two\\nlines")

speaks_of("silent", "classification")(fails)
exporter.register("silent", "fails")(fails)
metric("silent", table=("answer",), applies=lambda run: run.benchmark.name == "imagenet-val")(fails)
add(Claim("silent", "It fails.", "nobody", "none", "none", (), fails, needs_family=0), __name__)

@registry.add("uncounted")
@dataclass(frozen=True)
class Uncounted(Photographs):
    "Photographs whose card fails."
    name, card = "uncounted", "uncounted"
    question, paper, protocol, needs = "Is it there?", "none", "example", ("imagenet",)

@register("uncounted")
class UncountedCard(Card):
    "Fails."
    columns, metrics = ("prediction",), (Metric("spread", "spread", explanation="a number."),)
    def filled_table(self, records, run):
        return ImageTable.from_rows(records, run.conditions, answered(records))
    scores = fails

@registry.add("undrawn")
@dataclass(frozen=True)
class Undrawn(Photographs):
    "Photographs whose view fails."
    name, card = "undrawn", "undrawn"
    question, paper, protocol, needs = "Is it there?", "none", "example", ("imagenet",)

@register("undrawn")
class UndrawnCard(UncountedCard):
    "Half of everything."
    def scores(self, table, run, baseline):
        return [self.metrics[0].score(0.5, len(table))]

@views.register("undrawn")
class UndrawnView(views.CardView):
    "Fails."
    people = fails
"""


@pytest.mark.slow
def test_a_package_that_fails_when_it_is_used_costs_a_line_and_no_other_result(
    install: Callable[..., Path], place: Path, command: Callable[..., Outcome]
) -> None:
    """One of them ended each command that reads stored results, and the line named no package."""
    groups = {"comparisons": "silent", "metrics": "silent", "claims": "silent", "cards": "uncounted"}
    others = {"benchmarks": "uncounted", "exports": "silent"}
    points = {f"hardiness.{group}": {name: "raises"} for group, name in {**groups, **others}.items()}
    for group in ("benchmarks", "cards", "views"):
        points.setdefault(f"hardiness.{group}", {})["undrawn"] = "raises"
    installed = install(Distribution("raises", points, {"__init__.py": RAISES}, "raises"))
    few = ("-m", "py:network.py:build", "--data", "data", "--limit", "2", "--quiet", "--out", "out")
    ran = command(place, installed, "run", *few, "-b", "imagenet-val", "-b", "uncounted", "-b", "undrawn")
    assert ran.status == 0, ran.err
    shown = command(place, installed, "show", "out", "--claims")
    assert shown.status == 0, shown.err
    assert "claims" in shown.out
    said = {line.partition(" of raises")[::2] for line in lines(shown)}
    assert {what for what, _ in said} == {f"{group[:-1]} '{name}'" for group, name in groups.items()}
    number = next(number for number, line in enumerate(RAISES.splitlines(), 1) if "raise ValueError" in line)
    failed = f"failed: ValueError: in two (in fails, __init__.py:{number}); mend or uninstall it"
    assert {reason.rpartition(" of raises 1.0 ")[2] for _, reason in said} == {failed}
    results = json.loads((place / "out" / "results.json").read_text())["results"]
    by_name = {each["benchmark"]: each for each in results}
    assert by_name["imagenet-val"]["scores"][0]["metric"] == "top1"
    assert by_name["uncounted"]["scores"] == []
    assert [each["value"] for each in by_name["undrawn"]["scores"]] == [0.5]
    assert any(
        "its card 'uncounted' is not installed or has failed" in each for each in warnings_of(by_name["uncounted"])
    )
    exported = command(place, installed, "export", "out", "--format", "silent")
    assert (exported.status, exported.out) == (1, "")
    assert f"export format 'silent' of raises:write of raises 1.0 {failed}" in exported.err.splitlines()[-1]
    assert "more plainly" not in exported.err
    tables = command(place, installed, "show", "out")
    line = f"view 'undrawn' of raises:UndrawnView of raises 1.0 {failed}"
    assert (tables.status, line in lines(tables)) == (0, True), tables.err
    assert "spread" in tables.out, "its table needs no view"
    reported = command(place, installed, "report", "out")
    assert (reported.status, lines(reported) <= lines(shown) | {line}) == (0, True), reported.err


MODELS = """
from hardiness.core import ModelSpec
from hardiness.models.catalogue import Scheme

def fails(*arguments):
    raise ValueError("in two\\nlines")

def forward(spec):
    import torch

    class Network(torch.nn.Module):
        def forward(self, images):
            return fails()

    return Network()

def described(rest, options):
    return ModelSpec(f"unlisted:{rest}", "networks:fails")

BUILT, RUN = ModelSpec("built", "networks:fails"), ModelSpec("run", "networks:forward")
LACKING = ModelSpec("lacking", "networks.absent:build")
UNDESCRIBED = Scheme("undescribed:NAME", "fails", fails)
UNLISTED = Scheme("unlisted:NAME", "fails", described, {}, fails)
NOTHING = Scheme("nothing:NAME", "gives nothing", lambda rest, options: None)
"""
BY_NETWORKS = {
    ("built",): "built of networks:BUILT of networks 1.0 cannot be built: {fails}",
    ("run",): "run of networks:RUN of networks 1.0 cannot be run on an image of 224 px: {fails}",
    ("lacking",): "lacking of networks:LACKING of networks 1.0 cannot be built: ModuleNotFoundError: No module named "
    "'networks.absent'",
    ("undescribed:x", "list undescribed:x"): "undescribed:x of networks:UNDESCRIBED of networks 1.0 cannot be "
    "described: {fails}",
    ("nothing:x", "list nothing:x"): "nothing:x of networks:NOTHING of networks 1.0 cannot be described: TypeError: "
    "its scheme must give a ModelSpec, gave NoneType",
    ("unlisted:x",): "unlisted:x of networks:UNLISTED of networks 1.0 cannot be built: {fails}",
    ("list unlisted:*", "list resnet5"): "unlisted: of networks:UNLISTED of networks 1.0 cannot be listed: {fails}",
}
"""Lines of models of a package that fails; a model is run, but where ``list`` stands before it."""


@pytest.mark.slow
def test_a_model_of_a_package_that_fails_is_a_line_that_names_the_package(
    install: Callable[..., Path], place: Path, command: Callable[..., Outcome]
) -> None:
    """Some lines said that this should have been told more plainly, and none named the package."""
    points = {"hardiness.models": {name: f"networks:{name.upper()}" for name in ("built", "run", "lacking")}}
    schemes = ("undescribed", "unlisted", "nothing")
    points["hardiness.model_schemes"] = {name: f"networks:{name.upper()}" for name in schemes}
    installed = install(Distribution("networks", points, {"__init__.py": MODELS}, "networks"))
    number = next(number for number, line in enumerate(MODELS.splitlines(), 1) if "raise ValueError" in line)
    fails = f"ValueError: in two (in fails, __init__.py:{number})"
    few = ("-b", "imagenet-val", "--data", "data", "--limit", "1", "--quiet", "--out", "out")
    for commands, line in BY_NETWORKS.items():
        for words in commands:
            name = words.removeprefix("list ")
            arguments = ("list", "models", name) if words != name else ("run", "-m", name, *few)
            outcome = command(place, installed, *arguments)
            assert f"hardiness: {line.format(fails=fails)}; mend or uninstall it" in outcome.err.splitlines(), words
            assert "more plainly" not in outcome.err
            assert outcome.status in (1, 2)
    beside = command(place, installed, "run", "-m", "built", "-m", "py:network.py:build", *few)
    assert beside.status == 1
    assert "imagenet-val on imagenet" in command(place, installed, "show", "out").out

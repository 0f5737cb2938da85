"""Each example of docs/extend.md as a distribution of its own, with the entry points that the page prescribes."""

from __future__ import annotations

import json
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from strangers import Distribution, Outcome

import hardiness

PAGE = Path(__file__).parents[2] / "docs" / "extend.md"
BLOCK = re.compile(r'^```(\w*)(?: title="(\S+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def examples() -> Iterator[Distribution]:
    """A distribution for each entry point of the page, with the block that defines what it names."""
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    tables = [tomllib.loads(text) for language, file, text in blocks if language == "toml" and "entry-points" in text]
    for table in tables:
        described = table["project"]
        for group, points in described["entry-points"].items():
            for name, value in points.items():
                if "." not in value:  # a package with a data file
                    own = f"{value}_{name.replace('-', '_')}"
                    (text,) = (text for _, file, text in blocks if file == f"{name}.toml")
                    yield Distribution(f"my-{name}", {group: {name: own}}, {f"{name}.toml": text}, own)
                    continue
                package, _, rest = value.partition(".")
                module, _, defined = rest.partition(":")
                (code,) = {
                    text
                    for language, _, text in blocks
                    if language == "python" and re.search(rf"^(?:class |def )?{defined}\b[ (:]", text, re.MULTILINE)
                }
                files = {f"{module}.py": code}
                # All in one environment: each gets a package of its own in the place of my_package.
                own = f"{package}_{module}"
                yield Distribution(f"my-{module.replace('_', '-')}", {group: {name: f"{own}.{rest}"}}, files, own)


NAMES = {
    "hardiness.models": {"lenet"},
    "hardiness.model_schemes": {"sklearn"},
    "hardiness.datasets": {"street-photos"},
    "hardiness.benchmarks": {"upside-down", "lines-and-light", "same-answers", "street"},
    "hardiness.cards": {"confidence", "stubbornness"},
    "hardiness.views": {"stubbornness"},
    "hardiness.corruptions": {"bars"},
    "hardiness.perturbations": {"passing"},
    "hardiness.attacks": {"guess", "plain-pgd"},
    "hardiness.comparisons": {"beyond-accuracy"},
    "hardiness.metrics": {"superclass_top1", "top1_at_night"},
    "hardiness.pair_metrics": {"confidence_gain"},
    "hardiness.published": {"roe-2026"},
    "hardiness.words": {"my_package.masked"},
    "hardiness.exports": {"yaml"},
    "hardiness.loggers": {"json-lines"},
}
BENCHMARKS = (
    "upside-down:mirror=true",
    "lines-and-light",
    "same-answers",
    "imagenet-c:corruptions=bars+fog,severities=5",
    "imagenet-p:perturbations=passing",
    "whitebox:attack=guess,protocol=standard,norm=linf,epsilons=4/255,steps=2,fraction=0.5",
    "whitebox:attack=plain-pgd,protocol=standard,norm=linf,epsilons=4/255,steps=2",
    "imagenet-val",
    "street",
    "py:sure.py:SameAnswers",
    "py:photos.py:SameAnswers",
)

POLICY = """
[[rules]]
benchmark = "upside-down"
metric = "top1"
at_least = 0.0

[[rules]]
benchmark = "same-answers"
metric = "same_answer"
at_least = 0.5

[[rules]]
benchmark = "lines-and-light"
metric = "mean_error"
at_most = 1.0

[[rules]]
benchmark = "imagenet-val"
metric = "superclass_top1"
at_least = "1 %"
"""
AGAINST = """
[[rules]]
benchmark = "imagenet-val"
model = "py:network.py:other"
metric = "superclass_top1"
worse_by_at_most = 0.99
against = "out"
against_model = "py:network.py:build"

[[rules]]
benchmark = "imagenet-val"
model = "py:network.py:other"
metric = "confidence_gain"
at_least = -0.99
against = "out"
against_model = "py:network.py:build"
"""
LEVEL = """
[[rules]]
benchmark = "imagenet-c"
model = "py:network.py:build"
metric = "operating_limit"
where = { corruption = "bars" }
holds_to = "distance_px=12"
above = "1 %"
"""


@pytest.fixture(scope="module")
def installed(install: Callable[..., Path]) -> Path:
    """A folder with all of the page's examples."""
    return install(*{each.name: each for each in examples()}.values())


def test_the_page_has_an_example_of_each_kind_that_it_explains() -> None:
    found: dict[str, set[str]] = {}
    for each in examples():
        for group, points in each.points.items():
            found.setdefault(group, set()).update(points)
    assert found == NAMES


@pytest.fixture
def furnished(place: Path) -> Path:
    """The working folder with what the page's examples read, and a benchmark that is scored by its second card."""
    photographs = place / "data" / "imagenet" / "val"
    for name in ("street", "street-photos"):
        (street := place / "data" / name).mkdir()
        for number in (1, 2):
            (street / f"{number}.png").write_bytes(next(photographs.rglob(f"{number}.png")).read_bytes())
        (street / "labels.csv").write_text("path,label\n1.png,n01443537\n2.png,2\n")
    (same,) = (each.files["same_answers.py"] for each in examples() if "same_answers.py" in each.files)
    (place / "sure.py").write_text(same.replace('"stubbornness"', '"confidence"').replace("same-answers", "sure"))
    (place / "photos.py").write_text(same.replace('"imagenet"', '"street-photos"').replace("same-answers", "photos"))
    return place


@pytest.mark.slow
def test_each_example_is_listed_run_shown_compared_and_gated(
    installed: Path, furnished: Path, command: Callable[..., Outcome]
) -> None:
    place = furnished
    for kind, names in (
        ("benchmarks", "upside-down"),
        ("corruptions", "bars"),
        ("attacks", "guess"),
        ("models", "lenet"),
        ("models", "sklearn:net.pkl:side=8"),
        ("datasets", "street-photos"),
        ("exports", "yaml"),
        ("loggers", "json-lines"),
    ):
        listed = command(place, installed, "list", kind, names)
        assert (listed.status, listed.err) == (0, "")
    models = ("-m", "lenet:weights=random", "-m", "py:network.py:build")
    asked = [word for benchmark in BENCHMARKS for word in ("-b", benchmark)]
    usual = ("--data", "data", "--log", "json-lines", "--quiet", "--out", "out")
    ran = command(place, installed, "run", *models, *asked, *usual)
    assert ran.status == 0, ran.err
    assert "cannot be" not in ran.err
    results = json.loads((place / "out" / "results.json").read_text())["results"]
    names = {benchmark.partition(":")[0] for benchmark in BENCHMARKS} - {"py"} | {"sure", "photos"}
    assert {each["benchmark"] for each in results} == names
    assert len(results) == 2 * len(BENCHMARKS)
    metrics: dict[str, set[str]] = {}
    for each in results:
        assert each["counts"]["failed"] == 0
        metrics.setdefault(each["benchmark"], set()).update(score["metric"] for score in each["scores"])
    assert metrics["same-answers"] == {"same_answer", "same_beyond_accuracy", "superclass_top1"}
    assert metrics["sure"] == {"sure_and_right", "hesitation", "superclass_top1"}
    for benchmark in ("imagenet-val", "imagenet-c", "upside-down", "imagenet-p", "whitebox"):
        assert {"superclass_top1", "superclass_top1_partial"} & metrics[benchmark], benchmark
    assert {each["counts"]["evaluated"] for each in results if each["benchmark"] in ("street", "photos")} == {2}
    assert sum(file.read_text().count('"sure/hesitation"') for file in (place / "out").glob("*.jsonl")) == 2
    assert "mean_error" in metrics["lines-and-light"]
    shown = command(place, installed, "show", "out")
    assert (shown.status, shown.err) == (0, "")
    assert all(name in shown.out for name in ("upside-down", "lines-and-light", "same-answers"))
    compared = command(place, installed, "compare", "out", "--all")
    assert compared.status == 0, compared.err
    assert all(
        name in compared.out for name in ("upside-down", "same-answers", "same answer within a class", "hesitation")
    )
    assert "is not compared" not in compared.out, "each example of a card has measurables"
    (place / "policy.toml").write_text(POLICY)
    gated = command(place, installed, "gate", "out", "--policy", "policy.toml")
    assert gated.status in (0, 3, 4), gated.err
    assert all(name in gated.out for name in ("upside-down", "lines-and-light", "same-answers"))
    page = (place / "out" / "report.html").read_text()
    assert all(words in page for words in ("Doe et al. 2026, table 3", "ConvNeXt-B", "Among published models by top-1"))
    assert "Roe et al. 2026, table 2" in page
    assert "of the photographs the usual answer of their class" in " ".join(page.split()).replace("&nbsp;", " ")
    assert "How often a class gets one and the same answer" in page
    exported = command(place, installed, "export", "out", "--format", "yaml")
    assert exported.status == 0, exported.err
    rows = yaml.safe_load(exported.out)
    assert len(rows) == sum(len(each["scores"]) for each in results)
    assert {row["model"] for row in rows} == {"lenet", "py:network.py:build"}
    levels = ("-b", "imagenet-c:corruptions=bars,levels=12..40..28+4")
    ran = command(place, installed, "run", "-m", "py:network.py:build", *levels, *usual)
    assert ran.status == 0, ran.err
    (place / "policy.toml").write_text(LEVEL)
    gated = command(place, installed, "gate", "out", "--policy", "policy.toml", "--json")
    (verdict,) = json.loads(gated.out)["verdicts"]
    assert (verdict["outcome"] == "missing", verdict["metric"]) == (
        False,
        "lowest accuracy up to distance_px=12 applied alone (corruption bars)",
    )
    shown = command(place, installed, "show", "out", "--above", "1 %", "--json")
    limits = [
        (score["unit"], score["higher_is_better"], score["condition"]["corruption"])
        for result in json.loads(shown.out)
        for score in result["scores"]
        if score["metric"] == "operating_limit" and result["model"] == "py:network.py:build"
    ]
    assert ("distance px, px", False, "bars") in limits
    assert "Accuracy under bars (distance px, px)" in (place / "out" / "report.html").read_text()
    ran = command(place, installed, "run", "-m", "py:network.py:other", "-b", "imagenet-val", *usual)
    assert ran.status == 0, ran.err
    (place / "policy.toml").write_text(AGAINST)
    gated = command(place, installed, "gate", "out", "--policy", "policy.toml", "--json")
    assert gated.status in (0, 4), gated.out
    judged = [verdict["metric"] for verdict in json.loads(gated.out)["verdicts"]]
    assert judged == ["superclass top-1, worse than out", "gain in confidence, against out"]
    two = ("compare", "out", "--all", "-m", "py:network.py:build", "-m", "py:network.py:other")
    assert "gain in confidence " in command(place, installed, *two).out
    pictures = sorted((place / "data" / "imagenet" / "val").rglob("*.png"))
    times = [f"{path.parent.name}/{path.name},{('night', 'day')[k % 2]}\n" for k, path in enumerate(pictures)]
    (place / "times.csv").write_text("path,time\n" + "".join(times))
    nights = {}
    for name, columns in (("without", ()), ("with", ("--columns", "times.csv"))):
        shown = command(place, installed, "show", "out", "--json", *columns)
        assert shown.status == 0, shown.err
        scores = (score for result in json.loads(shown.out) for score in result["scores"])
        nights[name] = next(score for score in scores if score["metric"] == "top1_at_night")
    assert nights["without"]["lack"]["text"] == "not available: the pictures have no column time"
    assert nights["with"]["value"] is not None
    made = command(place, installed, "make", "corruptions", "data", "tree", "--set", "lines-and-light", "--limit", "1")
    assert made.status == 0, made.err
    assert {each.name for each in (place / "tree").iterdir()} >= {"bars", "brightness", "contrast"}


FITTED = """
import pickle
import numpy as np
from sklearn.tree import DecisionTreeClassifier

shades = np.array([0, 255] * 4, np.uint8)
fitted = DecisionTreeClassifier(max_depth=1).fit(np.repeat(shades[:, None], 48, 1), ["dark", "bright"] * 4)
open("net.pkl", "wb").write(pickle.dumps(fitted))
"""


@pytest.mark.slow
def test_the_example_of_a_source_of_models_scores_by_the_names_of_its_classes(
    installed: Path, place: Path, command: Callable[..., Outcome], warm: Callable[..., Any]
) -> None:
    """Its outputs are bright and dark; the folders, in the order of their letters, Dark and bright."""
    (place / "fit.py").write_text(FITTED)
    process = warm("fit.py", cwd=place)
    assert process.communicate(timeout=600)[1] == ""
    for name, shades in (("bright", (255, 200, 250)), ("Dark", (0, 20, 255))):
        (place / "own" / name).mkdir(parents=True)
        for number, shade in enumerate(shades):
            Image.new("RGB", (32, 32), (shade,) * 3).save(place / "own" / name / f"{number}.png")
    few = ("-b", "own", "--data", "own=own", "--quiet", "--out", "out")
    ran = command(place, installed, "run", "-m", "sklearn:net.pkl:side=4", *few)
    assert ran.status == 0, ran.err
    (result,) = json.loads((place / "out" / "results.json").read_text())["results"]
    (top1,) = (score["value"] for score in result["scores"] if score["metric"] == "top1" and not score["condition"])
    assert top1 == pytest.approx(5 / 6)
    refused = command(place, installed, "run", "-m", "sklearn:net.pkl:side=4,mean=0.5,std=0.5", *few)
    assert "mean= is not for sklearn:net.pkl, which takes images as bytes" in refused.err


@pytest.mark.slow
def test_what_worked_before_works_beside_them(installed: Path, place: Path, command: Callable[..., Outcome]) -> None:
    shipped = ("-m", "squeezenet1_1:weights=random", "-b", "imagenet-c:corruptions=fog,severities=1")
    ran = command(place, installed, "run", *shipped, "--data", "data", "--limit", "1", "--quiet", "--out", "out")
    assert ran.status == 0, ran.err
    ran = command(place, installed, "run", "-m", "py:network.py:build", "--suite", "demo", "--plan", "--out", "out")
    assert ran.status == 0, ran.err


SECOND_LOOK = """
from hardiness import attacks, distortions, models
from hardiness.benchmarks import cards, registry
NAMES = {names!r}
registries = [registry, cards, distortions.corruptions, distortions.perturbations, attacks.registry, models.registry]
for each in registries:
    assert each.names() == each.names() and {{*NAMES[each.group]}} <= {{*each.names()}}
"""


@pytest.mark.slow
def test_the_names_are_there_in_python_too(installed: Path, place: Path, warm: Callable[..., Any], path: Any) -> None:
    (place / "look.py").write_text(SECOND_LOOK.format(names=NAMES))
    process = warm("look.py", cwd=place, env=path(installed))
    _, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, "")


def test_the_page_names_every_registry_with_its_group_its_door_and_its_folder() -> None:
    rows = re.findall(
        r"^\| `(hardiness\.\w+)` \|.*\| `([\w.]+)` \| `([\w/]+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    source = Path(hardiness.__file__).parent
    registries = {
        group
        for path in source.rglob("*.py")
        for group in re.findall(r'Registry\(\s*"[\w ]+",\s*"[\w.]+",\s*"([\w.]+)"', path.read_text("utf-8"))
    }
    assert {group for group, _, _ in rows} == registries
    assert len(rows) == len(registries)
    for _, door, folder in rows:
        assert (source / folder).is_dir()
        assert callable(pkgutil.resolve_name(door)), door


@pytest.mark.slow
def test_the_commands_of_the_page_find_its_examples_in_files(place: Path, command: Callable[..., Outcome]) -> None:
    files = {module: text for each in examples() for module, text in each.files.items()}
    for name, text in files.items():
        (place / name).write_text(text)
    page = PAGE.read_text("utf-8")
    section = page[page.index("\n## A file of your own") : page.index("\n## A package of your own")]
    (block,) = re.findall(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    lines = block.splitlines()
    assert len(lines) == 6
    for line in lines:
        words = line.replace("MODEL", "py:network.py:build").replace("ROOT", "data").replace("SRC", "data").split()[1:]
        small = {"run": ["--limit", "1", "--quiet", "--out", "out"], "make": ["--limit", "1"]}.get(words[0], [])
        words = [f"{word},severities=1" if word.startswith("imagenet-c:") else word for word in words]
        words = [f"{word},protocol=standard,epsilons=4/255,steps=1" if "guess.py" in word else word for word in words]
        done = command(place, place / "nothing", *words, *small)
        assert done.status == 0, f"{line}\n{done.err}"


CELLS = """
import json
from pathlib import Path
import hardiness
from hardiness import models
from hardiness.core.errors import ArgumentError

for number, cell in enumerate(json.loads(Path("cells.json").read_text())):
    exec(compile(cell, f"<ipython-input-{number}>", "exec"), globals())
from network import build, other  # after cells whose functions are called so, too
BENCHMARKS = (
    "upside-down:mirror=true",
    "same-answers",
    "toml:lines-and-light.toml",
    "toml:street.toml",
    "imagenet-c:corruptions=bars+fog,severities=5",
    "imagenet-p:perturbations=passing",
    "whitebox:attack=guess,protocol=standard,norm=linf,epsilons=4/255,steps=2,fraction=0.5",
    "whitebox:attack=plain-pgd,protocol=standard,norm=linf,epsilons=4/255,steps=2",
    "imagenet-val",
)
pair = [models.wrap(*make(), name=make.__name__, runtime="torch") for make in (build, other)]
for benchmark in BENCHMARKS:
    results = hardiness.evaluate(pair, benchmark, "data", out="out")
    assert len(results) == 2, benchmark
    html = results._repr_html_()
    for result in results:
        assert result.counts.failed == 0, benchmark
stored = hardiness.load_results("out")
metrics = {}
for result in stored:
    metrics.setdefault(result.benchmark, set()).update(score.metric for score in result.scores)
assert {*metrics} == {text.removeprefix("toml:").partition(":")[0].removesuffix(".toml") for text in BENCHMARKS}
assert metrics["same-answers"] == {"same_answer", "same_beyond_accuracy", "superclass_top1"}
assert "superclass_top1" in metrics["imagenet-val"]
assert "mean_error" in metrics["lines-and-light"]
compared = {each.benchmark for each in hardiness.compare("out")}
assert compared >= {"upside-down", "same-answers", "lines-and-light", "street"}, compared
gated = hardiness.gate("out", "policy.toml")
assert len(gated.verdicts) == 8 and all(verdict.outcome != "missing" for verdict in gated.verdicts), gated
page = Path(hardiness.write_report("out")).read_text()
for words in ("Doe et al. 2026, table 3", "ConvNeXt-B", "Roe et al. 2026, table 2", "same answer within a class"):
    assert words in page, words
for text in ("whitebox:attack=guess,protocol=standard,norm=linf,epsilons=4/255,steps=2", "upside-down"):
    try:
        hardiness.evaluate("py:network.py:build", text, "data", where=hardiness.Cluster(), out="cluster")
    except ArgumentError as error:
        what = "attack guess" if "guess" in text else "benchmark upside-down"
        assert f"Ray does not know {what}, which a file or notebook defines" in str(error), error
    else:
        raise AssertionError("no other machine knows a cell")
"""


@pytest.mark.slow
def test_each_example_of_the_page_works_from_a_cell(furnished: Path, warm: Callable[..., Any]) -> None:
    cells, seen = [], set()
    for each in examples():
        for file, text in each.files.items():
            if file.endswith(".toml"):
                (furnished / file).write_text(text)
            elif text not in seen:
                seen.add(text)
                cells.append(text)
    (furnished / "cells.json").write_text(json.dumps(cells))
    rules = POLICY.split("[[rules]]")[1:5]  # the others name models of the command line
    (furnished / "policy.toml").write_text("".join(f"[[rules]]{rule}" for rule in rules))
    (furnished / "session.py").write_text(CELLS)
    process = warm("session.py", cwd=furnished)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err

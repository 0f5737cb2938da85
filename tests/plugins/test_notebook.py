"""What a cell of a notebook registers: run again, its new version is in force."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SESSION = '''
import numpy as np
from hardiness import attacks, benchmarks, corrupt, distortions
from hardiness.core import ArgumentError

CORRUPTION = """
from typing import NamedTuple
from hardiness.distortions import corruption
from hardiness.distortions.apply import no_draws
class Level(NamedTuple):
    value: int
@corruption("colour", (Level({value}),), no_draws)
def plain(image, level, draws):
    out = image.copy()
    out[:] = level.value
    return out
"""
image = np.zeros((32, 32, 3), np.uint8)
for value in (7, 11):
    exec(CORRUPTION.format(value=value), globals())
    assert corrupt(image, "plain", 1).max() == value

ATTACK = """
from dataclasses import dataclass
@attacks.registry.add("mine")
@dataclass(frozen=True)
class {name}:
    "An attack."
    def __call__(self, *arguments):
        return {name!r}
"""
for name in ("First", "First", "Renamed"):
    exec(ATTACK.format(name=name), globals())
    assert attacks.registry.get("mine")()() == name

CARD = """
from hardiness.benchmarks.photographs import Classification
from hardiness.benchmarks.card import Card, register
@register("own_card")
class OwnCard(Card):
    about = {version}
    def filled_table(self, records, run): ...
    def scores(self, table, run, baseline): ...
"""
for version in (1, 2):
    exec(CARD.format(version=version), globals())
    assert benchmarks.cards.get("own_card").about == version

def fog(image, level, draws): ...
try:
    distortions.corruption("colour", (Level(1),), no_draws)(fog)
except ArgumentError as error:
    assert str(error).startswith("corruption 'fog' is registered twice: in hardiness."), error
    assert str(error).endswith(" and in __main__:fog; rename one"), error
else:
    raise AssertionError("the name of a corruption that ships")
assert distortions.corruptions.ships("fog")
'''


@pytest.mark.slow
def test_a_cell_that_is_run_again_puts_its_new_version_in_force(tmp_path: Path, warm: Callable[..., Any]) -> None:
    (tmp_path / "session.py").write_text(SESSION)
    process = warm("session.py", cwd=tmp_path)
    _, err = process.communicate(timeout=600)
    assert (process.returncode, err) == (0, ""), err


WEAK = """
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import torch
import hardiness
from hardiness import models
from hardiness.attacks import Iterate, registry
from hardiness.imaging import decode, on_canvas
from hardiness.reference import wnids
from network import build

@registry.add("idle")
@dataclass(frozen=True)
class Idle:
    "It changes nothing."
    gradients: ClassVar[bool] = False

    def __call__(self, logits, pixels, criterion, budget, generators):
        every = torch.arange(len(pixels), device=pixels.device)
        with torch.no_grad():
            found = logits(pixels)
        reached = criterion.reached(found)
        none = torch.zeros(len(pixels), device=pixels.device)
        yield Iterate(1, every, pixels, found, criterion.loss(found), reached, none, torch.ones_like(reached))

network, view = build()
classifier = models.wrap(network, view, name="own", runtime="torch")
for number, photograph in enumerate(sorted(Path("data").rglob("*.png"))):  # each is of the class that the network says
    pixels = models.to_pixels([on_canvas(decode(photograph.read_bytes(), photograph.name), view.canvas)])
    folder = Path("own/imagenet/val") / wnids()[int(classifier.logits(pixels).argmax())]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number}.png").write_bytes(photograph.read_bytes())
text = "whitebox:attack=idle,protocol=standard,norm=linf,epsilons=32/255,steps=1"
html = hardiness.evaluate(classifier, text, "own")._repr_html_()
assert "<td>withdrawn</td>" in html and "<p>verdict: Withdrawn: At epsilon 32/255 " in html, html
assert "the attack itself is too weak, because Square goes without gradients, too." in html, html
assert "gradients are masked" not in html, html
"""


@pytest.mark.slow
def test_an_attack_of_a_cell_is_withdrawn_with_the_reason(place: Path, warm: Callable[..., Any]) -> None:
    """A notebook showed that the number is withdrawn, and not why; the terminal's reason was about gradients."""
    (place / "session.py").write_text(WEAK)
    process = warm("session.py", cwd=place)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err


METRIC = '''
from pathlib import Path
import hardiness
from hardiness import models
from hardiness.core import Condition
from hardiness.metrics import metric, pair_metric
from network import build, other

CELL = """
@metric("low_class", "class below a number", table=("answer",))
def low_class(scoring):
    return {{Condition(): scoring.mean_of(scoring.table["answer"] < {most})}}

@pair_metric("class_gap", "distance of classes", table=("answer",), unit="classes")
def class_gap(before, now):
    return {{Condition(): now.mean_of(abs(now.table["answer"] - before.table["answer"]))}}
"""
classifiers = {name: models.wrap(*make(), name=name, runtime="torch") for name, make in (("a", build), ("b", other))}
exec(CELL.format(most=1000), globals())
for name, classifier in classifiers.items():
    result = hardiness.evaluate(classifier, "imagenet-val", "data", out="out")
    assert result.score("low_class").value == 1.0, result
    assert result.score("low_class").interval is not None
exec(CELL.format(most=0), globals())  # the cell is run again, edited
result = hardiness.evaluate(classifiers["b"], "imagenet-val", "data", out="out")
assert result.score("low_class").value == 0.0, result
compared = hardiness.compare("out")
assert "class below a number" in repr(compared)
assert "a → b: distance of classes " in repr(compared), compared
Path("policy.toml").write_text("""
[[rules]]
benchmark = "imagenet-val"
metric = "low_class"
at_most = 0.9

[[rules]]
benchmark = "imagenet-val"
model = "b"
metric = "class_gap"
at_most = 1000
against = "out"
against_model = "a"
""")
metrics = [verdict.metric for verdict in hardiness.gate("out", "policy.toml").verdicts]
assert metrics == ["class below a number"] * 2 + ["distance of classes, against out"], metrics
page = Path(hardiness.write_report("out")).read_text()
assert "class below a number" in page and "a → b: distance of classes" in page
'''


@pytest.mark.slow
def test_metrics_of_a_cell_are_scored_compared_judged_and_shown(place: Path, warm: Callable[..., Any]) -> None:
    (place / "session.py").write_text(METRIC)
    process = warm("session.py", cwd=place)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err


VIEW = """
from pathlib import Path
import hardiness
from hardiness import models
from network import build
{blocks}
SENTENCE = "of the photographs the usual answer of their class"
network, view = build()
classifier = models.wrap(network, view, name="own", runtime="torch")
hardiness.evaluate(classifier, "same-answers", "data", out="out")
page = " ".join(Path(hardiness.write_report("out")).read_text().replace("\\u00a0", " ").split())
assert "How often a class gets one and the same answer" in page
assert "gives 100 % " + SENTENCE in page

@register("stubbornness")
class Again(StubbornnessView):
    "The cell is run again, edited, under another name."
    def sentence(self, result, scores):
        return "is stubborn"

page = Path(hardiness.write_report("out")).read_text()
assert "is stubborn" in page and SENTENCE not in page
"""


@pytest.mark.slow
def test_the_view_of_the_page_works_from_a_cell(place: Path, warm: Callable[..., Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "extend.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    defined = ("class Stubbornness(", "class SameAnswers(", "class StubbornnessView(")
    (card,), (benchmark,), (view,) = ([block for block in blocks if name in block] for name in defined)
    (place / "session.py").write_text(VIEW.format(blocks="\n".join((card, benchmark, view))))
    process = warm("session.py", cwd=place)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err

"""What a file defines is known to a command that names it as ``py:FILE.py:NAME``, without a package."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from strangers import CORRUPTION, MODULES, Outcome

import hardiness
from hardiness.api.command import Command
from hardiness.api.execution import run
from hardiness.benchmarks import options
from hardiness.benchmarks.options import parse, text_of
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.distortions.apply import corruptions
from hardiness.engine.ray_cluster import Cluster

BENCHMARKS = (
    "py:own/benchmark.py:Darker",
    "imagenet-c:corruptions=py:own/corruption.py:dusk+fog,severities=1",
    "imagenet-p:perturbations=py:own/perturbation.py:fading",
    "whitebox:attack=py:own/attack.py:Shade,protocol=standard,norm=linf,epsilons=8/255,steps=1",
)


def write(folder: Path, share: str = "0.9") -> None:
    """Writes a file for each kind; the benchmark imports one beside it, and has its card in its own."""
    folder.mkdir(exist_ok=True)
    for name, text in MODULES.items():
        (folder / name).write_text(text.replace("from my_edited.helper", "from helper").replace("0.9", share))
    (folder / "benchmark.py").write_text("import card\n" + (folder / "benchmark.py").read_text())


@pytest.mark.slow
def test_a_command_runs_what_files_define_and_an_edit_is_evaluated_anew(
    place: Path, command: Callable[..., Outcome]
) -> None:
    def evaluate() -> dict[str, dict[str, object]]:
        asked = [word for benchmark in BENCHMARKS for word in ("-b", benchmark)]
        few = ("-m", "py:network.py:build", "--data", "data", "--limit", "2", "--quiet", "--out", "out")
        ran = command(place, place / "nothing", "run", *few, *asked)
        assert ran.status == 0, ran.err
        return {
            each["run"]["key"]: each for each in json.loads((place / "out" / "results.json").read_text())["results"]
        }

    write(place / "own")
    first = evaluate()
    assert {each["benchmark"] for each in first.values()} == {"darker", "imagenet-c", "imagenet-p", "whitebox"}
    assert all(each["run"]["benchmark"]["code_sha256"] for each in first.values())
    assert evaluate() == first, "the same code: nothing is computed"
    asked = {each["measured"]["sessions"][0]["asked"]["benchmark"] for each in first.values()}
    assert asked >= {*BENCHMARKS[:3]}, "as a person types them"
    write(place / "own", "0.1")
    both = evaluate()
    assert len(both) == 2 * len(BENCHMARKS)
    spread = [each["scores"][0]["value"] for each in both.values() if each["benchmark"] == "darker"]
    assert spread == pytest.approx([0.05, 0.05]), "both by the card as it is now"
    (place / "elsewhere").mkdir()
    for form in ("show", "report"):
        told = command(
            place / "elsewhere", place / "nothing", form, place / "out"
        )  # from a folder where the files are not
        assert told.status == 0, told.err
    made = command(
        *(place, place / "nothing", "make", "corruptions", "data", "tree", "--limit", "1"),
        *("--corruptions", "py:own/corruption.py:dusk", "--severities", "1"),
    )
    assert made.status == 0, made.err
    assert (place / "tree" / "dusk" / "1").is_dir()
    listed = command(place, place / "nothing", "list", "corruptions", "py:own/corruption.py:dusk")
    assert (listed.status, listed.err) == (0, "")
    assert "Darker." in listed.out


NAMED = """
import numpy as np
from hardiness import View

class Second:
    "It answers with its first output, which is the second class in alphabetical order."
    class_names = ("thing_b", "thing_a")

    def __call__(self, images):
        return np.tile(np.float32([1, 0]), (len(images), 1))

def made():
    return Second(), View(32, 32)
"""


@pytest.mark.slow
def test_a_function_s_classes_are_those_that_it_names(place: Path, command: Callable[..., Outcome]) -> None:
    """It was scored as if its outputs stood in alphabetical order: 1 of 4 right in place of 3, and no error."""
    (place / "named.py").write_text(NAMED)
    photographs = sorted((place / "data").rglob("*.png"))
    for number, name in enumerate(("thing_a", "thing_b", "thing_b", "thing_b")):
        (place / "own" / name).mkdir(parents=True, exist_ok=True)
        (place / "own" / name / f"{number}.png").write_bytes(photographs[number % 3].read_bytes())
    few = ("-m", "py:named.py:made", "-b", "own", "--data", "own", "--quiet", "--out", "out")
    ran = command(place, place / "nothing", "run", *few)
    assert ran.status == 0, ran.err
    (result,) = json.loads((place / "out" / "results.json").read_text())["results"]
    assert {score["metric"]: score["value"] for score in result["scores"]}["top1"] == 0.75


@pytest.mark.slow
def test_a_card_that_gives_nothing_to_compare_by_is_named(place: Path, command: Callable[..., Outcome]) -> None:
    """It said of two stored models that two were needed and none was there; beside others it said nothing."""
    write(place / "own")
    few = ("--data", "data", "--limit", "2", "--quiet", "--out", "out")
    two = ("-m", "py:network.py:build", "-m", "py:network.py:other")
    ran = command(place, place / "nothing", "run", *two, "-b", "py:own/benchmark.py:Darker", *few)
    assert ran.status == 0, ran.err
    compared = command(place, place / "nothing", "compare", "out")
    assert compared.status == 2
    assert compared.err == (
        "hardiness: nothing can be compared: darker: its card 'spread' gives nothing to compare by: give it "
        "'measurables', its scores as functions of images, as docs/extend.md shows\n"
    )
    ran = command(place, place / "nothing", "run", *two, "-b", "imagenet-val", *few)
    assert ran.status == 0, ran.err
    compared = command(place, place / "nothing", "compare", "out")
    assert compared.status == 0, compared.err
    assert "darker is not compared: its card gives nothing to compare by\n" in compared.out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder; what its files register is forgotten with the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "_files", {})
    monkeypatch.setattr(corruptions, "_entries", dict(corruptions._entries) if corruptions.names() else {})
    return tmp_path


def test_the_text_of_a_benchmark_names_the_file_again(folder: Path) -> None:
    (folder / "twilight.py").write_text(CORRUPTION.format(name="twilight"))
    text = "imagenet-c:corruptions=py:twilight.py:twilight+fog,severities=1"
    benchmark = parse(text)
    assert {cell["corruption"] for cell in benchmark.requested() if cell} == {"twilight", "fog"}
    assert text_of(benchmark) == text
    assert benchmark_code(benchmark).of_session == ("corruption twilight",)
    assert benchmark_code(parse("imagenet-c")).of_session == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("py:absent.py:Up", "py: must be followed by a file; there is none at absent.py"),
        (
            "py:twilight:Up",
            r"a benchmark of your own must read py:FILE\.py:NAME\[:option=value,…\], was 'py:twilight:Up'",
        ),
        ("twilight.py:Up", r"unknown benchmark 'twilight\.py:Up'; did you mean 'py:twilight\.py:Up'\?"),
        ("py:twilight.py:Level", r"unknown benchmark in twilight\.py 'Level'; none is registered"),
        ("imagenet-c:corruptions=py:twilight.py:dawn", r"unknown corruption in twilight\.py 'dawn'; known: dusk"),
        (
            "imagenet-c:corruptions=py:wrong.py:dusk",
            r"wrong\.py:dusk cannot be built, as the file cannot be imported: Zero",
        ),
        ("imagenet-c:corruptions=py:other/twilight.py:dusk", "have one name, so that one would take the other's place"),
        ("imagenet-c:corruptions=py:fog.py:fog", r"corruption 'fog' is registered twice: in hardiness\."),
    ],
)
def test_what_cannot_be_had_of_a_file_is_an_error(folder: Path, text: str, message: str) -> None:
    (folder / "other").mkdir()
    for name in ("twilight.py", "other/twilight.py"):
        (folder / name).write_text(CORRUPTION.format(name="dusk"))
    (folder / "wrong.py").write_text("1 / 0\n")
    (folder / "fog.py").write_text(CORRUPTION.format(name="fog"))
    parse("imagenet-c:corruptions=py:twilight.py:dusk")
    with pytest.raises(ArgumentError, match=message) as raised:
        parse(text)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_status == 2
    assert isinstance(raised.value, UnknownNameError) == ("unknown" in message)


def test_a_cluster_refuses_what_no_other_machine_knows_by_its_name(folder: Path) -> None:
    """The same line from the command and from Python, before a model is loaded."""
    (folder / "twilight.py").write_text(CORRUPTION.format(name="dusk"))
    benchmark = "imagenet-c:corruptions=py:twilight.py:dusk"
    line = "^Ray does not know corruption dusk, which a file or notebook defines: install it on every machine as"
    with pytest.raises(ArgumentError, match=line):
        run(Command(("squeezenet1_1",), (benchmark,), folder / "out", data=("embedded",), cluster=Cluster()))
    with pytest.raises(ArgumentError, match=line):
        hardiness.evaluate("squeezenet1_1", benchmark, "embedded", out=folder / "out", where="ray")
    assert not (folder / "out").exists()

"""Numbers of 10⁹ and 10¹² in every option that takes one: refused in one line at once, or harmless.

The options are read from the code's own registries, so that one that comes later is tried too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click
import numpy as np
import PIL.Image
import pytest

from hardiness.attacks.kit import registry as attacks
from hardiness.benchmarks.options import name_of, options_of, parse, registry
from hardiness.cli.main import COMMANDS, command_of
from hardiness.core.errors import ArgumentError
from hardiness.core.model import View
from hardiness.data.root import locate
from hardiness.models.naming import resolve
from hardiness.reference.classes import wnids

ENORMOUS = ["1000000000", "1000000000000", "-1000000000000"]
ODD = ["nan", "inf", "-inf", "1e400"]


def numeric(option: Field[Any]) -> type | None:
    """Of what kind the numbers of an option are; ``None`` where it takes none."""
    default = option.default
    kind: type = option.metadata.get("item", float) if default is None else type(default)
    if isinstance(default, tuple):
        kind = type(default[0]) if default else option.metadata.get("item", str)
    return kind if kind in (int, float) else None


def options_of_benchmarks() -> Iterator[tuple[str, type]]:
    for name in registry.names():
        for option in fields(registry.get(name)):  # type: ignore[arg-type]
            if "of" not in option.metadata and (kind := numeric(option)):
                yield f"{name}:{name_of(option)}=", kind
    for attack in attacks.names():
        for name, option in options_of(attack).items():
            if kind := numeric(option):
                for benchmark in ("whitebox", "blackbox"):
                    yield f"{benchmark}:attack={attack},{name}=", kind


@pytest.mark.parametrize(("option", "kind"), list(options_of_benchmarks()), ids=lambda value: str(value))
def test_options_of_benchmarks_and_attacks(option: str, kind: type) -> None:
    for number in (*ENORMOUS, *(ODD if kind is float else ())):
        with pytest.raises(ArgumentError) as told:
            parse(option + number)
        assert str(told.value).isprintable()
        assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    "name", ["input_px", *(each.name for each in fields(View) if not isinstance(each.default, str))]
)
def test_options_of_models(name: str) -> None:
    for number in ENORMOUS:
        with pytest.raises(ArgumentError, match=f"{name}|std"):
            resolve(f"alexnet:{name}={number}")


REFUSED: dict[str, list[str]] = {
    "run": ["--batch-size", "--ray-actors"],
    "make features": [
        "--steps",
        "--size",
        "--jitter",
        "--rotate",
        "--scale",
        "--variants",
        "--diversity",
        "--smoothness",
        "--batch-size",
    ],
    "make stimuli": ["--size", "--batch-size", "--steps", "--texture-weight"],
    "make patch": ["--share", "--steps", "--rate", "--batch-size"],
    "compare --power": ["--difference", "--baseline-error", "--correlation", "--power"],
    "make perturbations": ["--difficulty"],
    "make corruptions": ["--size"],
    "list models": ["--at-least"],
    "show": ["--below"],
}
BASES = {
    "run": ["-m", "alexnet", "-b", "imagenet-val", "--data", "embedded", "--engine", "ray"],
    "make features": ["-m", "alexnet", "--layer", "x"],
    "make stimuli": ["--shapes", "embedded", "--textures", "embedded", "--out", "o", "-m", "alexnet"],
    "make patch": ["--data", "embedded", "-m", "alexnet"],
    "compare --power": ["--difference", "0.01", "--baseline-error", "0.2", "--correlation", "0.5"],
    "make perturbations": ["embedded", "o"],
    "make corruptions": ["embedded", "o"],
    "list models": ["--published", "imagenet-r"],
    "data get": ["imagenet-a"],
    "show": ["o"],
}
HARMLESS = {
    "run": ["--wait", "--limit", "--conditions", "--seed", "--precision-target", "--calls"],
    "report": ["--wait"],
    "compare --noise": ["--limit", "--seed"],
    "make corruptions": ["--seed", "--limit", "--wait"],
    "make perturbations": ["--seed", "--limit", "--wait"],
    "make features": ["--seed"],
    "make stimuli": ["--each", "--limit", "--seed", "--wait"],
    "make patch": ["--limit", "--seed"],
    "data get": ["--wait"],
}
"""More pictures, conditions or calls than there are mean all, a seed is a name, nobody waits where nothing is held."""


NUMBERS = (click.types.IntParamType, click.types.FloatParamType)


def test_every_option_with_a_number_is_known_here() -> None:
    found = {
        (name, option.opts[0])
        for name in COMMANDS
        for option in command_of(name).params
        if isinstance(option, click.Option) and isinstance(option.type, NUMBERS)
    }
    known = {(name, option) for table in (REFUSED, HARMLESS) for name, options in table.items() for option in options}
    assert found == known


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, every in REFUSED.items() for option in every])
def test_options_of_commands(
    hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    base = BASES[name]
    kept = [part for at, part in enumerate(base) if option not in base[max(at - 1, 0) : at + 1]]
    for number in (*ENORMOUS, "nan"):
        told = hardiness(*name.split(), *kept, f"{option}={number}")
        assert told.status == 2, told.err
        (line,) = told.err.splitlines()
        assert option.strip("-").partition("-")[0] in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["make", "features", "-m", "alexnet", "--layer", "features.0", "--channel", "0-1000000000000"],
        ["make", "corruptions", "embedded", "o", "--severities", "1000000000000"],
        ["run", "-m", "alexnet", "-b", "imagenet-val", "--data", "embedded", "--time-budget", "²s"],
        [
            "run",
            "-m",
            "alexnet",
            "-b",
            "imagenet-val",
            "--data",
            "embedded",
            "--worker",
            f"1/{10**12}",
            "--limit",
            "-1",
        ],
    ],
    ids=lambda arguments: arguments[-2],
)
def test_numbers_within_words(
    hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = hardiness(*arguments)
    assert told.status == 2
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("number", [*ENORMOUS, "1000001", "1", "٣", "9" * 5000])
def test_the_number_of_own_classes(number: str) -> None:
    with pytest.raises(
        ArgumentError, match="classes must be 'folders', 'names' or a number from 2 to 1,000,000, or a file"
    ):
        locate([f"imagenet=photographs:labels=labels.csv:classes={number}"])


NETWORK = """
import torch

def build():
    head = torch.nn.Linear(48, 1000)
    head.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(0))
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), head)
"""


def test_enormous_ones_that_mean_no_more_than_all(
    hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.py").write_text(NETWORK)
    for number in range(3):
        file = tmp_path / "data" / "imagenet" / "val" / wnids()[number] / "a.png"
        file.parent.mkdir(parents=True)
        PIL.Image.fromarray(np.full((64, 64, 3), 80 * number, np.uint8)).save(file)
    huge = [part for option in ("--seed", "--limit", "--wait") for part in (option, str(10**12))]
    model = "py:network.py:build:resize_px=64,crop_px=64,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
    run = ["run", "-m", model, "-b", "imagenet-val", "--data", "data", "--out", "o", "--quiet", *huge]
    assert hardiness(*run).status == 0
    assert hardiness(*run, "--time-budget", f"{10**12}s").status == 0
    assert hardiness(*run, "--precision-target", str(10**12)).status == 0
    assert hardiness(*run, "--worker", f"{10**12 - 1}/{10**12}").status == 0
    assert hardiness("report", "o", "--wait", str(10**12)).status == 0
    for kind, name in (("corruptions", "contrast"), ("perturbations", "translate")):
        assert hardiness("make", kind, "data", name, f"--{kind}", name, *huge, "--quiet").status == 0

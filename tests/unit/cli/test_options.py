"""Commands are made of dataclasses: what a field says is what its option does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner

from hardiness.api.evaluation import Options
from hardiness.cli.main import COMMANDS, command_of
from hardiness.cli.options import command, json_flag, quiet_flag
from hardiness.core.errors import ArgumentError
from hardiness.core.options import argument, option, part
from hardiness.core.request import Placement, Request


@dataclass(frozen=True)
class Limits:
    """Options that several commands have."""

    most: int | None = option("At most N.", None, name="--limit", metavar="N")
    seed: int = option("Keys every draw.", 0)
    workers: int = 4

    def __post_init__(self) -> None:
        if self.most is not None and self.most < 1:
            raise ArgumentError(f"limit must be at least 1, was {self.most}")


@dataclass(frozen=True, kw_only=True)
class Everything:
    """One field of each kind."""

    source: str = argument("SRC")
    rest: tuple[Path, ...] = argument("[MORE]…", ())
    models: tuple[str, ...] = option("Models.", (), name="-m --model", metavar="MODEL")
    share: float = option("Of the area.")
    kind: Literal["fourier", "pixels"] = option("What is optimised.", "fourier")
    colour: bool = option("In colour, or not.", True, off="--grey")
    variants: tuple[str, ...] = option("Sets.", (), metavar="A,B", read=lambda text: tuple(text.split(",")))
    size: str = option("How large.", "small", choices=("small", "large"))
    wait_s: float = option("How long.", 60.0, name="--wait", metavar="SECONDS", least=0)
    root: str = option("Where.", metavar="ROOT", factory=lambda: "here")
    out: str | Path = option("Folder.", "runs/latest")
    limits: Limits = field(default_factory=Limits)
    quiet: bool = quiet_flag()
    as_json: bool = json_flag()
    began_s: float | None = None


@pytest.fixture
def call() -> Callable[..., Any]:
    """Calls a command that takes `Everything`, and gives what it was handed, or the error."""
    handed: list[Everything] = []

    @command
    def everything(asked: Everything) -> int:
        """Take everything."""
        handed.append(asked)
        return 0

    def run(*arguments: str) -> Any:
        handed.clear()
        found = CliRunner().invoke(everything, arguments)
        return handed[0] if handed else found.exception if "must" in str(found.exception) else found.output

    return run


def test_what_is_not_given_is_at_its_default(call: Callable[..., Any]) -> None:
    assert call("a", "--share", "0.5") == Everything(source="a", share=0.5, root="here")


def test_what_is_given_has_its_type(call: Callable[..., Any]) -> None:
    line = "a b c -m x --model y --share .5 --kind pixels --grey --variants p,q --size large --wait 0 --root there"
    assert call(*line.split(), "--limit", "3", "--seed", "7", "--quiet", "--json", "--out", "o") == Everything(
        source="a",
        rest=(Path("b"), Path("c")),
        models=("x", "y"),
        share=0.5,
        kind="pixels",
        colour=False,
        variants=("p", "q"),
        size="large",
        wait_s=0,
        root="there",
        out="o",
        limits=Limits(3, 7),
        quiet=True,
        as_json=True,
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--share 1", "Missing argument 'SRC'"),
        ("a", "Missing option '--share'"),
        ("a --share x", "Invalid value for '--share': 'x' is not a valid float"),
        ("a --share 1 --size huge", "'huge' is not one of 'small', 'large'"),
        ("a --share 1 --wait -1", "-1.0 is not in the range x>=0"),
        ("a --share 1 --seed 1.5", "'1.5' is not a valid integer"),
        ("a --share 1 --workers 3", "No such option --workers"),
        ("a --share 1 --began-s 3", "No such option --began-s"),
        ("a --share 1 --limit 0", "limit must be at least 1, was 0"),
    ],
)
def test_what_is_wrong_is_refused(call: Callable[..., Any], line: str, says: str) -> None:
    told = " ".join(str(call(*line.split())).split())
    assert says in re.sub("No such option:? '?([\\w-]+)'?", r"No such option \1", told)  # click has two forms of it


def test_help_is_what_the_fields_say(call: Callable[..., Any]) -> None:
    told = " ".join(call("--help").split())
    for part_of_help in (
        "Usage: everything [OPTIONS] SRC [MORE]… Take everything.",
        "-m, --model MODEL Models.",
        "--share FLOAT Of the area. [required]",
        "--colour / --grey In colour, or not. [default: colour]",
        "--size [small|large] How large. [default: small]",
        "--wait SECONDS How long. [default: 60.0; x>=0]",
        "--root ROOT Where. --out",
        "--limit N At most N. --seed INTEGER Keys every draw. [default: 0]",
        "--json Print everything as JSON.",
    ):
        assert part_of_help in told


@dataclass(frozen=True)
class Seeded:
    """A part of what `Limits` offers."""

    limits: Limits = part(Limits, "seed")


def test_of_a_part_the_named_options_alone_are_offered() -> None:
    handed = []

    @command
    def some(asked: Seeded) -> int:
        """Take some."""
        handed.append(asked)
        return 0

    assert [each.opts for each in some.params] == [["--seed"]]
    assert CliRunner().invoke(some, ["--seed", "3"], standalone_mode=False).exception is None
    assert handed == [Seeded(Limits(seed=3))]


def test_help_has_two_names_whoever_asks_for_it_first() -> None:
    """The pages of options asked without the names of the whole program, and -h was gone in that process."""

    @command
    def some(asked: Seeded) -> int:
        """Take some."""
        return asked.limits.seed

    program = click.Context(click.Group("program"))
    first = some.get_help_option(click.Context(some, program, **some.context_settings))
    assert first is not None
    assert first.opts == ["-h", "--help"]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_says_what_it_is_and_stands_once(words: str) -> None:
    options = [each for each in command_of(words).params if isinstance(each, click.Option)]
    assert all(each.help and each.help.endswith((".", "…", "?", "]")) for each in options)
    flags = [flag for each in options for flag in (*each.opts, *each.secondary_opts)]
    assert len(set(flags)) == len(flags)


def test_keyword_arguments_of_evaluate_are_the_fields_that_options_are_made_of() -> None:
    offered = {each.name for kind in (Request, Placement) for each in fields(kind) if "help" in each.metadata}
    assert offered - Options.__annotations__.keys() == {"share"}  # which is named by where=

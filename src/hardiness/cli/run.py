"""``hardiness run``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import click

from hardiness import api
from hardiness.benchmarks.presentation import benchmark_type
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command, json_flag, quiet_flag
from hardiness.cli.output import print_json, print_views, wide
from hardiness.cli.show import print_overview
from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.options import option
from hardiness.core.request import Share
from hardiness.core.result import Result
from hardiness.report.format import PlainConsole
from hardiness.report.words import line
from hardiness.results.comparison import kept_comparisons
from hardiness.results.rules.errors import MissingNumberError
from hardiness.results.rules.requirements import require_whole

ENGINES = ("process", "ray")

POLICY = "policy.toml"
"""The file that the next command proposes to write limits to."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(api.Command):
    """The command, which engine evaluates it, and what is printed."""

    engine: str = option("What evaluates: this process, or Ray.", "process", metavar="process|ray")
    ray_resources: str | None = option(
        "Of each process of Ray; a GPU and its share of the cores, or one core, if not given.",
        None,
        metavar="NAME=AMOUNT,…",
    )
    ray_actors: int | None = option("How many at a time; as many as there is room for if not given.", None, metavar="N")
    plan: bool = option("Say what would run and how long it would take; store nothing.", False)
    quiet: bool = quiet_flag("Neither progress nor tables.")
    as_json: bool = json_flag("Print the results as JSON.")

    def completed(self) -> RunOptions:
        """The command with what its options do not say: Ray's cluster, the worker that ``torchrun`` names, the clock.

        Raises:
            ArgumentError: the engine is unknown, or the resources do not read ``NAME=AMOUNT,…``.
        """
        share = self.request.share or Share.of_environment(os.environ)
        began_s = click.get_current_context().find_root().obj
        return replace(self, cluster=self._cluster(), request=replace(self.request, share=share), began_s=began_s)

    def _cluster(self) -> api.Cluster | None:
        if self.engine not in ENGINES:
            raise UnknownNameError("engine", self.engine, ENGINES)
        if self.engine == "process":
            return None
        if self.ray_actors is not None:
            require_within("--ray-actors", self.ray_actors, 1, 10_000)
        resources = self.ray_resources
        return api.Cluster(
            actors=self.ray_actors, resources=dict(map(_resource, resources.split(","))) if resources else None
        )


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    try:
        return name.strip(), float(amount)
    except ValueError:
        raise ArgumentError(f"--ray-resources must read NAME=AMOUNT,…, as in CPU=4,GPU=1, had {text!r}") from None


@command
def run(options: RunOptions) -> int:
    """Evaluate models on benchmarks.

    The same command again continues where it stopped; another model, benchmark or limit adds to the folder.
    """
    options, out = options.completed(), str(options.out)
    if options.plan:
        return _plan(options)
    outcome = api.run(options, None if options.quiet else api.progress_on(PlainConsole(stderr=True)))
    page = api.publish(outcome.folder, out)
    if options.as_json:
        print_json(list(outcome.results))
    elif not options.quiet:
        print_overview(outcome.results, wide(), kept_comparisons(outcome.folder))
        if outcome.note:
            click.echo(outcome.note)
        if outcome.folder.results:
            click.echo(f"{out.rstrip('/')}/results.json  {page}")
            evaluated = [result for result in outcome.results if result.counts.images]
            for step in _next_steps(out, evaluated, options.request.until_decided) if evaluated else ():
                click.echo(step)
        else:
            click.echo(f"{out} holds no results yet: nothing could be evaluated, for the reasons below")
    print_lines(
        *(() if options.quiet else _not_in_tables(outcome.remarks, outcome.results)),
        *(f"skipped {line(fact)}" for fact in outcome.skipped),
        *(f"also part of the suite, and a command of its own: {command}" for command in outcome.also),
        problems=map(line, (*outcome.problems, *outcome.unreached)),
    )
    return outcome.exit_status


def _not_in_tables(remarks: Sequence[Fact], results: Sequence[Result]) -> list[str]:
    """The remarks that are no warning of a result, which its table or its JSON has."""
    warnings = {(result.model, fact) for result in results for fact in result.warnings}
    printed = {each for model, fact in warnings for each in (fact, replace(fact, about=model))}
    return [line(remark) for remark in remarks if remark not in printed]


def _next_steps(out: str, results: Sequence[Result], policy: str | Path | None = None) -> list[str]:
    """Commands to go on with, a line each; first one's own pictures, after these the gate, by the run's policy."""
    out = shlex.quote(out)
    first = {"hardiness run -m MODEL --data FOLDER --out runs/own": "your own pictures, in a folder for each class"}
    if any(benchmark_type(result.run).is_own or not result.run.model.has_answers for result in results):
        first = {f"hardiness gate {out} --write-policy {POLICY}": "limits that a later model must keep"}
        if Path(POLICY).exists() or not any(map(_is_whole, results)):  # it would be refused
            first = {}
    if policy:
        first = {
            f"hardiness gate {out} --policy {shlex.quote(str(policy))}": "the verdict, as JUnit, a comment or JSON"
        }
    steps = {
        **first,
        f"hardiness show {out}": "every table",
        f"hardiness report {out}": "the page again, its figures as PDF and PNG too",
    }
    return [f"{'next: ' if not place else '      '}{step}  {why}" for place, (step, why) in enumerate(steps.items())]


def _is_whole(result: Result) -> bool:
    """Whether a policy can hold a rule on a result."""
    with suppress(MissingNumberError):
        require_whole(result)
        return True
    return False


def _plan(options: RunOptions) -> int:
    """Print what would run."""
    planned = api.plan(options)
    if options.as_json:
        print_json(planned)
    else:
        print_views([planned.view()])
    print_lines(
        *map(line, planned.remarks),
        *(f"skipped {line(fact)}" for fact in planned.skipped),
        problems=map(line, planned.problems),
    )
    return planned.exit_status

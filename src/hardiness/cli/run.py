"""``hardiness run``."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from hardiness import api
from hardiness.api import Cluster
from hardiness.cli import options
from hardiness.cli.options import PrintOptions, grouped, wide
from hardiness.cli.show import print_overview
from hardiness.core import ArgumentError, Request, Share, UnknownNameError, require_within
from hardiness.engine import parse_duration
from hardiness.report import terminal_table
from hardiness.results import kept_comparisons
from hardiness.sources import files
from hardiness.store import Store

ENGINES = ("process", "ray")


@dataclass(frozen=True, slots=True)
class Engine:
    """``--engine`` and what goes with it."""

    engine: str
    ray_resources: str | None
    ray_actors: int | None

    def cluster(self) -> Cluster | None:
        """Where Ray actors evaluate; ``None`` without Ray.

        Raises:
            ArgumentError: the engine is unknown, or the resources do not read ``NAME=AMOUNT,…``.
        """
        if self.engine not in ENGINES:
            raise UnknownNameError("engine", self.engine, ENGINES)
        if self.engine == "process":
            return None
        if self.ray_actors is not None:
            require_within("--ray-actors", self.ray_actors, 1, 10_000)
        given = self.ray_resources
        return Cluster(actors=self.ray_actors, resources=dict(map(_resource, given.split(","))) if given else None)


def share(text: str | None) -> Share | None:
    """The part that ``--worker i/n`` names, or that ``torchrun`` gives by the environment.

    Raises:
        ArgumentError: it does not read so, or i is not from 0 to n - 1.
    """
    return Share.of_environment(os.environ) if text is None else Share.parse(text)


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    try:
        return name.strip(), float(amount)
    except ValueError:
        raise ArgumentError(f"--ray-resources must read NAME=AMOUNT,…, as in CPU=4,GPU=1, had {text!r}") from None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Which models and benchmarks on which data, what ratios divide by, whether only to plan, how long to wait."""

    models: tuple[str, ...]
    benchmarks: tuple[str, ...]
    suite: str | None
    data: tuple[str, ...]
    labels: str | None
    weights: str | None
    baseline: str | None
    predictions: str | None
    plan: bool
    wait_s: float


@dataclass(frozen=True, slots=True)
class Told(PrintOptions):
    """What the command prints, and which trackers hear of it."""

    log: tuple[str, ...] = ()


@click.command(context_settings={"show_default": True})
@grouped(
    "chosen",
    RunOptions,
    click.option(
        "-m",
        "--model",
        "models",
        multiple=True,
        metavar="MODEL[:option=value,…]",
        help="Model; may be given several times.",
    ),
    click.option(
        "-b", "--benchmark", "benchmarks", multiple=True, metavar="BENCHMARK[:option=value,…]", help="Benchmark; as -m."
    ),
    click.option("--suite", metavar="NAME|FILE.toml", help="demo, quick or paper, or your own: a list of benchmarks."),
    click.option(
        "--data",
        multiple=True,
        metavar="ROOT|NAME=PATH|embedded",
        help="Folder that holds the data sets, or one data set, or the photographs of installed packages.",
    ),
    click.option("--labels", metavar="FILE", help="csv (path, class index) for a flat folder of images."),
    click.option("--weights", metavar="FILE", help="Checkpoint for the one model given."),
    click.option("--baseline", metavar="MODEL", help="Divide by this model's stored run instead of published AlexNet."),
    click.option(
        "--predictions", metavar="FILE", help="csv or Parquet of the answers of a model that was run elsewhere."
    ),
    click.option("--plan", is_flag=True, help="Say what would run and how long it would take; store nothing."),
    options.wait,
)
@click.option("--out", default="runs/latest", metavar="FOLDER|s3://…", help="Output folder, or an object store.")
@grouped(
    "request",
    Request,
    options.limit("samples"),
    options.seed,
    click.option(
        "--precision-target",
        type=float,
        metavar="HALFWIDTH",
        help="Stop when every headline's 95 % interval is its value ± this, e.g. 0.005 for half a point.",
    ),
    click.option(
        "--until-decided",
        metavar="FILE.toml",
        help="Stop when every rule of this policy is decided, with the verdicts that 'hardiness gate' then gives.",
    ),
    click.option(
        "--time-budget",
        "time_budget_s",
        metavar="TIME",
        callback=lambda context, option, text: None if text is None else parse_duration(text),
        help="End within this time, e.g. 30m, with what narrows the intervals most; the same command continues.",
    ),
    click.option(
        "--worker",
        "share",
        metavar="i/n",
        callback=lambda context, option, text: share(text),
        help="Begin with part i (from 0) of n, then do what others left; they share only --out.",
    ),
    click.option(
        "--calls", type=int, metavar="N", help="Stop at N requests to chat models, retries included; rows stay."
    ),
    click.option("--batch-size", type=int, metavar="B", help="Images per forward pass; chosen if not given."),
    click.option(
        "--save-images", is_flag=True, help="Keep the pictures that attacks make, as PNG files in OUT/images."
    ),
)
@grouped(
    "placement",
    api.Placement,
    options.device,
    click.option(
        "--precision", default="fp32", metavar="fp32|bf16|fp16", help="Arithmetic; below fp32 only on request."
    ),
    click.option("--runtime", default="auto", metavar="auto|torch|openvino", help="What runs models."),
)
@grouped(
    "engine",
    Engine,
    click.option("--engine", default="process", metavar="process|ray", help="What evaluates: this process, or Ray."),
    click.option(
        "--ray-resources",
        metavar="NAME=AMOUNT,…",
        help="Of each Ray actor; a GPU and its share of the cores, or one core, if not given.",
    ),
    click.option("--ray-actors", type=int, metavar="N", help="How many; as many as there is room for if not given."),
)
@grouped(
    "shown",
    Told,
    click.option("--log", multiple=True, metavar="mlflow|tensorboard|wandb", help="Also tell a tracker how it goes."),
    click.option("--quiet", is_flag=True, help="Neither progress nor tables."),
    click.option("--json", "as_json", is_flag=True, help="Print the results as JSON."),
)
def command(
    chosen: RunOptions, out: str, request: Request, placement: api.Placement, engine: Engine, shown: Told
) -> int:
    """Evaluate models on benchmarks.

    The same command again continues where it stopped; another model, benchmark or limit adds to the folder.
    """
    given = {name: getattr(chosen, name) for name in RunOptions.__slots__ if name != "plan"}
    cluster, began_s = engine.cluster(), click.get_current_context().find_root().obj
    asked = api.Command(
        **given, out=out, request=request, placement=placement, cluster=cluster, log=shown.log, began_s=began_s
    )
    errors = Console(stderr=True)
    if chosen.plan and chosen.predictions:
        raise ArgumentError("--plan does not go with --predictions, whose answers are there already; leave one out")
    if chosen.plan:
        return _plan(asked, shown)
    outcome = api.run(asked, None if shown.quiet else api.progress_on(errors))
    store = Store(out)
    comparisons = kept_comparisons(store, outcome.everything, chosen.baseline)
    title = f"hardiness: {outcome.note or files.shown(Path(out).name)}"
    page = api.publish(store, outcome.everything, title, comparisons, chosen.baseline)
    if shown.as_json:
        click.echo(json.dumps([result.as_dict() for result in outcome.results], indent=1))
    elif not shown.quiet:
        print_overview(outcome.results, wide(Console()), comparisons)
        if outcome.note:
            click.echo(outcome.note)
        if outcome.everything:
            click.echo(f"{out.rstrip('/')}/results.json  {page}")
            for line in _next_steps(out, any(result.benchmark == "own" for result in outcome.results)):
                click.echo(line)
        else:
            click.echo(f"{out} holds no results yet: nothing could be evaluated, for the reasons below")
    for line in () if shown.quiet else outcome.remarks:
        click.echo(line, err=True)
    for line in outcome.skipped:
        click.echo(f"skipped {line}", err=True)
    for line in outcome.also:
        click.echo(f"also part of the suite, and a command of its own: {line}", err=True)
    for line in (*outcome.problems, *outcome.unreached):
        click.echo(f"hardiness: {line}", err=True)
    return outcome.exit_status


def _next_steps(out: str, own: bool) -> list[str]:
    """What to do after a run, a line each; first one's own pictures, and after these the gate."""
    out = shlex.quote(out)
    first = {"hardiness run -m MODEL --data FOLDER --out runs/own": "your own pictures, in a folder for each class"}
    if own:
        first = {f"hardiness gate {out} --write-policy policy.toml": "limits that a later model must keep"}
    steps = {
        **first,
        f"hardiness show {out}": "every table",
        f"hardiness report {out}": "the page with its photographs",
    }
    return [f"{'next: ' if not place else '      '}{step}  {why}" for place, (step, why) in enumerate(steps.items())]


def _plan(asked: api.Command, shown: PrintOptions) -> int:
    """Print what would run."""
    planned = api.plan(asked)
    if shown.as_json:
        click.echo(json.dumps(planned.as_dict(), indent=1))
    else:
        console = wide(Console())
        for part in terminal_table(planned.view()):
            console.print(part, highlight=False)
    for line in planned.remarks:
        click.echo(line, err=True)
    for line in planned.skipped:
        click.echo(f"skipped {line}", err=True)
    for line in planned.problems:
        click.echo(f"hardiness: {line}", err=True)
    return planned.exit_status

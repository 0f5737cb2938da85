"""The command ``hardiness``: commands are imported when called, errors become one line and an exit status."""

from __future__ import annotations

import importlib
import os
import sys
import time
from typing import NoReturn

import click

from hardiness.cli.failing import DEBUG, show_any_name, tell, tell_warnings, without_debug
from hardiness.cli.interruption import leave, leave_others_behind, listen
from hardiness.cli.repeats import refuse_repeats
from hardiness.core import UnknownNameError

COMMANDS = {
    "run": ("hardiness.cli.run", "Evaluate models on benchmarks; the same command again continues."),
    "show": ("hardiness.cli.show", "Print the overview and the score tables of an output folder."),
    "report": ("hardiness.cli.report", "Write report.html for one or more output folders."),
    "export": ("hardiness.cli.export", "Write results as JSON, CSV, Parquet, LaTeX, Markdown or a model card's block."),
    "consistency": ("hardiness.cli.consistency", "Do models, and people, err on the same stimuli? Cohen's kappa."),
    "human-likeness": (
        "hardiness.cli.human_likeness",
        "How like people do models err? model-vs-human's numbers and ranks.",
    ),
    "compare": ("hardiness.cli.compare", "Do models differ? Paired on the same images, with intervals."),
    "claims": ("hardiness.cli.claims", "Do the sentences of the paper hold for the models of an output folder?"),
    "noise": ("hardiness.cli.noise", "What the protocol itself moves a model's scores by: resizing, precision, seed …"),
    "power": ("hardiness.cli.power", "How many images a comparison of two models needs."),
    "models": ("hardiness.cli.models", "List the models, or describe one."),
    "attacks": ("hardiness.cli.attacks", "List the attacks and threat models, or describe an attack with its options."),
    "benchmarks": ("hardiness.cli.benchmarks", "List the benchmarks, or describe one with its options."),
    "corruptions": ("hardiness.cli.corruptions", "List the corruptions, or describe one with its severities."),
    "corrupt": ("hardiness.cli.corrupt", "Write photographs under every corruption as a tree of files."),
    "visualise": ("hardiness.cli.visualise", "Show what units of a model respond to, as pictures."),
    "make-cue-conflict": (
        "hardiness.cli.make_cue_conflict",
        "Make stimuli: the shape of one photograph, the texture of another.",
    ),
    "make-patch": ("hardiness.cli.make_patch", "Train one patch that fools a model on any picture."),
    "perturbations": ("hardiness.cli.perturbations", "List the perturbations, or describe one."),
    "perturb": ("hardiness.cli.perturb", "Write photographs under every perturbation as a tree of videos."),
    "data": ("hardiness.cli.data", "List, get, check and import data sets."),
    "doctor": ("hardiness.cli.doctor", "What is installed, what runs fast, and whether it gives the right answers."),
}
"""Name to module and one-line help: help is printed without importing any of them."""


LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"
"""Where this is set before its first tensor, PyTorch asks Linux for pages of 2 MB: an attack's steps are faster."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's list of commands, from `COMMANDS` alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with close matches for a misspelt command; options that are given twice are refused."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UnknownNameError("command", args[0], COMMANDS)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            refuse_repeats(command, rest)
        return name, command, rest


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="hardiness")
@click.option(DEBUG, "debug", is_flag=True, expose_value=False, help="Show tracebacks; may stand anywhere in the line.")
def cli() -> None:
    """How robust is this image classifier?

    Published protocols, an interval on every number.  Try:  hardiness run --suite demo
    """


def main() -> NoReturn:
    """Run the command line and leave with its exit status; whatever goes wrong is told in one line."""
    try:
        began_s = time.monotonic()
        os.environ.setdefault(LARGE_PAGES, "1")
        listen()
        show_any_name(sys.stdout)
        tell_warnings()
        arguments = without_debug(sys.argv[1:])
        status = cli.main(arguments, prog_name="hardiness", standalone_mode=False, obj=began_s)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort) as error:
        if not isinstance(error.__cause__, EOFError):
            leave(error)
        status = tell(error.__cause__)  # a file that ends early somewhere, which click takes for a closed terminal
    except BaseException as error:  # noqa: BLE001  # the last place where it can be told in a line
        status = tell(error)
    sys.exit(status if isinstance(status, int) else 0)


def program() -> NoReturn:
    """As `main`, for a process that does nothing else: it ends although threads or processes of other code go on."""
    try:
        main()
    except SystemExit as left:
        leave_others_behind(left.code if isinstance(left.code, int) else 0)
        raise

"""The command ``hardiness``: commands are imported when called, errors become one line and an exit status."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

import click
from click.shell_completion import shell_complete

from hardiness.cli.streams import ReaderLeftError, prepare_streams
from hardiness.core import errors
from hardiness.core.errors import ArgumentError, HardinessError, UnknownNameError, described, printable

DEBUG, COMPLETION = "--debug", "_HARDINESS_COMPLETE"

READER_LEFT = 141
"""Where who reads our output goes first, as ``head`` does: what a shell says of any command that this happens to."""


def without_debug(arguments: Sequence[str]) -> list[str]:
    """The arguments without ``--debug``, which may stand anywhere, as people add it to the line that failed.

    It sets an environment variable, so that processes that are started later show tracebacks too.
    """
    if DEBUG in arguments:
        os.environ[errors.DEBUG] = "1"
    return [argument for argument in arguments if argument != DEBUG]


def show_any_name(stream: TextIO) -> None:
    """From now on names that the stream's encoding lacks, or that are no UTF-8, are written as ``\\udcff``."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def tell_warnings() -> None:
    """From now on what the package logs as a warning, e.g. whom it waits for, is a line like any other."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("hardiness: %(message)s"))
    log = logging.getLogger("hardiness")
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.WARNING)  # whatever a library makes of the root's level


def tell(error: BaseException) -> int:
    """Print what went wrong to standard error; the exit status."""
    if isinstance(error, ReaderLeftError):
        return READER_LEFT
    errors.show_traceback(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help that was asked for
        return error.exit_code
    if isinstance(error, click.ClickException):
        line, status = _usage(error), error.exit_code
    elif isinstance(error, HardinessError):
        line, status = str(error), error.exit_status
    elif isinstance(error, PermissionError) and error.filename:
        line = f"{error.filename}: permission denied; name another file or folder, or change its permissions"
        status = 2
    else:
        line = f"{described(error)}{_where(error)}: this should have been told more plainly; {DEBUG} shows where it is"
        status = 1
    click.echo(f"hardiness: {_as_one(line)}", err=True)
    return status


def _as_one(line: str) -> str:
    """An error as one line: names of files and options may hold line breaks."""
    return printable("\\n".join(line.splitlines()))


def _usage(error: click.ClickException) -> str:
    """A line on what is wrong with the command that was typed, and which help to read."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    joint = " " if message.endswith("?") else "; "
    return f"{message}{joint}see '{context.command_path} --help'" if context else message


def _where(error: BaseException) -> str:
    """File, line and function of the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""


_SIGNALS: list[int] = []
"""SIGTERM, once it has come; Ray makes another exception of ours, so that none can say so."""


def _end_forks_by_sigterm() -> None:
    """A fork ends by SIGTERM, as a model's pool expects, also by one that comes while the fork begins."""
    let_through = partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, [signal.SIGTERM])

    def in_child() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        let_through()

    # Python forgets in a fork which signals its handlers have taken, so none may reach ours before it is gone.
    hold_back = partial(signal.pthread_sigmask, signal.SIG_BLOCK, [signal.SIGTERM])
    os.register_at_fork(before=hold_back, after_in_parent=let_through, after_in_child=in_child)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # `timeout` sends it twice: to the process, and to its group
    _SIGNALS.append(number)
    raise KeyboardInterrupt


def leave() -> NoReturn:
    """End the program after Ctrl-C or SIGTERM, without waiting for the batches that threads still compute."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr.write("\nhardiness: stopped; what is finished is kept, and the same command continues\n")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(128 + next(iter(_SIGNALS), signal.SIGINT))


def refuse_repeats(command: click.Command, arguments: Sequence[str], parent: click.Context) -> None:
    """Raise where an option that takes one value is given twice, or one that takes several has the same value twice.

    Args:
        command: that is called.
        arguments: that follow its name.
        parent: of its group, whose ``-h`` it has too.

    Raises:
        ArgumentError: naming the option.
    """
    context = click.Context(command, parent)
    values_by_name: dict[str, Any] = {}
    order: list[click.Parameter] = []
    with suppress(click.ClickException):  # it is told when the command is called
        values_by_name, _, order = command.make_parser(context).parse_args(list(arguments))
    for option in dict.fromkeys(each for each in order if isinstance(each, click.Option)):
        if not option.multiple and order.count(option) > 1:
            raise ArgumentError(f"{option.opts[-1]} is given twice; give it once")
        values = values_by_name.get(option.name or "") if option.multiple else None
        if values and len(set(values)) < len(values):
            twice = next(value for place, value in enumerate(values) if value in values[:place])
            raise ArgumentError(f"{option.opts[-1]} {twice} is given twice; give it once")


COMMANDS = {
    "run": "Evaluate models on benchmarks; the same command again continues.",
    "score": "Score the answers of models in a csv or Parquet file, with intervals and comparisons.",
    "show": "Print the overview and the score tables of one or more output folders.",
    "show --claims": "Do the sentences of the paper hold for the models of an output folder?",
    "show --people": "How like people do models err? On cue conflicts and on model-vs-human.",
    "report": "Write report.html for one or more output folders.",
    "export": "Write results as JSON, CSV, Parquet, LaTeX, Markdown or a model card's block.",
    "compare": "Which models are told apart, and which are not? Paired on the same images, with intervals.",
    "compare --noise": "What the protocol itself moves a model's scores by.",
    "compare --power": "How many images a comparison of two models needs.",
    "gate": "Is this good enough? Stored runs against the rules of a policy, with verdicts.",
    "list": "List models, benchmarks, attacks, distortions, data sets, exports …, or describe one; or stored runs.",
    "list models": "The models, or one of them.",
    "list benchmarks": "The benchmarks, or one of them with its options.",
    "list attacks": "The attacks and threat models, or an attack with its options.",
    "list corruptions": "The corruptions, or one of them with its severities.",
    "list perturbations": "The perturbations, or one of them.",
    "list datasets": "The data sets that --data NAME=PATH takes, and how each lies on disk.",
    "list metrics": "Metrics of any run, and of two runs, beside those of each benchmark.",
    "list exports": "The forms of 'hardiness export'.",
    "list loggers": "The trackers of 'hardiness run --log'.",
    "list runtimes": "What runs networks, --runtime.",
    "list runs": "The runs of an output folder, and which of several of one name is judged.",
    "data": "List, get, check and import data sets; drop a stored run.",
    "data list": "What is there, and what is missing.",
    "data get": "Fetch data sets and lay them out.",
    "data check": "Find what is wrong with data sets.",
    "data import": "Lay out ImageNet's validation set.",
    "data drop": "Remove one run of an output folder for good.",
    "doctor": "What is installed, what runs fast, and whether it gives the right answers.",
    "make": "Make pictures: corruptions, perturbations, features, stimuli, a patch.",
    "make corruptions": "Photographs under every corruption, as a tree of files.",
    "make perturbations": "Photographs under every perturbation, as a tree of videos.",
    "make features": "What units of a model respond to, as pictures.",
    "make stimuli": "The shape of one photograph in the texture of another.",
    "make patch": "One patch that fools a model on any picture.",
}
"""Words of a command to its one-line help, which is printed without importing any of them.

A second word says which of its kind (``list models``), or, as an option, that another question is asked
(``show --claims``). The function of ``show --claims`` is ``hardiness.cli.show.show_claims``."""

GROUPS = {
    "Evaluate": ("run", "score"),
    "Read what is stored": ("show", "report", "export", "compare", "gate"),
    "Look up": ("list", "data", "doctor"),
    "Make pictures": ("make",),
}
"""The commands as ``--help`` shows them."""

LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"
"""Where this is set before its first tensor, PyTorch asks Linux for pages of 2 MB: an attack's steps are faster."""

SPINS, WAITING = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"
"""How long a thread of PyTorch's spins before it sleeps until there is work again: by default for milliseconds, which
other threads and processes need. Where cores were shared, a gradient took a quarter of the time with 5,000 turns."""

GARBAGE = 20_000
"""Objects that are made before Python looks for garbage: at its usual 700 it looks 600 times while a page with its
figures is written, which takes .3 s; at this 44 times and .1 s."""


@cache
def command_of(words: str) -> click.Command:
    """The command of those words, e.g. ``"list models"``, its module imported now; of ``"list"`` the group."""
    if any(each.startswith(f"{words} ") and " --" not in each for each in COMMANDS):
        return LazyGroup(words, help=COMMANDS[words])
    module = importlib.import_module(f"hardiness.cli.{words.split()[0]}")
    gc.freeze()  # what was imported stays, and is not looked through again
    gc.set_threshold(GARBAGE)
    gc.enable()
    command: click.Command = getattr(module, "_".join(re.findall(r"\w+", words)))
    for question, text in COMMANDS.items():
        if question.startswith(f"{words} --"):
            text_of_option = f"{text} See 'hardiness {question} --help'."
            command.params.append(
                click.Option([question.split()[1]], is_flag=True, expose_value=False, help=text_of_option)
            )
    return command


class LazyGroup(click.Group):
    """The commands of `COMMANDS`, or those behind its word ``list``, ``data`` or ``make``; imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of use."""
        return [name for names in self._sections().values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        words = self._words(cmd_name)
        return command_of(words) if words in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's groups of commands, from `COMMANDS` alone."""
        for title, names in self._sections().items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[self._words(name)]) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with close matches for a misspelt word; options that are given twice are refused."""
        name, *rest = args
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            kind = (
                f"{next(iter(self._sections())).lower().rstrip('s')} of 'hardiness {self.name}'"
                if self.name
                else "command"
            )
            raise UnknownNameError(kind, name, self.list_commands(ctx))
        question = next((each for each in rest if each.startswith("--") and f"{name} {each}" in COMMANDS), None)
        if self.name or question is None:
            words, command, rest = super().resolve_command(ctx, args)
        else:  # as in `show --claims`: the first such option names the command, and the others are its own
            words = f"{name} {question}"
            command = command_of(words)
            rest.remove(question)
        if command is not None:
            refuse_repeats(command, rest, ctx)
        return words, command, rest

    def _words(self, name: str) -> str:
        return f"{self.name} {name}" if self.name else name

    def _sections(self) -> Mapping[str, Sequence[str]]:
        """The commands under each title of the help."""
        if not self.name:
            return GROUPS
        kinds = [words.split()[1] for words in COMMANDS if words.startswith(f"{self.name} ")]
        return {"Commands" if self.name == "data" else "Kinds": kinds}


@click.group("", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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
        if WAITING not in os.environ:
            os.environ.setdefault(SPINS, "5000")
        show_any_name(sys.stdout)
        tell_warnings()
        status = _call(without_debug(sys.argv[1:]), began_s)
        sys.stdout.flush()
    except KeyboardInterrupt:
        leave()
    except BaseException as error:  # noqa: BLE001  # the last place where it can be told in a line
        status = tell(error)
    sys.exit(status)


def _call(arguments: list[str], began_s: float) -> int:
    """Call the command of those arguments, or tell the shell how the line may go on; the exit status."""
    if instruction := os.environ.get(COMPLETION):
        return shell_complete(cli, {}, "hardiness", COMPLETION, instruction)
    try:
        with cli.make_context("hardiness", arguments, obj=began_s) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as end:  # as of --help
        return end.exit_code


def program() -> NoReturn:
    """As `main`, for a process that does nothing else: SIGTERM stops it like Ctrl-C, and its output is results only."""
    gc.disable()  # until the command is imported: nothing of what imports make is garbage, and looking takes 20 ms
    signal.signal(signal.SIGTERM, _terminate)
    _end_forks_by_sigterm()
    prepare_streams()
    main()

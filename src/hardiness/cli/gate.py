"""``hardiness gate``."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from hardiness import api
from hardiness.cli.options import command, json_flag
from hardiness.cli.output import print_json, print_views
from hardiness.core.errors import ArgumentError, HardinessError, printable
from hardiness.core.options import argument, option
from hardiness.report.gate import (
    COMMENT_MOST,
    STYLES,
    SUMMARY_MOST,
    annotation_lines,
    gate_markdown,
    gate_view,
    junit,
)
from hardiness.report.written_policy import first_policy
from hardiness.results.gate import Gate
from hardiness.results.policy import policy_of
from hardiness.store.store import Store


@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """Which folder by which policy, and in which forms the verdicts are written beside the table."""

    out: str = argument("OUT")
    policy: str | None = option("Rules in TOML.", None, metavar="FILE")
    write_policy: str | None = option(
        "Write a first policy, whose own limits OUT passes now, and judge nothing.", None, metavar="FILE"
    )
    against: str | None = option("With --write-policy: the folder of a baseline, for its rules.", None, metavar="OUT2")
    grouped: api.GroupingOptions = field(default_factory=api.GroupingOptions)
    as_json: bool = json_flag("Print the verdicts as JSON.")
    annotations: bool = option("Print annotations of GitHub behind the table.", False)
    summary: str | None = option("Add Markdown to FILE, as to $GITHUB_STEP_SUMMARY; under 1 MiB.", None, metavar="FILE")
    comment: str | None = option("Write Markdown for a comment; under 65,536 characters.", None, metavar="FILE")
    junit: str | None = option("Write JUnit XML.", None, metavar="FILE")

    def write(self, verdict: Gate) -> None:
        """Write the files that were asked for.

        Raises:
            ArgumentError: one cannot be written; the message names it.
        """
        if self.summary:
            _write(self.summary, gate_markdown(verdict, SUMMARY_MOST), "a")
        if self.comment:
            _write(self.comment, gate_markdown(verdict, COMMENT_MOST, of_bytes=False))
        if self.junit:
            _write(self.junit, junit(verdict))

    def remove_last(self) -> None:
        """Remove the comment and the JUnit XML of the last verdict, where there is none now: they would pass for one.

        The summary is added to, and says nothing of this call.
        """
        for path in filter(None, (self.comment, self.junit)):
            with suppress(OSError):  # the error that is being raised is the one to show
                Path(path).unlink(missing_ok=True)


@command
def gate(options: GateOptions) -> int:
    """Judge the stored runs of OUT by the rules of a policy: pass, fail, cannot tell, or missing.

    Of several runs of one model's name the one that was evaluated last is judged; see 'hardiness list runs OUT'.

    Exit status: 2 wrong policy, 3 a rule fails, 1 a number is missing, 4 a rule cannot tell, 0 all pass.
    """
    if options.write_policy:
        if options.policy:
            raise ArgumentError("--write-policy does not go with --policy: leave out one of them")
        if Path(options.write_policy).exists():
            raise ArgumentError(
                f"--write-policy {options.write_policy}: is there already; name another file, or remove it"
            )
        folder = os.path.dirname(options.write_policy)
        _write(options.write_policy, first_policy(Store.open(options.out), options.against or "", folder))
        click.echo(options.write_policy)
        return 0
    try:
        verdicts = _verdicts(options)
    except HardinessError:
        options.remove_last()
        raise
    options.write(verdicts)
    if options.as_json:
        print_json(verdicts)
        return verdicts.exit_status
    print_views([gate_view(verdicts)], STYLES)
    for line in annotation_lines(verdicts) if options.annotations else ():
        click.echo(printable(line))
    return verdicts.exit_status


def _verdicts(options: GateOptions) -> Gate:
    """The verdicts of the policy, kept beside the rows for the page.

    Raises:
        ArgumentError: no policy is given, or one that is wrong, or an option that does not go with it.
        HardinessError: the folder cannot be judged.
    """
    if not options.policy:
        raise ArgumentError("gate needs --policy FILE; 'hardiness gate OUT --write-policy FILE' writes a first one")
    if options.against:
        raise ArgumentError('--against goes with --write-policy; a rule names its own baseline, as against = "OUT2"')
    policy, grouping = policy_of(Path(options.policy)), api.grouping_asked(options.grouped)
    return api.judge_grouped(policy, Store.open(options.out), grouping)


def _write(path: str, text: str, mode: str = "w") -> None:
    try:
        with Path(path).open(mode, encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be written ({error.strerror}); name another file") from None

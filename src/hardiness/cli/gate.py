"""``hardiness gate``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from hardiness.cli.options import grouped, wide
from hardiness.core import ArgumentError
from hardiness.report import (
    COMMENT_MOST,
    SUMMARY_MOST,
    annotation_lines,
    gate_markdown,
    gate_view,
    junit,
    terminal_table,
)
from hardiness.results import Gate, first_policy, judge, keep_gate, policy_of
from hardiness.store import Store


@dataclass(frozen=True, slots=True)
class GateOutputs:
    """In which forms the verdicts are written, beside the table.

    Attributes:
        as_json: JSON in place of the table.
        annotate: annotations of GitHub behind the table.
        summary: a file to which Markdown is added, under 1 MiB.
        comment: a file for a comment, under 65,536 characters.
        junit_file: a file of JUnit XML.
    """

    as_json: bool
    annotate: bool
    summary: str | None
    comment: str | None
    junit_file: str | None

    def write(self, found: Gate) -> None:
        """Write the files that were asked for.

        Raises:
            ArgumentError: one cannot be written; the message names it.
        """
        if self.summary:
            _write(self.summary, gate_markdown(found, SUMMARY_MOST), "a")
        if self.comment:
            _write(self.comment, gate_markdown(found, COMMENT_MOST, of_bytes=False))
        if self.junit_file:
            _write(self.junit_file, junit(found))


@click.command()
@click.argument("out")
@click.option("--policy", metavar="FILE", help="Rules in TOML.")
@click.option("--write-policy", metavar="FILE", help="Write a first policy, which OUT passes now, and judge nothing.")
@click.option("--against", metavar="OUT2", help="With --write-policy: the folder of a baseline, for its rules.")
@grouped(
    "outputs",
    GateOutputs,
    click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON."),
    click.option("--annotations", "annotate", is_flag=True, help="Print annotations of GitHub behind the table."),
    click.option("--summary", metavar="FILE", help="Add Markdown to FILE, as to $GITHUB_STEP_SUMMARY; under 1 MiB."),
    click.option("--comment", metavar="FILE", help="Write Markdown for a comment; under 65,536 characters."),
    click.option("--junit", "junit_file", metavar="FILE", help="Write JUnit XML."),
)
def command(out: str, policy: str | None, write_policy: str | None, against: str | None, outputs: GateOutputs) -> int:
    """Judge the stored runs of OUT by the rules of a policy: pass, fail, cannot tell, or missing.

    Exit status: 2 wrong policy, 3 a rule fails, 1 a number is missing, 4 a rule cannot tell, 0 all pass.
    """
    if write_policy:
        if policy:
            raise ArgumentError("--write-policy does not go with --policy: leave out one of them")
        if Path(write_policy).exists():
            raise ArgumentError(f"--write-policy {write_policy}: is there already; name another file, or remove it")
        _write(write_policy, first_policy(Store.open(out), against or ""))
        click.echo(write_policy)
        return 0
    if not policy:
        raise ArgumentError("gate needs --policy FILE; 'hardiness gate OUT --write-policy FILE' writes a first one")
    if against:
        raise ArgumentError('--against goes with --write-policy; a rule names its own baseline, as against = "OUT2"')
    asked, store = policy_of(Path(policy)), Store.open(out)
    found = judge(asked, store)
    keep_gate(store, found)
    outputs.write(found)
    if outputs.as_json:
        click.echo(json.dumps(found.as_dict(), indent=1))
        return found.exit_status
    console = wide(Console())
    for part in terminal_table(gate_view(found)):
        console.print(part, highlight=False)
    for line in annotation_lines(found) if outputs.annotate else ():
        click.echo(line)
    return found.exit_status


def _write(path: str, text: str, mode: str = "w") -> None:
    try:
        with Path(path).open(mode, encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be written ({error.strerror}); name another file") from None

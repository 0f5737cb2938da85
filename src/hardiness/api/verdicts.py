"""The rules of a policy, judged on stored runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.api.grouping import grouping_of
from hardiness.core.columns import Grouping
from hardiness.core.result import TextTable
from hardiness.data.columns import GivenColumns, read_columns
from hardiness.report.format import as_text, terminal_table
from hardiness.report.gate import gate_view, why_missing
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.results.gate import Gate, GateVerdict, judge
from hardiness.results.policy import Policy, policy_of
from hardiness.sources.files import shown
from hardiness.store.store import Store


@dataclass(frozen=True, repr=False)
class GateReport(Gate):
    """The verdicts of a policy; prints as a table."""

    @classmethod
    def of(cls, gate: Gate) -> GateReport:
        """The verdicts, with their table."""
        return cls(gate.verdicts, gate.undecided, gate.source, gate.remarks, gate.policy_sha256)

    def __repr__(self) -> str:
        return as_text(terminal_table(gate_view(self)))

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return gate_view(self).html()

    def view(self) -> TextTable:
        """A row for each verdict, as text."""
        return gate_view(self)

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a verdict: the rule, the run that it was asked of, the outcome and what that rests on.

        ``outcome`` is ``pass``, ``fail``, ``cannot tell`` or ``missing``. ``value``, ``low`` and ``high`` are of the
        number, or of its difference to the baseline's, and ``limit`` is that of the rule, all in ``unit``. ``more`` is
        about how many images more decide with a chance of 80 %, or clusters where images come in such. ``condition``
        says what of the benchmark the rule is on, and each key of it is a column too; ``slice`` says which part of the
        pictures, as ``site B``, and is empty where it is on all.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        return table_of(((_row(verdict), verdict.rule.where) for verdict in self.verdicts), form)


def _row(verdict: GateVerdict) -> dict[str, Any]:
    rule = verdict.rule
    return {
        "rule": rule.number,
        "name": shown(rule.name),
        "model": shown(verdict.model),
        "benchmark": verdict.benchmark,
        "data": shown(verdict.data),
        "metric": rule.metric,
        "title": shown(verdict.metric),
        "condition": shown(str(rule.where)),
        "slice": shown(rule.slice_text),
        "kind": rule.kind,
        "limit": rule.limit,
        "holds_to": rule.holds_to,
        "unit": verdict.unit,
        "outcome": verdict.outcome,
        "value": verdict.value,
        **ends_of(verdict.interval),
        "confidence": verdict.confidence,
        "family": verdict.family,
        "n": verdict.n,
        "cluster": verdict.cluster,
        "clusters": verdict.clusters,
        "more": verdict.more,
        "pass_needs": verdict.pass_needs,
        "against": rule.against,
        "run": verdict.run.key if verdict.run else None,
        "baseline": verdict.baseline.key if verdict.baseline else None,
        "reason": shown(why_missing(verdict)),
    }


def judge_grouped(policy: Policy, store: Store, grouping: Grouping) -> Gate:
    """The verdicts of a policy, kept beside the rows for the page.

    Args:
        policy: which; it may name tables, clusters and slices itself.
        store: the folder.
        grouping: what the command or Python asks for, which counts.

    Raises:
        ArgumentError: as of `gate`.
        StoreError: records cannot be read.
    """
    tables = [read_columns(policy.address_of(table)) for table in policy.columns]
    verdicts = judge(policy, store, replace(grouping, columns=(*tables, *grouping.columns)))
    verdicts.keep(store)
    return verdicts


def gate(
    out: str | Path,
    policy: str | Path,
    *,
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
) -> GateReport:
    """The verdict of each rule of a policy on what an output folder holds; nothing is evaluated.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        policy: a file, or its TOML text, of several lines. Baselines are looked for from the file's folder, those of a
            text from the working folder.
        columns, cluster, slices: as of `evaluate`; they count where the policy names others.

    Raises:
        ArgumentError: the policy is wrong, a rule matches nothing, or no picture has a column that is asked for;
            nothing is written then.
        DataError: the folder holds no records.
    """
    return GateReport.of(judge_grouped(policy_of(policy), Store.open(out), grouping_of(columns, cluster, slices)))

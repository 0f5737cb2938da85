"""The rules of a policy, judged on stored runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardiness.core.result import TextTable
from hardiness.report.format import as_text, terminal_table
from hardiness.report.gate import gate_view
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.results.gate import Gate, GateVerdict, judge
from hardiness.results.policy import policy_of
from hardiness.sources.files import shown
from hardiness.store.store import Store, surveyed


@dataclass(frozen=True, repr=False)
class GateReport(Gate):
    """The verdicts of a policy; prints as a table."""

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
        about how many images more decide with a chance of 80 %. ``condition`` says what of the benchmark the rule is
        on, and each key of it is a column too.

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
        "kind": rule.kind,
        "limit": rule.limit,
        "unit": verdict.unit,
        "outcome": verdict.outcome,
        "value": verdict.value,
        **ends_of(verdict.interval),
        "confidence": verdict.confidence,
        "family": verdict.family,
        "n": verdict.n,
        "more": verdict.more,
        "against": rule.against,
        "run": verdict.run.key if verdict.run else None,
        "baseline": verdict.baseline.key if verdict.baseline else None,
        "reason": verdict.reason and shown(verdict.reason),
    }


def gate(out: str | Path, policy: str | Path) -> GateReport:
    """The verdict of each rule of a policy on what an output folder holds; nothing is evaluated.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        policy: a file, or its TOML text, of several lines. Baselines are looked for from the file's folder, those of a
            text from the working folder.

    Raises:
        ArgumentError: the policy is wrong, or a rule matches nothing; nothing is written then.
        DataError: the folder holds no records.
    """
    rules = policy_of(policy)
    store = Store.open(out)
    with surveyed(store):
        verdicts = judge(rules, store)
        verdicts.keep(store)
    return GateReport(verdicts.verdicts, verdicts.undecided, verdicts.source, verdicts.remarks)

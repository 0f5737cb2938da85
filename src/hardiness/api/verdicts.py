"""Whether stored runs are good enough: the rules of a policy, judged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hardiness.report.format import as_text, terminal_table
from hardiness.report.gate import gate_view
from hardiness.results.gate import Gate, judge
from hardiness.results.policy import policy_of
from hardiness.store.store import Store, surveyed


@dataclass(frozen=True, repr=False)
class GateReport(Gate):
    """The verdicts of a policy; prints as a table."""

    def __repr__(self) -> str:
        return as_text(terminal_table(gate_view(self)))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return gate_view(self).html()


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
    asked = policy_of(policy)
    store = Store.open(out)
    with surveyed(store):
        found = judge(asked, store)
        found.keep(store)
    return GateReport(found.verdicts, found.undecided, found.source, found.remarks)

"""Scores of answers that Python holds: what an output folder gives, without one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hardiness import api
from hardiness.api.comparisons import Comparisons, compare_folder
from hardiness.api.verdicts import GateReport, judge_grouped
from hardiness.core.codes import Lack
from hardiness.core.columns import Grouping
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.result import PARTIAL, Result
from hardiness.report.results_file import results_form
from hardiness.report.stored_results import StoredResults
from hardiness.results.equivalence import EquivalenceMargin
from hardiness.results.folder import Folder
from hardiness.results.policy import policy_of
from hardiness.store.held import HeldStore

USUAL = (
    *("top1", "balanced_accuracy", "macro_f1", "nll", "ece", "auroc_two_classes"),
    *("mean_error", "clean_error", "error", "retained_accuracy", "mean_accuracy", "effective_robustness"),
)
"""The scores that are shown where nobody names others, of those that the answers have."""


class HeldScores(StoredResults):
    """The results of answers that Python holds; prints as tables, and `table` gives every score as a row.

    Args:
        store: the answers.
        grouping: their clusters and slices.
        metrics: names of the scores that are shown, those of `USUAL` as far as there are such; all if empty.
        level: of the intervals of `table`, in (0, 1).

    Raises:
        ArgumentError: no answer has a score of that name, no picture has a column that is asked for, or the level is
            none.
    """

    def __init__(self, store: HeldStore, grouping: Grouping, metrics: Sequence[str] = (), level: float = 0.95) -> None:
        if not 0 < level < 1:
            raise ArgumentError(f"level must be above 0 and below 1, as in 0.95, was {level!r}")
        self.level, self.everything = level, bool(metrics)
        self._store, self._grouping, self._metrics = store, grouping, tuple(metrics)
        self._folder = Folder.open(store, grouping=grouping)
        results = self._folder.results
        known = {score.metric.removesuffix(PARTIAL) for result in results for score in result.scores}
        for name in self._metrics:
            if name not in known and name not in USUAL:
                raise UnknownNameError("metric", name, known)
        super().__init__([self._shown(result) for result in results], self._folder.problems)

    def _shown(self, result: Result) -> Result:
        """A result with those scores that are shown, in the order in which they are named."""
        if not self._metrics:
            return result
        order = {name: place for place, name in enumerate(self._metrics)}
        scores = [score for score in result.scores if score.metric.removesuffix(PARTIAL) in order]
        if self._metrics == USUAL:  # of classes there is no log loss; whoever names it is told why
            scores = [score for score in scores if not score.lack or score.lack.code != Lack.OUTPUTS]
        slices = [each for each in result.slices if each.metric.removesuffix(PARTIAL) in order]
        scores.sort(key=lambda score: order[score.metric.removesuffix(PARTIAL)])
        return replace(result, scores=scores, slices=tuple(slices))

    def __str__(self) -> str:
        note = f"(intervals of 95 %; .table() has those of {100 * self.level:g} %)\n" if self.level != 0.95 else ""
        return super().__str__() + note

    def compare(self, *models: str, within: str | float | None = None) -> Comparisons:
        """Whether models differ: paired on the same pictures, with intervals; all models if none is named.

        Args:
            models: names of those to compare.
            within: a margin, as ``"0.5 %"`` or ``0.005``: every two models get a verdict of equivalence within it.

        Raises:
            ArgumentError: there are fewer than two models of that name, or the margin is none.
        """
        return compare_folder(self._folder, models, within=None if within is None else EquivalenceMargin.read(within))

    def slices(self, *columns: str) -> HeldScores:
        """The same scores by the values of columns too, as ``"site"``, ``"age:0-30,30-"`` or ``"site+age:0-30,30-"``.

        Raises:
            ArgumentError: the pictures have no such column.
        """
        grouping = replace(self._grouping, slices=tuple(dict.fromkeys((*self._grouping.slices, *columns))))
        return HeldScores(self._store, grouping, self._metrics, self.level)

    def gate(self, policy: str | Path) -> GateReport:
        """The verdict of each rule of a policy, which is a file or its TOML text of several lines.

        Raises:
            ArgumentError: the policy is wrong, or a rule matches nothing.
        """
        return GateReport.of(judge_grouped(policy_of(policy), self._store, self._grouping))

    def report(self, path: str | Path) -> str:
        """Write one page of the scores, their comparisons and the last gate; where it is.

        Raises:
            StoreError: it cannot be written.
        """
        return api.write_held(self._folder, list(self), path, f"hardiness: {self._store.address}")

    def to_json(self) -> str:
        """The results as the ``results.json`` of an output folder has them."""
        return json.dumps(results_form(list(self)), allow_nan=False)

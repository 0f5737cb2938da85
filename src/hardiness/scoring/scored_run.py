"""One stored run as its card sees it: image table and scores, computed once and kept beside its shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import Any

from hardiness.core import Counts, Failure, Finding, ImageTable, Score
from hardiness.scoring.card import Baseline, Card, Uninstalled
from hardiness.scoring.kept_table import KeptTable, cells_of
from hardiness.scoring.kept_values import KeptValues, digest_of
from hardiness.store import Stamps, StoredRun

SCORING = 3
"""Version of what all cards share (intervals, calibration); part of what kept scores are recognised by."""

DETAILS = 2
"""Version of what all cards share of their details."""

Scores = tuple[list[Score], list[Finding]]


class ScoredRun:
    """A stored run and what is known of it.

    What was kept is taken only where it is of the same shards (by name, size and time) and the same version of the
    card; what is missing is computed, and kept where the folder can be written.

    Args:
        stored: the run.
        card: that scores it.
        verify: read every row again, whatever was kept.
    """

    def __init__(self, stored: StoredRun, card: Card, verify: bool = False) -> None:
        self.stored, self.card = stored, card
        self.stamps: Stamps
        self.stamps, self._strangers = stored.contents()
        self._kept = KeptTable(stored, card, self.stamps, verify)
        self._values = KeptValues(stored, self.digest, trusted=isinstance(card, Uninstalled), anew=verify)
        self._table: ImageTable | None = None

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that change whenever a shard or the card does."""
        return digest_of(
            [SCORING, self.stored.run.benchmark.card, self.card.version, self.stamps, cells_of(self.stored)]
        )

    @property
    def table(self) -> ImageTable:
        """The image table: read where it was kept, else made of the rows, shard by shard; held until `release`."""
        if self._table is None:
            self._table = self._kept.made()
        return self._table

    def columns(self, *names: str) -> ImageTable:
        """The image table with ``right`` and these columns alone, of which no others are read where it was kept."""
        found = None if self._table is not None else self._kept.columns(names)
        return self.table if found is None else found

    def release(self) -> None:
        """Let go of the table, so that memory does not grow with the number of runs."""
        self._table = None

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What could not be evaluated."""
        return tuple(Failure(f["sample"], f["reason"], tuple(f["conditions"])) for f in self._facts["failures"])

    @property
    def damage(self) -> list[str]:
        """A line for each shard file that was left out because it is damaged."""
        return list(self._facts["damage"])

    @property
    def complaints(self) -> list[str]:
        """A line for each file beside the shards that is not what was written, or no file of ours."""
        return self.stored.complaints(self._strangers)

    @property
    def parts(self) -> tuple[str, ...]:
        """Keys of the runs that its rows are of, where they are of several."""
        return ()

    def sessions(self) -> list[Any]:
        """How its rows were computed."""
        return list(self.stored.measured())

    def counts(self) -> Counts:
        """How much of the whole benchmark stands behind the scores."""
        whole = self.stored.plan.whole
        evaluated = {int(cell): n for cell, n in self._facts["evaluated"].items()}
        return Counts(
            expected=self.stored.run.data.samples * len(whole),
            evaluated=sum(evaluated.get(cell, 0) for cell in whole),
            failed=sum(len(failure["conditions"]) for failure in self._facts["failures"]),
            images=self._facts["images"],
        )

    @property
    def rows(self) -> int:
        """How many image-cells were evaluated, whatever is needed for a whole."""
        return sum(self._facts["evaluated"].values())

    def scores(self, baseline: Baseline | None) -> Scores:
        """Scores and findings against a baseline; none where nothing was evaluated."""
        if not self._facts["images"]:
            return [], []

        def compute() -> dict[str, Any]:
            scores = self.card.scores(self.table, self.stored.run, baseline)
            findings = self.card.findings(self.table, scores, self.stored.run)
            return {"scores": [s.as_dict() for s in scores], "findings": [f.as_dict() for f in findings]}

        found = self.remember(f"scores {digest_of(baseline)}", "", compute)
        return [Score.from_dict(each) for each in found["scores"]], [Finding(**each) for each in found["findings"]]

    def details(self) -> dict[str, Any]:
        """What a page shows beyond scores; nothing where nothing was evaluated."""
        if not self._facts["images"]:
            return {}
        found = self.remember("details", str(DETAILS), lambda: self.card.details(self.table, self.stored.run))
        return dict(found)

    def remember(self, name: str, of: str, compute: Callable[[], Any]) -> Any:
        """A JSON value that follows from this run's table and from what ``of`` is the digest of, computed once."""
        return self._values.value(name, of, compute)

    def remembered(self, name: str) -> Any:
        """What was last kept under that name; ``None`` where nothing was."""
        return self._values.last(name)

    def save(self) -> None:
        """Keep what was computed, where the folder can be written."""
        self._values.save()

    @property
    def _facts(self) -> dict[str, Any]:
        """Counts and failures, so that the table need not be read for them."""

        def compute() -> dict[str, Any]:
            table = self.table
            return {
                "images": len(table),
                "evaluated": {str(cell): n for cell, n in table.counts().items()},
                "failures": [asdict(failure) for failure in table.failures],
                "damage": self.stored.damage,
            }

        found: dict[str, Any] = self.remember("facts", "", compute)
        return found

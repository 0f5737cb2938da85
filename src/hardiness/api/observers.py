"""How like people the models of an output folder err, from the command and from Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hardiness import benchmarks
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Score
from hardiness.data.trials import read_set_trials, read_trials
from hardiness.report.format import as_text
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.report.terminal import consistency_by_set_table, consistency_tables, human_likeness_table
from hardiness.results.error_consistency import Comparison, consistency
from hardiness.results.folder import Folder
from hardiness.results.likeness import MEASURES, PEOPLE, Likeness, human_likeness
from hardiness.sources.files import shown


@dataclass(frozen=True, repr=False)
class PeopleReport:
    """Models beside people; prints as tables.

    Attributes:
        consistency: the error consistency of every two observers on cue conflicts; empty without such runs.
        likeness: how like people each model errs on model-vs-human, the most human-like first; empty without such runs.
    """

    consistency: tuple[Comparison, ...] = ()
    likeness: tuple[Likeness, ...] = ()

    def __repr__(self) -> str:
        return as_text(self.tables())

    def tables(self, everything: bool = False) -> Iterator[Table]:
        """The tables for a terminal.

        Args:
            everything: each person, not only the mean over them, and each set of stimuli.
        """
        yield from consistency_tables(self.consistency, everything)
        if self.likeness:
            yield human_likeness_table(self.likeness)
            if everything:
                yield consistency_by_set_table(self.likeness)

    @property
    def hidden(self) -> int:
        """How many single pairs the tables leave out, of which they show the mean."""
        return sum(pair.detail for pair in self.consistency)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {"consistency": list(self.consistency), "human_likeness": list(self.likeness)}

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a number of two observers: ``measure`` says which, ``low`` and ``high`` bound its interval.

        ``n`` is the number of stimuli that it rests on. On cue conflicts the measures are ``agreement``, ``expected``
        (by chance) and ``kappa``; ``detail`` is true of a single pair of which another row is the mean. On
        model-vs-human, where ``second`` is people, they are ``ood_accuracy``, ``accuracy_difference``,
        ``observed_consistency``, ``error_consistency`` and ``mean_rank`` over all sets, and ``error_consistency`` on
        each set, which ``set`` names.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        rows = [row for pair in self.consistency for row in _consistency_rows(pair)]
        rows += [row for each in self.likeness for row in _likeness_rows(each)]
        return table_of(((row, Condition()) for row in rows), form, integers=("n",))


def _row(names: tuple[str, str, str], measure: str, score: Score, detail: bool = False) -> dict[str, Any]:
    where, first, second = names
    return {
        "set": shown(where),
        "first": shown(first),
        "second": shown(second),
        "measure": measure,
        "value": score.value,
        **ends_of(score.interval),
        "n": score.n,
        "detail": detail,
    }


def _consistency_rows(pair: Comparison) -> Iterator[dict[str, Any]]:
    numbers = pair.consistency
    for measure in ("agreement", "expected", "kappa"):
        names = (pair.data, pair.first, pair.second)
        yield _row(names, measure, getattr(numbers, measure), pair.detail)


def _likeness_rows(each: Likeness) -> Iterator[dict[str, Any]]:
    for measure in ("ood_accuracy", *MEASURES):
        yield _row(("", each.name, PEOPLE), measure, getattr(each, measure))
    if each.mean_rank is not None:
        rank = Score("mean_rank", each.mean_rank, "place", each.error_consistency.n, higher_is_better=False)
        yield _row(("", each.name, PEOPLE), "mean_rank", rank)
    for name, score in each.sets.items():
        yield _row((name, each.name, PEOPLE), "error_consistency", score)


def people(
    out: str | Path, humans: str | Path | Sequence[str | Path] = (), *, protocol: str = "geirhos2019"
) -> PeopleReport:
    """How like people the models of an output folder err; nothing is evaluated.

    On cue conflicts Cohen's kappa of every two models and, with their answers, people; on model-vs-human its four
    numbers and the mean rank of three.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        humans: people's answers, trial by trial, as model-vs-human publishes them: csv files, or for runs of
            model-vs-human the folder of a folder of csv files for each set.
        protocol: how an answer to a cue conflict is read.

    Raises:
        ArgumentError: no run is one that people answered too, or their answers lack, cannot be read, or are to others.
        DataError: the folder holds no records.
    """
    files = [Path(humans)] if isinstance(humans, str | Path) else [Path(each) for each in humans]
    folder = Folder.open(out)
    kinds = {run.card.people for run in folder.alone}
    if not any(kinds):
        cards = ((name, benchmarks.cards.find(benchmarks.registry.get(name).card)) for name in benchmarks.registry)
        names = " or ".join(name for name, card in cards if card and card.people)
        raise ArgumentError(f"{out} holds no run of {names}, on which people were asked too")
    pairs: Sequence[Comparison] = ()
    if "kappa" in kinds:
        pairs = consistency(folder, read_trials(files), protocol)
    if "likeness" in kinds and not files:
        raise ArgumentError("--humans is needed for runs of model-vs-human: a folder of csv files for each set")
    likeness = human_likeness(folder, read_set_trials(files[0])) if "likeness" in kinds else []
    return PeopleReport(tuple(pairs), tuple(likeness))

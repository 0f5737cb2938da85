"""The paper's sentences, judged on the models of output folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.core.condition import Condition
from hardiness.core.errors import UnknownNameError
from hardiness.core.result import Result, TextTable
from hardiness.models.catalogue import registry
from hardiness.report.format import as_text, terminal_table
from hardiness.report.tables import Form, table_of
from hardiness.results.claims.claim import (
    ClaimVerdicts,
    Models,
    from_results,
    judge_claims,
    published_models,
)
from hardiness.results.folder import Folder


@dataclass(frozen=True, repr=False)
class ClaimReport(ClaimVerdicts):
    """The verdicts on every claim; prints as a table."""

    def __repr__(self) -> str:
        return as_text(terminal_table(self.view()))

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a claim: its name and sentence, the verdict, its two-sided p, and what it rests on.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        rows = (
            (
                {
                    "claim": claim.name,
                    "sentence": claim.sentence,
                    "verdict": judgement.verdict,
                    "p": judgement.p,
                    "because": judgement.reason or "; ".join(contrast.name for contrast in judgement.contrasts),
                },
                Condition(),
            )
            for claim, judgement in self.claims
        )
        return table_of(rows, form)


def claims(out: str | Path, *family: str, reference: str | None = None) -> ClaimReport:
    """Whether the paper's sentences hold for the models of an output folder.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations.
        family: models of one recipe, smallest first; all but the reference if none is given, by how many parameters
            they have, or by name (``8x`` before ``16x``) where that is not known of each.
        reference: the model that they are compared with.

    Raises:
        UnknownNameError: a model was not run.
        DataError: the folder holds no records.
    """
    folder = Folder.open(out)
    verdicts = judge_claims(_models(folder, family, reference).paired(folder))
    return ClaimReport(verdicts.models, verdicts.claims)


def claims_table(folder: Folder) -> TextTable | None:
    """The verdicts of `claims_of` as a table; ``None`` where no sentence can be told on these models."""
    verdicts = claims_of(folder)
    return verdicts.view() if verdicts and verdicts.are_told else None


def claims_of(folder: Folder) -> ClaimVerdicts | None:
    """The paper's sentences judged on all models of one or more folders; ``None`` where there is no model.

    A name under which folders hold different weights is left out: which of the models is meant cannot be told. Nothing
    is judged on a person's own classes, of which the paper says nothing.
    """
    results = folder.results
    weights: dict[str, set[str]] = {}
    chat = dict.fromkeys(each.name for each in results if each.run.model.mark)
    for result in (each for each in results if not each.run.data.classes and not each.run.model.mark):
        weights.setdefault(result.run.model.name, set()).add(result.run.model.weights_sha256)
    family = [name for name, hashes in weights.items() if len(hashes) == 1]
    if not family:
        return None
    verdicts = judge_claims(models := _by_size(results, family, None))
    if verdicts.rest_on_numbers:  # else nothing is read off the images
        verdicts = judge_claims(models.paired(folder))
    unclear = sorted(weights.keys() - set(family))
    left_out = [f"{name} is left out: runs of that name have different weights" for name in unclear]
    left_out += [f"{name} is left out: the paper speaks of networks, whose weights are known" for name in chat]
    return replace(verdicts, notes=tuple(left_out))


def published_claims() -> ClaimReport:
    """Whether the paper's sentences hold for its own five models, by their published numbers."""
    verdicts = judge_claims(published_models())
    return ClaimReport(verdicts.models, verdicts.claims)


def _models(folder: Folder, family: Sequence[str], reference: str | None) -> Models:
    results = folder.results
    names = list(dict.fromkeys(result.model for result in results))
    for name in (*family, *((reference,) if reference else ())):
        if name not in names:
            raise UnknownNameError(f"model in {folder.address}", name, names)
    if family:
        return replace(from_results(results, family, reference), parameters=_parameters(results))
    chat = {result.model for result in results if result.run.model.mark}  # of which the paper says nothing
    return _by_size(results, [name for name in names if name != reference and name not in chat], reference)


def _by_size(results: Sequence[Result], names: Sequence[str], reference: str | None) -> Models:
    """The models, those with the fewest parameters first; by name where that is not counts of each."""
    counts = _parameters(results)
    by_parameters = all(name in counts for name in names)
    family = sorted(names, key=lambda name: (counts[name] if by_parameters else 0, _natural(name)))
    models = from_results(results, family, reference)
    return replace(models, order="parameters" if by_parameters else "name", parameters=counts)


def _parameters(results: Sequence[Result]) -> dict[str, int]:
    """How many parameters models have, as was stored with their runs, or as the catalogue has it; none is loaded."""
    counts: dict[str, set[int]] = {}
    for result in results:
        stored = {count for each in result.measured.get("sessions", ()) if (count := each.get("parameters"))}
        if not stored and (spec := registry.find(result.model)) and (count := spec.source.parameters):
            stored = {count}
        counts.setdefault(result.model, set()).update(stored)
    return {model: next(iter(each)) for model, each in counts.items() if len(each) == 1}


def _natural(name: str) -> list[tuple[str, int]]:
    """Names by their letters, then by their numbers as numbers."""
    return [(letters, int(number or 0)) for letters, number in re.findall(r"(\D*)(\d*)", name)]
